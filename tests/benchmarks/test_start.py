"""The time to a first batch, of one checkout and of two in turn; what is timed is made up here."""

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from benchmarks import start


def test_what_is_timed_is_the_checkout(tmp_path):
    (tmp_path / "infosim").mkdir()
    (tmp_path / "infosim" / "__init__.py").write_text("here = True")
    timed = start.Installed(sys.executable, tmp_path)
    code = "import infosim, time; assert infosim.here; print(time.monotonic()); time.sleep(1)"
    wall, cpu = timed.seconds(code, os.devnull)
    assert 0 < cpu < wall + 0.5 < 10
    with pytest.raises(subprocess.CalledProcessError):
        timed.seconds("import infosim; infosim.absent", os.devnull)


def made_up(monkeypatch, seconds):
    """Let each checkout's times be the next of its list, for every column."""
    turns = []

    def all_(self, folder, preset, dataset):
        turns.append(self._checkout)
        wall = seconds[str(self._checkout)].pop(0)
        return {
            "empty cache": [(wall, 2 * wall)] * 3,
            "no cache": [(wall, wall), (float("nan"),) * 2],
        }

    monkeypatch.setattr(start.Installed, "all", all_)
    monkeypatch.setattr(start.Installed, "demo", lambda *given: None)
    return turns


def test_two_checkouts_take_turns_and_ratios_are_of_neighbours(monkeypatch, tmp_path):
    """It is the median of the ratios of pairs, not the ratio of medians: a slow minute passes."""
    here = str(start.__file__).rpartition("/benchmarks")[0]
    turns = made_up(monkeypatch, {str(tmp_path): [2.0, 20.0, 2.0], here: [1.0, 10.0, 1.5]})
    options = ["--before", str(tmp_path), "--repeats", "3"]
    done = CliRunner().invoke(start.main, options)
    assert done.exit_code == 0, done.output
    rows = [line.split("|")[2:-1] for line in done.stdout.splitlines()[2:]]
    assert rows[0][0].strip() == "2.0 (4.0) to 1.5 (3.0): 0.50 (0.50)"
    assert rows[1][1].strip() == "-"
    assert [turn == tmp_path for turn in turns] == [True, False, False, True, True, False]


def test_one_checkout_is_told_alone(monkeypatch):
    here = str(start.__file__).rpartition("/benchmarks")[0]
    made_up(monkeypatch, {here: [1.0, 3.0, 2.0]})
    done = CliRunner().invoke(start.main, [])
    assert "| empty cache | 2.0 (4.0) |" in done.stdout


@pytest.mark.parametrize("options", [["--before", "absent"], ["--repeats", "0"]])
def test_what_cannot_be_timed_is_one_line(options):
    done = CliRunner().invoke(start.main, options)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
