"""The table of docs/tables.md: made by its script, and never worse than a guess."""

import csv

import numpy as np
import pytest
from click.testing import CliRunner

from scripts import tables

pytest.importorskip("sklearn", reason="needs the extra figures")

PAGE = "before\n\n| table | rows |\n| --- | --- |\n\nafter\n"


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def carry_out(folder):
    options = {"rows": folder / "tables.csv", "page": folder / "page.md"}
    words = [str(w) for k, v in options.items() for w in (f"--{k}", v)]
    return CliRunner().invoke(tables.main, [*words, "--only", "iris, 10 of each class"])


def test_a_row_for_every_model_and_none_is_made_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "UPDATES", 20)
    (tmp_path / "page.md").write_text(PAGE)
    assert carry_out(tmp_path).exit_code == 0
    rows = read(tmp_path / "tables.csv")
    assert len(rows) == 2 * 5
    for row in rows:
        folds = [float(row[f"fold_{k}"]) for k in range(5)]
        assert float(row["error"]) == pytest.approx(np.mean(folds), abs=1e-5)
        if row["model"] == "majority":
            assert folds == pytest.approx([2 / 3] * 5, abs=1e-5)
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("before\n\n| table | rows | columns |")
    assert text.endswith("|\n\nafter\n")
    monkeypatch.setattr(tables, "rows_of", lambda *_: pytest.fail("made again"))
    assert carry_out(tmp_path).exit_code == 0


def test_a_rare_class_is_as_rare_as_said():
    x = np.arange(30.0)[:, None]
    rare, y = tables.few(x, np.repeat([0, 1], [10, 20]), 0, 19)
    assert np.bincount(y).tolist() == [1, 20]
    assert rare[:, 0].tolist() == [0, *range(10, 30)]


def test_no_network_is_worse_than_the_guess():
    rows = read(tables.ROWS)
    guess = {
        (r["table"], r["scaling"]): float(r["error"]) for r in rows if r["model"] == "majority"
    }
    assert len(guess) == 9 * 2
    for row in rows:
        if row["model"] in tables.MODELS:
            told = row["table"], row["scaling"], row["model"]
            assert float(row["error"]) <= guess[told[:2]], told
