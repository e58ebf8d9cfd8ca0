"""Standard streams that are closed, full, or whose reader has gone."""

import os
import shlex
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="written for a POSIX shell")
INFOSIM = f"{shlex.quote(sys.executable)} -m infosim"
TRAIN = f"{INFOSIM} train demo/digits --epochs 0 --threads 1 --set layers.hidden.size=5 --out run"


def shell(line, folder):
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed, tmp_path):
    result = shell(f"{TRAIN} {closed}", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert (tmp_path / "run" / "result.json").exists()
    again = shell(f"{TRAIN} {closed}", tmp_path)  # there is a run
    assert again.returncode == 2
    assert again.stdout == ""
    assert again.stderr.count("\n") == ("2>&-" not in closed)


def test_a_reader_that_has_gone_ends_it_in_silence(tmp_path):
    result = shell(f"({INFOSIM} presets; echo $? >code) | true", tmp_path)
    assert result.stderr == ""
    assert (tmp_path / "code").read_text() == "1\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(tmp_path):
    result = shell(f"{INFOSIM} presets >/dev/full", tmp_path)
    assert result.returncode == 2
    assert result.stderr == "infosim: input/output: No space left on device\n"
    assert shell(f"{INFOSIM} presets show none 2>/dev/full", tmp_path).returncode == 2
