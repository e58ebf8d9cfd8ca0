"""All figures of a paper by one command."""

from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.command import all_figures

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("paper", ["iclr2025", "memory2025", "pnas2025"])
def test_no_script_is_left_out(paper, monkeypatch):
    asked = {}
    monkeypatch.setattr("scripts.command.all_figures", lambda *words: asked.update([words]))
    import_module(f"scripts.{paper}.__main__")
    scripts = {path.stem for path in (ROOT / "scripts" / paper).glob("*.py")}
    assert set(asked[paper]) == scripts - {"__main__", "models", "networks", "report"}


def test_a_figure_that_cannot_be_made_does_not_stop_the_others(tmp_path):
    both = all_figures("iclr2025", ("goals", "concepts"))
    place = ["--out", tmp_path / "figures", "--runs", tmp_path, "--jobs", "1"]
    done = CliRunner().invoke(both, ["--scale", "smoke", "--draw", *map(str, place)])
    assert done.exit_code == 2
    errors = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert errors == [f"error: {tmp_path / 'search-tpe'} holds no search; run without --draw"]
    assert (tmp_path / "figures" / "fig2_trivariate.png").exists()
    assert not (tmp_path / "figures" / "optimised_goals.png").exists()


def test_what_the_user_stops_stays_stopped(tmp_path, monkeypatch):
    begun = []

    def stopped(*words, **options):
        begun.append(words)
        raise SystemExit(130)

    for name in ("steps", "cumulative"):
        main = import_module(f"scripts.iclr2025.{name}").main
        monkeypatch.setattr(main, "main", stopped)
    both = all_figures("iclr2025", ("steps", "cumulative"))
    assert CliRunner().invoke(both, ["--scale", "smoke"]).exit_code == 130
    assert len(begun) == 1
