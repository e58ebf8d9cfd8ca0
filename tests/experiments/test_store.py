"""Files of run directories: who holds them, and what of them is not believed."""

import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest

import infosim
from infosim import files
from infosim.errors import CheckpointError, InfosimWarning
from infosim.experiments import Experiment, directory, run, store

HOLDING = """
import sys, time
from infosim.experiments import store
with store.held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the directory tmp_path / "run"."""
    command = [sys.executable, "-c", HOLDING, str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_who_holds_a_directory_is_told_and_its_death_lets_go(tmp_path, holder):
    with pytest.raises(CheckpointError, match=f"run is in use by process {holder.pid} on "):
        store.hold(tmp_path / "run")
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert json.loads((tmp_path / "run" / ".holder.json").read_text())["pid"] == holder.pid
    with store.held(tmp_path / "run", tmp_path / "other") as (one, other):
        assert (one.folder, other.folder) == (tmp_path / "run", tmp_path / "other")
        assert json.loads((one.folder / ".holder.json").read_text())["pid"] == os.getpid()
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_who_waits_gets_its_turn(tmp_path, holder):
    with pytest.raises(CheckpointError, match="in use"):
        store.hold(tmp_path / "run", wait=0.2)
    holder.send_signal(signal.SIGTERM)
    store.hold(tmp_path / "run", wait=-1).release()


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "me"}', "{"])
def test_a_holder_that_cannot_be_read_holds_all_the_same(tmp_path, holder, content):
    (tmp_path / "run" / ".holder.json").write_text(content)
    with pytest.raises(CheckpointError, match="in use by another process"):
        store.hold(tmp_path / "run")


def test_a_holder_on_another_machine_that_has_not_ended_is_told(tmp_path):
    record = {"pid": 7, "host": "elsewhere", "since": "2026-01-01 00:00:00+00:00"}
    store.write_json(tmp_path / ".holder.json", record)
    with pytest.warns(InfosimWarning, match="last in use by process 7 on elsewhere since 2026"):
        store.hold(tmp_path).release()


def test_no_link_is_followed_and_no_name_guessed(tmp_path):
    """What is written is new, whoever put links there; what is left is the holder's to sweep."""
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_text("mine")
    path.symlink_to(victim)
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to(victim)
    names = set()
    for _ in range(2):
        with files.atomic(path) as file:
            names |= {left.name for left in files.leftovers(tmp_path, ["file"])}
            file.write(b"new")
    assert (path.read_text(), path.is_symlink(), victim.read_text()) == ("new", False, "mine")
    assert len(names) == 3  # the planted one, and two that differ
    store.tidy(tmp_path, ["file"])
    assert sorted(left.name for left in tmp_path.iterdir()) == ["file", "victim"]


# -- what is read ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "run"
    settings = ["layers.hidden.size=5", "training.epochs=2"]
    run.train_together([Experiment.load("demo/digits", settings)], [out], summary=False)
    return out


READERS = {
    "config.toml": infosim.load_run,
    "environment.json": infosim.load_run,
    "metrics.csv": infosim.load_run,
    "atoms.npz": infosim.load_run,
    "weights.npz": lambda out: infosim.load_run(out).weights,
    "checkpoint.npz": lambda out: directory.read_state(out),
    "result.json": infosim.load_run,
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_in_a_run_directory_is_not_waited_for(finished, tmp_path, name):
    out = shutil.copytree(finished, tmp_path / "run")
    (out / name).unlink()
    os.mkfifo(out / name)
    began = time.monotonic()
    if name == "result.json":
        assert not infosim.load_run(out).complete
    else:
        with pytest.raises(CheckpointError, match=f"{name} is damaged: not a regular file"):
            READERS[name](out)
    assert time.monotonic() - began < 2


def member(content, name="a.npy", **options):
    """The bytes of an archive of one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def array(shape, dtype="<f8", data=b"", fortran=False):
    """The bytes of a .npy file with this header."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


ARCHIVES = {
    "compressed": member(array((1,), data=bytes(8)), compression=zipfile.ZIP_BZIP2),
    "bomb": member(array((10**7,), data=bytes(8 * 10**7)), compression=zipfile.ZIP_DEFLATED),
    "gigabytes": member(array((2**40,))),
    "more than can be": member(array((2**70, 2**70))),
    "negative": member(array((-1, -1), data=bytes(8))),
    "objects": member(array((1,), "|O", bytes(8))),
    "fields": member(array((1,), [("a", "<f8")], bytes(8))),
    "dates": member(array((1,), "<M8[s]", bytes(8))),
    "version 2": member(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31)),
    "another file": member(b"import os", "a.py"),
    "nothing": member(b""),
    "brackets": member(b"\x93NUMPY\x01\x00" + struct.pack("<H", 9999) + b"(" * 9999),
    "python 2": member(array("(1L,)", data=bytes(8))),
    "no archive": b"PK",
    "empty": b"",
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_damaged_archive_is_told_before_it_takes_memory(tmp_path, kind):
    path = tmp_path / "file.npz"
    path.write_bytes(ARCHIVES[kind])
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"file\.npz is damaged: ") as told:
        store.read_arrays(path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert "\n" not in str(told.value)


def test_what_is_written_is_read(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a/b": rng.normal(size=(3, 4)),
        "f": np.asfortranarray(rng.normal(size=(3, 4)).astype(np.float32)),
        "i": np.arange(6, dtype=np.int64).reshape(1, 2, 3),
        "empty": np.empty((0, 3)),
        "scalar": np.array(True),
        "text": np.array(["{F}", "H_res"]),
    }
    store.write_arrays(tmp_path / "file.npz", arrays)
    found = store.read_arrays(tmp_path / "file.npz")
    assert found.keys() == arrays.keys()
    for name, value in arrays.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch,x\n0," + "1" * 200_000 + "\n", "field larger than field limit"),
        ("epoch,x\n0\n", "longer or shorter"),
        ("epoch,epoch\n0,1\n", "longer or shorter"),
        ("epoch\nx\n", "could not convert"),
        ("epobh,x\n0,1\n", "it has no column epoch"),
        ("", "not enough values"),
        ('epoch\n"1\n', "unexpected end"),
    ],
)
def test_damaged_metrics_are_told(finished, tmp_path, content, message):
    out = shutil.copytree(finished, tmp_path / "run")
    (out / "metrics.csv").write_text(content)
    with pytest.raises(CheckpointError, match=f"metrics.csv is damaged: .*{message}"):
        infosim.load_run(out)


def other(name, value):
    """A change of a checkpoint's state."""
    return lambda state: state | {name: value}


STATES = {
    "weights of another shape": other("network/hidden/F/weights", np.zeros((4, 64), np.float32)),
    "weights of text": other("network/hidden/F/weights", np.full((5, 64), "x")),
    "moments of another shape": other("network/hidden/F/moments", np.zeros(3, np.float32)),
    "progress of another shape": other("progress", np.zeros(1, int)),
    "progress of no moment": other("progress", np.array([2**62, 0, 0, 0])),
    "negative progress": other("progress", np.array([-1, -1, 0, 0])),
    "fewer errors": other("errors", np.zeros((3, 1))),
    "two errors": other("errors", np.zeros((2, 3))),
    "fewer atoms": other("atoms/hidden", np.zeros((1, 5, 19))),
    "atoms of another lattice": other("atoms/hidden", np.zeros((3, 5, 5))),
    "atoms of another layer": other("atoms/none", np.zeros((3, 5, 19))),
    "fewer goals": other("goal/hidden", np.zeros(1)),
    "sums of another shape": other("sums/hidden", np.zeros((2, 2))),
    "sums of another layer": other("sums/none", np.zeros((5, 19))),
    "no seconds": other("seconds", np.zeros(0)),
    "updates of many": other("updates/hidden", np.zeros(3, int)),
}


@pytest.mark.parametrize("kind", STATES)
def test_a_checkpoint_of_another_shape_is_told(finished, tmp_path, kind):
    out = shutil.copytree(finished, tmp_path / "run")
    state = STATES[kind](directory.read_state(out)[1])
    store.write_arrays(out / "checkpoint.npz", {**state, "digest": directory.digest_of(state)})
    experiment = Experiment("demo/digits", directory.read_config(out))
    with pytest.raises(CheckpointError) as told:
        run.train_together([experiment], [out], resume=True, summary=False)
    assert "\n" not in str(told.value)
