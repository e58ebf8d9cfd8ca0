"""`infosim goal` tells and draws what a goal is made of."""

import pytest

from infosim.cli import main


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(arguments, capsys, code=0):
    """Run the command, require its exit code; returns (standard output, standard error)."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == code, captured
    return captured.out, captured.err


def rows(out):
    """atom -> (γ, the informations it is part of)."""
    lines = [line.split() for line in out.splitlines()[1:]]
    return {atom: (float(gamma), parts) for atom, gamma, *parts in lines}


def test_formula(capsys):
    out, _ = run(["goal", "{F}{C} - 0.5 {F}{L} + 0.1 H"], capsys)
    table = rows(out)
    assert len(table) == 19
    assert table["{F}{C}"] == (1, ["I(Y:F)", "I(Y:C)"])
    assert table["{F}{L}"] == (-0.5, ["I(Y:F)", "I(Y:L)"])
    assert table["{F}{CL}"] == (0, ["I(Y:F)"])
    assert table["{FCL}"] == (0, [])
    assert table["H_res"] == (0.1, [])


@pytest.mark.parametrize(
    ("formula", "sources"),
    [("{L}{C}", "CL"), ("{R}{L} - {FR}", "FLR"), ("{B, A} + {C}", "CAB"), ("{Z}", "Z")],
)
def test_letters_are_the_sources_in_their_usual_order(formula, sources, capsys):
    table = rows(run(["goal", formula], capsys)[0])
    assert list(table)[-2] == f"{{{sources}}}"  # the highest atom names all of them


def test_published_goal_has_its_own_sources(capsys):
    table = rows(run(["goal", "iclr/lateral-heuristic"], capsys)[0])
    assert list(table) == ["{F}{L}", "{F}", "{L}", "{FL}", "H_res"]
    assert table["{F}"] == (1, ["I(Y:F)"])
    table = rows(run(["goal", "iclr/lateral-heuristic", "--sources", "A, B"], capsys)[0])
    assert list(table) == ["{A}{B}", "{A}", "{B}", "{AB}", "H_res"]


def test_named_sources_and_four_of_them(capsys):
    out, _ = run(["goal", "{image}{label}", "--sources", "image,label"], capsys)
    assert rows(out)["{image}{label}"] == (1, ["I(Y:image)", "I(Y:label)"])
    assert len(rows(run(["goal", "{A}{B}{C}{D}"], capsys)[0])) == 167


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("SVG", b"<?xml")]
)
def test_figure_is_the_same_every_time(suffix, start, capsys, tmp_path):
    for name in ("a", "b"):
        run(["goal", "iclr/context-optimized", "--out", f"{name}.{suffix}"], capsys)
    first = (tmp_path / f"a.{suffix}").read_bytes()
    assert first.startswith(start)
    assert first == (tmp_path / f"b.{suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


BAD = {
    "unreadable": (["{F} ** {C}"], "cannot read"),
    "no antichain": (["{F}{FC}"], "is not an antichain"),
    "unpublished": (["iclr/trivariate-optimised"], "did you mean iclr/trivariate-optimized"),
    "unknown source": (["{F}{X}", "--sources", "F,C"], "no source 'X'"),
    "too many letters": (["{image}"], "5 sources given"),
    "no letters": (["{}"], "0 sources given"),
    "too few sources": (["iclr/trivariate-optimized", "--sources", "F,C"], "is for 3 sources"),
    "same sources": (["{F}", "--sources", "F,F"], "must differ"),
    "too many to draw": (["{A}{B}{C}{D}"], "166 atoms"),
    "suffix": (["{F}{C}"], "must end in .png, .pdf, .svg"),
    "folder": (["{F}{C}"], "No such file or directory"),
}
OUT = {"suffix": "goal.jpg", "folder": "missing/goal.png"}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, capsys, tmp_path):
    arguments, expected = BAD[case]
    out, line = run(["goal", *arguments, "--out", OUT.get(case, "goal.png")], capsys, code=2)
    assert out == ""
    assert line.startswith("infosim: ")
    assert line.count("\n") == 1
    assert expected in line
    assert not list(tmp_path.iterdir())
