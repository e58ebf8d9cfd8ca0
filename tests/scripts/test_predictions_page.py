"""The table of docs/prediction.md is made by its script, from the runs of its sweep."""

import csv

import pytest
from page_scripts import carry_out

import infosim
from infosim.experiments.sweep import Sweep
from scripts import predictions

pytest.importorskip("filelock", reason="needs the extra sweep")

SWEEP = """
preset = "demo/digits"
seeds = 2
[set]
layers.hidden.size = 5
training.epochs = 2
[grid]
layers.hidden.goal = ["{F}{C}"]
"""
PAGE = "before\n\n| goal | a single draw |\n| --- | --- |\n| x | 1 |\n\nafter\n"


def test_the_single_draw_is_what_the_runs_were_measured_by(tmp_path):
    done = carry_out(predictions.main, tmp_path, SWEEP, PAGE, table="all.csv")
    assert done.exit_code == 0, done.output
    with open(tmp_path / "all.csv", newline="") as file:
        rows = {(row["seed"], row["reading"]): float(row["error"]) for row in csv.DictReader(file)}
    assert {reading for _, reading in rows} == set(predictions.READINGS)
    for run in Sweep.load(tmp_path / "few.toml").runs:
        found = infosim.load_run(tmp_path / "runs" / "runs" / run.key)
        seed, data = found.config["training"]["seed"], infosim.load("digits")
        test = infosim.Experiment.load("demo/digits").samples(data)[2]
        single = found.simulator().score(test, data.test_y)
        assert rows[str(seed), "a single draw"] == pytest.approx(1 - single, rel=1e-5)
        sure = found.simulator().evaluate(test, sampled=False).error
        assert rows[str(seed), "no chance"] == pytest.approx(sure, rel=1e-5)
    line = (tmp_path / "page.md").read_text().splitlines()[4]
    assert line.count("–") == len(predictions.READINGS)


def test_a_page_without_the_table_is_one_line_and_nothing_is_written(tmp_path):
    done = carry_out(predictions.main, tmp_path, SWEEP, "nothing\n", table="all.csv")
    assert done.exit_code == 2
    assert len([line for line in done.output.splitlines() if line.startswith("error: ")]) == 1
    assert not list(tmp_path.glob("*.csv"))
