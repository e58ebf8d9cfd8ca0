"""The table of docs/goals.md is made by its script, from the runs of its sweep."""

import re

import pytest
from click.testing import CliRunner

import infosim
from infosim.experiments.sweep import Sweep
from scripts import goals

pytest.importorskip("filelock", reason="needs the extra sweep")

SWEEP = """
preset = "iclr/bivariate-context-heuristic"
seeds = 3
[set]
data.name = "digits"
layers.hidden.size = 5
training.batch = 288
training.epochs = 2
[grid]
layers.hidden.goal = ["classical/infomax", "- H_res"]
"""
PAGE = "before\n\n| goal | training error | old |\n| --- | --- | --- |\n| x | 1 | 2 |\n\nafter\n"


def carry_out(folder, page):
    (folder / "few.toml").write_text(SWEEP)
    (folder / "page.md").write_text(page)
    options = {"sweep": "few.toml", "page": "page.md", "out": "runs"}
    words = [str(w) for k, v in options.items() for w in (f"--{k}", folder / v)]
    return CliRunner().invoke(goals.main, [*words, "--jobs", "1"])


def test_the_table_holds_medians_of_errors_and_means_of_atoms(tmp_path):
    done = carry_out(tmp_path, PAGE)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.md").read_text()
    assert re.fullmatch(r"before\n\n(\|.*\n){4}\nafter\n", text)
    name, *cells = (cell.strip() for cell in text.splitlines()[4].strip("|").split("|"))
    assert name == "`classical/infomax`"
    runs = [
        infosim.load_run(tmp_path / "runs" / "runs" / run.key)
        for run in Sweep.load(tmp_path / "few.toml").runs[:3]
    ]
    errors = sorted(run.metrics["test_error"][2] for run in runs)
    assert cells[1] == f"{100 * errors[1]:.1f} %"
    position = runs[0].labels["hidden"].index("{F}{C}")
    redundancy = [atom for run in runs for atom in run.atoms["hidden"][2][:, position]]
    assert float(cells[4].replace("−", "-")) == pytest.approx(sum(redundancy) / 15, abs=0.0051)


def test_a_page_without_the_table_is_one_line_and_left_alone(tmp_path):
    done = carry_out(tmp_path, "nothing\n")
    assert done.exit_code == 2
    assert len([line for line in done.output.splitlines() if line.startswith("error: ")]) == 1
    assert (tmp_path / "page.md").read_text() == "nothing\n"


def test_the_page_has_a_row_for_every_goal_of_the_sweep():
    named = re.findall(r"^\| `(.*?)` \|.* % \|", goals.PAGE.read_text("utf-8"), re.MULTILINE)
    wanted = [run.settings["layers.hidden.goal"] for run in Sweep.load(goals.SWEEP).runs]
    assert named == list(dict.fromkeys(wanted))
