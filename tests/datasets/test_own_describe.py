"""`infosim data describe`: what a file of one's own holds, in lines that a terminal can show."""

import re
import shlex
import subprocess
from pathlib import Path

import numpy as np
import pytest
from own_files import table, write_csv, write_idx, write_images

from infosim.cli import main
from infosim.datasets import read_own
from infosim.datasets.own.describe import describe

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def told(capsys):
    """Runs the command and returns its output, its lines checked, and what it said of an error."""

    def told(*arguments, code=0):
        with pytest.raises(SystemExit) as stop:
            main(["data", "describe", *map(str, arguments)])
        out, error = capsys.readouterr()
        assert stop.value.code == code, error
        command = [line for line in out.splitlines() if line.startswith("infosim train")]
        assert all(len(line) <= 80 for line in out.splitlines()[1:] if line not in command)
        return out, error

    return told


def test_the_page_shows_what_is_printed(told, tmp_path, monkeypatch):
    """docs/data.md: the table and what becomes of it."""
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "data.md").read_text()
    for line in re.findall(r"^    (printf .* pets\.csv)$", text, re.MULTILINE):
        subprocess.run(["sh", "-c", line], check=True)
    out, _ = told("pets.csv", "--target", "kind", "--missing", "fill")
    assert out == re.search(r"```text\n(.*?)```", text, re.DOTALL)[1]


def test_a_table_without_a_target(told, tmp_path):
    path = write_csv(tmp_path / "t.csv", table())
    out, _ = told(path)
    assert out.startswith(f"{path}: a table of 60 rows and 4 columns\n")
    assert re.search(r"^city +categories +3: Bonn, Göttingen, Köln$", out, re.MULTILINE)
    assert out.endswith("Which column has the classes? --target NAME\n")
    assert "2 classes" not in out


def test_a_table_is_described_also_if_it_cannot_be_used(told, tmp_path):
    columns = table()
    columns["age"] = ["", *columns["age"][1:]]
    path = write_csv(tmp_path / "t.csv", columns)
    out, error = told(path, "--target", "species", code=2)
    assert re.search(r"^age +numbers +.* different +1$", out, re.MULTILINE)
    assert "line 2: column 'age' is missing (1 of 60 are); see --missing and --missing" in error
    out, _ = told(path, "--target", "species", "--missing", "drop")
    assert "1 of 60 rows left out: a cell is missing" in out


def test_many_columns_and_classes_are_cut(told, tmp_path):
    columns = {f"a rather long name of a column {i}": np.arange(200) % (i + 2) for i in range(100)}
    columns["label"] = [f"class {i % 100}" for i in range(200)]
    columns["line\u2028break"] = ["x"] * 200
    out, _ = told(write_csv(tmp_path / "t.csv", columns))
    assert "... and 62 more columns: 60 of numbers, 2 of categories\n" in out
    assert "100 classes of label: class 0 2," in out
    assert len(out.splitlines()) < 60


def test_the_command_has_what_was_given(tmp_path):
    path = write_csv(tmp_path / "my table.csv", table())
    options = {"missing_cells": ["-", "?"], "exclude": ["city"], "categorical": ["species"]}
    *_, line = describe(path, "species", **options)
    assert shlex.split(line)[3:] == [
        "--dataset", str(path), "--target", "species", "--missing-tokens", "-,?",
        "--exclude", "city", "--categorical", "species",
    ]  # fmt: skip
    assert read_own(path, "species", **options).n_classes == 3


def test_images_and_arrays(told, tmp_path):
    root, _ = write_images(tmp_path / "pets", shape=(4, 5, 3))
    (root / "note.txt").write_text("")
    out, _ = told(root)
    assert out.splitlines()[:4] == [
        f"{root}: 12 images of 4 × 5 pixels in 3 colours, uint8",
        "",
        "2 classes: cat 6, dog 6",
        "10 training rows, 2 test rows: 0.2 of each class, drawn by seed 0",
    ]
    assert out.endswith(f"infosim train own/images --dataset {root}\n")
    assert "resized to 2 × 2" in told(root, "--resize", "2, 2")[0]
    y = np.arange(12) % 3
    write_idx(tmp_path / "x-images-idx3-ubyte", np.zeros((12, 2, 2)))
    write_idx(tmp_path / "x-labels-idx1-ubyte", y)
    assert "12 images of 2 × 2 pixels, uint8" in told(tmp_path / "x-images-idx3-ubyte")[0]
    np.save(tmp_path / "x.npy", np.random.default_rng(0).normal(size=(12, 7)))
    np.save(tmp_path / "y.npy", y)
    out, _ = told(tmp_path / "x.npy", "--target", tmp_path / "y.npy")
    assert "12 rows of 7 columns" in out
    assert "7 inputs: 7 columns of numbers, each standardised" in out
