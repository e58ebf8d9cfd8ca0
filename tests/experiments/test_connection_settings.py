"""Settings of compartments that sum several connections: files, runs, sweeps, pictures."""

import json

import numpy as np
import pytest

import infosim
from infosim.experiments import Experiment, picture, run, search, train
from infosim.experiments.identity import alike
from infosim.experiments.resolve import resolve
from infosim.network import Compartment, Connection, Sparse

FORWARD = "layers.output.compartments.F.connections"
LATERAL = "layers.hidden.compartments.L"
SETTINGS = [
    "layers.hidden.size=6", "training.batch=300", "training.epochs=2", "network.steps=3",
    f"{FORWARD}={{hidden={{}}, image={{}}}}",
    f"{LATERAL}.connections.own={{source='hidden', connectivity='sparse(2)', delay=1}}",
    f"{LATERAL}.connections.output.delay=1",
]  # fmt: skip


def compartments(settings, layer="hidden"):
    experiment = Experiment.load("demo/digits", settings)
    network = experiment.network(infosim.load("digits"))
    return {one.name: one for one in network.layer(layer).compartments}


def test_tables_of_connections_are_laid_over_each_other():
    found = compartments(SETTINGS)["L"]
    own = Connection("hidden", "sparse(2)", delay=1)
    assert found == Compartment("L", connections=[own, Connection("output", delay=1)])
    more = [f"{LATERAL}.connections.own.connectivity='sparse(3)'", f"{LATERAL}.bias=false"]
    found = compartments([*SETTINGS, *more])["L"]
    assert found.connections[0].connectivity == Sparse(3)
    assert not found.bias


def test_one_form_takes_the_place_of_the_other():
    """The preset's settings of L are of a connection that is no longer there."""
    found = compartments([f"{LATERAL}.bias=false", f"{LATERAL}.connections.output.delay=1"])["L"]
    assert found == Compartment("L", "output", delay=1, bias=False)
    found = compartments([*SETTINGS, f"{LATERAL}.source=hidden", f"{LATERAL}.delay=1"])["L"]
    assert found == Compartment("L", "hidden", delay=1)


def test_files_extend_files(tmp_path):
    (tmp_path / "base.toml").write_text(
        "extends = 'demo/digits'\n[layers.output.compartments.F.connections]\n"
        "hidden = {}\nimage = { trainable = false }\n"
    )
    (tmp_path / "more.toml").write_text(
        "extends = 'base.toml'\n[layers.output.compartments.F.connections.image]\nweight = 0\n"
    )
    table = Experiment.load(tmp_path / "more.toml").config["layers"]["output"]["compartments"]["F"]
    assert table == {
        "bias": True,
        "connections": {
            "hidden": {"source": "hidden", "connectivity": "dense", "delay": 0, "trainable": True},
            "image": {
                "source": "image", "connectivity": "dense", "delay": 0, "trainable": False,
                "weight": 0.0,
            },
        },
    }  # fmt: skip


def test_a_key_is_of_what_connections_are_and_not_of_their_tables_names():
    key = Experiment.load("demo/digits", SETTINGS).key
    renamed = [one.replace("connections.own", "connections.mine") for one in SETTINGS]
    assert Experiment.load("demo/digits", renamed).key == key
    same = f"{LATERAL}.connections.own.trainable=true"
    assert Experiment.load("demo/digits", [*SETTINGS, same]).key == key
    others = (
        f"{LATERAL}.connections.own.trainable=false",
        f"{LATERAL}.connections.image={{}}",
        f"{FORWARD}.image.weight=0",
    )
    keys = {Experiment.load("demo/digits", [*SETTINGS, other]).key for other in others}
    assert len(keys | {key}) == 4
    swapped = [*SETTINGS[:4], f"{FORWARD}={{image={{}}, hidden={{}}}}", *SETTINGS[5:]]
    assert Experiment.load("demo/digits", swapped).key != key


def test_only_initial_weights_may_differ_in_a_stack():
    def form(*settings):
        return alike(Experiment.load("demo/digits", [*SETTINGS, *settings]).config)

    assert form(f"{FORWARD}.image.weight=0") == form()
    assert form(f"{FORWARD}.image.trainable=false") != form()
    assert "weight" in json.dumps(
        Experiment.load("demo/digits", [*SETTINGS, f"{FORWARD}.image.weight=0"]).config
    )


def test_a_layer_learns_by_any_connection():
    frozen = [f"layers.hidden.compartments.{one}.trainable=false" for one in "FC"]
    some = [f"{LATERAL}.connections={{hidden={{delay=1, trainable=false}}, output={{delay=1}}}}"]
    experiment = Experiment.load("demo/digits", [*frozen, *some])
    assert search.layer_of(experiment, "hidden") == "hidden"
    none = f"{LATERAL}.connections.output.trainable=false"
    with pytest.raises(infosim.ConfigError, match="none of its compartments is trainable"):
        search.layer_of(Experiment.load("demo/digits", [*frozen, *some, none]), "hidden")


def test_an_input_that_one_of_several_reads_is_read():
    more = ["network.inputs.more=images"]
    with pytest.raises(infosim.ConfigError, match="more: no compartment reads it"):
        Experiment.load("demo/digits", more)
    for source in (f"{FORWARD}={{hidden={{}}, more={{}}}}",
                   f"{FORWARD}={{hidden={{}}, other={{source='more'}}}}"):  # fmt: skip
        Experiment.load("demo/digits", [*more, source])


def test_a_run_is_continued_read_back_and_drawn(tmp_path):
    whole = Experiment.load("demo/digits", SETTINGS)
    short = Experiment.load("demo/digits", [*SETTINGS, "training.epochs=1"])
    expected = infosim.load_run(train(whole, tmp_path / "whole"))
    parts = [tmp_path / "parts"]
    run.train_together([short], parts, summary=False)
    run.train_together([whole], parts, summary=False, resume=True)
    found = infosim.load_run(*parts)
    assert found.weights.keys() == expected.weights.keys()
    for name, array in expected.weights.items():
        np.testing.assert_array_equal(found.weights[name], array, err_msg=name)
    assert {"output/F/image/weights", "hidden/L/hidden/index"} <= found.weights.keys()
    assert resolve(found.config) == whole.config
    assert (tmp_path / "whole" / "summary.png").stat().st_size > 10_000

    fields = picture._fields(found.config, found.weights, found.path)
    assert {name: one.shape for name, one in fields.items()} == {
        "hidden": (6, 64), "output": (10, 64),
    }  # fmt: skip
    np.testing.assert_array_equal(fields["output"], expected.weights["output/F/image/weights"])
    more = [f"{LATERAL}.connections.image={{}}", f"{FORWARD}.other={{source='label'}}"]
    wider = Experiment.load("demo/digits", [*SETTINGS, *more])
    net = infosim.Simulator(wider.network(infosim.load("digits")), threads=1)
    fields = picture._fields(wider.config, net.arrays(), tmp_path)
    assert list(fields) == ["hidden/F", "hidden/L/image", "output"]
