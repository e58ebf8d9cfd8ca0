"""The tables of docs/estimators.md: made by their script, from the rows that are kept."""

import csv

import numpy as np
import pytest
from click.testing import CliRunner

from scripts import estimators

pytest.importorskip("sklearn", minversion="1.6", reason="needs the extra sklearn")

TABLES = "| table | model |\n| --- | --- |\n\nand\n\n| goal | table |\n| --- | --- |\n\nafter\n"


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_every_model_and_goal(tmp_path):
    rows, page = tmp_path / "rows.csv", tmp_path / "page.md"
    page.write_text(TABLES)
    words = ["--rows", str(rows), "--page", str(page), "--only", "wine", "--epochs", "1"]
    found = CliRunner().invoke(estimators.main, words)
    assert found.exit_code == 0, found.output
    by_model = {row["model"]: row for row in read(rows)}
    assert list(by_model) == list(estimators.models())
    for row in by_model.values():
        folds = [float(row[f"fold_{k}"]) for k in range(estimators.FOLDS)]
        assert float(row["error"]) == pytest.approx(np.mean(folds), abs=1e-5)
        assert float(row["sd"]) == pytest.approx(np.std(folds, ddof=1), abs=1e-5)
    assert float(by_model["LogisticRegression"]["error"]) < 0.05
    text = page.read_text()
    assert text.count("| wine |") == 3 + 3
    assert text.endswith("|\n\nafter\n")


def test_an_unknown_table_is_one_line(tmp_path):
    found = CliRunner().invoke(estimators.main, ["--only", "wime"])
    assert found.exit_code == 2
    assert "did you mean wine?" in found.output


def test_the_page_has_what_was_measured():
    page = estimators.PAGE.read_text()
    rows = read(estimators.ROWS)
    assert {row["table"] for row in rows} == set(estimators.tables())
    for row in rows:
        error = f"{100 * float(row['error']):.1f} ± {100 * float(row['sd']):.1f}"
        line = f"| {row['table']} | {row['model']} | {row['n']} | {row['columns']} | "
        assert f"{line}{row['classes']} | {error} |" in page
