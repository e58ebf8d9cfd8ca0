"""What is wrong with data of one's own is said in one line, before anything is made of them."""

import io
import json
import os
import zipfile

import numpy as np
import pandas as pd
import pytest
from own_files import table, write_csv, write_idx, write_images
from PIL import Image

import infosim
from infosim.cli import main
from infosim.datasets import load_encoding, read_own, save_encoding
from infosim.datasets.own import from_json, to_json
from infosim.errors import ConfigError, DataError, InfosimError

GOOD = "a,b,y\n1,2,no\n3,5,yes\n4,7,no\n6,1,yes\n"
WORDS = "\n".join(f"1,2,id{i}" for i in range(9))
DATES = "\n".join(f"2020-01-{i % 28 + 1}-{i},2,{i % 2}" for i in range(99))
MARKS = "\n".join(f"{i if i % 9 else '?'},2,{i % 2}" for i in range(99))
COMMAS = "\n".join(f'"1,{i}",2,{i % 2}' for i in range(99))

TABLES = {  # the file, options, what is said
    "empty": (b"", {}, "t.csv is empty"),
    "blank": ("\n\n", {}, "its first line is blank"),
    "header alone": ("a,b,y\n", {}, "t.csv has a header but no rows"),
    "header of numbers": (
        "1,2,3\n4,5,6\n",
        {},
        "its first line, '1,2,3', is numbers; it must name",
    ),
    "no delimiter": ("a|b|y\n1|2|no\n", {}, "no comma, semicolon or tab separates columns in its"),
    "one column": ("y\nyes\nno\nyes\nno\n", {}, "no column is left to learn from"),
    "same name": ("a,a,y\n1,2,no\n", {}, "t.csv has 2 columns called 'a'"),
    "no name": (",b,y\n0,2,no\n", {}, "column 1 has no name"),
    "ragged": (GOOD + "1,2\n", {}, "t.csv, line 6: 2 cells, the header has 3"),
    "too long a row": (GOOD + "\n1,2,yes,4\n", {}, "t.csv, line 7: 4 cells, the header has 3"),
    "open quote": (GOOD + '"1,2,no\n', {}, "is not a CSV file in UTF-8: unexpected end of data"),
    "text after quote": (GOOD + '"1"x,2,no\n', {}, "is not a CSV file in UTF-8: ',' expected"),
    "UTF-16": (GOOD.encode("utf-16"), {}, "is not a CSV file in UTF-8"),
    "latin-1": ("ä,y\n1,no\n".encode("latin-1"), {}, "is not a CSV file in UTF-8"),
    "binary": (b"\0\1\2,y\n", {}, "t.csv is not text, expected CSV"),
    "no target": ("a,b\n1,2\n", {}, "which column has the classes? --target one of a, b"),
    "two targets": ("label,class\n1,2\n", {}, "which column has the classes?"),
    "unknown target": (
        GOOD,
        {"target": "yy"},
        "--target: t.csv has no column 'yy'; did you mean y?",
    ),
    "target 0": (GOOD, {"target": 0}, "columns of t.csv are numbered from 1 to 3, was 0"),
    "target 4": (GOOD, {"target": "4"}, "columns of t.csv are numbered from 1 to 3, was 4"),
    "target a list": (GOOD, {"target": ["y"]}, "--target: t.csv has no column ['y']"),
    "one class": ("a,y\n1,no\n2,no\n", {}, "column 'y' has a single class, 'no'; two are needed"),
    "no class": (
        "a,y\n1,\n2,\n",
        {"missing": "fill"},
        "column 'y' is missing (2 are), but names cl",
    ),
    "identifiers": (f"a,b,y\n{WORDS}\n", {}, "of the 9 classes in column 'y' 9 have one row each"),
    "a quantity": (
        "a,y\n" + "\n".join(f"1,{i / 4}" for i in range(40)) + "\n",
        {},
        "'y' has 40 different numbers, 0 to 9.75, but infosim classifies",
    ),
    "missing": (
        GOOD + "1,,no\n",
        {},
        "line 6: column 'b' is missing (1 of 5 are); see --missing and --miss",
    ),
    "missing class": (
        GOOD + "1,2,\n",
        {"missing": "fill"},
        "line 6: column 'y' is missing (1 are), ",
    ),
    "missing in all rows": (
        "a,b,y\n1,,no\n2,,yes\n",
        {"missing": "drop"},
        "no row is complete; column 'b' misses 2 of 2 cells",
    ),
    "nothing varies": (
        "a,y\n1,no\n1,yes\n1,no\n1,yes\n",
        {},
        "to learn from: a hold the same in all",
    ),
    "infinite": (GOOD + "inf,2,no\n" * 9, {}, "column 'a' goes from 1 to inf, which cannot be sta"),
    "too wide": (
        GOOD + "1e200,2,no\n-1e200,2,no\n" * 9,
        {},
        "from -1e+200 to 1e+200, which cannot",
    ),
    "dates": (f"d,b,y\n{DATES}\n", {}, "are they dates, names or free text? --exclude 'd'"),
    "marks of missing": (
        f"d,b,y\n{MARKS}\n",
        {},
        "texts, numbers but for '?'; are these missing? --m",
    ),
    "decimal commas": (
        f"d,b,y\n{COMMAS}\n",
        {},
        "decimal commas are read where columns are separat",
    ),
    "both decimals": (
        "a;y\n1,5;no\n2.5;yes\n",
        {},
        "column 'a' has decimal points and commas, such as '2.5' and '1,5'",
    ),
    "unknown exclude": (
        GOOD,
        {"exclude": ["c"]},
        "--exclude: t.csv has no column 'c'; allowed: a, b",
    ),
    "unknown column": (
        GOOD,
        {"columns": ["aa"]},
        "--columns: t.csv has no column 'aa'; did you mean",
    ),
    "unknown categorical": (GOOD, {"categorical": ["z"]}, "--categorical: t.csv has no column 'z'"),
    "exclude a text": (GOOD, {"exclude": "a"}, "exclude must be a list of names, was 'a'"),
    "unknown missing": (GOOD, {"missing": "skip"}, "--missing 'skip': allowed: error, drop, fill"),
    "test 0": (GOOD, {"test": 0}, "test must be a number between 0 and 1, was 0"),
    "test 1": (GOOD, {"test": 1}, "test must be a number between 0 and 1, was 1"),
    "test a text": (GOOD, {"test": "0.2"}, "test must be a number between 0 and 1, was '0.2'"),
    "seed": (GOOD, {"seed": -1}, "seed must be an integer from 0 to 2**32 - 1, was -1"),
    "resize": (
        GOOD,
        {"resize": (2, 2)},
        "resize is not an option of t.csv, which is no folder of i",
    ),
    "unknown option": (GOOD, {"tests": 0.1}, "there is no option 'tests'; did you mean test"),
    "huge cell": (GOOD + f"{'1' * 200_000},2,no\n", {}, "field larger than field limit"),
}


def said(read, *arguments, **options):
    """The one line that is said of these data."""
    with pytest.raises(InfosimError) as told:
        read(*arguments, **options)
    line = str(told.value)
    assert len(line.splitlines()) == 1
    assert isinstance(told.value, (ConfigError, DataError))
    return line


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", TABLES)
def test_tables(case, tmp_path):
    content, options, message = TABLES[case]
    content = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "t.csv").write_bytes(content)
    assert message in said(read_own, "t.csv", **options)


def npy(array, **options):
    """The bytes of an .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def vast():
    """An .npy file whose header promises a terabyte."""
    file = io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": (6, 10**13)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue()


X, Y = np.eye(6), np.arange(6) % 2
CUT = npy(X)[:-30]

NPZ = {
    "no zip": (b"PK\3\4 no", "damaged, expected .npz"),
    "names": ({"a": npy(X), "b": npy(Y)}, "holds a, b; expected arrays x and y, images and labels"),
    "empty": ({}, "holds nothing; expected arrays"),
    "no classes": ({"x": npy(X)}, "has samples x but no classes y"),
    "objects": (
        {"x": npy([[{}]], allow_pickle=True), "y": npy(Y)},
        "a.npz: x.npy: holds Python objects, which are not read",
    ),
    "object labels": ({"x": npy(X), "y": npy(np.array(["a", None]), allow_pickle=True)}, "objects"),
    "complex": ({"x": npy(X + 1j), "y": npy(Y)}, "has type complex128, expected numbers or text"),
    "lengths": ({"x": npy(X), "y": npy(Y[:5])}, "6 samples but 5 classes"),
    "one-hot labels": ({"x": npy(X), "y": npy(np.eye(6))}, "y has shape (6, 6), expected (n,)"),
    "truncated": ({"x": CUT, "y": npy(Y)}, "x.npy: truncated, 258 bytes of data, expected 288"),
    "no header": ({"x": b"nothing", "y": npy(Y)}, "x.npy: damaged, expected .npy"),
    "vast": (
        {"x": vast(), "y": npy(Y)},
        "x.npy: truncated, its header gives shape (6, 10000000000000) of float64",
    ),
    "flat": ({"x": npy(Y), "y": npy(Y)}, "has shape (6,), expected (n, h, w), (n, h, w, c) or (n,"),
    "text": ({"x": npy([["a", "b"]] * 6), "y": npy(Y)}, "no column is left to learn from"),
    "nan": ({"x": npy(X * np.nan), "y": npy(Y)}, "row 0: column '0' is missing (6 of 6 are)"),
    "nan in images": (
        {"x": npy(np.full((6, 2, 2), np.nan)), "y": npy(Y)},
        "a.npz[0, 0, 0] is nan, expected a number",
    ),
    "missing label": ({"x": npy(X), "y": npy([0, 1, 0, 1, np.nan, 1])}, "column 'y' is missing (1"),
    "other width": (
        {"x_train": npy(X), "y_train": npy(Y), "x_test": npy(X[:, :2]), "y_test": npy(Y)},
        "training rows are (6,), test rows (2,)",
    ),
    "other images": (
        {
            "x_train": npy(np.ones((6, 2, 3))), "y_train": npy(Y),
            "x_test": npy(np.ones((6, 3, 2))), "y_test": npy(Y),
        },
        "training images are (2, 3), test images (3, 2)",
    ),
    "new class": (
        {"x_train": npy(X), "y_train": npy(Y), "x_test": npy(X), "y_test": npy(Y + 1)},
        "class '2' has test rows but no training rows",
    ),
    "test split missing": (
        {"x_train": npy(X), "y_train": npy(Y), "x_test": npy(X)},
        "holds x_train, y_train, x_test; expected",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NPZ)
def test_npz(case, tmp_path):
    content, message = NPZ[case]
    if isinstance(content, bytes):
        (tmp_path / "a.npz").write_bytes(content)
    else:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            for name, member in content.items():
                archive.writestr(f"{name}.npy", member)
    assert message in said(read_own, "a.npz")


def test_nothing_is_unpickled(tmp_path):
    class Never:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    np.save("x.npy", np.array([[Never()]]), allow_pickle=True)
    np.save("y.npy", Y)
    assert "holds Python objects" in said(read_own, "x.npy", "y.npy")
    assert not (tmp_path / "made").exists()


FILES = {
    "nothing there": (lambda: "none.csv", "cannot read none.csv: No such file"),
    "null in name": (lambda: "a\0b.csv", "cannot read a"),
    "unknown ending": (lambda: written("a.doc", b""), "a.doc: .doc is not read; .csv, .tsv"),
    "no ending": (lambda: written("table", b""), "table: no ending is not read"),
    "spreadsheet": (lambda: written("a.xlsx", b""), "spreadsheets are not read; save the sheet as"),
    "pipe": (lambda: pipe("a.csv"), "cannot read a.csv: not a regular file"),
    "one image": (lambda: written("a.png", b""), "a.png is one image; a data set is a folder of"),
    "npy alone": (lambda: written("x.npy", npy(X)), "x.npy has no classes; --target FILE.npy name"),
    "Parquet": (lambda: written("a.parquet", b"PAR1"), "a.parquet"),
    "IDX without labels": (
        lambda: write_idx_at("my-images-idx3-ubyte", np.ones((2, 2, 2))),
        "there is no file of labels my-labels-idx1-ubyte beside it",
    ),
    "damaged IDX": (
        lambda: (written("a-labels-ubyte", b""), written("a-images-ubyte", b"x"))[1],
        "a-images-ubyte: ends within its header",
    ),
    "empty folder": (lambda: folder("f"), "f has no images (.png, .jpg,"),
    "images without folders": (lambda: folder("f", "a.png"), "f: images are not in folders by cla"),
    "empty class": (lambda: folder("f", "a/0.png", "b/"), "f/b: the folder of a class, but withou"),
    "one class": (lambda: folder("f", "a/0.png", "a/1.png"), "has a single class, 'a'; two are ne"),
    "broken image": (
        lambda: folder("f", "a/0.png", "b/0.png", "b/!1.png"),
        "f/b/1.png: cannot be decoded (no image of a known format)",
    ),
    "truncated image": (
        lambda: folder("f", "a/0.png", "b/0.png", "b/-1.png"),
        "f/b/1.png: cannot be decoded (",
    ),
    "link out": (lambda: folder("f", "a/0.png", "b/@1.png"), "f/b/1.png is a link out of f"),
    "huge image": (lambda: folder("f", "a/0.png", "b/+1.png"), "9000 × 9000 pixels, at most 67108"),
    "floating point": (lambda: folder("f", "a/0.png", "b/~1.tif"), "b/1.tif: cannot be decoded (f"),
    "pipe among images": (lambda: folder("f", "a/0.png", "b/|1.png"), "cannot read f/b/1.png: not"),
}  # fmt: skip


def written(name, content):
    with open(name, "wb") as file:
        file.write(content)
    return name


def write_idx_at(name, array):
    from pathlib import Path

    write_idx(Path(name), array)
    return name


def pipe(name):
    os.mkfifo(name)
    return name


def folder(root, *names):
    """A folder of images, some damaged as the sign before their name says."""
    os.makedirs(root)
    for name in names:
        where, _, name = f"{root}/{name}".rpartition("/")
        os.makedirs(where, exist_ok=True)
        sign, path = name[:1], f"{where}/{name.lstrip('!-@+~|')}"
        image = Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30))
        if sign == "!":
            written(path, b"no image")
        elif sign == "@":
            image.save("outside.png")
            os.symlink(os.path.abspath("outside.png"), path)
        elif sign == "+":
            Image.new("1", (9000, 9000)).save(path)
        elif sign == "~":
            Image.fromarray(np.ones((20, 30), np.float32)).save(path)
        elif sign == "|":
            pipe(path)
        elif name:
            image.save(path)
            if sign == "-":
                os.truncate(path, os.path.getsize(path) // 2)
    return root


@pytest.mark.parametrize("case", FILES)
def test_files(case):
    make, message = FILES[case]
    assert message in said(read_own, make())


OPTIONS = {
    "target of images": (
        {"target": "y"},
        "has its classes with it, there is no --target to choose",
    ),
    "columns of images": ({"columns": ["a"]}, "columns is not an option of images, as f has them"),
    "missing of images": ({"missing": "drop"}, "missing is not an option of images"),
    "resize of one": ({"resize": 3}, "resize must be (height, width), was 3"),
    "resize of three": ({"resize": (3, 3, 3)}, "resize must be (height, width), was (3, 3, 3)"),
    "resize to nothing": ({"resize": (0, 3)}, "height must be an integer of at least 1, was 0"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_of_images(case, tmp_path):
    write_images(tmp_path / "f")
    options, message = OPTIONS[case]
    assert message in said(read_own, "f", **options)


PYTHON = {
    "a number": ((5, Y), {}, "own data must be an array or a list, was 5"),
    "y a number": ((X, 5), {}, "own data: y must be an array or a list, was 5"),
    "masked": ((np.ma.masked_less(X, 1), Y), {}, "own data has masked numbers"),
    "ragged": (([[1, 2], [3]], [0, 1]), {}, "rows of several lengths, expected an array"),
    "lengths": ((X, Y[:3]), {}, "own data: 6 samples but 3 classes"),
    "columns": (({"a": X[0], "b": X[0, :3]}, Y), {}, "column 'a' has 6 rows, column 'b' has 3"),
    "no rows": ((X[:0], Y[:0]), {}, "own data has shape (0, 6), expected (n, d)"),
    "y a name": ((X, "y"), {}, "y must hold the class of each sample, was 'y'"),
    "y nothing": ((X, None), {}, "y must hold the class of each sample, was None"),
    "y unknown": (({"a": Y}, "b"), {}, "--target: own data has no column 'b'"),
    "y in columns": (({"a": X}, Y), {}, "own data: a has shape (6, 6), expected (n,)"),
    "complex": ((X + 1j, Y), {}, "0 has type complex128, expected numbers or text"),
    "infinite": ((np.where(X == 1, np.inf, 0), Y), {}, "column '"),
    "same names": ((pd.DataFrame(X, columns=list("aabcde")), Y), {}, "has 2 columns called 'a'"),
    "one class": ((X, Y * 0), {}, "column 'y' has a single class, '0'; two are needed"),
    "image_shape": ((X, Y), {"image_shape": (2, 2)}, "images are (6,), expected (2, 2)"),
    "image_shape of columns": (({"a": Y}, Y), {"image_shape": (1, 1)}, "image_shape is for arrays"),
    "resize": ((X, Y), {"resize": (2, 2)}, "resize is not an option of arrays"),
    "four colours": ((np.ones((6, 5, 5, 4)), Y), {}, "(6, 5, 5, 4), expected 1 or 3 colours first"),
    "images of text": ((np.full((6, 2, 2), "a"), Y), {}, "has type <U1, expected numbers"),
    "unknown option": ((X, Y), {"tset": 0.1}, "there is no option 'tset'; did you mean test"),
}


@pytest.mark.parametrize("case", PYTHON)
def test_from_python(case):
    arguments, options, message = PYTHON[case]
    assert message in said(infosim.Dataset.of, *arguments, **options)


APPLIED = {  # another file, what is said
    "column missing": ("height,city\n170,Bonn\n", "u.csv has no column 'age'"),
    "text for numbers": (
        "height,city,age\n170,Bonn,old\n",
        "line 2: column 'age' is 'old', expected a",
    ),
    "unknown category": (
        "height,city,age\n170,Ulm,5\n",
        "column 'city' is 'Ulm', which no training",
    ),
    "missing cell": (
        "height,city,age\n170,Bonn,5\n,Bonn,5\n",
        "line 3: column 'height' is missing (1",
    ),
    "missing category": (
        "height,city,age\n170,,5\n",
        "line 2: column 'city' is missing (1 of 1 are)",
    ),
    "infinite": (
        "height,city,age\ninf,Bonn,5\n",
        "line 2: column 'height' is inf, too large beside",
    ),
    "far": (
        "height,city,age\n1e300,Bonn,5\n",
        "line 2: column 'height' is 1e+300, too large beside",
    ),
    "no rows": ("height,city,age\n", "u.csv has a header but no rows"),
}


@pytest.mark.parametrize("case", APPLIED)
def test_another_table(case, tmp_path):
    encoding = read_own(write_csv(tmp_path / "t.csv", table()), "species").encoding
    content, message = APPLIED[case]
    written("u.csv", content.encode())
    assert message in said(encoding.apply, "u.csv")


def test_another_table_of_other_classes(tmp_path):
    encoding = read_own(write_csv(tmp_path / "t.csv", table()), "species").encoding
    for name, message in (
        (
            "cow",
            "line 2: column 'species' is 'cow', no class of the training rows; did you mean owl",
        ),
        ("", "line 2: column 'species' is missing, expected a class"),
    ):
        written("u.csv", f"height,city,age,species\n170,Bonn,5,{name}\n".encode())
        assert message in said(encoding.apply, "u.csv", labels=True)
    assert "u.csv has no column 'species'" in said(
        encoding.apply, written("u.csv", b"height,city,age\n1,Bonn,2\n"), labels=True
    )
    assert "3 columns" in said(infosim.Dataset.of(X, Y).encoding.apply, X[:, :3])
    assert "were given beside" in said(infosim.Dataset.of(X, Y).encoding.apply, X, labels=True)
    assert "unknown must be one of" in said(encoding.apply, "t.csv", unknown="guess")


DAMAGE = {
    "no JSON": ("{", "damaged, expected JSON"),
    "deep": ("[" * 100_000, "damaged, expected JSON"),
    "a list": ("[]", "no encoding of kind table or images"),
    "kind": ({"kind": "pickle"}, "no encoding of kind"),
    "unknown key": ({"code": "x"}, "unknown key 'code'"),
    "key missing": ({"named": None, "-": "named"}, "named is missing"),
    "classes": ({"class_names": ["a", "a"]}, "class_names: 'a' is there twice"),
    "one class": ({"class_names": ["a"]}, "class_names cannot be ['a']"),
    "number for text": ({"source": 3}, "source cannot be 3"),
    "columns": ({"columns": []}, "columns cannot be []"),
    "a column's kind": ({"columns": [{"kind": "x"}]}, "column 0: kind cannot be 'x'"),
    "deviation": (
        {"columns": [{"kind": "numeric", "name": "a", "mean": 0, "std": 0}]},
        "column 0: std cannot be 0",
    ),
    "mean": (
        {"columns": [{"kind": "numeric", "name": "a", "mean": "x", "std": 1}]},
        "column 0: mean cannot be 'x'",
    ),
    "no input": ({"columns": [{"kind": "constant", "name": "a"}]}, "no column is an input"),
    "column twice": (
        {"columns": [{"kind": "numeric", "name": "a", "mean": 0, "std": 1}] * 2},
        "columns: 'a' is there twice",
    ),
    "levels": (
        {"columns": [{"kind": "categorical", "name": "a", "levels": ["x", "y"], "frequent": "z"}]},
        "levels of 'a' cannot be",
    ),
    "split": ({"split": {"how": "guessed"}}, "split: how cannot be 'guessed'"),
    "missing": ({"missing": "skip"}, "missing cannot be 'skip'"),
    "missing a list": ({"missing": []}, "missing cannot be []"),
    "target among columns": ({"target": "age"}, "target 'age' is one of its columns, too"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_encodings(case, tmp_path):
    encoding = read_own(write_csv(tmp_path / "t.csv", table()), "species").encoding
    change, message = DAMAGE[case]
    if isinstance(change, dict):
        values = json.loads(to_json(encoding)) | change
        values.pop(values.pop("-", ""), None)
        change = json.dumps(values)
    assert message in said(from_json, change)
    written("e.json", change.encode())
    assert message in said(load_encoding, "e.json")


def test_encodings_that_cannot_be_read(tmp_path):
    assert "cannot read none.json" in said(load_encoding, "none.json")
    encoding = infosim.Dataset.of(np.zeros((6, 2, 2)), Y).encoding
    save_encoding(encoding, "e.json")
    values = json.loads((tmp_path / "e.json").read_text())
    for shape in ([0, 4], [2**20, 2**20], [2.5], "22"):
        assert "image_shape cannot be" in said(
            from_json, json.dumps(values | {"image_shape": shape})
        )
    assert "not UTF-8" in said(load_encoding, written("f.json", b"\xff"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["t.csv", "--target", "why"], "t.csv has no column 'why'"),
        (["t.csv", "--target", "y", "--exclude", "a,c"], "--exclude: t.csv has no column 'c'"),
        (["t.csv", "--resize", "2"], "resize must be (height, width), was (2,)"),
        (["t.csv", "--resize", "2,x"], "--resize must be HEIGHT,WIDTH, was '2,x'"),
        (["t.csv", "--resize", "2,2"], "resize is not an option of t.csv"),
        (["t.csv", "--missing", "mean"], "'mean' is not one of 'error', 'drop', 'fill'"),
        (["none.csv"], "cannot read none.csv"),
        ([], "Missing argument 'FILE_OR_FOLDER'"),
    ],
)
def test_command_line(arguments, message, tmp_path, capsys):
    (tmp_path / "t.csv").write_text(GOOD)
    with pytest.raises(SystemExit) as stop:
        main(["data", "describe", *arguments])
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("infosim: ")
    assert message in error
    assert error.count("\n") == 1
