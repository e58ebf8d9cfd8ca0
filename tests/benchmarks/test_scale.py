"""The benchmark of data on disk writes what it promises; the numbers themselves are not tested."""

import csv
import threading

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import scale


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(scale, "in_own_process", lambda function, *given: function(*given))


def test_all_numbers_are_written(tmp_path):
    arguments = ["--folder", tmp_path / "data", "--data", "digits", "--samples", 4096, "--neurons",
                 10, "--sparse", "dense,3", "--in-memory", "--cold", "--group", 1, "--rounds", 1,
                 "--csv", tmp_path / "scale.csv"]  # fmt: skip
    result = CliRunner().invoke(scale.main, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    assert "| 10 | 3 | 4096 |" in result.output
    with open(tmp_path / "scale.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["lateral"] for row in rows] == ["dense", "3"]
    for row in rows:
        times = {name: float(one) for name, one in row.items() if name.endswith(("_ms", "_s"))}
        assert min(times.values()) > 0
        expected = 4 * min(times["ahead_ms"], times["waiting_ms"]) / 1e3 + times["evaluated_s"]
        assert times["epoch_s"] == pytest.approx(expected, rel=1e-2)
        assert float(row["own_mb"]) > 10


def test_the_data_are_those_of_the_seed_and_written_once(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "_AT_ONCE", 100)
    images, classes = (np.load(path) for path in scale.made(tmp_path / "one", "digits", 250))
    again = [path.read_bytes() for path in scale.made(tmp_path / "two", "digits", 250)]
    there = [path.read_bytes() for path in scale.made(tmp_path / "one", "digits", 250)]
    assert again == there
    assert images.shape == (250, 8, 8)
    assert np.bincount(classes, minlength=10).min() > 5
    assert (images[:100] != images[100:200]).any()
    other = np.load(scale.made(tmp_path / "one", "digits", 250, seed=1)[0])
    assert (other != images).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--samples", "many"], "needs whole numbers between commas, was 'many'"),
        (["--samples", "100"], "samples must be at least 4096, was 100"),
        (["--data", "minst"], "did you mean mnist"),
        (["--neurons", "0", "--data", "digits"], "must be an integer of at least 1, was 0"),
        (["--data", "digits", "--folder", "file/there"], "file/there: cannot be written to"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(scale.main, ["--samples", "4096", *arguments])
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert "infosim-peak" not in [thread.name for thread in threading.enumerate()]
