"""What runs record, and pictures drawn from it: without network, without data, of any age."""

import os
import shlex
import shutil
import signal
import warnings
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from bits import assert_same_bits
from reconstruction import Reconstruction

import infosim
from infosim import datasets
from infosim.cli import main
from infosim.datasets import catalogue, generated
from infosim.engine import Simulator, Training
from infosim.errors import CheckpointError, ConfigError, InfosimWarning
from infosim.experiments import Experiment, Interrupted, picture, store, train
from infosim.experiments.record import RECORD, read_record
from infosim.experiments.run import train_together
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.machine.randomness import Purpose
from infosim.tasks import register, task

RUNS = Path(__file__).parents[1] / "runs"
OLD = sorted(str(path.parent.relative_to(RUNS)) for path in RUNS.rglob("config.toml"))
DIGITS = ("layers.hidden.size=6", "training.epochs=2")
MEMORY = (
    "data.options={units=20, patterns=4}", "layers.memory.size=20", "training.batch=4",
    "training.epochs=5",
)  # fmt: skip
BARS = (
    "data.options={size=4, train=400, test=100}", "layers.hidden.size=4", "training.batch=120",
    "training.epochs=2",
)  # fmt: skip
PATCHES = (
    "data.options={size=4, train=300, test=200}", "layers.hidden.size=8", "training.batch=100",
    "training.epochs=2",
)  # fmt: skip
SMALL = {
    "demo/digits": DIGITS, "pnas/memory-heuristic": MEMORY, "pnas/bars": BARS,
    "pnas/patches": PATCHES,
}  # fmt: skip
ATOMS = "information atoms"
#: The panel of each task.
PANELS = {
    "demo/digits": ["confusion (% of true class)"],
    "pnas/memory-heuristic": ["recall"],
    "pnas/bars": ["correlation with factors: hidden"],
    "pnas/patches": [],
}


def small(name, *settings):
    return Experiment.load(name, [*SMALL[name], *settings])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of each task with its picture, by its preset."""
    folder = tmp_path_factory.mktemp("finished")
    return {name: train(small(name), folder / name.replace("/", "-"), threads=1) for name in SMALL}


@pytest.fixture
def copied(finished, tmp_path):
    """A copy of the run of digits, to be damaged."""
    return shutil.copytree(finished["demo/digits"], tmp_path / "run")


@pytest.fixture
def neither(monkeypatch):
    """Neither data nor networks can be had."""

    def fail(*args, **options):
        raise AssertionError("not to be called")

    monkeypatch.setattr(datasets, "load", fail)
    monkeypatch.setattr(generated, "generate", fail)
    monkeypatch.setattr(Simulator, "__init__", fail)
    monkeypatch.setattr(Training, "__init__", fail)


@pytest.fixture
def known(monkeypatch):
    """What is registered in a test is forgotten after it."""
    monkeypatch.setattr(task, "_TASKS", dict(task._TASKS))


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn."""
    figures, draw = [], picture.draw

    def kept(results):
        figures.append(draw(results))
        return figures[-1]

    monkeypatch.setattr(picture, "draw", kept)
    return figures


def titles(figure):
    axes = figure.findobj(matplotlib.axes.Axes)
    return [title for title in (ax.get_title(loc="left") for ax in axes) if title]


def command(*arguments):
    """The exit code of `infosim` with these arguments."""
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    return stop.value.code


def same(one, other):
    """Assert that two runs recorded the same."""
    assert_same_bits(*(store.read_arrays(folder / RECORD) for folder in (one, other)))


# -- what is recorded ------------------------------------------------------------------------------


def test_what_is_recorded_is_what_was_measured(finished):
    """By other ways: counts and correlations of the network as it is on the disk."""
    results = {name: infosim.load_run(out) for name, out in finished.items()}
    digits = results["demo/digits"]
    counts = digits.record.found["confusion"]
    error = digits.metrics["test_error"][-1]
    test = datasets.load("digits").test_y
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(test))
    assert 1 - np.trace(counts) / len(test) == pytest.approx(error, abs=1e-12)
    bars = results["pnas/bars"]
    found = bars.record.found["correlations"]
    told = {abs(row).argmax() for row in found if abs(row).max() >= 0.9}
    assert bars.metrics["test_error"][-1] == 1 - len(told) / 4
    memory = results["pnas/memory-heuristic"]
    overlaps = memory.record.found["overlaps"]
    wrong = memory.metrics["test_error"][-1]  # after recall from the patterns
    assert overlaps[0, 0].mean() == pytest.approx(1 - 2 * wrong)
    names = {name: (one.record.task, one.record.dataset) for name, one in results.items()}
    assert names == {
        "demo/digits": ("classification", "digits"),
        "pnas/memory-heuristic": ("recall", "patterns"),
        "pnas/bars": ("factors", "bars"),
        "pnas/patches": ("unmeasured", "patches"),
    }
    assert digits.record.experiment == "demo/digits"
    assert digits.record.image_shape == (8, 8)
    assert digits.record.epoch == 2
    assert results["pnas/patches"].record.found == {}


@pytest.mark.parametrize("name", ["pnas/memory-heuristic", "demo/digits", "pnas/bars"])
def test_replicas_side_by_side_record_what_each_would_alone(finished, name, tmp_path):
    """And one that was stopped and resumed what an undisturbed one does."""
    other = {
        "demo/digits": "training.seed=1",
        "pnas/bars": "layers.hidden.goal={F} - 0.1 {C}",
        "pnas/memory-heuristic": "layers.memory.goal={R}{C}",
    }[name]
    outs = [tmp_path / "a", tmp_path / "b"]
    train_together([small(name), small(name, other)], outs, threads=1, summary=False)
    same(outs[0], finished[name])
    records = [read_record(out / RECORD).found for out in outs]
    assert any(not np.array_equal(records[0][k], records[1][k]) for k in records[0])

    def stop(training, epochs):
        if training.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(small(name), tmp_path / "c", threads=1, report=stop)
    assert not (tmp_path / "c" / RECORD).exists()
    train_together([small(name)], [tmp_path / "c"], threads=1, resume=True, summary=False)
    same(tmp_path / "c", finished[name])
    train_together([small(name)], [tmp_path / "c"], threads=2, resume=True, summary=False)
    same(tmp_path / "c", finished[name])


def test_the_test_samples_are_looked_at_once_at_the_end(tmp_path, monkeypatch):
    looks, evaluate = [], Simulator.evaluate

    def counted(simulator, samples, **options):
        looks.append(options["purpose"])
        return evaluate(simulator, samples, **options)

    monkeypatch.setattr(Simulator, "evaluate", counted)
    train(small("demo/digits"), tmp_path / "run", threads=1)
    assert looks == [Purpose.VALIDATION, Purpose.TEST] * 3


def test_runs_of_a_sweep_can_be_drawn_later(tmp_path):
    text = 'preset = "pnas/memory-heuristic"\nseeds = 2\n[set]\ntraining.epochs = 2\n'
    text += "training.batch = 4\nlayers.memory.size = 20\n"
    text += "data.options = { units = 20, patterns = 4 }\n"
    (tmp_path / "some.toml").write_text(text)
    out = tmp_path / "sweep"
    run_sweep(Sweep.load(tmp_path / "some.toml"), out, threads=1)
    folders = sorted((out / "runs").iterdir())
    assert not list(out.rglob("*.png"))
    assert all(infosim.load_run(folder).record.task == "recall" for folder in folders)
    figure = picture.draw(infosim.load_run(folders[1]))
    assert titles(figure)[-1] == "recall"
    assert figure.get_suptitle().startswith("pnas/memory-heuristic on patterns, seed ")


# -- drawn again -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_drawn_later_it_is_the_same_picture(finished, name, tmp_path, neither, drawn, capsys):
    """To the byte, by the command, from what is on the disk alone."""
    out = shutil.copytree(finished[name], tmp_path / "run")
    before = (out / "summary.png").read_bytes()
    (out / "summary.png").unlink()
    (out / "checkpoint.npz").unlink()
    assert command("draw", out) == 0
    assert capsys.readouterr() == (f"{out}/summary.png\n", "")
    assert (out / "summary.png").read_bytes() == before
    (figure,) = drawn
    panels = titles(figure)
    assert panels[-1:] == PANELS[name] or (not PANELS[name] and "receptive" in panels[-1])
    assert figure.get_suptitle() == f"{name} on {small(name).config['data']['name']}, seed 0"


@pytest.mark.parametrize("name", OLD)
def test_runs_of_before_are_drawn(name, tmp_path, neither, drawn, capsys):
    """They recorded nothing: their images' shape is that of the data set's settings."""
    out = shutil.copytree(RUNS / name, tmp_path / "run")
    whole = (out / "result.json").exists()
    assert command("draw", out) == 0
    said, told = capsys.readouterr()
    assert said == f"{out}/summary.png\n"
    assert told.count("\n") == 1
    assert "left out: the panels of its task; `infosim train " in told
    assert ("is not complete: drawn as it was last saved, epoch 1 of 3" in told) == (not whole)
    (figure,) = drawn
    panels = titles(figure)
    assert panels[0] == "error"
    assert panels[1].startswith(ATOMS)
    assert ("receptive fields" in panels[-1]) == (name != "recall")
    assert ("epoch 1 of 3" in figure.get_suptitle()) == (not whole)


def test_a_run_of_before_has_it_all_once_resumed_as_it_says(tmp_path, drawn, capsys):
    out = shutil.copytree(RUNS / "interrupted", tmp_path / "a run")
    assert command("draw", out, "-q") == 0
    told = capsys.readouterr().err
    words = shlex.split(told.split("`")[1])
    assert words[:2] == ["infosim", "train"]
    assert command(*words[1:], "-q", "--threads", "1") == 0
    assert [titles(figure)[-1] for figure in drawn] == [
        "receptive fields: hidden, 6 of 6",
        *PANELS["demo/digits"],
    ]


@pytest.mark.parametrize("name", ["recall", "factors"])
def test_a_run_of_before_that_was_complete_records_once_resumed(name, tmp_path):
    out = shutil.copytree(RUNS / name, tmp_path / "run")
    experiment = Experiment.load(str(out / "config.toml"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfosimWarning)  # that it goes on elsewhere
        train_together([experiment], [out], resume=True, summary=False)
    for file in ("weights.npz", "atoms.npz"):
        assert (out / file).read_bytes() == (RUNS / name / file).read_bytes()
    assert infosim.load_run(out).record.task == name


def test_a_record_of_another_epoch_is_not_drawn(copied, drawn, capsys):
    """The run was complete, went on, and was stopped."""

    def stop(training, epochs):
        if (training.epoch, training.position) == (4, 2):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(small("demo/digits", "training.epochs=4"), copied, resume=True, report=stop)
    assert (copied / RECORD).exists()
    assert command("draw", copied) == 0
    told = capsys.readouterr().err
    assert "drawn as it was last saved, epoch 3 of 4; left out: the panels of its task" in told
    assert not {*PANELS["demo/digits"]} & {*titles(drawn[0])}


def test_a_run_that_was_stopped_in_its_first_epoch_is_drawn(tmp_path, drawn, capsys):
    def stop(training, epochs):
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(small("demo/digits"), tmp_path / "run", threads=1, report=stop)
    assert command("draw", tmp_path / "run", "-q") == 0
    assert "last saved, before any epoch; `infosim" in capsys.readouterr().err
    assert titles(drawn[0]) == ["receptive fields: hidden, 6 of 6"]


def test_elsewhere_it_is_drawn_without_touching_the_run(copied, tmp_path, capsys):
    before = {path: path.read_bytes() for path in copied.iterdir() if path.name[0] != "."}
    with store.held(copied):
        assert command("draw", copied) == 2
        assert f"{copied} is in use by process {os.getpid()}" in capsys.readouterr().err
        assert command("draw", copied, "--out", tmp_path / "a.png") == 0
    assert (tmp_path / "a.png").read_bytes() == before[copied / "summary.png"]
    after = {path: path.read_bytes() for path in copied.iterdir() if path.name[0] != "."}
    assert after == before


def test_several_are_drawn_and_each_that_cannot_be_is_told(finished, tmp_path, capsys):
    good = shutil.copytree(finished["pnas/bars"], tmp_path / "good")
    (good / "summary.png").unlink()
    assert command("draw", tmp_path / "nowhere", good, tmp_path) == 2
    said, told = capsys.readouterr()
    assert said == f"{good}/summary.png\n"
    assert told == (
        f"infosim: {tmp_path}/nowhere holds no run: config.toml is missing\n"
        f"infosim: {tmp_path} holds no run: config.toml is missing\n"
    )
    assert not (tmp_path / "nowhere").exists()


# -- a task of one's own ---------------------------------------------------------------------------


def test_a_task_of_ones_own_is_measured_recorded_and_drawn(known, tmp_path, capsys):
    register(Reconstruction)
    out = tmp_path / "run"
    train_together([small("pnas/patches")], [out], threads=1, summary=False)
    results = infosim.load_run(out)
    lost = results.record.found["lost"]
    assert lost.shape == (16,)
    assert results.metrics["test_error"][-1] == lost.mean()
    assert 0 < lost.mean() < 0.95
    assert np.isfinite(results.metrics["val_error"]).all()
    panels = titles(picture.draw(results))
    assert (panels[0], panels[-1]) == ("error", "lost of each pixel")
    del task._TASKS["reconstruction"]  # in a process that did not import it
    assert command("draw", out) == 0
    told = capsys.readouterr().err
    assert "without the panels of its task 'reconstruction', which is not known here" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "is to record a table of arrays for each of 1 replica"),
        ([], "is to record a table of arrays for each of 1 replica"),
        ([np.zeros(3)], "is to record a table of arrays for each of 1 replica"),
        ([{"a": object()}], "is to record numbers and text, 'task/a' was object"),
        ([{"a": 1j}], "is to record numbers and text, 'task/a' was complex128"),
    ],
)
def test_what_cannot_be_recorded_is_told_and_the_run_is_complete(
    found, message, known, tmp_path, monkeypatch
):
    monkeypatch.setattr(Reconstruction, "record", lambda *args, **moment: found)
    register(Reconstruction)
    with pytest.warns(InfosimWarning, match=rf"no .*record\.npz, everything.*{message}"):
        train_together([small("pnas/patches")], [tmp_path / "run"], threads=1, summary=False)
    results = infosim.load_run(tmp_path / "run")
    assert results.complete
    assert results.record is None


# -- what is damaged, and what is no run -----------------------------------------------------------


@contextmanager
def arrays(path):
    """The arrays of a file, to be changed."""
    found = store.read_arrays(path)
    yield found
    store.write_arrays(path, found)


def without(file, name):
    def damage(out):
        with arrays(out / file) as found:
            del found[name]

    return damage


def other(name, value):
    def damage(out):
        with arrays(out / RECORD) as found:
            found[name] = np.array(value)

    return damage


def text(out, before, now):
    (out / "metrics.csv").write_text((out / "metrics.csv").read_text().replace(before, now))


DAMAGED = {
    "a record cut off": (
        lambda out: (out / RECORD).write_bytes((out / RECORD).read_bytes()[:-99]),
        "record.npz is damaged",
    ),
    "a pipe": (
        lambda out: ((out / RECORD).unlink(), os.mkfifo(out / RECORD)),
        "record.npz is damaged: not a regular file",
    ),
    "no task": (without(RECORD, "task"), "record.npz is damaged: task is not there, or something"),
    "a task of numbers": (other("task", 3), "record.npz is damaged: task is not there"),
    "several tasks": (other("task", ["a", "b"]), "record.npz is damaged: task is not there"),
    "an epoch of text": (other("epoch", "2"), "record.npz is damaged: epoch is not there"),
    "no confusion": (
        without(RECORD, "task/confusion"),
        "record.npz is damaged: it has no 'confusion'",
    ),
    "no square": (other("task/confusion", [[1, 2]]), "cannot be drawn: ShapeError: counts have"),
    "other images": (other("image_shape", [8, 9]), "cannot be drawn: ShapeError: weights have"),
    "no weights": (without("weights.npz", "hidden/F/weights"), "damaged: no weights of hidden/F"),
    "no weights at all": (lambda out: (out / "weights.npz").unlink(), "weights.npz is missing"),
    "no atoms": (lambda out: (out / "atoms.npz").unlink(), "atoms.npz is missing"),
    "no column": (
        lambda out: text(out, "test_error", "text_error"),
        "metrics.csv is damaged: it has no column test_error",
    ),
    "another configuration": (
        lambda out: (out / "config.toml").write_text("[network]\n"),
        "config.toml is damaged: layers is missing",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_told_in_a_line(copied, case, capsys):
    damage, message = DAMAGED[case]
    before = (copied / "summary.png").read_bytes()
    damage(copied)
    assert command("draw", copied) == 2
    said, told = capsys.readouterr()
    assert said == ""
    assert told.count("\n") == 1
    assert message in told
    assert (copied / "summary.png").read_bytes() == before


ARGUMENTS = {
    "nothing": ([], "Missing argument 'RUN...'"),
    "a file": (["{run}/summary.png"], "holds no run: config.toml is missing"),
    "one file for two": (["{run}", "{run}", "--out", "a.png"], "--out is of one run, 2 were given"),
    "another kind": (["{run}", "--out", "a.jpg"], "NAME.png, NAME.pdf, NAME.svg, not 'a.jpg'"),
    "no kind": (["{run}", "--out", "png"], "NAME.png, NAME.pdf, NAME.svg, not 'png'"),
    "no folder": (["{run}", "--out", "no/a.png"], "cannot write no/a.png: No such file"),
    "an option": (["{run}", "--ou", "a.png"], "No such option"),
    "a sweep": ([str(RUNS / "sweep")], "it is a sweep's, of runs in"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_bad_arguments_are_told_in_a_line(finished, case, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words, message = ARGUMENTS[case]
    assert command("draw", *(word.format(run=finished["pnas/bars"]) for word in words)) == 2
    told = capsys.readouterr().err
    assert told.startswith("infosim: ")
    assert told.count("\n") == 1
    assert message in told
    assert not list(tmp_path.iterdir())


def test_of_a_data_set_that_is_not_known_here_fields_are_left_out(tmp_path, capsys):
    """Until it has recorded how large its images are."""

    def make(seed):
        x = np.random.default_rng(seed).normal(size=(40, 6)).astype(np.float32)
        return infosim.Dataset("mine", x, np.arange(40) % 2, x, np.arange(40) % 2, 2, (2, 3), "me")

    datasets.register("mine", make)
    try:
        settings = ["data.name=mine", "training.batch=32", "layers.output.size=2", *DIGITS]
        out, experiment = tmp_path / "run", Experiment.load("demo/digits", settings)
        train_together([experiment], [out], threads=1, summary=False)
    finally:
        del generated.GENERATED["mine"]
        catalogue._registered.discard("mine")
    assert "receptive fields: hidden, 6 of 6" in titles(picture.draw(infosim.load_run(out)))
    (out / RECORD).unlink()
    assert command("draw", out, "-q") == 0
    told = capsys.readouterr().err
    assert "left out: receptive fields and the panels of its task" in told


# -- where things are ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["digits", *generated.GENERATED])
def test_the_shape_of_images_is_known_without_them(name):
    given = {"bars": {"size": 5, "train": 3, "test": 2}, "patches": {"size": 3, "train": 3}}
    given |= {"patterns": {"units": 7}, "echo": {"symbols": 3, "length": 5, "train": 4}}
    options = generated.complete(name, given.get(name, {}))
    made = datasets.load(name, options)
    assert datasets.image_shape(name, options) == made.image_shape
    assert len(made.image_shape) == 2


def test_the_shape_of_published_images_is_known_and_no_other():
    shapes = {name: datasets.image_shape(name, {}) for name in ("mnist", "cifar10", "nothing")}
    assert shapes == {"mnist": (28, 28), "cifar10": (3, 32, 32), "nothing": None}


def test_fields_are_the_dense_weights_that_read_images():
    """Of several connections each by its name in files, groups apart, sparse ones not."""
    several = "{now={source='image'}, before={source='image', delay=1}, label={}}"
    experiment = Experiment.load(
        "demo/digits",
        [
            f"layers.hidden.compartments.F.connections={several}",
            "layers.hidden.groups={a={size=3}, b={size=2}}",
            "layers.hidden.size=5",
            "layers.hidden.compartments.C.source=image",
            "layers.hidden.compartments.C.connectivity=sparse(5)",
            "layers.output.compartments.F.source=image",
        ],
    )
    net = Simulator(experiment.network(experiment.dataset()), threads=1)
    found = picture._fields(experiment.config, net.arrays(), Path())
    F = net["hidden"]["F"]
    expected = {
        "hidden/a/F/image@0": F["image@0"].weights[:3],
        "hidden/b/F/image@0": F["image@0"].weights[3:],
        "hidden/a/F/image@1": F["image@1"].weights[:3],
        "hidden/b/F/image@1": F["image@1"].weights[3:],
        "output": net["output"]["F"].weights,
    }
    assert list(found) == list(expected)
    for name, rows in expected.items():
        np.testing.assert_array_equal(found[name], rows)


def test_a_picture_is_of_a_kind_that_can_be_written(tmp_path):
    assert picture.kind_of("a.PNG") == "png"
    with pytest.raises(ConfigError, match=r"not 'a\.gif'"):
        picture.kind_of("a.gif")
    with pytest.raises(CheckpointError, match=r"record\.npz is missing"):
        read_record(tmp_path / RECORD)
