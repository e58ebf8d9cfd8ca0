"""What runs write down of their network's health, and what they say of it."""

import json
import warnings

import numpy as np
import pytest

import infosim
from infosim.cli import main
from infosim.datasets import Dataset, catalogue, register
from infosim.errors import InfosimWarning
from infosim.experiments import Experiment, run
from infosim.experiments.sweep import Sweep, run_sweep

SMALL = ["layers.hidden.size=12", "training.epochs=2"]


@pytest.fixture(scope="module")
def table():
    """The name of a data set whose columns were never scaled, as of wines."""

    def make(seed):
        rng = np.random.default_rng(seed)
        label = rng.integers(0, 10, 240)
        x = np.geomspace(0.6, 1680, 13) * (0.6 + 0.15 * rng.normal(size=(240, 13)))
        parts = (x[:160], label[:160], x[160:], label[160:])
        return Dataset("columns", *parts, 10, (13,), "made")

    register("columns", make)
    yield "columns"
    del catalogue.GENERATED["columns"]
    catalogue._registered.discard("columns")


def columns(table, *more):
    settings = ["data.scaling=none", "training.batch=64", *SMALL, *more]
    return Experiment.load("iclr/trivariate-heuristic", [("data.name", table), *settings])


def plainly(experiment, out, **options):
    """Train without a picture."""
    run.train_together([experiment], [out], summary=False, **options)


def test_data_outside_the_bins_are_told_after_the_first_epoch(table, tmp_path):
    out = tmp_path / "run"
    with pytest.warns(InfosimWarning) as told:
        plainly(columns(table), out)
    words = [str(one.message) for one in told]
    assert words[0].startswith("after epoch 1: hidden/F: ")
    assert "data.scaling" in words[0]
    assert any(one.startswith("after epoch 2: hidden/F: ") for one in words)
    first, last = infosim.load_run(out).health
    assert (first.epoch, first.samples, first.batch) == (1, 128, 64)
    assert first.findings[0].kind == "outside"
    assert first.findings[0].warning
    assert last.epoch == 2


def test_a_sweep_keeps_it_and_says_nothing(table, tmp_path):
    (tmp_path / "s.toml").write_text(
        'preset = "iclr/trivariate-heuristic"\nseeds = 2\n[set]\ndata = { name = "columns", '
        'scaling = "none" }\ntraining = { batch = 64, epochs = 1 }\nlayers.hidden.size = 12\n'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_sweep(Sweep.load(tmp_path / "s.toml"), tmp_path / "out", threads=1)
    results = infosim.load_sweep(tmp_path / "out")
    assert len(results) == 2
    for key in results.columns["key"]:
        (last,) = results.run(key).health
        assert last.warnings


def test_side_by_side_each_is_told_with_its_directory(table, tmp_path):
    # made from the seed, so the same data: other weights are another optimizer's
    both = [columns(table, f"layers.hidden.optimizer.rate={rate}") for rate in (0.001, 0.002)]
    outs = [tmp_path / "a", tmp_path / "b"]
    with pytest.warns(InfosimWarning) as told:
        run.train_together(both, outs, summary=False)
    for out in outs:
        assert any(str(one.message).startswith(f"{out}, after epoch 1") for one in told)
    for one, out in zip(both, outs, strict=True):
        plainly(one, tmp_path / "alone", tell=False, force=True)
        assert (out / "health.json").read_text() == (tmp_path / "alone" / "health.json").read_text()


def test_the_command_ends_with_what_is_odd(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["train", "demo/digits", "--out", "run", "--epochs", "2"]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--set", "layers.hidden.size=12"])
    told = capsys.readouterr()
    assert (stop.value.code, told.err) == (0, "")
    at = told.out.splitlines().index("results in run")
    lines = told.out.splitlines()[at + 1 :]
    assert lines[0].startswith("health of hidden, of 12 neurons: ")
    assert "in two bins" in lines[0]
    assert lines[-1] == "what that means, and what helps: run/health.json"
    assert len(lines) <= 3


def test_the_file_can_be_read_and_goes_with_force(tmp_path):
    out, experiment = tmp_path / "run", Experiment.load("demo/digits", SMALL)
    plainly(experiment, out)
    text = (out / "health.json").read_text()
    checks = json.loads(text)["checks"]
    assert [one["epoch"] for one in checks] == [1, 2]
    assert all(len(line) < 500 for line in text.splitlines())
    assert "what" not in {*checks[0]}
    # begun anew and stopped before the first epoch is over
    with pytest.raises(ZeroDivisionError):
        plainly(experiment, out, force=True, report=lambda *_: 1 / 0)
    assert not (out / "health.json").exists()


def test_before_training_nothing_is_learnt_and_nothing_told(tmp_path):
    out = tmp_path / "run"
    plainly(Experiment.load("demo/digits", [*SMALL, "training.epochs=0"]), out)
    (only,) = infosim.load_run(out).health
    assert only.epoch == 0
    assert only.warnings == []


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("demo/digits", []),
        ("demo/tetravariate", []),
        ("iclr/two-hidden-layers", ["data.name=digits", "training.batch=288"]),
        ("pnas/memory-optimised", ["training.epochs=60"]),
        ("pnas/memory-hopfield", ["training.epochs=1"]),
        ("pnas/bars", ["data.options.train=2000", "training.epochs=2"]),
        ("pnas/patches", ["data.options.train=2000", "training.epochs=1"]),
    ],
)
def test_presets_are_not_warned_of(preset, settings, tmp_path):
    experiment = Experiment.load(preset, ["training.epochs=2", *settings])
    plainly(experiment, tmp_path / "run")  # warnings are errors
    assert infosim.load_run(tmp_path / "run").health
