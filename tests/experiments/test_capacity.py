"""The capacity of memories: which loads are tried, what becomes of a network, what is kept."""

import csv
import json
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import infosim
from infosim.analysis.memory import overlap
from infosim.cli import main
from infosim.engine import Simulator
from infosim.errors import CheckpointError, ConfigError
from infosim.experiments import Experiment, Interrupted, store
from infosim.experiments import capacity as module
from infosim.experiments.capacity import capacity
from infosim.experiments.loads import SWEEPS, Bisection, Steps
from infosim.experiments.memories import Tried, checked, checkpoints, experiment_of, tried

N = 16
SMALL = [f"data.options.units={N}", "training.epochs=20", "training.evaluate_every=20"]
HEBB = [f"data.options.units={N}", f"layers.memory.size={N}", "data.options.patterns=4"]


def hebb(*more):
    return Experiment.load("pnas/memory-hopfield", [*HEBB, *more])


def course(loads, recalled, n=100):
    """What a search finds where `recalled` says which numbers are: capacity, and what it tried."""
    found = {}
    while (m := loads.following(found, n)) is not None:
        assert m not in found
        assert m >= 1
        found[m] = 1.0 if recalled(m) else 0.0
    return loads.capacity(found, n), list(found)


# -- which loads are tried -------------------------------------------------------------------------


@given(st.integers(0, 400), st.floats(0, 4), st.sampled_from([0.01, 0.02, 0.05]))
def test_bisection_finds_where_a_curve_falls(most, guess, within):
    found, asked = course(Bisection(guess=guess, within=within), lambda m: m <= most)
    assert found <= most < found + round(100 * within)
    assert len(asked) <= 18


@given(st.sets(st.integers(1, 1000)), st.floats(0, 4))
def test_bisection_ends_on_any_curve_between_what_is_recalled_and_what_is_not(known, guess):
    found, asked = course(Bisection(guess=guess), known.__contains__)
    assert found == 0 or found in known
    assert found == 1000 or any(found < m <= found + 2 and m not in known for m in asked)


def test_bisection_is_short_by_a_good_guess_and_has_an_end():
    assert course(Bisection(guess=1.6), lambda m: m <= 163) == (162, [160, 168, 164, 162])
    assert course(Bisection(guess=1.6), lambda m: m <= 158)[1] == [160, 152, 156, 158]
    assert course(Bisection(guess=1.0, most=3.0), lambda m: True)[0] == 300
    assert course(Bisection(guess=1.0), lambda m: m <= 1, n=1) == (1, [1, 5, 3, 2])


@pytest.mark.parametrize(
    ("name", "first", "then", "last", "n"),
    [
        ("paper", 1, 6, 201, 41), ("optimize", 20, 25, 200, 37), ("exact", 20, 22, 200, 91),
        ("extensive", 10, 20, 200, 20), ("basic", 10, 20, 200, 20),
        ("correlation", 150, 160, 490, 35),
    ],
)  # fmt: skip
def test_published_sweeps(name, first, then, last, n):
    numbers = SWEEPS[name].numbers(100)
    assert (numbers[0], numbers[1], numbers[-1], len(numbers)) == (first, then, last, n)


def test_a_sweep_ends_at_its_first_failure_or_sees_all():
    gap = lambda m: m != 30 and m < 60  # noqa: E731
    loads = Steps(start=0.1, step=0.1, stop=1.0)
    assert course(loads, gap) == (20, [10, 20, 30])
    assert course(replace(loads, interrupt=False), gap) == (50, [*range(10, 100, 10)])
    assert course(loads, lambda m: False) == (0, [10])


def test_recall_is_tried_at_the_published_epochs():
    published = {1, 3, 6, 11, 20, 38, 70, 129, 238, 438, 805, 1480, 2721, 5000}
    assert checkpoints(5000) == published
    assert checkpoints(1) == {1}
    assert checkpoints(0) == {0}


# -- one network -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def memory():
    return Experiment.load("memory/redundancy-hard", [*SMALL, "data.options.load=0.5"])


def test_a_network_is_trained_and_asked_as_by_hand(memory):
    one = experiment_of(memory, 5, 3)
    data = one.dataset()
    assert (len(data.train_x), one.config["training"]["batch"]) == (5, 5)
    net = Simulator(one.network(data), seed=3, threads=1)
    net.fit(one.samples(data)[0], 20, batch=5, shuffle=False)
    (found,) = tried(memory, 5, [3], until=1.01, threads=1)
    states = net.recall(data.train_x).states
    assert found.overlap == overlap(states, data.train_x).mean()
    assert (found.seed, found.patterns, found.load, found.epochs) == (3, 5, 5 / N, 20)
    assert found.asymmetry > 0


def test_memories_halt_at_the_checkpoints_as_they_train(memory):
    halted = {at.epoch: at.overlaps()[0].mean() for at in checked(memory, 5, [3], threads=1)}
    assert set(halted) == checkpoints(20)
    (found,) = tried(memory, 5, [3], until=1.01, threads=1)
    assert halted[20] == found.overlap
    (other,) = tried(memory, 5, [3], threads=1, ask=lambda at: -at.overlaps())
    assert other.overlap == -found.overlap


def test_networks_side_by_side_are_as_alone_each_with_patterns_of_its_own(memory):
    together = tried(memory, 14, [0, 1, 2], threads=1)
    assert together == [tried(memory, 14, [seed], threads=1)[0] for seed in (0, 1, 2)]
    assert len({one.overlap for one in together}) > 1


def test_training_stops_once_patterns_are_recalled(memory):
    (early,) = tried(memory, 2, [0], until=-1, threads=1)
    late, never = tried(memory, 2, [0, 1], until=early.overlap + 1e-9, threads=1)
    assert early.epochs == 1 < late.epochs
    assert late.overlap > early.overlap or late.epochs == 20
    assert never.seed == 1


def test_rules_that_learn_once_are_tried_once():
    (found,) = tried(hebb(), 2, [0], threads=1)
    assert (found.epochs, found.asymmetry) == (1, 0.0)
    (asked,) = tried(hebb("recall.flipped=16", "recall.max_steps=0"), 2, [0], threads=1)
    assert asked.overlap == -1  # all bits are flipped, and no step is made


# -- all of them -----------------------------------------------------------------------------------


class Counted:
    """`tried`, of networks that recall up to a number of patterns that goes by the seed."""

    def __init__(self, stop=math.inf):
        self.calls, self.stop = [], stop

    def __call__(self, experiment, patterns, seeds, *, until, threads, backend, stopped):
        if len(self.calls) == self.stop:
            raise Interrupted("stopped")
        self.calls.append((patterns, list(seeds)))
        good = [float(patterns <= 5 + seed) for seed in seeds]
        return [
            Tried(seed, patterns, patterns / N, one, one, 7, 0.1)
            for seed, one in zip(seeds, good, strict=True)
        ]


@pytest.fixture
def drawn(monkeypatch):
    """The real `draw`, which elsewhere would take the most time."""
    draw = module.draw
    monkeypatch.setattr(module, "draw", lambda found: None)
    return draw


@pytest.fixture
def counted(monkeypatch, drawn):
    made = Counted()
    monkeypatch.setattr(module, "tried", made)
    return made


def found_in(out):
    return json.loads((out / "capacity.json").read_text("utf-8"))


def test_what_is_found_is_kept_and_goes_on(tmp_path, counted, drawn):
    out, told = tmp_path / "out", []
    first = capacity(hebb(), out, seeds=3, jobs=1, report=told.append)
    assert first.loads == {seed: (5 + seed) / N for seed in range(3)}
    assert first.mean == 6 / N
    assert first.error == pytest.approx(np.std([5, 6, 7], ddof=1) / np.sqrt(3) / N)
    assert [len(one.loads) for one in told][1:] == [0, 1, 2, 3]
    assert (
        str(first)
        == "capacity 0.375 ± 0.036 patterns per neuron (mean ± standard error of 3 seeds)"
    )
    assert found_in(out) == {
        "capacity": first.mean, "standard_error": first.error, "at_least": False,
        "seeds": {"0": 5 / N, "1": 6 / N, "2": 7 / N}, "failed": {},
    }  # fmt: skip
    rows = list(csv.DictReader((out / "networks.csv").read_text("utf-8").splitlines()))
    assert len(rows) == len(counted.calls)
    assert rows[0] == {
        "seed": "0", "patterns": "4", "load": "0.25", "overlap": "1.0", "accuracy": "1.0",
        "epochs": "7", "asymmetry": "0.1",
    }  # fmt: skip
    drawn(first)
    assert (out / "capacity.png").stat().st_size > 10_000
    n, files = len(counted.calls), sorted((out / "networks").iterdir())
    # nothing is tried again but what is missing or damaged
    files[0].unlink()
    files[1].write_text("{")
    files[2].write_text(files[3].read_text())
    again = capacity(hebb(), out, seeds=3, jobs=1)
    assert (again.loads, len(counted.calls)) == (first.loads, n + 3)
    more = capacity(hebb(), out, seeds=[1, 4], jobs=1)
    assert more.loads == {1: 6 / N, 4: 9 / N}


def test_stopped_and_gone_on_with(tmp_path, counted):
    whole = capacity(hebb(), tmp_path / "whole", seeds=2, jobs=1)
    n, counted.stop = len(counted.calls), len(counted.calls) + 4
    out = tmp_path / "out"
    with pytest.raises(Interrupted, match="stopped; to continue: the same command"):
        capacity(hebb(), out, seeds=2, jobs=1)
    assert found_in(out)["standard_error"] is None
    counted.stop = math.inf
    assert capacity(hebb(), out, seeds=2, jobs=1).loads == whole.loads
    assert len(counted.calls) == 2 * n


def test_a_directory_that_was_only_just_begun_is_gone_on_with(tmp_path, counted, monkeypatch):
    out, write = tmp_path / "out", store.write_text
    half = out / ".capacity.toml.0123456789abcdef.tmp"

    def full(path, text):
        half.write_text("[exp")  # as a process leaves it that is killed
        raise CheckpointError("no space")

    monkeypatch.setattr(store, "write_text", full)
    with pytest.raises(CheckpointError, match="no space"):
        capacity(hebb(), out, seeds=1, jobs=1)
    monkeypatch.setattr(store, "write_text", write)
    assert capacity(hebb(), out, seeds=1, jobs=1).loads == {0: 5 / N}
    assert not half.exists()


def test_seeds_that_come_to_the_same_load_are_tried_together(tmp_path, counted):
    found = capacity(hebb(), tmp_path / "out", seeds=4, stack=4, jobs=1)
    assert counted.calls[0] == (4, [0, 1, 2, 3])
    assert found.loads == {seed: (5 + seed) / N for seed in range(4)}
    assert len(counted.calls) < sum(map(len, found.networks.values()))


def test_what_is_sent_to_a_process_finds_the_same(tmp_path, drawn):
    here = capacity(hebb(), tmp_path / "here", seeds=2, jobs=1, threads=1)
    plan, there = module._Plan.of(hebb(), None), tmp_path / "there"
    (there / "networks").mkdir(parents=True)
    options = {"plan": plan, "out": str(there), "threads": 1, "backend": "cpu"}
    sent = pickle.dumps(module._Groups([(0, 1)], options, plan.state, None).call)
    assert pickle.loads(sent)((0, 1)) == {0: None, 1: None}
    assert plan.state(there, (0, 1)).networks == here.networks
    assert infosim.capacity is capacity


@pytest.mark.parametrize("stack", [1, 3])
def test_a_seed_that_fails_is_told_and_others_go_on(stack, tmp_path, monkeypatch, drawn):
    fake = Counted()

    def some_fail(experiment, patterns, seeds, **options):
        if 1 in seeds:
            raise ConfigError("it cannot be")
        return fake(experiment, patterns, seeds, **options)

    monkeypatch.setattr(module, "tried", some_fail)
    found = capacity(hebb(), tmp_path / "out", seeds=3, jobs=1, stack=stack)
    assert found.failed == {1: "4 patterns: it cannot be"}
    assert (sorted(found.loads), found.left) == ([0, 2], ())


def test_other_settings_and_loads_have_a_directory_of_their_own(tmp_path, counted, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outs = {
        capacity(*given, seeds=1, jobs=1, **more).out
        for given, more in [
            ((hebb(),), {}), ((hebb("recall.ties=keep"),), {}), ((hebb(),), {"loads": "exact"}),
            ((hebb(),), {"loads": Bisection(guess=0.25, within=0.1)}),
        ]
    }  # fmt: skip
    assert len(outs) == 4
    assert {out.parent.name for out in outs} == {"capacities"}
    again = capacity(hebb("training.seed=5", "title=x"), seeds=1, jobs=1).out
    assert again in outs  # seeds are named apart, titles change nothing


# -- what cannot be --------------------------------------------------------------------------------

WRONG = {
    "another task": (lambda: {"experiment": Experiment.load("demo/digits")}, "the task of"),
    "seeds": (lambda: {"seeds": 0}, "seeds must be an integer from 1 to 100000, was 0"),
    "seeds twice": (lambda: {"seeds": [1, 1]}, "seeds must be different ones"),
    "no seeds": (lambda: {"seeds": []}, "seeds must be different ones, and one at least, were []"),
    "a seed": (lambda: {"seeds": [0.5]}, "a seed must be an integer from 0 to 2**32 - 1, was 0.5"),
    "jobs": (lambda: {"jobs": 0}, "jobs must be an integer of at least 1, was 0"),
    "stack": (lambda: {"stack": 0}, "stack must be an integer of at least 1, was 0"),
    "threads": (lambda: {"threads": -1}, "threads must be an integer of at least 1, was -1"),
    "sweep": (lambda: {"loads": "exat"}, "unknown sweep 'exat'; did you mean exact?"),
    "loads": (lambda: {"loads": 3}, "loads must be Loads or the name of a sweep, was 3"),
    "within": (lambda: {"loads": Bisection(within=0)}, "bisection: within must be a number in"),
    "recalled": (lambda: {"loads": Steps(recalled=1.5)}, "steps: recalled must be a number"),
    "step": (lambda: {"loads": Steps(step=-1.0)}, "steps: step must be a number in [1e-06, 1000]"),
    "no loads": (
        lambda: {"loads": Steps(start=3)},
        "there is no load to try with 16 neurons: start 3 and stop 2.001 are 48 and 33",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be(case, tmp_path):
    make, message = WRONG[case]
    with pytest.raises(ConfigError) as problem:
        capacity(**{"experiment": hebb(), "out": tmp_path / "out", "jobs": 1} | make())
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)
    assert not (tmp_path / "out").exists()


def test_patterns_that_cannot_be_chosen(tmp_path):
    data = infosim.Dataset(
        "mine", *[np.ones((4, N), np.float32), np.zeros(4, int)] * 2, n_classes=1,
        image_shape=(1, N), source="", cues=np.ones((4, N), np.float32),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="a capacity needs as many patterns as are asked for"):
        capacity(hebb().on(data), tmp_path / "out")


def test_directories_of_other_things(tmp_path, counted):
    out = tmp_path / "out"
    capacity(hebb(), out, seeds=1, jobs=1)
    before = (out / "networks.csv").read_text()
    with pytest.raises(CheckpointError, match=r"capacity: loads\.guess was 0\.25, now 0\.5"):
        capacity(hebb("data.options.patterns=8"), out, seeds=1)
    with pytest.raises(CheckpointError, match="another capacity: recall"):
        capacity(hebb("recall.ties=keep"), out, seeds=1)
    assert (out / "networks.csv").read_text() == before
    (out / "capacity.toml").write_text("x = [")
    with pytest.raises(CheckpointError, match=r"capacity\.toml is damaged: .* use another --out"):
        capacity(hebb(), out, seeds=1)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "mine.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="holds something else than a capacity"):
        capacity(hebb(), foreign, seeds=1)
    assert (foreign / "mine.txt").read_text() == "mine"
    with pytest.raises(CheckpointError, match="cannot write"):
        capacity(hebb(), foreign / "mine.txt", seeds=1)


# -- on the command line ---------------------------------------------------------------------------

COMMAND = ["capacity", "pnas/memory-hopfield", *(f"--set={one}" for one in HEBB)]


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([*COMMAND, *map(str, arguments)])
    captured = capsys.readouterr()
    return stop.value.code, captured.out.splitlines(), captured.err


def test_the_command_tells_the_first_capacity_with_its_error(
    tmp_path, counted, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    code, lines, error = run(capsys, "--seeds", 3, "--jobs", 1)
    assert (code, error) == (0, "")
    assert lines[0] == "capacity not known yet, 0 of 3 seeds done"
    assert lines[2] == (
        "capacity 0.344 ± 0.031 patterns per neuron (mean ± standard error of 2 seeds) so far, "
        "2 of 3 seeds done"
    )
    assert lines[-2].startswith("capacity 0.375 ± 0.036 patterns per neuron")
    assert lines[-1].startswith("results in capacities/pnas-memory-hopfield-")
    assert run(capsys, "-q", "--seeds", 3, "--jobs", 1) == (0, [], "")
    code, lines, _ = run(
        capsys, "--start", 0.25, "--step", 0.0625, "--stop", 0.5, "--no-interrupt", "--jobs", 1,
        "--seeds", 1, "--out", "steps",
    )  # fmt: skip
    assert [m for m, _ in counted.calls[-4:]] == [4, 5, 6, 7]
    assert lines[-2] == "capacity 0.312 patterns per neuron (1 seed)"


@pytest.mark.parametrize(
    ("epochs", "changes"),
    [
        (3, ["--epochs", "3"]), (7, ["--set", "training={epochs=7,record_epochs=2}"]),
        (0, ["--epochs", "0", "--set", "training.measure_first=false"]),
    ],
)  # fmt: skip
def test_what_training_would_measure_is_not_asked(epochs, changes, tmp_path, capsys):
    """A preset's `evaluate_every` is of its own epochs, and recall has checkpoints of its own."""
    command = ["capacity", "memory/redundancy", "--set", f"data.options.units={N}", *changes]
    with pytest.raises(SystemExit) as stop:
        main([*command, "--seeds", "1", "--jobs", "1", "--out", str(tmp_path)])
    assert (stop.value.code, capsys.readouterr().err) == (0, "")
    rows = csv.DictReader((tmp_path / "networks.csv").read_text("utf-8").splitlines())
    assert max(int(row["epochs"]) for row in rows) == epochs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", 0], "seeds must be an integer from 1 to 100000, was 0"),
        (["--sweep", "papr"], "unknown sweep 'papr'; did you mean paper?"),
        (["--sweep", "paper", "--guess", 1], "guess is of a bisection, sweep of a sweep"),
        (["--within", 0.1, "--step", 1], "within is of a bisection, step of a sweep"),
        (["--start", 3], "start 3 and stop 2.001 are 48 and 33 patterns; stop must be more"),
        (["--start", 0.4, "--stop", 0.41], "start 0.4 and stop 0.41 are 7 and 7 patterns"),
        (["--within", 0], "bisection: within must be a number in [1e-06, 10], was 0.0"),
        (["--recalled", 2], "bisection: recalled must be a number in [-1, 1], was 2.0"),
        (["--until", "nan"], "bisection: until must be a number in [-1, 1], was nan"),
        (["--epochs", -1], "training.epochs must be an integer of at least 0, was -1"),
        (["--epochs", 3], "learns in closed form"),
        (["--jobs", 0], "jobs must be an integer of at least 1, was 0"),
        (["--backend", "gpu"], "gpu"),
        (["--out", ""], "a directory has a name"),
        (["--set", "recall.ties=up"], "recall.ties must be"),
    ],
)
def test_bad_input_is_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, lines, error = run(capsys, *arguments)
    assert (code, lines) == (2, [])
    assert message in error
    assert error.startswith("infosim: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
