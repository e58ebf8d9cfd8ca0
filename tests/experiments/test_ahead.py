"""The process that compiles beside a training: what it compiles, who waits, how it ends."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import numba
import pytest

from infosim import jit, standby
from infosim.analysis.health import check
from infosim.experiments import Experiment, ahead
from infosim.experiments.run import prepared

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="asks the compiler")
SMALL = ["data.name='digits'", "training.batch=64", "layers.hidden.size=5"]


def training_of(preset, *changes):
    experiment = Experiment.load(preset, list(changes))
    return prepared([experiment], experiment.dataset(), "cpu", 1)[0]


@compiled
@pytest.mark.parametrize(
    ("preset", "changes", "calls"),
    [
        (
            "iclr/trivariate-optimized",
            SMALL,
            {"_draw", "_sum", "hard", "tabulate", "informations", "price"},
        ),
        ("iclr/backprop", SMALL, {"_draw", "_sum"}),
        (
            "memory/redundancy",
            [],
            {"_draw", "_sum", "soft", "nearest", "lay_out", "tabulate", "informations"},
        ),
    ],
)
def test_all_that_a_batch_calls_is_known_before(preset, changes, calls, monkeypatch):
    """The same functions and types as of batches that are carried out, in epochs 0 and 1."""
    measuring, learning, binning = ahead._called(training_of(preset, *changes))
    assert not set(measuring) & set(learning)
    training, called = training_of(preset, *changes), []
    carry_out = training.simulator.workers.run

    def take(stage):
        called.extend(
            (function, tuple(map(function.typeof_pyval, arguments)))
            for calls in stage
            for function, arguments in calls
            if hasattr(function, "typeof_pyval")
        )
        carry_out(stage)

    monkeypatch.setattr(training.simulator.workers, "run", take)
    training.advance()
    assert set(called) == set(measuring)
    training.position = training.n_batches
    training.advance()  # what is measured when an epoch ends is not looked for
    called.clear()
    training.advance()
    assert set(learning) <= set(called) <= {*measuring, *learning}
    called.clear()
    check(training.simulator, training.samples, batch=training.batch)
    assert set(binning) <= set(called) <= {*measuring, *learning, *binning}
    assert bool(binning) == any(layer.has_goal for layer in training.simulator.network.layers)
    for group, longest in (measuring, "information"), (learning, "score"):
        ordered = ahead._in_order(group)
        assert set(ordered) == set(group)
        assert not preset.startswith("iclr/tri") or ordered[0][0].__name__ == longest
    shared = [part for kernel in (*measuring, *learning, *binning) for part in jit.calls(*kernel)]
    assert {function.__name__ for function, _ in shared} == calls
    for function, types in shared:
        assert jit.name_of(function, types) in jit._linked


TRAINS = """
import sys
from numba.core.dispatcher import Dispatcher
from infosim import jit, standby
from infosim.experiments import Experiment, ahead, train
standby.available = lambda: 2
made = []
class Another(ahead.Another):
    def __init__(self, process):
        super().__init__(process)
        made.append(self)
        self.waited = []
    def compiles(self, name):
        self.waited.append(super().compiles(name))
        return self.waited[-1]
    def draws(self, folders):
        assert super().draws(folders), "by the other"
        assert "matplotlib" not in sys.modules
        return True
ahead.Another = Another
settings = [*sys.argv[2:], "training.epochs=1", "data.validation=0"]
train(Experiment.load("iclr/backprop", settings), sys.argv[1])
print(len(made), *[sum(one.waited) for one in made], *[one._process.poll() for one in made])
assert jit.another is None
"""


@compiled
def test_a_first_training_gets_the_same_bits_from_kernels_of_both(tmp_path):
    """Both compile, each kernel is kept once, and nothing is left running or half-written."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    told, kept = [], []
    for name in "first", "second":
        result = subprocess.run(
            [sys.executable, "-c", TRAINS, str(tmp_path / name), *SMALL], env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        told.append(list(map(int, result.stdout.split())))
        kept.append({path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()})
    n_processes, _, code = told[0]
    assert (n_processes, code) == (1, 0)
    assert told[1] == [0]
    assert kept[0] == kept[1]
    assert all(name.endswith(".kernel") for name in kept[0])
    for file in "weights.npz", "metrics.csv", "summary.png":
        first, second = ((tmp_path / name / file).read_bytes() for name in ("first", "second"))
        if file == "metrics.csv":  # all but the seconds of epochs
            first, second = (
                [line.rpartition(b",")[0] for line in text.splitlines()] for text in (first, second)
            )
        assert first == second


def test_only_a_first_training_with_processors_to_spare_has_it(monkeypatch):
    class Made(Exception):
        pass

    def refuse(process):
        raise Made

    monkeypatch.setattr(ahead, "Another", refuse)
    monkeypatch.setattr(standby, "start", lambda command: None)
    experiment = Experiment.load("demo/digits")

    def made(backend="cpu", threads=None, available=2, filled=False, data="digits"):
        monkeypatch.setattr(standby, "available", lambda: available)
        monkeypatch.setattr(jit, "filled", lambda: filled)
        monkeypatch.setitem(experiment.config["data"], "name", data)
        try:
            with ahead.compiling(experiment, backend, threads):
                return False
        except Made:
            return True

    assert made()
    assert made(threads=2)
    assert not made(threads=1)
    assert not made(available=1)
    assert not made(backend="cuda")
    assert not made(filled=True)
    assert not made(filled=None)  # a cache that nothing can be kept in
    assert not made(data="/a/table.csv")
    with monkeypatch.context() as patched:  # Python is within a program, or does not know itself
        for executable in "/opt/app/bin/app", "", None:
            patched.setattr(sys, "executable", executable)
            assert not made()
    monkeypatch.setattr(jit, "another", object())
    assert not made()  # one beside another training is enough


def started(program):
    return ahead.Another(standby.start([sys.executable, "-c", "import sys, time\n" + program]))


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_what_it_has_begun_is_waited_for_and_the_rest_is_not():
    another = started(
        "print('begin x', flush=True)\n"
        "name = sys.stdin.readline().strip()\n"
        "print(name + '-was-told', flush=True)\n"
        "sys.stdin.readline()\n"
        "print('end x', flush=True)\n"
        "sys.stdin.read()\n"
    )
    assert eventually(lambda: "x" in another.begun)
    assert not another.compiles("y")
    assert eventually(lambda: "y-was-told" in another.begun)
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(another.compiles, "x")
        with pytest.raises(TimeoutError):
            waits.result(0.1)
        another.say("go on")
        assert waits.result(10)
    assert another.compiles("x")  # it is there, or cannot be compiled
    another.stop()
    assert another._process.poll() == 0


class Kernel:
    """One that notes when it is compiled, and asks whether it has been, as any does.

    calls : the name of another that it calls
    """

    def __init__(self, name, another, compiled, calls=None):
        self.name, self.another, self.compiled, self.calls = name, another, compiled, calls

    def compile(self, types):
        assert types == ("types",)
        if self.name in self.compiled:
            return
        if not self.another.compiles(self.name):
            self.compiled.append(self.name)
            if self.calls is not None:
                assert self.another.compiles(self.calls)
            if self.name == "wrong":
                raise TypeError("cannot be compiled")
            self.another.has(self.name)


def test_both_take_the_longest_that_neither_has_begun():
    """What is asked for is compiled after all that take longer, or waited for after all others."""
    another = started(
        "print('begin b', flush=True)\n"
        "told = [sys.stdin.readline().strip() for _ in range(7)]\n"
        "print('begin', *told, flush=True)\n"
        "print('end b', flush=True)\n"
        "sys.stdin.read()\n"
    )
    compiled = []
    first = {name: (Kernel(name, another, compiled), ("types",)) for name in ("a", "wrong", *"bcd")}
    another.groups = first, {"e": (Kernel("e", another, compiled), ("types",))}
    assert eventually(lambda: "b" in another.begun)
    assert not another.compiles("c")
    assert compiled == ["a", "wrong"]
    assert another.compiles("b")
    assert compiled == ["a", "wrong", "d"]  # c is being compiled here
    assert "begin a end a begin wrong end wrong begin c begin d end d" in another.begun
    compiled.clear()
    assert not another.compiles("e")
    assert not another.compiles("of no batch")
    assert compiled == []
    another.stop()


def test_what_is_being_compiled_is_not_begun_again_by_what_it_calls():
    another = started(
        "print('begin called', flush=True)\n"
        "told = [sys.stdin.readline().strip() for _ in range(3)]\n"
        "print('begin', *told, flush=True)\n"
        "print('end called', flush=True)\n"
        "sys.stdin.read()\n"
    )
    compiled = []
    longest = Kernel("longest", another, compiled, calls="called")
    group = [longest, *(Kernel(name, another, compiled) for name in ("called", "other"))]
    another.groups = [{one.name: (one, ("types",)) for one in group}]
    assert eventually(lambda: "called" in another.begun)
    longest.compile(("types",))
    assert compiled == ["longest", "other"]
    assert "begin longest begin other end other" in another.begun
    another.stop()


def test_a_training_shares_what_it_finds_out(monkeypatch):
    experiment = Experiment.load("demo/digits")
    ahead.share(experiment, None)  # there is nobody to share with
    another = started("sys.stdin.read()")
    monkeypatch.setattr(jit, "another", another)
    ahead.share(experiment, None)  # no data: kernels are compiled when they are called
    assert another.groups == []
    ahead.share(experiment, experiment.dataset())
    assert len(another.groups) == 3
    another.stop()


@pytest.mark.parametrize(
    ("answer", "well"),
    [("print('drawn well')", True), ("print('drawn badly')", False), ("sys.exit(3)", False)],
)
def test_what_it_cannot_draw_the_training_draws(answer, well, monkeypatch, tmp_path):
    program = "\n".join(["print('end x', *sys.stdin.readline().split()[1:])", answer, ""])
    another = started(program)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jit, "another", another)
    monkeypatch.delitem(sys.modules, "matplotlib", raising=False)
    assert ahead.draws(["a run"]) is well
    told = json.dumps([str(tmp_path / "a run")])
    assert another._ended == {f"x {told}"}  # a place that it finds wherever it is
    another.stop()


def test_pictures_in_a_user_s_settings_are_the_training_s_own(monkeypatch):
    assert not ahead.draws(["run"])  # there is nobody else
    monkeypatch.setattr(jit, "another", object())
    monkeypatch.setitem(sys.modules, "matplotlib", object())
    assert not ahead.draws(["run"])


def test_a_picture_of_which_there_is_something_to_say_is_not_well(tmp_path):
    """The other process draws a directory that holds no run: the training will tell of that."""
    commands, answers = StringIO(f"draw {json.dumps([str(tmp_path)])}\n"), StringIO()
    training = ahead._Training(answers)
    training.listen(commands)
    training.draw()
    assert answers.getvalue() == "drawn badly\n"


@pytest.mark.parametrize("ending", ["sys.exit(3)", "import os; os.abort()", "1 / 0"])
def test_nothing_is_waited_for_that_will_not_come(ending):
    another = started(f"print('begin x', flush=True)\ntime.sleep(0.2)\n{ending}")
    assert eventually(lambda: "x" in another.begun)
    began = time.monotonic()
    assert another.compiles("x")  # to be looked for, and compiled if it is not there
    assert time.monotonic() - began < 10
    another.say("y")
    another.stop()
    assert another._process.poll() not in (None, 0)


def test_one_that_does_not_answer_is_ended():
    another = started("print('begin x', flush=True)\ntime.sleep(100)")
    assert eventually(lambda: "x" in another.begun)
    began = time.monotonic()
    another.stop()
    assert time.monotonic() - began < 10
    assert another._process.poll() is not None


def test_words_that_mean_nothing_are_passed_over():
    another = started("print('begin', flush=True)\nprint('\\0 end\\nend x')\nsys.stdin.read()")
    assert eventually(lambda: "" in another.begun)
    assert not another.compiles("x")
    another.stop()


def test_one_that_cannot_be_started_is_done_without(tmp_path):
    another = ahead.Another(standby.start([str(tmp_path / "nothing")]))
    another.say("x")
    assert not another.compiles("x")
    another.stop()


@pytest.mark.skipif(not hasattr(os, "kill") or os.name == "nt", reason="asks for a process by kill")
def test_it_ends_with_the_training_that_is_killed():
    program = (
        "import json, os, sys\n"
        "from infosim import standby\n"
        "from infosim.experiments import Experiment, ahead\n"
        "another = ahead.Another(standby.taken())\n"
        "another.say(json.dumps(Experiment.load('demo/digits').config))\n"
        "print(another._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == -9

    def ended():
        try:
            os.kill(int(result.stdout), 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{int(result.stdout)}/stat")  # it may be that nobody asks for its end
        return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"

    assert eventually(ended, 30)
