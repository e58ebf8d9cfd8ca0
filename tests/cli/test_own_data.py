"""`infosim train --dataset FILE` and `infosim predict`: what is said, and what is refused."""

import csv
import shutil

import numpy as np
import pytest
from own_files import table, write_csv, write_images
from test_bad_input import fails

from infosim.cli import main

FEW = ("--epochs", "1", "--set", "layers.hidden.size=3", "--threads", "1")


def done(arguments, capsys):
    """Run the command, require success; returns what it says on stdout and on stderr."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured.err
    return captured.out, captured.err


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a table, images, and a run on each: trained by the commands."""
    folder = tmp_path_factory.mktemp("made")
    write_csv(folder / "pets.csv", table())
    write_images(folder / "pictures")
    for preset, data, *target in (
        ("own/table", "pets.csv", "--target", "species"), ("own/images", "pictures"),
    ):  # fmt: skip
        words = ["train", preset, "--dataset", folder / data, *target, *FEW, "--quiet"]
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in (*words, "--out", folder / f"run-{data.partition('.')[0]}")])
        assert stop.value.code == 0
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch):
    """A copy of that folder, in which commands are given."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_what_is_said_of_the_data(here, capsys):
    words = ("train", "demo/digits", "--dataset", "pets.csv", "--target", "species", *FEW)
    out, err = done((*words, "--out", "run"), capsys)
    assert err.splitlines() == [
        f"infosim: {here / 'pets.csv'}: 48 training rows, 12 test rows: 0.2 of each class, drawn "
        "by seed 0",
        "infosim: layers.output.size is 3, the number of classes, not 10",
        "infosim: training.batch is 39, all training rows, not 288",
    ]
    assert "results in run" in out
    assert done((*words, "--out", "other", "--quiet"), capsys) == ("", "")
    out, err = done((*words, "--out", "third", "--dry-run"), capsys)
    assert err.count("\n") == 3
    assert "begin in third" in out
    assert not (here / "third").exists()


def test_options_are_settings(here, capsys):
    words = ["train", "own/table", "--dataset", "pets.csv", "--target", "4", "--exclude", "age"]
    words += ["--test", "0.4", "--missing", "fill", *FEW, "--out", "run"]
    _, err = done(words, capsys)
    assert "36 training rows, 24 test rows: 0.4 of each class" in err
    text = (here / "run" / "config.toml").read_text()
    assert 'target = "species"' in text
    assert 'missing = "fill"' in text
    assert f'name = "{here / "pets.csv"}"' in text
    done(["train", "run/config.toml", "--out", "again", "--quiet"], capsys)
    encodings = [(here / name / "encoding.json").read_bytes() for name in ("run", "again")]
    assert encodings[0] == encodings[1]


def test_predictions_of_a_table(here, capsys):
    out, _ = done(["predict", "run-pets", "pets.csv"], capsys)
    said, right = out.splitlines()
    assert said == "predictions of 60 rows in predictions.csv"
    with open("predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "predicted", "given", "P(cat)", "P(dog)", "P(owl)"]
    n = sum(row["predicted"] == row["given"] for row in rows)
    assert right == f"{n} of 60 right ({n / 0.6:.1f} %)"
    for row in rows:
        shares = {name: float(row[f"P({name})"]) for name in ("cat", "dog", "owl")}
        assert abs(sum(shares.values()) - 1) < 1e-5
        assert shares[row["predicted"]] == max(shares.values())
    shown, err = done(["predict", "run-pets", "pets.csv", "--out", "-"], capsys)
    assert shown == (here / "predictions.csv").read_text()
    assert err.splitlines() == [right]
    drawn, _ = done(["predict", "run-pets", "pets.csv", "--out", "-", "--sampled", "-q"], capsys)
    assert drawn != shown
    assert drawn == done(["predict", "run-pets", "pets.csv", "--out", "-", "--sampled"], capsys)[0]
    done(["predict", "run-pets", "pets.csv", "--presentations", "4", "-q"], capsys)
    columns = table()
    del columns["species"]
    columns["city"] = ["Wien"] * 60
    write_csv(here / "new.csv", columns)
    out, _ = done(["predict", "run-pets", "new.csv", "--unknown", "zeros"], capsys)
    assert out == "predictions of 60 rows in predictions.csv\n"


def test_predictions_of_images(here, capsys):
    out, _ = done(["predict", "run-pictures", "pictures", "--out", "p.csv"], capsys)
    assert out.startswith("predictions of 12 files in p.csv\n")
    with open("p.csv", newline="") as file:
        assert next(csv.DictReader(file))["file"].endswith("00.png")
    out, _ = done(["predict", "run-pictures", "pictures/dog/02.png"], capsys)
    assert out == "predictions of 1 file in predictions.csv\n"


def _text(name, text):
    return lambda here: (here / name).write_text(text)


def _changed(here):
    path = here / "pets.csv"
    path.write_text(path.read_text().replace("Bonn", "Wien"))


def _resumed(here):
    text = (here / "run-pets" / "config.toml").read_text()
    # the test's own folder is a copy of the one in which the run was made
    name = text.partition('name = "')[2].partition('"')[0]
    (here / "run-pets" / "config.toml").write_text(text.replace(name, str(here / "pets.csv")))


def _changed_and_resumed(here):
    _resumed(here)
    _changed(here)


def _removed_and_resumed(here):
    _resumed(here)
    (here / "pets.csv").unlink()


def _incomplete(here):
    (here / "run-pets" / "result.json").unlink()


def _damaged(here):
    path = here / "run-pets" / "encoding.json"
    path.write_text(path.read_text()[:100])


def _of_another(here):
    shutil.copy(here / "run-pictures" / "encoding.json", here / "run-pets" / "encoding.json")


def _two_sizes(here):
    from PIL import Image

    Image.fromarray(np.zeros((9, 9), np.uint8)).save(here / "pictures" / "cat" / "99.png")


def _broken(here):
    (here / "pictures" / "dog" / "03.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")


def _empty(here):
    (here / "empty").mkdir()


def _wide(here):
    names = ",".join(f"c{i}" for i in range(10**5))
    (here / "wide.csv").write_text(f"{names}\n" + "1," * (10**5 - 1) + "1\n")


def _few(n):
    return lambda here: write_csv(
        here / "few.csv", {"a": range(n), "y": ["u", "v", *"u" * (n - 2)][:n]}
    )


def _npy(here):
    np.save(here / "x.npy", np.zeros((5, 6, 7)))


def _csv_of_images(here):
    np.save(here / "images.npy", np.zeros((5, 9, 9), np.uint8))


PETS = ("--dataset", "pets.csv", "--target", "species")
TRAIN = ("train", "own/table", "--out", "new")
PREDICT = ("predict", "run-pets")
RESUME = ("train", "run-pets/config.toml", "--out", "run-pets", "--resume", "--epochs", "2")
BAD = {
    "no data": (None, TRAIN, "own/table needs data of your own: --dataset FILE"),
    "no data, a target": (None, (*TRAIN, "--target", "a"), "needs data of your own"),
    "no such file": (None, (*TRAIN, "--dataset", "nope.csv"), "nor a data set of this name"),
    "nearly a name": (None, (*TRAIN, "--dataset", "mnits"), "unknown data set 'mnits': did you"),
    "nearly a name, in a folder": (None, (*TRAIN, "--dataset", "./mnits"), "did you mean mnist"),
    "no target": (None, (*TRAIN, "--dataset", "pets.csv"), "which column has the classes?"),
    "no such target": (
        None, (*TRAIN, "--dataset", "pets.csv", "--target", "specie"), "did you mean species",
    ),
    "a target that is a quantity": (
        None, (*TRAIN, "--dataset", "pets.csv", "--target", "height"), "infosim classifies",
    ),
    "target of a data set by name": (
        None, ("train", "demo/digits", "--target", "a"), "'digits' has no option 'target'",
    ),
    "two data sets": (None, (*TRAIN, *PETS, "--set", "data.name=digits"), "given twice"),
    "two targets": (None, (*TRAIN, *PETS, "--set", "data.options.target=age"), "given twice"),
    "an option that is none": (
        None, (*TRAIN, *PETS, "--set", "data.options.tests=0.1"), "there is no option 'tests'",
    ),
    "an option of another type": (
        None, (*TRAIN, *PETS, "--set", "data.options.seed=true"), "options.seed must be an integer",
    ),
    "nothing for the test": (None, (*TRAIN, *PETS, "--test", "0"), "between 0 and 1, was 0"),
    "all for the test": (None, (*TRAIN, *PETS, "--test", "1"), "a number in [0, 1), was 1"),
    "another size for a table": (None, (*TRAIN, *PETS, "--resize", "3,3"), "no folder of images"),
    "a size of one number": (
        None, (*TRAIN, "--dataset", "pictures", "--resize", "3"), "resize must be (height, width)",
    ),
    "an option of tables for images": (
        None, (*TRAIN, "--dataset", "pictures", "--exclude", "a"), "exclude is not an option of",
    ),
    "content that is not that asked for": (
        None, (*TRAIN, *PETS, "--set", "data.options.sha256=00"), "is not what it was",
    ),
    "one class": (
        _text("t.csv", "a,y\n1,u\n2,u\n"), (*TRAIN, "--dataset", "t.csv"), "a single class, 'u'",
    ),
    "classes of one row": (
        _text("t.csv", "a,y\n1,u\n2,v\n"), (*TRAIN, "--dataset", "t.csv"), "too few to learn",
    ),
    "ragged": (_text("t.csv", "a,y\n1,u\n2\n"), (*TRAIN, "--dataset", "t.csv"), "line 3: 1 cells"),
    "a missing number": (
        _text("t.csv", "a,y\n1,u\nNaN,u\n3,v\n4,v\n"), (*TRAIN, "--dataset", "t.csv"),
        "line 3: column 'a' is missing",
    ),
    "texts in numbers": (
        _text("t.csv", "a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(99)) + "x,1\n"),
        (*TRAIN, "--dataset", "t.csv", "--target", "y"), "numbers but for 'x'",
    ),
    "images of two sizes": (_two_sizes, (*TRAIN, "--dataset", "pictures"), "--resize HEIGHT,WIDTH"),
    "a broken image": (_broken, (*TRAIN, "--dataset", "pictures"), "03.png: cannot be decoded"),
    "an empty folder": (_empty, (*TRAIN, "--dataset", "empty"), "has no images"),
    "10⁵ columns of one row": (
        _wide, (*TRAIN, "--dataset", "wide.csv", "--target", "c7"), "a single class",
    ),
    "a memory": (
        None, ("train", "pnas/memory-heuristic", "--out", "new", *PETS), "needs a source as large",
    ),
    "rows of a sequence": (
        None, (*TRAIN, *PETS, "--set", "network.inputs={image='rows', label='labels'}"),
        "images of pets are (5,), not rows",
    ),
    "a size that is no word": (
        None, (*TRAIN, *PETS, "--set", "layers.output.size=class"), "'classes' or 'pixels' or an ",
    ),
    "resumed on other data": (_changed_and_resumed, RESUME, "pets.csv is not what it was"),
    "resumed without data": (_removed_and_resumed, RESUME, "there is no file"),
    "another table into a run": (
        _changed, (*TRAIN[:2], "--out", "run-pets", *PETS, *FEW, "--resume"),
        "cannot resume run-pets on other data",
    ),
    "predict: no run": (None, ("predict", "nope", "pets.csv"), "nope holds no run"),
    "predict: not complete": (_incomplete, (*PREDICT, "pets.csv"), "is not complete, at epoch 1"),
    "predict: a damaged encoding": (_damaged, (*PREDICT, "pets.csv"), "damaged, expected JSON"),
    "predict: another encoding": (_of_another, (*PREDICT, "pets.csv"), "is another run's"),
    "predict: no file": (None, (*PREDICT, "nope.csv"), "cannot read nope.csv"),
    "predict: a folder for a table": (None, (*PREDICT, "pictures"), "cannot read pictures"),
    "predict: another column": (
        _text("n.csv", "height,city,years\n1,Bonn,3\n"), (*PREDICT, "n.csv"), "no column 'age'",
    ),
    "predict: text in numbers": (
        _text("n.csv", "height,city,age\nx,Bonn,3\n"), (*PREDICT, "n.csv"), "expected a number",
    ),
    "predict: another category": (
        _text("n.csv", "height,city,age\n1,Wien,3\n"), (*PREDICT, "n.csv"), "no training row had",
    ),
    "predict: a missing cell": (
        _text("n.csv", "height,city,age\n1,,3\n"), (*PREDICT, "n.csv"), "column 'city' is missing",
    ),
    "predict: another class": (
        _text("n.csv", "height,city,age,species\n1,Bonn,3,cow\n"), (*PREDICT, "n.csv"),
        "is 'cow', no class of the training rows",
    ),
    "predict: images of another shape": (
        _npy, ("predict", "run-pictures", "x.npy"), "images are (6, 7), expected (4, 5)",
    ),
    "predict: a table for images": (
        None, ("predict", "run-pictures", "pets.csv"), "expected samples in .npy, .npz or IDX",
    ),
    "predict: over the data": (
        None, (*PREDICT, "pets.csv", "--out", "./pets.csv"), "is the data itself",
    ),
    "predict: into no folder": (None, (*PREDICT, "pets.csv", "--out", "no/p.csv"), "in no folder"),
    "predict: into a folder": (None, (*PREDICT, "pets.csv", "--out", "pictures"), "is a folder"),
    "predict: no presentation": (
        None, (*PREDICT, "pets.csv", "--presentations", "0"), "from 1 to 4096, was 0",
    ),
    "predict: drawn and drawn": (
        None, (*PREDICT, "pets.csv", "--presentations", "2", "--sampled"), "contradict each other",
    ),
}  # fmt: skip


def _files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_one_line(case, here, capsys):
    prepare, arguments, message = BAD[case]
    if prepare is not None:
        prepare(here)
    before = _files(here)
    assert message in fails(arguments, capsys)
    after = _files(here)
    ours = (".lock", ".holder.json")
    assert {p: t for p, t in after.items() if p.name not in ours} == {
        p: t for p, t in before.items() if p.name not in ours
    }
