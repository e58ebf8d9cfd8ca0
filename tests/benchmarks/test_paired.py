"""Two checkouts timed in turn: here a checkout beside itself."""

import re
import shutil
from pathlib import Path

from click.testing import CliRunner

from benchmarks import paired

ROOT = Path(__file__).parents[2]


def test_a_checkout_beside_itself(tmp_path):
    shutil.copytree(ROOT / "infosim", tmp_path / "infosim")
    options = ["--neurons", "5", "--batch", "64", "--threads", "1", "--pairs", "5", "--group", "1"]
    done = CliRunner().invoke(paired.main, ["--before", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    row = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert row[:4] == ["5", "3", "64", "1"]
    before, now, ratio = map(float, row[4:7])
    low, high = map(float, re.fullmatch(r"(\S+) to (\S+)", row[7]).groups())
    assert low <= ratio <= high
    assert 0.2 < before / now < 5


def test_what_is_no_checkout_is_told(tmp_path):
    done = CliRunner().invoke(paired.main, ["--before", str(tmp_path), "--pairs", "5"])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
