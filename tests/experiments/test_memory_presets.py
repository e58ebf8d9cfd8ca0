"""Presets of associative memories: what follows the data, and what they are made of."""

import numpy as np
import pytest

from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.experiments import Experiment, preset_names

NAMES = [one for one in preset_names() if one.startswith("memory/")]
PUBLISHED = [one for one in NAMES if Experiment.load(one).config["layers"]["memory"]["goal"]]


@pytest.mark.parametrize("name", PUBLISHED)
def test_memories_of_the_paper(name):
    one = Experiment.load(name)
    data, layer = one.dataset(), one.config["layers"]["memory"]
    net = Simulator(one.network(data), threads=1)
    lateral, bit = (np.array(net["memory"][c].weights) for c in "CR")
    assert data.train_x.shape == (160, 100)
    assert (one.config["training"]["batch"], one.config["training"]["epochs"]) == (160, 5000)
    assert set(np.unique(bit)) == {np.float32(2.3)}
    assert [c.spec.name for c in net["memory"].compartments if c.trained] == ["C"]
    assert abs(lateral).max() == pytest.approx(1e-4, rel=0.02)  # 0.001 / sqrt(100), all but self
    assert (np.diag(lateral) == 0).all()
    assert layer["binning"]["bins"] == [2, 60]
    assert layer["binning"]["kind"] == ("normalised" if name.endswith("-hard") else "soft")
    assert layer["optimizer"]["rate"] == 0.05


def test_size_load_and_batch_are_one_setting_each():
    for settings, size, patterns in (
        (["data.options.units=40"], 40, 64), (["data.options.load=1.2"], 100, 120),
        (["data.options.patterns=7"], 100, 7), (["data.options={units=30, load=0.5}"], 30, 15),
        (["training.batch=20"], 100, 160),
    ):  # fmt: skip
        one = Experiment.load("memory/redundancy", settings)
        assert one.config["layers"]["memory"]["size"] == size
        assert one.config["data"]["options"]["patterns"] == patterns
        batch = 20 if "batch" in settings[0] else patterns
        assert one.config["training"]["batch"] == batch
        assert one.network(one.dataset()).size("pattern") == size
    same = [Experiment.load("memory/redundancy", [f"data.options.{one}"]).key
            for one in ("load=1.2", "patterns=120")]  # fmt: skip
    assert same[0] == same[1]
    given = ["data.options.load=1.2", "data.options.patterns=120"]
    with pytest.raises(ConfigError, match=r"data\.options\.patterns say the same; give one of"):
        Experiment.load("memory/redundancy", given)


def test_a_batch_of_all_leaves_out_what_is_held_out():
    one = Experiment.load("demo/digits", ["training.batch=all", "data.validation=0.25"])
    data = one.dataset()
    assert one.config["training"]["batch"] == len(one.samples(data)[0])
    assert Experiment.load("demo/digits", ["layers.hidden.size=pixels"]).network(data).size(
        "hidden"
    ) == data.train_x.shape[1]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("training.batch=some", "training.batch must be 'all' or an integer, was 'some'"),
        (
            "layers.memory.size=bits",
            "layers.memory.size must be 'classes' or 'pixels' or an integer",
        ),
        ("layers.memory.compartments.C.scale=-1", "scale must be a number in [0, 1e+06], was -1.0"),
        (
            "layers.memory.compartments.R.scale=2",
            "scale is of weights that are drawn, but all begin",
        ),
        ("data.options.load=1e9", "option load must be a number from 0 to 1000, was 1000000000.0"),
    ],
)
def test_what_cannot_be(settings, message):
    def network():
        one = Experiment.load("memory/redundancy", [settings])
        return one.network(one.dataset())

    with pytest.raises(ConfigError) as problem:
        network()
    assert message in str(problem.value)
