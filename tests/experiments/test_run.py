"""Run directories: complete, atomic, resumable to the same bits."""

import copy
import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tomllib

import numpy as np
import pytest
from torture import SETTINGS, same_results

import infosim
from infosim.errors import CheckpointError, ConfigError, InfosimWarning
from infosim.experiments import (
    Experiment,
    Interrupted,
    directory,
    encoded,
    environment,
    examination,
    run,
    store,
    train,
)
from infosim.machine.layer import LayerState
from infosim.machine.randomness import Purpose


@pytest.fixture(scope="module")
def experiment():
    return Experiment.load("demo/digits", SETTINGS)


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """An undisturbed run."""
    return train(experiment, tmp_path_factory.mktemp("finished") / "run")


def plainly(experiment, out, **options):
    """Train without the picture, which takes longer than all the rest."""
    run.train_together([experiment], [out], summary=False, **options)
    return out


def weights(directory):
    return store.read_arrays(directory / "weights.npz")


def test_directory_holds_everything(finished):
    names = {path.name for path in finished.iterdir()}
    # saved twice; on data of one's own; once it was examined
    other = {directory.CHECKPOINTS[1], encoded.ENCODING, examination.FILE}
    assert names - other == {*directory.FILES, ".lock"} - other


def test_metrics(finished):
    with open(finished / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch", "train_error", "val_error", "test_error", "mean_goal_hidden", "mean_goal_output",
        "seconds",
    ]  # fmt: skip
    assert [int(row["epoch"]) for row in rows] == list(range(13))
    assert float(rows[0]["test_error"]) > 0.7
    assert float(rows[-1]["train_error"]) < 0.3


def test_atoms(finished):
    atoms = store.read_arrays(finished / "atoms.npz")
    assert atoms["hidden"].shape == (13, 40, 19)
    assert atoms["output"].shape == (13, 10, 5)
    assert list(atoms["output/labels"]) == ["{F}{C}", "{F}", "{C}", "{FC}", "H_res"]
    with open(finished / "metrics.csv", newline="") as file:
        goal = float(list(csv.DictReader(file))[-1]["mean_goal_output"])
    gamma = [1.0, -0.2, 0.1, 0.1, 0.0]
    assert goal == pytest.approx((atoms["output"][-1] @ gamma).mean(), rel=1e-12)


def test_config_is_resolved_and_reproduces_the_run(finished, tmp_path):
    config = tomllib.loads((finished / "config.toml").read_text())
    assert config["training"]["record_every"] == 1
    assert config["layers"]["hidden"]["optimizer"]["epsilon"] == 1e-8
    assert "0.9780761799548087 {F}{C}" in config["layers"]["hidden"]["goal"]
    again = train(Experiment.load(str(finished / "config.toml")), tmp_path / "again")
    same_results(finished, again)


def test_environment(finished):
    recorded = json.loads((finished / "environment.json").read_text())
    assert recorded["seed"] == 0
    assert recorded["packages"]["numpy"] == np.__version__
    assert recorded["threads"] >= 1


def test_summary_is_a_picture(finished):
    assert (finished / "summary.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("threads", [1, 3])
def test_same_bits_on_any_number_of_threads(experiment, finished, threads, tmp_path):
    same_results(finished, train(experiment, tmp_path / "run", threads=threads))


def test_existing_run_is_kept(experiment, finished):
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    with pytest.raises(CheckpointError, match="already holds a run"):
        train(experiment, finished)
    assert before == {path.name: path.read_bytes() for path in finished.iterdir()}


def test_force_starts_anew_and_leaves_other_files(experiment, finished, tmp_path):
    out = tmp_path / "run"
    train(Experiment.load("demo/digits", [*SETTINGS, "training.epochs=1"]), out)
    (out / "notes.txt").write_text("mine")
    same_results(train(experiment, out, force=True), finished)
    assert (out / "notes.txt").read_text() == "mine"


def test_resume_after_more_epochs(experiment, finished, tmp_path):
    out = tmp_path / "run"
    train(Experiment.load("demo/digits", [*SETTINGS, "training.epochs=2"]), out)
    same_results(train(experiment, out, resume=True), finished)


def test_resume_of_a_finished_run_changes_nothing(experiment, finished, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    same_results(train(experiment, out, resume=True), finished)


def test_resume_with_another_configuration(finished):
    other = Experiment.load("demo/digits", [*SETTINGS, "layers.hidden.optimizer.rate=0.001"])
    with pytest.raises(
        CheckpointError, match=r"layers\.hidden\.optimizer\.rate was 0\.01, now 0\.001"
    ):
        train(other, finished, resume=True)


def test_resume_cannot_go_back(finished):
    fewer = Experiment.load("demo/digits", [*SETTINGS, "training.epochs=3"])
    before = (finished / "config.toml").read_text()
    with pytest.raises(CheckpointError, match="already trained 12 epochs, more than the 3"):
        train(fewer, finished, resume=True)
    assert (finished / "config.toml").read_text() == before


def damage(path, how):
    """Damage a checkpoint."""
    if how == "truncate":
        path.write_bytes(path.read_bytes()[:-1000])
    elif how == "flip":
        arrays = store.read_arrays(path)
        arrays["network/hidden/F/weights"][3, 3] += 1
        store.write_arrays(path, arrays)
    else:
        path.unlink()
        path.symlink_to("nowhere.npz")


@pytest.mark.parametrize("how", ["truncate", "flip", "dangle"])
def test_a_damaged_checkpoint_has_one_to_fall_back_on(experiment, finished, how, tmp_path):
    out = tmp_path / "run"
    plainly(Experiment.load("demo/digits", [*SETTINGS, "training.epochs=2"]), out)
    newest, before = (out / name for name in directory.CHECKPOINTS)
    before.unlink(missing_ok=True)
    before.write_bytes(newest.read_bytes())
    plainly(Experiment.load("demo/digits", [*SETTINGS, "training.epochs=4"]), out, resume=True)
    assert before.read_bytes() != newest.read_bytes()
    damage(newest, how)
    fault = "checkpoint.npz is (damaged|missing).*; goes on from checkpoint.previous.npz"
    with pytest.warns(InfosimWarning, match=fault):
        plainly(experiment, out, resume=True)
    same_results(out, finished)
    for path in (newest, before):
        path.unlink(missing_ok=True)
        path.write_bytes(b"PK")
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz is damaged.*--force starts anew"):
        plainly(experiment, out, resume=True)


def test_checkpoint_that_lacks_something(experiment, finished, tmp_path):
    """Intact, but not of this version: its hash fits, its contents do not."""
    out = tmp_path / "run"
    shutil.copytree(finished, out)
    state = store.read_arrays(out / "checkpoint.npz")
    del state["digest"], state["network/hidden/F/moments"]
    store.write_arrays(out / "checkpoint.npz", {**state, "digest": directory.digest_of(state)})
    with pytest.raises(CheckpointError, match="of another version"):
        train(experiment, out, resume=True)


def test_interrupt_saves_and_says_how_to_resume(experiment, finished, tmp_path):
    out = tmp_path / "run"

    def stop(training, epochs):
        if training.epoch == 2 and training.position == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=f"--resume --out {out}"):
        train(experiment, out, report=stop)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    same_results(train(experiment, out, resume=True), finished)


def test_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    store.write_text(path, "old")

    def fail():
        with store.atomic(path) as file:
            file.write(b"new, but ")
            raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_network_too_large_for_its_memory_leaves_nothing(experiment, tmp_path, monkeypatch):
    def full(layer, n_samples):
        raise MemoryError

    monkeypatch.setattr(LayerState, "resize", full)
    with pytest.raises(MemoryError):
        train(experiment, tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_only_every_so_manyth_epoch_is_evaluated_and_the_end_always(tmp_path):
    few = ["training.epochs=4", "layers.hidden.size=5"]
    sparse = [*few, "training.evaluate_every=2"]
    every, some = (
        infosim.load_run(train(Experiment.load("demo/digits", s), tmp_path / str(len(s)))).metrics
        for s in (few, sparse)
    )
    for name in ("val_error", "test_error"):
        assert np.isfinite(every[name]).all()
        np.testing.assert_array_equal(np.isnan(some[name]), [False, True, False, True, False])
        np.testing.assert_array_equal(some[name][::2], every[name][::2])
    np.testing.assert_array_equal(some["train_error"], every["train_error"])
    with pytest.raises(ConfigError, match="evaluate_every must divide"):
        Experiment.load("demo/digits", ["training.epochs=4", "training.evaluate_every=3"])


def test_a_key_is_of_what_is_not_a_default_and_of_the_order_of_layers_and_compartments():
    one = Experiment.load("demo/digits", ["network.inversion=batch"])
    assert one.key == "eecb004fd4c6abe1"  # as in results that are kept, before it could be chosen
    one = Experiment.load("demo/digits")
    assert one.key != "eecb004fd4c6abe1"
    for same in ("title=other", "training.dtype=float32", "layers.hidden.compartments.F.delay=0"):
        assert Experiment.load("demo/digits", [same]).key == one.key
    for other in ("training.seed=1", "layers.output.binning.bins=19", "data.name=mnist"):
        assert Experiment.load("demo/digits", [other]).key != one.key
    swapped = copy.deepcopy(one.config)
    compartments = swapped["layers"]["hidden"]["compartments"]
    swapped["layers"]["hidden"]["compartments"] = dict(reversed(compartments.items()))
    assert Experiment("swapped", swapped).key != one.key
    published = Experiment.load("iclr/trivariate-optimized", ["network.inversion=batch"])
    assert published.key == "280682f19a48b667"
    published = Experiment.load("iclr/trivariate-optimized")
    for same in ("network.rule='infomorphic'", "layers.hidden.outputs=signed",
                 "layers.hidden.sampled=true"):  # fmt: skip
        assert Experiment.load("iclr/trivariate-optimized", [same]).key == published.key
    for other in ("network.rule='backprop'", "layers.hidden.outputs=binary",
                  "layers.hidden.sampled=false", "layers.hidden.goal=''"):  # fmt: skip
        assert Experiment.load("iclr/trivariate-optimized", [other]).key != published.key


def test_a_trained_network_can_be_looked_into_again(finished, experiment):
    results = infosim.load_run(finished)
    net = results.simulator()
    _, _, test = experiment.samples(infosim.load("digits"))
    again = net.evaluate(test, batch=288, purpose=Purpose.TEST, epoch=12)
    assert again.error == results.metrics["test_error"][-1]
    longer = results.simulator(["network.steps=5"], threads=1)
    assert longer.network.steps == 5
    np.testing.assert_array_equal(longer["hidden"]["L"].weights, net["hidden"]["L"].weights)
    assert not np.diag(net["hidden"]["L"].weights).any()
    with pytest.raises(CheckpointError, match="has other weights than needed"):
        results.simulator(["layers.hidden.size=3"])


def test_a_trained_network_can_be_read_otherwise(finished, experiment, tmp_path):
    results = infosim.load_run(finished)
    *_, test = experiment.samples(infosim.load("digits"))
    published = results.simulator(["network.inversion=batch"])
    assert not published.readout.inverted.any()
    assert published.evaluate(test, batch=1).error > 0.5  # every neuron is compared with itself
    as_published = Experiment.load("demo/digits", [*SETTINGS, "network.inversion=batch"])
    out = train(as_published, tmp_path / "batch")
    before = infosim.load_run(out)
    net = before.simulator(["network.inversion=learned"])
    assert net.evaluate(test).error == pytest.approx(results.metrics["test_error"][-1], abs=0.05)
    with pytest.raises(CheckpointError, match="'output/inverted'"):
        results.simulator(["network.readout=''"])


# -- one process at a time, in a directory of its own ----------------------------------------------


def test_two_processes_in_one_directory_are_one_run(tmp_path):
    """Started at once with other settings: one ends, with its own weights; the other is refused."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "infosim", "train", "demo/digits", "--out", out, "-q"]
    command += ["--epochs", "30", "--set", "training.evaluate_every=30"]
    both = {
        size: subprocess.Popen(
            [*command, "--set", f"layers.hidden.size={size}"],
            stderr=subprocess.PIPE,
            text=True,
        )
        for size in (30, 40)
    }
    told = {size: process.communicate(timeout=100)[1] for size, process in both.items()}
    codes = {size: process.returncode for size, process in both.items()}
    assert sorted(codes.values()) == [0, 2], told
    refused, done = sorted(codes, key=codes.get, reverse=True)
    assert told[refused].count("\n") == 1
    assert f"infosim: {out} " in told[refused]  # in use, or, if that was over, holds a run
    results = infosim.load_run(out)
    assert results.complete
    assert results.config["layers"]["hidden"]["size"] == done
    assert results.weights["hidden/F/weights"].shape == (done, 64)
    assert results.atoms["hidden"].shape[1] == done


@pytest.mark.parametrize("options", [{}, {"force": True}, {"resume": True}])
def test_a_directory_in_use_is_refused(experiment, finished, options):
    before = {path.name: path.read_bytes() for path in finished.iterdir()}
    who = rf"is in use by process {os.getpid()} on {socket.gethostname()} since 20\d\d-"
    with store.held(finished), pytest.raises(CheckpointError, match=who):
        train(experiment, finished, **options)
    assert before == {path.name: path.read_bytes() for path in finished.iterdir()}


def test_default_directories_tell_runs_apart():
    def directory(*settings, name="demo/digits"):
        return str(run.default_directory(Experiment.load(name, settings)))

    assert re.fullmatch("runs/demo-digits-digits-seed0-[0-9a-f]{6}", directory())
    assert directory("training.epochs=7", "title=other") == directory()
    others = ("layers.hidden.size=50", "training.batch=100", "training.evaluate_every=2")
    assert len({directory(), *map(directory, others)}) == 4
    assert "-seed3-" in directory("training.seed=3")


@pytest.mark.parametrize("how", ["removed", "replaced", "emptied"])
def test_a_directory_that_goes_away_under_a_run_is_told(experiment, how, tmp_path):
    out = tmp_path / "run"

    def meddle(training, epochs):
        if (training.epoch, training.position) != (2, 1):
            return
        if how == "emptied":
            for path in out.iterdir():
                path.unlink()
            return
        shutil.rmtree(out)
        if how == "replaced":
            out.mkdir()

    with pytest.raises(CheckpointError, match="removed"):
        plainly(experiment, out, report=meddle)
    assert not (out / "result.json").exists()


def test_the_settings_of_a_removed_file_are_missed(experiment, tmp_path):
    out = tmp_path / "run"

    def meddle(training, epochs):
        (out / "config.toml").unlink(missing_ok=True)

    with pytest.raises(CheckpointError, match=r"config\.toml was removed while this was running"):
        plainly(experiment, out, report=meddle)
    assert not (out / "result.json").exists()


# -- going on --------------------------------------------------------------------------------------


def test_where_there_is_nothing_to_resume_a_run_begins(experiment, finished, tmp_path):
    with pytest.warns(InfosimWarning, match="holds no run to resume, begins one"):
        same_results(plainly(experiment, tmp_path / "run", resume=True), finished)


def test_a_run_of_before_a_setting_could_be_chosen_goes_on_as_it_was_meant(tmp_path):
    """Inverted readout neurons were once read from each batch, and a run did not say so."""
    few = [*SETTINGS, "network.inversion=batch"]
    whole = plainly(Experiment.load("demo/digits", [*few, "training.epochs=4"]), tmp_path / "whole")
    out = plainly(Experiment.load("demo/digits", [*few, "training.epochs=2"]), tmp_path / "run")
    text = (out / "config.toml").read_text()
    (out / "config.toml").write_text(text.replace('inversion = "batch"\n', ""))
    results = infosim.load_run(out)
    assert results.config["network"]["inversion"] == "batch"
    assert results.simulator().network.inversion == "batch"
    learned = Experiment.load("demo/digits", [*SETTINGS, "training.epochs=4"])
    with pytest.raises(CheckpointError, match="inversion was 'batch', now 'learned'"):
        plainly(learned, out, resume=True)
    plainly(Experiment.load("demo/digits", [*few, "training.epochs=4"]), out, resume=True)
    same_results(out, whole)


def test_a_run_that_goes_on_with_sparse_inputs_says_so():
    """Also one from before runs knew of such inputs, which were all dense."""
    old, dense, sparse = ({"packages": {}, **one} for one in
                          ({}, {"sparse_inputs": []}, {"sparse_inputs": ["image"]}))  # fmt: skip
    assert environment.changes(old, dense) == environment.changes(sparse, sparse) == ""
    assert environment.changes(old, sparse) == "sparse_inputs was none, is image"
    assert environment.changes(sparse, dense) == "sparse_inputs was image, is none"


def test_a_run_that_goes_on_elsewhere_says_so(experiment, tmp_path):
    out = tmp_path / "run"
    plainly(Experiment.load("demo/digits", [*SETTINGS, "training.epochs=1"]), out)
    path = out / "environment.json"
    here = json.loads(path.read_text())
    assert here["blas"][0].keys() >= {"version"}
    assert here["compiler"]["cpu"]
    there = copy.deepcopy(here)
    there["packages"] |= {"numpy": "1.0.0", "matplotlib": "3.0"}
    there["compiler"]["cpu"] = "pentium"
    path.write_text(json.dumps(there))
    with pytest.warns(InfosimWarning) as told:
        plainly(experiment, out, resume=True)
    assert [str(one.message) for one in told] == [
        f"{out} goes on elsewhere than where it was before, so bits may differ: processor was "
        f"pentium, is {here['compiler']['cpu']}; numpy was 1.0.0, is {np.__version__}"
    ]
    now = json.loads(path.read_text())
    assert now.pop("earlier") == [there]
    assert now == here
    plainly(experiment, out, resume=True)  # where it was: nothing to tell, nor to add
    assert json.loads(path.read_text())["earlier"] == [there]
    path.write_text("[]")
    with pytest.warns(InfosimWarning, match="what .* ran on before is lost"):
        plainly(experiment, out, resume=True)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_other_signals_save_and_stop_too(experiment, name, tmp_path):
    number = getattr(signal, name)

    def stop(training, epochs):
        if training.epoch == 1:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match="--resume") as told:
        plainly(experiment, tmp_path / "run", report=stop)
    assert told.value.exit_code == 128 + number
    assert (tmp_path / "run" / "checkpoint.npz").exists()


def test_a_picture_that_fails_leaves_a_complete_run(experiment, finished, tmp_path, monkeypatch):
    def fail(*args, **options):
        raise ValueError("no canvas\nat all")

    monkeypatch.setattr("infosim.plotting.summary", fail)
    with pytest.warns(InfosimWarning, match=r"no .*summary\.png, .*: ValueError: no canvas at all"):
        out = train(experiment, tmp_path / "run")
    same_results(out, finished)
    assert infosim.load_run(out).complete
