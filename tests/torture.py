"""Kill trainings and damage files, at random, for as long as wanted.

    python -m tests.torture --kills 100 --fuzz 100000

A small slice of it is part of the tests. What fails can be made again with its seed and number.
"""

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path

import click
import numpy as np

import infosim
from infosim.cli import main
from infosim.datasets import sources
from infosim.errors import InfosimError
from infosim.experiments import Experiment, directory, picture, run, store
from infosim.experiments.sweep import Sweep, run_sweep

ROOT = Path(__file__).parents[1]
SETTINGS = (
    "layers.hidden.size=40",
    "training.epochs=12",
    "layers.hidden.optimizer.rate=0.01",
    "layers.output.optimizer.rate=0.02",
)

# -- kills -----------------------------------------------------------------------------------------

KILLED = """
import sys
from infosim.experiments import Experiment, Interrupted, run
run.CHECKPOINT_SECONDS = 0.02  # so that kills meet writes
experiment = Experiment.load("demo/digits", sys.argv[2:])
options = {"resume": True, "summary": False}
try:
    run.train_together([experiment], [run.Path(sys.argv[1])], **options)
except Interrupted as stopped:
    sys.exit(stopped.exit_code)
"""
SIGNALS = [
    getattr(signal, name)
    for name in ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
    if hasattr(signal, name)
]


def undisturbed(out):
    """The run that all others are to equal."""
    run.train_together([Experiment.load("demo/digits", SETTINGS)], [out], summary=False)
    return out


def killed(out, rng, n=None, damaged=0.2):
    """Train into `out`, killed at random moments, n times if it takes so long; how often it was.

    damaged : how often the newest checkpoint is damaged in between, if there is another
    """
    kills = 0
    while True:
        command = [sys.executable, "-W", "ignore", "-c", KILLED, str(out), *SETTINGS]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        if n is None or kills < n:
            began = time.time()
            while process.poll() is None and not _touched(out, began):
                time.sleep(0.002)
            try:
                process.wait(1.5 * rng.random() ** 2)
            except subprocess.TimeoutExpired:
                process.send_signal(rng.choice(SIGNALS))
                kills += 1
        process.wait(120)
        _whole(out)
        if process.returncode == 0:
            return kills
        assert process.returncode in {*(-one for one in SIGNALS), *(128 + s for s in SIGNALS)}
        newest, before = (out / name for name in directory.CHECKPOINTS)
        if newest.exists() and before.exists() and rng.random() < damaged:
            newest.write_bytes(mutated(newest.read_bytes(), rng))


def _touched(out, since):
    """Whether a process that began then has come to write to the directory."""
    try:
        return (out / "environment.json").stat().st_mtime > since
    except OSError:
        return False


def _whole(out):
    """Every file there is one that can be read."""
    for path in out.glob("*.npz"):
        if path.name not in directory.CHECKPOINTS:
            store.read_arrays(path)
    if directory.begun(out):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            directory.read_state(out)
    for path in out.glob("*.json"):
        store.read_json(path)
    if (out / "config.toml").exists():
        directory.read_config(out)


def same_results(a, b):
    """Whether two runs have the same bits in everything but the seconds they took."""
    for name in ("weights.npz", "atoms.npz"):
        one, other = store.read_arrays(a / name), store.read_arrays(b / name)
        assert one.keys() == other.keys()
        for key in one:
            np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    rows = [
        [row[:-1] for row in csv.reader((folder / "metrics.csv").read_text().splitlines())]
        for folder in (a, b)
    ]
    assert rows[0] == rows[1]
    assert (a / "health.json").read_bytes() == (b / "health.json").read_bytes()


# -- damage ----------------------------------------------------------------------------------------

_TOKENS = (
    b"", b"0", b"-1", b"1e999", b"nan", b"inf", b"9" * 30, b"9" * 5000, b"0x" + b"f" * 5000, b"1.5",
    b"true", b"null", b'""', b"[]", b"{}", b"[[", b"}" * 50, b"[" * 3000, b"{" * 3000, b"a." * 99,
    b'"', b"'", b"\\", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3\xa9", b"=", b",", b"#",
    b"../../x", b"$", b"-0", b"1_0", b"x" * 200_000,
)  # fmt: skip


def mutated(content, rng):
    """`content`, damaged somehow, once or a few times; another one than before."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 1, 2, 8, 100, 5000)))
        kind = rng.randrange(8)
        if kind <= 1 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del data[at:to]
        elif kind == 3:
            data[at:at] = data[at:to]
        elif kind == 4:
            data[at:to] = rng.randbytes(to - at)
        elif kind == 5:
            data[at:at] = rng.choice(_TOKENS)
        elif kind == 6:
            data = _token_replaced(data, at, rng)
        elif rng.random() < 0.3:
            del data[at:]
    return bytes(data) if data != content else mutated(content, rng)


def _token_replaced(data, at, rng):
    """`data` with the word or number at a place replaced."""
    word = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-"
    low, high = at, at
    while low > 0 and data[low - 1] in word:
        low -= 1
    while high < len(data) and data[high] in word:
        high += 1
    return data[:low] + rng.choice(_TOKENS) + data[high:]


def restructured(path, rng):
    """Put something else into an intact file: another value in JSON, another array in .npz."""
    if path.suffix == ".json" and path.exists():
        value = json.loads(path.read_text())
        path.write_text(json.dumps(_replaced(value, rng)))
        return True
    if path.suffix == ".npz" and path.exists():
        state = store.read_arrays(path)
        digest = state.pop("digest", None)
        name = rng.choice(sorted(state))
        array = state.pop(name)
        if rng.random() < 0.9:
            named = rng.choice([name, name, name, name + "x", name.rpartition("/")[0]])
            state[named] = _rearranged(array, rng)
        if digest is not None:
            state["digest"] = directory.digest_of(state)
        store.write_arrays(path, state)
        return True
    return False


def _rearranged(array, rng):
    """Another array in place of this one: its shape, its type or its values."""
    kind = rng.randrange(6)
    if kind == 0:
        return array.ravel()[:-1]
    if kind == 1:
        return array[..., None]
    if kind == 2:
        return np.zeros(rng.choice([(), (0,), (3,), (2, 3), (5, 1, 1)]), rng.choice("fdilU?"))
    if kind == 3:
        types = ["U9"] if array.dtype.kind == "U" else ["U9", ">f8", "f4", "bool"]
        return array.astype(rng.choice(types))
    if kind == 4:
        return array[::-1] if array.ndim else array
    return np.full(array.shape, rng.choice([np.nan, np.inf, -1.0, 1e300, 2.0**62]))


def _replaced(value, rng):
    """`value` with something in it replaced."""
    if isinstance(value, dict | list) and value and rng.random() < 0.8:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = rng.choice(keys)
        changed = value.copy()
        if rng.random() < 0.2:
            del changed[key]
        else:
            changed[key] = _replaced(value[key], rng)
        return changed
    others = (None, True, -1, 0, 2**70, 1.5, 1e300, float("nan"), "", "x", "../x", [], {}, [[]])
    return rng.choice(others)


#: Lines on stderr that commands write beside an error.
_REPORT = re.compile(r"infosim: warning: |failed: |to run them again: |\d+ of \d+ rows dropped: ")


class Fuzz:
    """Files of each kind, and commands that read them when they are damaged."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        few = ["layers.hidden.size=4", "training.epochs=1", "training.evaluate_every=1"]
        self._few = [part for one in few for part in ("--set", one)]
        self.experiment = Experiment.load("demo/digits", few)
        self.dataset = self.experiment.dataset()
        self.run = self.folder / "run"
        run.train_together([self.experiment], [self.run], summary=False)
        (self.run / directory.CHECKPOINTS[1]).write_bytes(
            (self.run / directory.CHECKPOINTS[0]).read_bytes()
        )
        text = 'preset = "demo/digits"\nseeds = [0, 1]\n[set]\ntraining.epochs = 1\n'
        text += "[grid]\nlayers.hidden.size = [3]\n[[runs]]\n"
        self.sweep = self._kept("some.toml", text)
        run_sweep(Sweep.load(self.sweep), self.folder / "sweep")
        self.preset = self._kept("mine.toml", (self.run / "config.toml").read_text())
        rows = "".join(f"{i % 2},{i % 3},{i % 5 / 2},\n" for i in range(60))
        self.table = self._kept("table.csv", "a,b,y,z\n" + rows)
        few = [f"data.name={self.table}", "data.options.target=y", *few]
        self.own = self.folder / "own"
        own = Experiment.load("own/table", [*few, "data.options.exclude=['z']"])
        run.train_together([own], [self.own], summary=False)
        there = [name for name in directory.FILES if (self.run / name).exists()]
        self.formula = "0.5 {F}{C} - 1e-3 {FC}{L} + {F} - H"
        self.targets = {
            **{f"run: {name}": (self.resume, name) for name in there},
            **{f"load: {name}": (self.load, name) for name in there},
            "own data: encoding.json": (self.predict, "encoding.json"),
            "own data: config.toml": (self.predict, "config.toml"),
            **{f"sweep: {name}": (self.status, name) for name in ("runs.json", "sweep.toml")},
            "sweep: result.json": (self.status_of_run, "result.json"),
            "sweep: error.json": (self.status_of_run, "error.json"),
            "file of a sweep": (self.dry_run, None),
            "file of settings": (self.show, None),
            "table": (self.decompose, None),
            "IDX": (self.load_idx, None),
            "formula": (self.goal, None),
            "--set": (self.set, None),
            "name": (self.name, None),
        }
        try:
            import optuna  # noqa: F401

            self._search(self.folder / "study")
            self.targets["study.db"] = (self.optimize, None)
        except ImportError:
            pass

    def _kept(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def damaged(self, name, content, rng):
        """A damaged copy in a folder of its own."""
        path = self.folder / "damaged" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(mutated(content, rng))
        return path

    def _damaged_in(self, folder, name, rng):
        """A copy of a directory in which a file is damaged."""
        out = self.folder / "copy"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder, out)
        path = out / name
        if rng.random() < 0.5 and restructured(path, rng):
            return out
        content = path.read_bytes() if path.exists() else b'{"reason": "it broke"}'
        path.write_bytes(mutated(content, rng))
        return out

    # each returns what to run: a command, or a function that may raise InfosimError

    def resume(self, name, rng):
        out = self._damaged_in(self.run, name, rng)
        return ["train", "demo/digits", *self._few, "--out", out, "--resume", "-q"]

    def load(self, name, rng):
        out = self._damaged_in(self.run, name, rng)

        def load():
            results = infosim.load_run(out)
            assert results.weights
            assert results.record
            results.simulator(threads=1)

        return load

    def predict(self, name, rng):
        out = self._damaged_in(self.own, name, rng)
        return ["predict", out, self.table, "--out", "-", "-q"]

    def status(self, name, rng):
        return ["sweep", "status", self._damaged_in(self.folder / "sweep", name, rng)]

    def status_of_run(self, name, rng):
        key = rng.choice(sorted(path.name for path in (self.folder / "sweep/runs").iterdir()))
        out = self._damaged_in(self.folder / "sweep", f"runs/{key}/{name}", rng)
        if name == "error.json":
            (out / "runs" / key / "result.json").unlink()
        return ["sweep", "status", out]

    def dry_run(self, name, rng):
        content = self.sweep.read_bytes()
        return ["sweep", self.damaged("s.toml", content, rng), "--dry-run"]

    def show(self, name, rng):
        return ["presets", "show", self.damaged("p.toml", self.preset.read_bytes(), rng)]

    def decompose(self, name, rng):
        path = self.damaged("t.csv", self.table.read_bytes(), rng)
        more = rng.choice(([], ["--bins", "2"], ["--missing", "drop"], ["--target-bins", "3"]))
        return ["pid", path, "--sources", "a,b", "--target", "y", *more]

    def load_idx(self, name, rng):
        (source, *_) = sources.SOURCES["mnist"].files
        content = b"\0\0\x08\x03" + np.array([2, 3, 4], ">u4").tobytes() + bytes(range(24))
        path = self.damaged(source.name.removesuffix(".gz"), content, rng)
        return ["data", "import", path.parent]

    def goal(self, name, rng):
        return ["goal", "--", _text(mutated(self.formula.encode(), rng))]

    def set(self, name, rng):
        setting = rng.choice(sorted(_leaves(self.experiment.config)))
        text = _text(mutated(setting.encode(), rng))

        def build():
            experiment = Experiment.load("demo/digits", [text])
            if all(layer["size"] < 1000 for layer in experiment.config["layers"].values()):
                experiment.network(self.dataset)

        return build

    def name(self, name, rng):
        text = _text(mutated(b"iclr/trivariate-optimized", rng))
        return [*rng.choice((["presets", "show"], ["sweep"], ["goal"])), "--", text]

    def _search(self, out):
        words = ["optimize", "demo/digits", *self._few, "--trials", 2, "--threads", 1, "-q"]
        return [*words, "--out", out] if out.exists() else self._made([*words, "--out", out], out)

    def _made(self, words, out):
        assert attempted(words)[0] == 0
        with closing(sqlite3.connect(out / "study.db")) as connection:
            connection.execute("VACUUM")
        return words

    def optimize(self, name, rng):
        return self._search(self._damaged_in(self.folder / "study", "study.db", rng))

    def attempt(self, kind, rng):
        """Damage a file of this kind and read it; what is wrong with how that ended, or None."""
        make, name = self.targets[kind]
        doing = make(name, rng)
        if callable(doing):
            return refused(doing)
        began = time.monotonic()
        code, _, err = attempted(doing)
        seconds = time.monotonic() - began
        if code is None or "Traceback" in err:
            return f"a traceback: {err}"
        lines = [line for line in err.splitlines() if not _REPORT.match(line)]
        if code not in (0, 2) or len(lines) != (code == 2) or seconds > 20:
            return f"exit code {code} after {seconds:.0f} s with {len(lines)} lines: {err[:2000]}"
        return None


def _text(content):
    """An argument of a command: text without a null."""
    return content.decode("utf-8", "replace").replace("\0", "")


def _leaves(table, prefix=""):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={json.dumps(value)}"


def attempted(words):
    """Run a command here: exit code (None for a traceback), standard output and error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(word) for word in words])
        except SystemExit as stop:
            return stop.code, out.getvalue(), err.getvalue()
        except BaseException:
            return None, out.getvalue(), traceback.format_exc()
    raise AssertionError("no exit")


def refused(function):
    """What is wrong with what a function raised, which may be an InfosimError of one line."""
    try:
        function()
    except InfosimError as error:
        return f"several lines: {error}" if "\n" in str(error).strip() else None
    except Exception:
        return f"a traceback: {traceback.format_exc()}"
    return None


def fuzz(folder, n, seed, report=None):
    """Damage n files of all kinds in turn; the failures, (kind, number, what is wrong).

    Pictures are not drawn: they would take all of the time.
    """
    draw, picture.write_summaries = picture.write_summaries, lambda *arguments: None
    failures = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = Fuzz(folder)
            kinds = list(made.targets)
            for number in range(n):
                kind = kinds[number % len(kinds)]
                wrong = made.attempt(kind, random.Random(f"{seed} {number}"))
                if wrong:
                    failures.append((kind, number, wrong))
                if report is not None:
                    report(kind, number, wrong)
    finally:
        picture.write_summaries = draw
    return failures


@click.command()
@click.option("--kills", default=0, help="How often trainings are killed.")
@click.option("--fuzz", "n", default=0, help="How many files are damaged.")
@click.option("--seed", default=0)
def command(kills, n, seed):
    """Kill trainings and damage files at random; exit code 1 if something is not as it is to be."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if kills:
            whole = undisturbed(folder / "whole")
        done = runs = 0
        while done < kills:
            out = folder / f"killed{runs}"
            done += killed(out, rng)
            same_results(out, whole)
            shutil.rmtree(out)
            runs += 1
            click.echo(f"{done} kills of {runs} runs, which ended in the same bits")
        counts, began = Counter(), time.monotonic()

        def report(kind, number, wrong):
            counts[kind] += 1
            if wrong:
                click.echo(f"seed {seed}, number {number}, {kind}: {wrong}")
            if number % 1000 == 999:
                click.echo(f"{number + 1} files in {time.monotonic() - began:.0f} s")

        failures = fuzz(folder / "fuzz", n, seed, report) if n else []
    if n:
        click.echo(
            f"{n} damaged files, {len(failures)} failures; of each kind {min(counts.values())}"
        )
    sys.exit(bool(failures))


if __name__ == "__main__":
    os.environ.setdefault("INFOSIM_DATA", tempfile.gettempdir())
    command()
