"""What Linux, macOS and Windows differ in, simulated on whichever this is."""

import ast
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest

import infosim
from infosim import files
from infosim.errors import CheckpointError
from infosim.experiments import Experiment, engines, preset_names, run, stopping, store
from infosim.experiments.capacity import LEDGER
from infosim.experiments.sweep import Sweep, run_sweep
from scripts.files import ROOT

TINY = ["layers.hidden.size=5", "training.epochs=2"]


def python(code, *arguments, encoding="utf-8", **environment):
    """What a process of its own prints, which has to succeed."""
    found = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True, encoding=encoding, timeout=120,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs."""
    out = tmp_path_factory.mktemp("finished") / "run"
    run.train_together([Experiment.load("demo/digits", TINY)], [out], summary=False)
    return out


# -- names -----------------------------------------------------------------------------------------

DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(10)),
}


def refused(path):
    """Why Windows refuses a relative path, None if it does not."""
    for part in PureWindowsPath(path).parts:
        if set(part) & set('<>:"|?*\\') or min(part) < " ":
            return "a character"
        if part[-1] in ". ":
            return "its end"
        if part.partition(".")[0].rstrip().lower() in DEVICES:
            return "a device"
    return "its length" if len(str(path)) > 180 else None  # of 260, the rest is the folder's


@pytest.mark.parametrize(
    "path", ["a/b:c", "what?", "ends. ", "dot.", "aux.py", "x/NUL.txt", "a" * 200]
)
def test_what_windows_refuses_is_found(path):
    assert refused(path)
    assert refused("infosim/auxiliary.py") is None


def test_every_file_of_the_source_can_be_on_any_system():
    folders = ("infosim", "tests", "scripts", "docs", "figures", "benchmarks", "reference", "conda")
    paths = [
        path.relative_to(ROOT).as_posix() for one in folders for path in (ROOT / one).rglob("*")
    ]
    assert len(paths) > 500
    assert not [(path, refused(path)) for path in paths if refused(path)]
    assert [n for n in Counter(map(str.lower, paths)).values() if n > 1] == []  # as macOS sees them


def test_every_directory_of_runs_can_be_on_any_system(tmp_path):
    last = f".{max(run.FILES, key=len)}.{'0' * 16}.tmp"
    for name in preset_names():
        folder = run.default_directory(Experiment.load(name))
        assert refused(folder / last) is None, folder
    (tmp_path / "A strange, long name (1).toml").write_text('preset = "demo/digits"\n', "utf-8")
    sweep = Sweep.load(tmp_path / "A strange, long name (1).toml")
    assert refused(Path("sweeps") / sweep.name / "runs" / sweep.runs[0].key / last) is None
    assert (
        refused(Path("capacities") / f"memory-{'0' * 6}" / LEDGER / "seed4294967295-1.json") is None
    )


@pytest.mark.parametrize(
    "name", ["aux.csv", "what?.csv", "ends. .csv", "größe und ·.csv", "....csv"]
)
def test_data_of_any_name_are_called_what_a_directory_can_be(name, tmp_path):
    config = Experiment.load("demo/digits").config
    config["data"] = config["data"] | {"name": str(tmp_path / name)}
    assert refused(run.default_directory(Experiment("mine", config))) is None


# -- texts -----------------------------------------------------------------------------------------


def unsaid(path):
    """Lines that open a text without saying its encoding, which is the system's then."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        said = any(one.arg == "encoding" for one in node.keywords)
        modes = [one.value for one in node.args if isinstance(one, ast.Constant)]
        least = {"read_text": 0, "write_text": 1}.get(name)
        if least is not None and not said and len(node.args) <= least:
            yield node.lineno
        if getattr(node.func, "id", "") == "open" and not said and not {"rb", "wb"} & set(modes):
            yield node.lineno


@pytest.mark.parametrize("folder", ["infosim", "scripts", "benchmarks"])
def test_every_text_says_its_encoding(folder):
    paths = (ROOT / folder).rglob("*.py")
    assert not [f"{path.relative_to(ROOT)}:{line}" for path in paths for line in unsaid(path)]


def test_a_text_that_does_not_say_it_would_be_found(tmp_path):
    lines = ["open(p)", "p.read_text()", "p.write_text(t)", "open(p, 'w', newline='')"]
    lines += ["open(p, 'rb')", "p.read_text('utf-8')", "store.write_text(p, t)", "archive.open(m)"]
    (tmp_path / "module.py").write_text("\n".join(lines), "utf-8")
    assert list(unsaid(tmp_path / "module.py")) == [1, 2, 3, 4]


def test_a_code_page_gets_escapes_for_what_it_lacks(tmp_path):
    """Western Europe's, as a pipe on Windows has it: a traceback in the midst of results before."""
    path = tmp_path / "table.csv"
    path.write_text("größe,длина,y\n" + "1.5,2,a\n2.5,3,b\n" * 20, "utf-8")
    code = (
        "import sys; from infosim.cli import main\n"
        "main(['data', 'describe', sys.argv[1], '--target', 'y'])"
    )
    out = python(code, path, encoding="cp1252", PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert "table.csv: a table of 40 rows and 3 columns" in out
    assert "\ngröße " in out
    assert "\n" + r"\u0434\u043b\u0438\u043d\u0430 " in out


def test_files_with_the_line_ends_of_windows_are_the_same(finished, tmp_path):
    """All texts of a run, and an experiment's file, as editors or Git there may have left them."""
    out = shutil.copytree(finished, tmp_path / "run")
    for path in out.iterdir():
        if path.suffix in (".toml", ".csv", ".json"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    one, other = infosim.load_run(finished), infosim.load_run(out)
    assert one.config == other.config
    assert other.complete
    assert other.health == one.health
    for name, values in one.metrics.items():
        np.testing.assert_array_equal(values, other.metrics[name])
    text = 'extends = "demo/digits"\n[layers.hidden]\nsize = 5\n[training]\nepochs = 3\n'
    (tmp_path / "mine.toml").write_bytes(text.replace("\n", "\r\n").encode())
    mine = Experiment.load(tmp_path / "mine.toml")
    assert mine.key == Experiment.load("demo/digits", [TINY[0], "training.epochs=3"]).key
    for folder in (finished, out):
        copy = shutil.copytree(folder, tmp_path / f"more-{folder.parent.name}")
        run.train_together([mine], [copy], resume=True, summary=False)
    more = [sorted(tmp_path.glob("more-*/weights.npz")), sorted(tmp_path.glob("more-*/atoms.npz"))]
    assert all(len(pair) == 2 and pair[0].read_bytes() == pair[1].read_bytes() for pair in more)


# -- files that are open elsewhere -----------------------------------------------------------------


class Scanner:
    """Keeps files from being moved or removed, so many times, as whoever has them open does."""

    def __init__(self, monkeypatch, times):
        self.left, self._replace = times, os.replace
        monkeypatch.setattr(os, "replace", self)
        monkeypatch.setattr(files, "_AGAIN", (0.001,) * 5)  # as on Windows, but sooner

    def __call__(self, *paths):
        self.left -= 1
        if self.left >= 0:
            raise PermissionError(13, "Permission denied", str(paths[0]), 32, str(paths[1]))
        self._replace(*paths)


def test_a_file_that_is_open_for_a_moment_is_waited_for(monkeypatch, tmp_path):
    scanner = Scanner(monkeypatch, 5)
    store.write_text(tmp_path / "file", "new")
    assert scanner.left == -1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text("utf-8") == "new"


def test_a_file_that_stays_open_is_one_line_and_stays_what_it_was(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("old", "utf-8")
    scanner = Scanner(monkeypatch, 99)
    with pytest.raises(CheckpointError, match=r"cannot write .*file: Permission denied$"):
        store.write_text(tmp_path / "file", "new")
    assert scanner.left == 99 - 6
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text("utf-8") == "old"


def test_a_checkpoint_takes_its_turn_where_files_are_open_for_a_moment(
    finished, monkeypatch, tmp_path
):
    out = shutil.copytree(finished, tmp_path / "run")
    Scanner(monkeypatch, 3)
    mine = Experiment.load("demo/digits", [TINY[0], "training.epochs=3"])
    run.train_together([mine], [out], resume=True, summary=False)
    assert infosim.load_run(out).complete
    assert all((out / name).exists() for name in run.CHECKPOINTS)
    assert sorted(path.name for path in out.glob(".*")) == [".lock"]


def test_a_lock_that_is_removed_when_it_is_let_go_holds(monkeypatch, tmp_path):
    """On Windows the lock's file goes with it."""

    class Lock(store.FileLock):
        def _release(self):
            super()._release()
            Path(self.lock_file).unlink(missing_ok=True)

    monkeypatch.setattr(store, "FileLock", Lock)
    for _ in range(2):
        with store.held(tmp_path / "run") as (held,):
            held.check()
            with pytest.raises(CheckpointError, match="in use by process"):
                store.check_free(tmp_path / "run")
            with pytest.raises(CheckpointError, match="in use by process"):
                store.hold(tmp_path / "run")
        store.check_free(tmp_path / "run")
        assert list((tmp_path / "run").iterdir()) == []


# -- what POSIX alone has --------------------------------------------------------------------------

#: All that a run, its report and `infosim env` may not lean on.
BARE = """
import os, signal, sys, time, warnings
import jinja2, joblib, matplotlib.pyplot, numba, filelock, pooch, PIL.Image, threadpoolctl
import subprocess
import numba.core.caching, numba.core.codegen, tempfile, shutil, multiprocessing, platform
gone = ("fork forkpty getloadavg sysconf geteuid getuid getgid getpgid killpg kill setsid mkfifo "
        "sched_getaffinity register_at_fork umask wait4 chown")
for name in gone.split():
    hasattr(os, name) and delattr(os, name)
for name in "SIGHUP SIGKILL SIGALRM SIGUSR1 SIGCHLD SIGSTOP".split():
    delattr(signal, name)
for name in "fcntl resource pwd grp termios".split():
    sys.modules[name] = None
from pathlib import Path
from infosim.bench import timing
from infosim.cli import main
from infosim.datasets.own.memory import check_memory
from infosim.experiments.stopping import STOPPING
assert timing.load() != timing.load() and timing.peak_memory() != timing.peak_memory()  # nan
check_memory("it", 1e30)
print(len(STOPPING))
def infosim(*arguments):
    try: main(list(arguments))
    except SystemExit as stop: assert stop.code == 0, stop.code
os.chdir(sys.argv[1])
small = ["--set", "layers.hidden.size=5", "--epochs", "1", "-q", "--out", "run"]
infosim("train", "demo/digits", *small)
infosim("train", "demo/digits", *small, "--force")
infosim("report", "run")
infosim("env")
"""


def test_nothing_needs_what_posix_alone_has(tmp_path):
    said = python(BARE, tmp_path, TZ="Asia/Kathmandu")
    assert said.startswith("2\n")  # SIGINT and SIGTERM
    assert "cpu backend   ready" in said
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000


def test_ctrl_break_stops_like_ctrl_c(monkeypatch):
    """Which Windows alone has; any signal may stand for it here."""
    number = getattr(stopping.signal, "SIGUSR1", stopping.signal.SIGTERM)
    monkeypatch.setattr(stopping, "STOPPING", [number])
    before = stopping.signal.getsignal(number)
    with stopping.signals() as arrived:
        stopping.signal.raise_signal(number)
        assert arrived == [number]
    assert stopping.signal.getsignal(number) is before


# -- processes -------------------------------------------------------------------------------------


@pytest.fixture
def spawning():
    """Other processes are spawned, as on Windows and macOS; test_sweep.py has loky's own way."""
    context = pytest.importorskip("joblib").externals.loky.backend.context
    context.set_start_method("spawn", force=True)
    yield
    context.set_start_method(None, force=True)


class Jobs:
    """Jobs as `engines` takes them, which note what came of each."""

    def __init__(self, call, left):
        self.call, self.left, self.found = call, left, {}

    def tell(self, running, result=None):
        self.found |= result or {}


def test_a_sweep_whose_processes_are_spawned_comes_to_the_same(spawning, tmp_path):
    text = 'preset = "demo/digits"\nseeds = 2\n[set]\nlayers.hidden.size = 5\ntraining.epochs = 1\n'
    (tmp_path / "some.toml").write_text(text, "utf-8")
    sweep = Sweep.load(tmp_path / "some.toml")
    for out, options in (("here", {}), ("there", {"jobs": 2, "threads": 1})):
        found = run_sweep(sweep, tmp_path / out, **options)
        assert (len(found.done), found.failed, found.left) == (2, {}, [])
    one, other = (tmp_path / out / "results.csv" for out in ("here", "there"))
    assert one.read_bytes() == other.read_bytes()
    assert one.read_bytes().count(b"\n") == 3


#: A process whose only worker has a job that never ends, and which says so when it begins.
PARENT = """
import sys
from joblib.externals.loky.backend.context import set_start_method
from infosim.experiments import engines
from test_portable import Jobs, endless
if __name__ == "__main__":
    set_start_method("spawn", force=True)
    with engines.engine(1) as carry_out:
        carry_out(Jobs(endless, {"a": sys.argv[1]}))
"""


def endless(folder):
    """A job that saves when it is told to stop, and does not end by itself."""
    engines.LAST = 1
    with stopping.signals() as arrived:
        Path(folder, "begun").touch()
        while not arrived:
            time.sleep(0.01)
    Path(folder, "saved").touch()
    raise engines.Interrupted("saved", arrived[0])


def wait(path, seconds=100):
    """Wait for a file."""
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, path
        time.sleep(0.02)


def test_a_worker_that_was_spawned_saves_and_ends_when_its_parent_is_gone(tmp_path):
    pytest.importorskip("joblib")
    (tmp_path / "parent.py").write_text(PARENT, "utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, tmp_path / "parent.py", tmp_path]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    wait(tmp_path / "begun")
    process.kill()
    wait(tmp_path / "saved")
    assert process.communicate(timeout=20)[0] == b""  # the worker's end of the pipe is closed, too


def quick_or_patient(folder):
    """A job that is done at once, or, with a folder, a while after a signal has arrived."""
    if not folder:
        return {"quick": None}
    with stopping.signals() as arrived:
        Path(folder, "begun").write_text(str(os.getpid()), "utf-8")
        while not arrived:
            time.sleep(0.01)
        time.sleep(0.7)  # longer than it takes to be told again
    Path(folder, "saved").write_text(" ".join(map(str, map(int, arrived))), "utf-8")
    raise engines.Interrupted("saved", arrived[0])


@pytest.mark.skipif(os.name != "posix", reason="sends a signal as a console there does")
def test_workers_that_cannot_be_told_are_left_the_time_to_save(monkeypatch, tmp_path):
    """On Windows Ctrl-C reaches all at once, and to tell a process to end is to kill it."""
    pytest.importorskip("joblib")
    monkeypatch.setattr(engines, "_TOLD", False)

    class Console(Jobs):
        def tell(self, running, result=None):
            if result:
                wait(tmp_path / "begun")
                time.sleep(0.1)
                os.kill(int((tmp_path / "begun").read_text("utf-8")), stopping.signal.SIGINT)
                raise KeyboardInterrupt

    jobs = Console(quick_or_patient, {"patient": str(tmp_path), "quick": ""})
    with engines.engine(2) as carry_out, pytest.raises(KeyboardInterrupt):
        carry_out(jobs)
    assert (tmp_path / "saved").read_text("utf-8") == "2"  # SIGINT, and no SIGTERM after it
