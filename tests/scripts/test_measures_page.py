"""The figure and table of docs/measures.md are made by their script, from the runs of its sweep."""

import csv
import re

import pytest
from page_scripts import carry_out

import infosim
from infosim.experiments.sweep import Sweep
from scripts import measures

pytest.importorskip("filelock", reason="needs the extra sweep")

SWEEP = """
preset = "iclr/bivariate-context-heuristic"
seeds = 2
[set]
data.name = "digits"
layers.hidden.size = 5
training.batch = 288
training.epochs = 2
[grid]
layers.hidden.goal = ["{F}{C}", "{F}"]
layers.hidden.measure = ["shared-exclusions", "williams-beer"]
"""
PAGE = "before\n\n| goal | measure | old |\n| --- | --- | --- |\n| x | 1 | 2 |\n\nafter\n"


def test_rows_are_goals_and_measures_with_errors_of_all_seeds(tmp_path):
    done = carry_out(measures.main, tmp_path, SWEEP, PAGE, figure="drawn")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.md").read_text()
    assert re.fullmatch(r"before\n\n(\|.*\n){6}\nafter\n", text)
    assert (tmp_path / "drawn.png").stat().st_size > 10_000
    with open(tmp_path / "drawn.csv", newline="") as file:
        rows = {(row["goal"], row["measure"]): row for row in csv.DictReader(file)}
    assert len(rows) == 4
    runs = Sweep.load(tmp_path / "few.toml").runs
    some = [
        infosim.load_run(tmp_path / "runs" / "runs" / run.key)
        for run in runs
        if run.settings["layers.hidden.measure"] == "williams-beer"
        and run.settings["layers.hidden.goal"] == "{F}"
    ]
    row = rows["{F}", "williams-beer"]
    errors = [run.metrics["test_error"][2] for run in some]
    assert [float(one) for one in row["errors"].split()] == pytest.approx(errors, rel=1e-5)
    position = some[0].labels["hidden"].index("{F}{C}")
    atoms = [atom for run in some for atom in run.atoms["hidden"][2][:, position]]
    assert float(row["{F}{C}"]) == pytest.approx(sum(atoms) / 10, rel=1e-4, abs=1e-9)


def test_a_page_without_the_table_is_one_line_and_nothing_is_written(tmp_path):
    done = carry_out(measures.main, tmp_path, SWEEP, "nothing\n", figure="drawn")
    assert done.exit_code == 2
    assert len([line for line in done.output.splitlines() if line.startswith("error: ")]) == 1
    assert (tmp_path / "page.md").read_text() == "nothing\n"
    assert not list(tmp_path.glob("drawn.*"))
