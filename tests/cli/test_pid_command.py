"""`infosim pid`: what it prints and writes, and sixty tables and calls that are refused."""

import csv
import gzip
import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from own_files import write_csv
from test_bad_input import fails
from test_own_data import done

from infosim.pid import decompose

#: Rows of a good table; `{}` is replaced by what is wrong.
GOOD = "a,b,y,n,t\n0,0,0,1,u\n0,1,1,2,u\n1,0,1,1,v\n1,1,0,3,v\n"
CALL = "--sources a,b --target y"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


BAD = {
    # name of the case: what the table holds (None: none), the call, what the line says
    "no such file": (None, CALL, "cannot read data.csv: No such file"),
    "empty": ("", CALL, "data.csv is empty"),
    "blank first line": ("\na,b,y\n0,1,1\n", CALL, "its first line is blank"),
    "header alone": ("a,b,y\n", CALL, "data.csv has a header but no rows"),
    "no header": ("0,0,0\n0,1,1\n", CALL, "is numbers; it must name the columns"),
    "zero bytes": ("a,b\0,y\n0,1,1\n", CALL, "data.csv is not text"),
    "not UTF-8": (b"a,b,y\n0,\xff,1\n", CALL, "data.csv is not a CSV file in UTF-8"),
    "UTF-16": ("a,b,y\n0,1,1\n".encode("utf-16"), CALL, "data.csv is not "),
    "separated by bars": ("a|b|y\n0|1|1\n", CALL, "no comma, semicolon or tab separates"),
    "separated by blanks": ("a b y\n0 1 1\n", CALL, "no comma, semicolon or tab separates"),
    "ragged": ("a,b,y\n0,0,0\n\n0,1\n", CALL, "data.csv, line 4: 2 cells, the header has 3"),
    "ragged after a long cell": ('a,b,y\n"0\n",0,0\n0,1\n', CALL, "line 4: 2 cells"),
    "open quote": ('a,b,y\n"0,1,1\n', CALL, "is not a CSV file"),
    "gzip cut off": (gzip.compress(GOOD.encode())[:-9], CALL, "cannot read data.csv: "),
    "gzip damaged": (gzip.compress(b"a,b" * 99)[:20] + b"\0" * 40, CALL, "cannot read data.csv: "),
    "a name twice": ("a,b,a,y\n0,0,0,0\n", CALL, "has 2 columns called 'a'"),
    "no such source": (GOOD, "--sources a,c --target y", "sources: data.csv has no column 'c'"),
    "nearly a source": ("size,y\n1,1\n", "--sources siez --target y", "did you mean size?"),
    "no such target": (GOOD, "--sources a --target z", "target: data.csv has no column 'z'"),
    "an empty name": (GOOD, "--sources a,,b --target y", "a name of a column is empty"),
    "five sources": ("a,b,c,d,e,y\n1,2,3,4,5,6\n", "--sources a,b,c,d,e --target y", "1 to 4"),
    "a source twice": (GOOD, "--sources a,a --target y", "'a' is named twice"),
    "a source in two": (GOOD, "--sources F=a+b,b --target y", "'b' is named twice among sources"),
    "a column twice in one": (GOOD, "--sources F=a+a --target y", "twice in one source"),
    "a source as target": (GOOD, "--sources a,y --target y", "'y' is named twice among"),
    "two names alike": (GOOD, "--sources F=a,F=b --target y", "'F' is named twice"),
    "every of none": ("a,y\n1,1\n", "--sources a --target y --pairs", "2 sources or more, 1 given"),
    "every of too many": (
        "a,b,c,d,e,y\n1,2,3,4,5,6\n", "--sources every --target y", "each two of them",
    ),
    "no lag": (GOOD, "--sources a@1 --target y", "lags are rows before, as in a@-1"),
    "lag of words": (GOOD, "--sources a@past --target y", "lags are rows before, as in a@-1"),
    "lag beyond": (GOOD, "--sources a@-4 --target y", "lags reach beyond all of its 4 rows"),
    "lag beyond trials": (GOOD, "--sources a@-2 --target y --by t", "lags reach beyond all"),
    "lags of weights": (GOOD, "--sources a@-1 --target y --weights n", "lags are of rows in order"),
    "no such weights": (GOOD, f"{CALL} --weights m", "--weights: data.csv has no column 'm'"),
    "negative weight": (GOOD.replace("3,v", "-3,v"), f"{CALL} --weights n", "line 5: column 'n'"),
    "weight of words": (GOOD, f"{CALL} --weights t", "numbers from 0 on, not 'u'"),
    "infinite weight": (GOOD.replace("3,v", "inf,v"), f"{CALL} --weights n", "not 'inf'"),
    "missing weight": (GOOD.replace("3,v", ",v"), f"{CALL} --weights n", "column 'n' is empty"),
    "no weight": ("a,b,y,n\n1,1,1,0\n", f"{CALL} --weights n", "are all 0"),
    "weights of a source": (GOOD, f"{CALL} --weights a", "of --weights, and a source or target"),
    "no such trials": (GOOD, f"{CALL} --by s", "--by: data.csv has no column 's'"),
    "trials of a target": (GOOD, f"{CALL} --by y", "of --by, and a source or target"),
    "trials of weights": (GOOD, f"{CALL} --by n --weights n", "both 'n'"),
    "missing cell": ("a,b,y\n0,na,1\n", CALL, "line 2: column 'b' is 'na', which counts"),
    "all dropped": ("a,b,y\n,1,1\n", f"{CALL} --missing drop", "every row is missing one of"),
    "one bin": (GOOD, f"{CALL} --bins 1", "bins must be at least 2 and at most 65536, was 1"),
    "bins beyond number": (GOOD, f"{CALL} --bins {10**30}", "at most 65536, was 1000"),
    "bins of words": (GOOD, f"{CALL} --bins few", "bins are a number of bins, width:N"),
    "half a bin": (GOOD, f"{CALL} --bins 2.5", "quantile:N, edges:A;B;... or none, were '2.5'"),
    "unknown bins": (GOOD, f"{CALL} --bins a=kmeans:3", "were 'kmeans:3'"),
    "no edges": (GOOD, f"{CALL} --bins a=edges:", "edges of bins are numbers, as in edges:0;1.5"),
    "edges in disorder": (GOOD, f"{CALL} --bins a=edges:2;1", "must increase, were '2;1'"),
    "bins of no column": (GOOD, f"{CALL} --bins c=2", "--bins: data.csv has no column 'c'"),
    "bins of an idle column": (GOOD, f"{CALL} --bins n=2", "'n' is neither source nor target"),
    "bins twice": (GOOD, f"{CALL} --bins a=2,a=3", "--bins is given twice for column 'a'"),
    "bins twice for all": (GOOD, f"{CALL} --bins 2 --bins 3", "--bins is given twice for all"),
    "words in bins": (
        "a,y\n1,1\n2,0\nx,1\n", "--sources a --target y --bins 2",
        "line 4: column 'a' is to be cut into bins, but 'x' is not a number",
    ),
    "words cut": (GOOD, "--sources t --target y --bins t=2 --bins a=none", "'a' is neither source"),
    "names cut": (
        "a,y\nu,1\nv,0\nw,1\n", "--sources a --target y --bins a=2", "but 'u' is not a number",
    ),
    "decimal commas": (
        'a,y\n"1,5",1\n"2,5",0\n"3,5",1\n', "--sources a --target y --bins a=2",
        "decimal commas are read where semicolon or tab separate columns",
    ),
    "points and commas": ("a;y\n1,5;1\n2.5;0\n", "--sources a --target y", "points and commas"),
    "unknown measure": (GOOD, f"{CALL} --measure imin", "unknown measure 'imin'"),
    "a measure twice": (
        GOOD, f"{CALL} --measure broja,broja", "measure 'broja' is named twice",
    ),
    "all and more": (GOOD, f"{CALL} --measure all,broja", "'all' stands for every measure"),
    "BROJA of three": (GOOD, "--sources a,b,t --target y --measure broja", "2 sources"),
    "pointwise of others": (
        GOOD, f"{CALL} --measure williams-beer --pointwise rows",
        "williams-beer has no pointwise atoms; take shared-exclusions or specificity-ambiguity",
    ),
    "pointwise of many": (GOOD, "--sources a --target every --pointwise rows", "4 decompositions"),
    "unknown ending": (GOOD, f"{CALL} --out found.xls", "--out found.xls must end in .json, .csv"),
    "unknown picture": (GOOD, f"{CALL} --plot found.gif", "--plot found.gif must end in .png"),
    "picture of many": (GOOD, "--sources a --target every --plot x.svg", "draws one decomposition"),
    "picture of four": (
        "a,b,c,d,y\n1,1,1,1,1\n", "--sources a,b,c,d --target y --plot x.svg", "too many to draw",
    ),
    "out to nowhere": (GOOD, f"{CALL} --out no/found.csv", "cannot write no/found.csv: No such"),
    "two formats": (GOOD, f"{CALL} --json --csv", "contradict each other"),
    "negative draws": (GOOD, f"{CALL} --bootstrap -1", "-1 is not in the range"),
    "one draw": (GOOD, f"{CALL} --bootstrap 1", "bootstrap must be an integer from 2 to 1000000"),
    "draws without end": (GOOD, f"{CALL} --bootstrap {10**20}", "from 2 to 1000000, was 1000"),
    "permutations without end": (GOOD, f"{CALL} --permutations {10**20}", "from 1 to 1000000"),
    "blocks of nothing": (GOOD, f"{CALL} --block 2", "of which there are none"),
    "blocks of all": (GOOD, f"{CALL} --block 4 --bootstrap 9", "block must be below the 4 samples"),
    "nothing to permute": (GOOD, f"{CALL} --permute rows", "of which there are none"),
    "weights beyond count": (
        GOOD.replace("3,v", "1e30,v"), f"{CALL} --weights n --bootstrap 9", "too many to be drawn",
    ),
    "one trial": (
        "a,t,y\n0,1,1\n1,1,0\n", "--sources a --target y --by t --bootstrap 9",
        "to draw trials at least 2 are needed",
    ),
    "quarters of three": (
        "a,y\n0,1\n1,1\n0,0\n", "--sources a --target y --bias extrapolation", "at least 4 samples",
    ),
    "every of one twice": ("a,a,y\n0,0,1\n", "--sources every --target y", "2 columns called 'a'"),
    "level of one": (GOOD, f"{CALL} --bootstrap 9 --level 1", "1.0 is not in the range"),
    "trials unknown": (
        GOOD, f"{CALL} --permutations 9 --permute trials",
        "--permute trials needs to know them: --by",
    ),
    "unequal trials": (
        "a,t,y\n0,1,1\n1,1,0\n1,2,1\n",
        "--sources a --target y --by t --permutations 9 --permute trials",
        "to permute trials all must be equally long, theirs are 1 to 2 samples",
    ),
    "bias of broken counts": (
        GOOD.replace("3,v", "2.5,v"), f"{CALL} --weights n --bias shuffle", "2.5",
    ),
    "no sources": (GOOD, "--target y", "--sources"),
    "no Parquet": (b"PAR1", CALL, "data.csv"),
    "a blank spreadsheet": (None, CALL, "cannot read"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_one_line(case, capsys, tmp_path):
    content, call, expected = BAD[case]
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "data.csv").write_bytes(data)
    before = sorted(tmp_path.iterdir())
    assert expected in fails(["pid", "data.csv", *call.split()], capsys)
    assert sorted(tmp_path.iterdir()) == before  # nothing is left half-written


def test_sixty_are_bad():
    assert len(BAD) >= 60


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("t.parquet", "pyarrow.parquet", "parquet"), ("t.xlsx", "openpyxl", "excel")],
)
def test_packages_that_are_not_there_are_named(name, package, extra, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).write_bytes(b"PK")
    line = fails(["pid", name, *CALL.split()], capsys)
    assert f"pip install 'infosim[{extra}]'" in line


def good(tmp_path, text=GOOD):
    (tmp_path / "data.csv").write_text(text)
    return ["pid", "data.csv", *CALL.split()]


def test_the_output_says_what_was_decomposed(capsys, tmp_path):
    out, err = done([*good(tmp_path), "--weights", "n", "--parts"], capsys)
    lines = out.splitlines()
    assert lines[:6] == [
        "data.csv: 4 rows that stand for 7",
        "note     1.8 samples for each cell that occurs, 7 for 4: what they tell may be owed to "
        "chance; take fewer bins or more samples",
        "target   y  2 values",
        "sources  a  2 values",
        "         b  2 values",
        "cells    4 of sources and target, 1.75 rows each",
    ]
    assert "by shared-exclusions, in bits" in lines
    assert [line.split() for line in lines if line.startswith("atom")] == [
        ["atom", "bits", "informative", "misinformative"]
    ]
    assert err == ""


def test_json_csv_and_files_say_the_same(capsys, tmp_path):
    call = [*good(tmp_path), "--measure", "shared-exclusions,minimum-mutual-information",
            "--bootstrap", "20", "--permutations", "19", "--bias", "miller-madow",
            "--jobs", "1"]  # fmt: skip
    (told,) = json.loads(done([*call, "--json"], capsys)[0])["decompositions"]
    out, err = done([*call, "--csv"], capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert "may be owed to chance" in err
    assert [row["label"] for row in rows[:4]] == ["{a}{b}", "{a}", "{b}", "{ab}"]
    for row, known in zip(rows, told["found"], strict=True):
        for key in ("bits", "low", "high", "p", "corrected"):
            assert row[key] == ("" if known[key] is None else repr(known[key]))
    assert any(row["p"] for row in rows)
    assert all(row["low"] for row in rows[:8])
    assert not any(row["p"] for row in rows if row["quantity"] == "atom")
    for ending in ("json", "csv", "txt", "html"):
        assert done([*call, "--out", f"found.{ending}"], capsys)[0] == ""
    assert (tmp_path / "found.csv").read_text() == out
    assert json.loads((tmp_path / "found.json").read_text())["decompositions"] == [told]
    assert (tmp_path / "found.txt").read_text() == done(call, capsys)[0]
    page = (tmp_path / "found.html").read_text()
    for said in ("may be owed to chance", "<th scope=\"col\">p</th>", "less bias", "interval",
                 "<caption>minimum-mutual-information</caption>"):  # fmt: skip
        assert said in page


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_files_tell_of_a_table_whose_name_is_no_text(capsys, tmp_path):
    good(tmp_path)
    name = os.fsdecode(b"data\xff.csv")
    try:
        Path("data.csv").rename(name)
    except OSError:
        pytest.skip("the file system has no such names")
    for ending in ("json", "csv", "txt", "html"):
        done(["pid", name, *CALL.split(), "--out", f"found.{ending}"], capsys)
    assert json.loads((tmp_path / "found.json").read_text())["table"] == name
    assert "data\\udcff.csv: 4 rows" in (tmp_path / "found.txt").read_text()


def test_the_same_seed_is_the_same_result(capsys, tmp_path):
    call = [*good(tmp_path, GOOD + GOOD.partition("\n")[2] * 9), "--bootstrap", "30", "--csv"]
    first = done([*call, "--jobs", "1"], capsys)
    assert done([*call, "--jobs", "2"], capsys) == first
    assert done([*call, "--jobs", "2", "--seed", "1"], capsys) != first


def test_pointwise_rows_know_their_lines(capsys, tmp_path):
    good(tmp_path, "a,b,y\n0,0,0\n\n0,1,1\n1,0,1\n1,1,0\n")
    out, _ = done(["pid", "data.csv", *CALL.split(), "--pointwise", "rows"], capsys)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["line"] for row in rows] == ["2", "4", "5", "6"]
    assert float(rows[0]["{a}{b}"]) == pytest.approx(np.log2(2 / 3))
    events = json.loads(
        done(["pid", "data.csv", *CALL.split(), "--pointwise", "events", "--json"], capsys)[0]
    )["pointwise"]
    assert [event["weight"] for event in events] == [1, 1, 1, 1]


def test_the_standard_input_is_a_table(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(GOOD.encode())))
    out, _ = done(["pid", "-", *CALL.split()], capsys)
    assert out.startswith("the standard input: 4 rows\n")
    assert "\n{a}{b}  -0.5850\n" in out


def test_pictures_are_the_same_bytes_for_the_same_table(capsys, tmp_path):
    rng = np.random.default_rng(0)
    a, b, c = rng.integers(0, 2, (3, 90))
    write_csv(tmp_path / "t.csv", {"first of three": a, "b": b, "c": c, "y": a & (b | c)})
    call = ["pid", "t.csv", "--target", "y", "--bootstrap", "20", "--sources"]
    for name in ("one.svg", "two.svg"):
        done([*call, "b", "--plot", name], capsys)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    done([*call, "first of three,b,c", "--plot", "one.svg"], capsys)
    drawn = (tmp_path / "one.svg").read_text()
    for label in ("{1}{2}{3}", "{123}", "1 = first of three", "{12}{13}{23}"):
        assert f"<!-- {label}" in drawn or label in drawn
    done([*call, "b,c", "--plot", "three.png"], capsys)
    assert (tmp_path / "three.png").read_bytes()[:4] == b"\x89PNG"


def test_names_of_real_tables(capsys, tmp_path):
    """scikit-learn's own column names: blanks, brackets, commas, signs."""
    datasets = pytest.importorskip("sklearn.datasets")
    frame = datasets.load_iris(as_frame=True).frame
    frame.to_csv("iris.csv", index=False)
    sources = "petal length (cm),petal width (cm)"
    out, _ = done(["pid", "iris.csv", "--sources", sources, "--target", "target"], capsys)
    expected = decompose(
        sources=[frame[name] for name in sources.split(",")], target=frame["target"]
    )
    for label, bits in zip(
        ["{petal length (cm)}{petal width (cm)}", "{petal length (cm)}", "{petal width (cm)}",
         "{petal length (cm),petal width (cm)}"], expected.atoms, strict=True,
    ):  # fmt: skip
        assert any(line.split("  ")[0] == label and line.endswith(f" {bits:z.4f}")
                   for line in out.splitlines())  # fmt: skip


def test_what_few_rows_may_owe_to_chance_is_said_of_many_questions_at_once(capsys, tmp_path):
    """A spreadsheet of six columns has fifteen pairs: two lines on them, not thirty."""
    rng = np.random.default_rng(0)
    columns = {name: rng.integers(0, 3, 60) for name in "abcde"}
    write_csv(tmp_path / "t.csv", columns | {"f": np.arange(60), "y": columns["a"]})
    call = ["pid", "t.csv", "--sources", "every", "--pairs", "--target", "y"]
    notes = [one for one in done(call, capsys)[0].splitlines() if one.startswith("note")]
    assert notes == [
        "note     of many distinct values, and cut into a few bins if continuous: f",
        "note     11 of 15 decompositions have few rows for each cell that occurs: what they tell "
        "may be owed to chance; take fewer bins or more rows",
    ]


def test_letters_that_the_font_lacks_are_one_line(capsys, tmp_path):
    (tmp_path / "t.csv").write_text("\U0001f984 a,y\n0,0\n1,1\n")
    call = ["pid", "t.csv", "--sources", "\U0001f984 a", "--target", "y", "--plot", "t.png"]
    out, err = done(call, capsys)
    assert "{\U0001f984 a}  1.0000" in out
    assert err == "infosim: the picture's font does not have \U0001f984\n"


def test_all_measures_are_those_that_there_are(capsys, tmp_path):
    call = [*good(tmp_path)[:2], "--sources", "a,b,t", "--target", "y", "--measure", "all"]
    out, _ = done(call, capsys)
    assert "note     broja is of 2 sources, and left out" in out
    assert (
        "by shared-exclusions, minimum-mutual-information, williams-beer, specificity-ambiguity, "
        "in bits"
    ) in out


def test_missing_is_one_more_value(capsys, tmp_path):
    call = [*good(tmp_path, GOOD + ",1,1,2,u\n"), "--missing", "value"]
    assert "sources  a  2 values, and missing\n" in done(call, capsys)[0]
