"""The scripts of the Memory 2025 figures at smoke scale: files complete, numbers as expected."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner

from infosim.analysis.hebbian import hebbian_decomposition
from scripts.memory2025 import report
from scripts.memory2025.hebbian import LOADS, main, odd

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory2025")
    done = CliRunner().invoke(main, ["--scale", "smoke", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    assert (folder / "hebbian.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "hebbian.pdf").read_bytes().startswith(b"%PDF")
    caption = (folder / "hebbian.md").read_text()
    assert "python -m scripts.memory2025.hebbian --scale smoke" in caption
    assert "over seed 0" in caption
    with open(folder / "hebbian.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_simulated_atoms_are_near_the_exact_ones(rows):
    assert len(rows) == 2 * 3 * 4
    for row in rows:
        load, neurons, patterns = float(row["load"]), int(row["neurons"]), int(row["patterns"])
        assert load == pytest.approx(patterns / neurons)
        assert patterns % 2
        exact = float(row["exact"])
        assert exact == pytest.approx(hebbian_decomposition(load, neurons)[row["atom"]], rel=1e-4)
        assert float(row["limit"]) == pytest.approx(hebbian_decomposition(load)[row["atom"]], 1e-4)
        assert float(row["pooled_median"]) == pytest.approx(exact, abs=0.04)
        assert float(row["single_median"]) == pytest.approx(exact, abs=0.1)


def test_numbers_of_patterns_are_odd_and_near_the_load():
    for neurons in (100, 101, 800):
        for load in LOADS:
            assert odd(load, neurons) % 2 == 1
            assert abs(odd(load, neurons) - load * neurons) <= 1 + 1e-9


def test_page_is_made_of_the_table():
    page = (ROOT / "docs" / "reproduction" / "memory2025.md").read_text()
    assert report.exact() in page
    assert report.deviations() in page
