"""Runs on generated data, without readout: memories and bars, as one mechanism with the others."""

import csv
import json

import numpy as np
import pytest

import infosim
from infosim.cli import main
from infosim.engine import Simulator, Training
from infosim.errors import ConfigError
from infosim.experiments import Experiment, directory, encoded, examination, store, train
from infosim.experiments.run import train_together
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.machine.randomness import Purpose

MEMORY = ("data.options={units=30, patterns=6}", "layers.memory.size=30", "training.batch=6")
BARS = (
    "data.options={size=4, train=1000, test=300}", "layers.hidden.size=4", "training.batch=300",
)  # fmt: skip
SMALL = {
    "pnas/memory-heuristic": (*MEMORY, "training.epochs=20"),
    "pnas/bars": (*BARS, "training.epochs=6"),
}


def small(name, *settings):
    return Experiment.load(name, [*SMALL[name], *settings])


def errors(out):
    with open(out / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return {k: np.array([float(row[k]) for row in rows]) for k in rows[0] if k.endswith("error")}


@pytest.fixture(scope="module", params=SMALL)
def finished(request, tmp_path_factory):
    """A preset's name and an undisturbed run of a small form of it."""
    out = tmp_path_factory.mktemp("run") / "run"
    return request.param, train(small(request.param), out, threads=1)


def test_errors_are_in_every_file_that_tells_them(finished):
    name, out = finished
    found, result = errors(out), json.loads((out / "result.json").read_text())
    assert np.isnan(found["train_error"]).all()
    assert result["train_error"] is None
    for key in ("val_error", "test_error"):
        assert result[key] == found[key][-1]
        assert np.isfinite(found[key]).all()
    assert found["test_error"][0] > 0.3
    if name == "pnas/memory-heuristic":
        assert found["test_error"][-1] < 0.05
        assert found["val_error"][-1] < 0.15
    names = {path.name for path in out.iterdir()}
    other = {directory.CHECKPOINTS[1], encoded.ENCODING, examination.FILE}
    # saved twice; on data of one's own; once it was examined
    assert names | other == {*directory.FILES, ".lock"}
    assert (out / "summary.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(name, threads, tmp_path):
    whole = train(small(name), tmp_path / "whole", threads=1)
    out = train(small(name, "training.epochs=2"), tmp_path / "resumed", threads=threads)
    train(small(name), out, threads=threads, resume=True)
    for file in ("weights.npz", "atoms.npz"):
        one, other = (store.read_arrays(folder / file) for folder in (whole, out))
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key])
    np.testing.assert_equal(errors(whole), errors(out))


def test_another_option_is_another_configuration(finished):
    name, out = finished
    key = {"pnas/bars": "probability", "pnas/memory-heuristic": "noise"}[name]
    with pytest.raises(infosim.CheckpointError, match=rf"data\.options\.{key} was"):
        train(small(name, f"data.options.{key}=0.25"), out, resume=True)


def test_a_trained_network_can_be_looked_into_again(tmp_path):
    """Its data are made anew from the seed in its config."""
    experiment = small("pnas/memory-heuristic", "training.seed=3")
    results = infosim.load_run(train(experiment, tmp_path / "run", threads=1))
    again = Experiment("again", results.config)
    data = again.dataset()
    _, validation, _ = again.samples(data)
    found = again.error(data)(results.simulator(), validation, purpose=Purpose.VALIDATION)
    assert found[0] == results.metrics["val_error"][-1]
    assert not np.array_equal(data.train_x, small("pnas/memory-heuristic").dataset().train_x)


# -- samples ---------------------------------------------------------------------------------------


def test_what_a_memory_is_shown():
    experiment = small("pnas/memory-heuristic")
    data = experiment.dataset()
    for part, state in zip(
        experiment.samples(data), (data.train_x, data.cues, data.test_x), strict=True
    ):
        assert part.scaling == {}
        assert part.arrays["pattern"] is data.train_x or part.arrays["pattern"] is data.test_x
        np.testing.assert_array_equal(part.arrays["memory"], state)
    with pytest.raises(ConfigError, match=r"data\.validation must be 0, was 0\.2"):
        small("pnas/memory-heuristic", "data.validation=0.2").samples(data)


def test_signed_labels_are_plus_and_minus_one_and_silent_at_evaluation():
    settings = ["data.name=digits", "training.batch=100", "network.inputs.label=signed-labels"]
    experiment = Experiment.load("iclr/readout", settings)
    data = experiment.dataset()
    net = Simulator(experiment.network(data), threads=1)
    train_samples, _, test = experiment.samples(data)
    inputs, _ = net.batch(train_samples, np.arange(7))
    labels = train_samples.labels("label")[:7]
    own = labels == np.arange(10)[:, None]
    np.testing.assert_array_equal(inputs["label"][0], np.where(own, 1, -1))
    assert inputs["label"].dtype == np.float32
    net.present(*net.batch(train_samples, np.arange(7)))
    net.run()
    assert set(np.unique(net["output"].potentials[1])) == {-1, 1}
    net.predict(test, batch=100)
    np.testing.assert_array_equal(net["output"].potentials[1], 0)


def test_images_are_scaled_only_if_asked_for():
    for scaling, expected in (("none", [0, 16]), ("standard", None)):
        experiment = Experiment.load("demo/digits", [f"data.scaling={scaling}"])
        data = experiment.dataset()
        net = Simulator(experiment.network(data), threads=1)
        x = net.batch(experiment.samples(data)[0], np.arange(1000))[0]["image"]
        if expected:
            assert [x.min(), x.max()] == expected
        else:
            assert x.mean() == pytest.approx(0, abs=0.05)


# -- keys ------------------------------------------------------------------------------------------


def test_new_settings_are_in_a_key_only_where_they_are_no_defaults():
    digits = Experiment.load("demo/digits")
    for same in ("data.scaling=standard", "data.options={}", "network.clamped={}"):
        assert Experiment.load("demo/digits", [same]).key == digits.key
    for other in ("data.scaling=none", "network.clamped={hidden='images'}",
                  "network.inputs.label=signed-labels"):  # fmt: skip
        assert Experiment.load("demo/digits", [other]).key != digits.key
    bars = Experiment.load("pnas/bars")
    assert bars.key == Experiment.load("pnas/bars", ["data.options.vertical=false"]).key
    assert bars.key != Experiment.load("pnas/bars", ["data.options.vertical=true"]).key
    assert "probability" in bars.config["data"]["options"]  # the config says all


def test_another_data_set_does_not_inherit_options():
    assert Experiment.load("pnas/memory-heuristic", ["data.name=digits"]).config["data"] == {
        "name": "digits", "validation": 0.0, "options": {}, "scaling": "none",
    }  # fmt: skip
    options = "data.options.vertical=true", "data.name=bars"
    for settings in (options, options[::-1]):  # but those given with it are, in any order
        changed = Experiment.load("pnas/memory-heuristic", settings).config["data"]["options"]
        assert changed["vertical"]


# -- several at once -------------------------------------------------------------------------------


def test_runs_whose_data_differ_are_not_trained_together_but_swept_one_by_one(tmp_path):
    pair = [small("pnas/memory-heuristic", f"training.seed={seed}") for seed in (0, 1)]
    with pytest.raises(ConfigError, match="but patterns is made from the seed: 0 and 1"):
        train_together(pair, [tmp_path / "a", tmp_path / "b"])
    settings = "\n".join(f"[[runs]]\ntraining.seed = {seed}" for seed in (0, 1))
    lines = [one.split("=", 1) for one in SMALL["pnas/memory-heuristic"]]
    fixed = "\n".join(f"{key} = {value}" for key, value in lines)
    (tmp_path / "two.toml").write_text(
        f"preset = 'pnas/memory-heuristic'\n{settings}\n[set]\n{fixed}\n"
    )
    sweep = Sweep.load(tmp_path / "two.toml")
    found = run_sweep(sweep, tmp_path / "sweep", stack=2, threads=1)
    assert (len(found.done), found.failed) == (2, {})
    for one in pair:
        alone = train(one, tmp_path / one.key, threads=1)
        np.testing.assert_equal(errors(alone), errors(tmp_path / "sweep" / "runs" / one.key))


def test_goals_on_the_same_data_are_trained_together(tmp_path):
    pair = [small("pnas/memory-heuristic", f"layers.memory.goal={g}") for g in ("{R}{C}", "{R}")]
    outs = [tmp_path / "a", tmp_path / "b"]
    train_together(pair, outs, threads=1)
    for one, out in zip(pair, outs, strict=True):
        np.testing.assert_equal(errors(train(one, tmp_path / one.key, threads=1)), errors(out))
        assert (out / "summary.png").exists()


# -- the search for goals --------------------------------------------------------------------------


def test_the_goal_of_a_memory_is_searched_by_recall_from_cues(tmp_path):
    pytest.importorskip("optuna", reason="needs Optuna: pip install 'infosim[optimize]'")
    from infosim.experiments.optimize import optimize

    experiment = small("pnas/memory-heuristic", "training.epochs=5")
    found = optimize(experiment, tmp_path / "study", trials=3, threads=1)
    data, settings = experiment.dataset(), experiment.config["training"]
    samples, validation, _ = experiment.samples(data)
    training = Training(
        Simulator(experiment.network(data), seed=0, threads=1), samples, batch=settings["batch"],
        validation=validation, error=experiment.error(data),
    )  # fmt: skip
    while len(training.history) <= 5:
        training.advance()
    assert found.start == training.history.val_error[-1]
    assert found.value <= found.start
    best = Experiment.load(str(tmp_path / "study" / "best.toml"))
    assert best.config["data"] == experiment.config["data"]
    with pytest.raises(ConfigError, match="train_error needs a network with a readout"):
        optimize(experiment, tmp_path / "other", metric="train_error")
    unmeasured = small("pnas/bars", "data.name=patches", "data.options={train=600, test=10}")
    with pytest.raises(ConfigError, match="val_error needs a network with a readout layer"):
        optimize(unmeasured, tmp_path / "other")
    nothing_held_out = small("pnas/bars", "data.validation=0")
    with pytest.raises(ConfigError, match="val_error needs samples held out"):
        optimize(nothing_held_out, tmp_path / "other")


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("pnas/memory-heuristic", ["training.epochs=2"]),
        ("pnas/bars", ["training.epochs=1"]),
        ("pnas/patches", ["training.epochs=1"]),
    ],
)
def test_command(name, settings, capsys, tmp_path):
    options = [word for one in settings for word in ("--set", one)]
    with pytest.raises(SystemExit) as stop:
        main(["train", name, *options, "--threads", "1", "--out", str(tmp_path / "run")])
    out = capsys.readouterr().out
    assert stop.value.code == 0
    errors = {"pnas/memory-heuristic": ("noisy cues", "recall"), "pnas/bars": ("val", "test")}
    for what in errors.get(name, ()):
        assert f"{what} " in out
    assert ("error: " in out) == (name in errors)
    assert "train" not in out.split("results in")[0]
    assert (tmp_path / "run" / "summary.png").exists()
