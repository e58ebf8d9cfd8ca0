"""The process that waits until kernels are to be compiled: when there is one, and that it ends."""

import os
import subprocess
import sys

import pytest

from infosim import standby
from infosim.cli import main


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """The processes that are begun, in a machine of two processors without kernels."""
    begun = []
    start = standby.start

    def noted(command):
        begun.append(start(command))
        return begun[-1]

    monkeypatch.setattr(standby, "start", noted)
    monkeypatch.setattr(standby, "available", lambda: 2)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    yield begun
    standby.end()
    assert all(process.poll() is not None for process in begun)


def test_it_waits_for_what_it_is_told_and_ends_without(begun):
    standby.begin("cpu", None)
    standby.begin("cpu", None)
    (process,) = begun
    assert standby.taken() is process  # and has no training for it
    assert process.communicate(timeout=60) == ("", None)
    assert process.returncode == 0
    other = standby.taken()
    assert other is begun[1]
    other.communicate()


def test_it_is_ended_where_there_is_nothing_to_do(begun):
    standby.begin("cpu", 2)
    standby.end()
    assert begun[0].poll() is not None
    standby.end()


@pytest.mark.parametrize(
    ("backend", "threads", "available", "kept"),
    [("cuda", None, 2, False), ("cpu", 1, 2, False), ("cpu", 2, 1, False), ("cpu", 2, 2, True)],
)
def test_none_is_begun_that_would_be_of_no_use(
    begun, monkeypatch, tmp_path, backend, threads, available, kept
):
    monkeypatch.setattr(standby, "available", lambda: available)
    if kept:
        (tmp_path / "cache" / "of another version").mkdir(parents=True)
        (tmp_path / "cache" / "of another version" / "x.kernel").touch()
    standby.begin(backend, threads)
    assert not begun


def test_none_is_begun_without_a_home(begun, monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(standby.files, "user_cache", homeless)
    standby.begin("cpu", None)
    assert not begun


def exit_code(*arguments):
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    return stopped.value.code


def test_a_command_that_fails_leaves_none(begun, tmp_path, capsys):
    """What is wrong with a command is found out while it starts."""
    assert exit_code("train", "no/such-preset", "--out", str(tmp_path / "run")) == 2
    (process,) = begun
    standby.end()  # as at the end of the process
    assert process.poll() is not None
    assert exit_code("train", "no/such-preset", "--threads", "1") == 2
    assert exit_code("train", "demo/digits", "--dry-run") == 0
    assert len(begun) == 1
    capsys.readouterr()


@pytest.mark.skipif(os.name == "nt", reason="asks for a process by kill")
def test_it_ends_with_its_command(tmp_path):
    program = (
        "from infosim import standby\n"
        "standby.available = lambda: 2\n"
        "standby.begin('cpu', None)\n"
        "print(standby._waiting.pid)\n"
    )
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.stdout), 0)
