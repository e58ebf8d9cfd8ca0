"""Runs on data of one's own: what settings follow them, what is stored, what is predicted."""

import csv
import io
import os
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import tomli_w
from own_files import table, write_csv, write_idx, write_images

import infosim
from infosim import Dataset, Experiment, datasets
from infosim.errors import CheckpointError, ConfigError, DataError
from infosim.experiments import picture, rehearsal, run, train
from infosim.experiments.predict import Predictions
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.tasks import task_of

FEW = ["training.epochs=1", "layers.hidden.size=3"]


def on(path, *more, preset="own/table", target="species", few=FEW):
    pairs = [("data.name", str(path)), ("data.options.target", target)]
    return Experiment.load(preset, [*few, *(one for one in pairs if one[1]), *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def pets(folder):
    return write_csv(folder / "pets.csv", table())


@pytest.fixture(scope="module")
def finished(folder, pets):
    """The directory of a run on a table."""
    return train(on(pets), folder / "run", threads=1)


@pytest.fixture(scope="module")
def pictures(folder):
    return write_images(folder / "pictures")[0]


@pytest.fixture(scope="module")
def seen(folder, pictures):
    """The directory of a run on a folder of images."""
    return train(on(pictures, preset="own/images", target=None), folder / "seen", threads=1)


# -- settings --------------------------------------------------------------------------------------


def test_settings_follow_a_table(pets):
    one = on(pets, "training.batch=39")
    data = one.dataset()
    assert data is one.data
    assert one.config["layers"]["output"]["size"] == 3
    assert one.config["data"]["name"] == str(pets)
    options = one.config["data"]["options"]
    assert options["sha256"] == data.encoding.sha256
    assert options == datasets.complete(str(pets), options)
    # 60 rows, of each of 3 classes 4 of 20 for the test and 3 of 16 for validation
    assert one.config["training"]["batch"] == 39
    assert [len(part) for part in one.samples(data)] == [39, 9, 12]
    larger = on(pets, "training.batch=40")
    assert larger.config == one.config
    assert larger.notes == (
        f"{pets}: 48 training rows, 12 test rows: 0.2 of each class, drawn by seed 0",
        "training.batch is 39, all training rows, not 40",
    )


def test_what_a_run_is_called_goes_by_content(pets, tmp_path):
    moved = tmp_path / "moved.csv"
    shutil.copy(pets, moved)
    one = on(pets)
    assert on(moved).key == one.key
    assert on(moved, target="-1").key == one.key  # the same column
    assert on(moved, "data.options.test=0.3").key != one.key
    moved.write_text(moved.read_text().replace("Bonn", "Wien"))
    assert on(moved).key != one.key
    assert run.default_directory(one).name.startswith("own-table-pets-seed0-")


def test_classes_are_held_out_alike(pets):
    experiment = on(pets, "data.validation=0.3")
    task = task_of(experiment.config, experiment.dataset())
    rows, held_out = task.split()
    y = experiment.data.train_y
    assert np.bincount(y[held_out]).tolist() == [5, 5, 5]
    assert sorted([*rows, *held_out]) == list(range(48))
    other = replace(experiment, config=on(pets, "training.seed=1", "data.validation=0.3").config)
    assert (task_of(other.config, experiment.data).split()[1] != held_out).any()
    last = on(pets, "training.shuffle=false", "data.validation=0.25")
    assert task_of(last.config, last.data).split()[1].tolist() == list(range(36, 48))


def test_held_out_samples_of_named_data_are_as_ever():
    task = Experiment.load("demo/digits").task(datasets.load("digits"))
    order = np.random.Generator(
        np.random.Philox(np.random.SeedSequence([0, 6]))
    ).permutation(1437)  # fmt: skip
    rows, held_out = task.split()
    np.testing.assert_array_equal(held_out, order[:288])
    np.testing.assert_array_equal(rows, order[288:])


def test_the_readout_of_any_preset_follows(pets):
    one = on(pets, preset="iclr/backprop")
    assert one.config["layers"]["output"]["size"] == 3
    assert "layers.output.size is 3, the number of classes, not 10" in one.notes
    assert one.network(one.data).inputs == {"image": 5, "label": 3}


def test_a_named_data_set_has_classes_too():
    one = Experiment.load("own/images", ["data.name=digits"])
    assert one.config["layers"]["output"]["size"] == 10
    assert one.config["training"]["batch"] == 128
    assert one.data is None
    assert not one.notes


def test_paths_are_from_where_they_are_said(tmp_path, monkeypatch):
    there, here = tmp_path / "there", tmp_path / "here"
    for one, seed in ((there, 1), (here, 2)):
        one.mkdir()
        write_csv(one / "t.csv", table(seed=seed))
    (there / "mine.toml").write_text(
        "extends = 'own/table'\n[data]\nname = 't.csv'\noptions.target = 'species'\n"
    )
    monkeypatch.chdir(here)
    assert Experiment.load("../there/mine.toml").config["data"]["name"] == str(there / "t.csv")
    given = Experiment.load("../there/mine.toml", ["data.name=t.csv", "data.options.target=4"])
    assert given.config["data"]["name"] == str(here / "t.csv")
    assert given.config["data"]["options"]["target"] == "species"
    (there / "s.toml").write_text(
        "preset = 'mine.toml'\n[grid]\ndata.name = ['t.csv', '../here/t.csv']\n"
        "[set]\ndata.options.target = 'species'\n"
    )
    names = [one.experiment.config["data"]["name"] for one in Sweep.load(there / "s.toml").runs]
    assert names == [str(there / "t.csv"), str(here / "t.csv")]


def test_a_name_of_the_catalogue_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "digits")
    write_images(tmp_path / "pets")
    assert datasets.located("digits") == "digits"
    assert datasets.located("./digits") == str(tmp_path / "digits")
    assert datasets.located("pets") == str(tmp_path / "pets")
    assert datasets.located("cats") == "cats"


# -- runs ------------------------------------------------------------------------------------------


def test_a_run_on_a_table_is_whole(finished, pets):
    results = infosim.load_run(finished)
    assert results.complete
    assert results.encoding.class_names == ("cat", "dog", "owl")
    assert results.record.dataset == "pets"
    picture.draw(results)
    config = tomllib.loads((finished / "config.toml").read_text())
    assert config == on(pets).config
    again = train(Experiment.load(str(finished / "config.toml")), finished.parent / "again")
    for name in ("weights.npz", "metrics.csv", "encoding.json"):
        if name != "metrics.csv":
            assert (again / name).read_bytes() == (finished / name).read_bytes()
    shown = infosim.load_run(again).metrics
    for name, values in infosim.load_run(finished).metrics.items():
        if name != "seconds":
            np.testing.assert_array_equal(shown[name], values)


def test_a_run_is_read_without_its_data(finished, pets, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    text = (copy / "config.toml").read_text().replace(str(pets), str(tmp_path / "gone.csv"))
    (copy / "config.toml").write_text(text)
    (copy / "record.npz").unlink()
    results = infosim.load_run(copy)
    assert results.simulator(threads=1).network.inputs == {"image": 5, "label": 3}
    with pytest.warns(infosim.errors.InfosimWarning, match="record.npz"):
        picture.draw(results)
    columns = {name: values[:3] for name, values in table().items()}
    assert len(results.predict(columns, threads=1).classes) == 3


def test_resumed_on_the_same_data_alone(finished, pets, tmp_path):
    out, moved = tmp_path / "run", tmp_path / "moved.csv"
    shutil.copytree(finished, out)
    shutil.copy(pets, moved)
    train(on(moved, "training.epochs=2"), out, resume=True)
    assert infosim.load_run(out).complete
    moved.write_text(moved.read_text().replace("Bonn", "Wien"))
    with pytest.raises(CheckpointError, match="on other data: their content had the hash"):
        train(on(moved, "training.epochs=3"), out, resume=True)
    with pytest.raises(DataError, match=r"moved\.csv is not what it was: its content has the hash"):
        Experiment.load(str(out / "config.toml"))
    moved.unlink()
    with pytest.raises(DataError, match=r"there is no file .*moved\.csv, nor a data set of this"):
        Experiment.load(str(out / "config.toml"))


def test_a_dry_run_and_a_sweep(pets, tmp_path):
    found = rehearsal.rehearse(on(pets, "training.batch=99"), tmp_path / "none", threads=1)
    assert any("39 in one batch, 9 for validation, 12 for test" in line for line in found.lines)
    assert not (tmp_path / "none").exists()
    shutil.copy(pets, tmp_path / "t.csv")
    (tmp_path / "s.toml").write_text(
        "preset = 'own/table'\nseeds = 2\n[set]\ndata.name = 't.csv'\ntraining.epochs = 1\n"
        "data.options.target = 'species'\nlayers.hidden.size = 3\n"
    )
    sweep = Sweep.load(tmp_path / "s.toml")
    assert len({id(one.experiment.data) for one in sweep.runs}) == 1  # it is read once
    done = run_sweep(sweep, tmp_path / "sweep", stack=2, threads=1)
    assert len(done.done) == 2
    first = infosim.load_sweep(tmp_path / "sweep").run(done.done[0])
    assert first.predict(tmp_path / "t.csv", threads=1).right[1] == 60


@pytest.mark.parametrize("preset", ["own/images", "iclr/backprop", "iclr/readout"])
def test_data_given_in_python(preset, tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 3, 4), dtype=np.uint8), np.arange(30) % 2
    few = ["training.epochs=1"] + (["layers.hidden.size=3"] if preset != "iclr/readout" else [])
    experiment = Experiment.load(preset, few).on(Dataset.of(x, y))
    assert experiment.config["layers"]["output"]["size"] == 2
    out = train(experiment, tmp_path / "run", threads=1)
    results = infosim.load_run(out)
    found = results.predict(x, threads=1)
    assert found.class_names == ("0", "1")
    assert found.given is None
    net = results.simulator(threads=1)
    images = (x.reshape(30, -1).astype(np.float32) - experiment.data.mean) / experiment.data.std
    np.testing.assert_allclose(
        net.predict_proba(images, sampled=False), found.probabilities, atol=1e-5
    )
    more = Experiment.load(preset, [*few, "training.epochs=2"])
    train(more.on(Dataset.of(x, y)), out, resume=True)
    with pytest.raises(CheckpointError, match="on other data"):
        train(more.on(Dataset.of(255 - x, y)), out, resume=True)
    with pytest.raises(ConfigError, match="was given in Python; give it again: Experiment"):
        train(Experiment.load(str(out / "config.toml")), out, resume=True)
    with pytest.raises(ConfigError, match="an experiment is on a Dataset, was 'digits'"):
        more.on("digits")


def test_a_data_set_without_encoding_has_that_of_its_images(tmp_path):
    bare = replace(datasets.load("digits"), name="bare")
    experiment = Experiment.load("own/images", FEW).on(bare)
    found = infosim.load_run(train(experiment, tmp_path / "run", threads=1))
    assert found.encoding.image_shape == (8, 8)
    assert found.encoding.n_classes == 10
    assert found.encoding.moments == (bare.mean, bare.std)
    assert found.predict(bare.test_x[:5], threads=1).probabilities.shape == (5, 10)


def test_float64_one_class_row_and_few_rows(tmp_path):
    columns = {"a": [1.0, 2, 3, 4, 5], "b": list("xyxyx"), "c": list("uuvvw")}
    path = write_csv(tmp_path / "t.csv", columns)
    experiment = on(path, "training.dtype=float64", target="c")
    assert any("classes of one row" in line for line in experiment.notes)
    out = train(experiment, tmp_path / "run", threads=1)
    assert infosim.load_run(out).predict(path, threads=1).right[1] == 5


# -- predictions -----------------------------------------------------------------------------------


def test_predictions_are_those_of_the_network(finished, pets):
    results = infosim.load_run(finished)
    found = results.predict(pets, threads=1)
    x, y = results.encoding.apply(pets, labels=True)
    net = results.simulator(threads=1)
    np.testing.assert_array_equal(found.classes, net.predict(x, sampled=False))
    np.testing.assert_array_equal(found.probabilities, net.predict_proba(x, sampled=False))
    np.testing.assert_array_equal(found.given, y)
    assert found.accuracy == net.score(x, y, sampled=False)
    assert found.names == [str(i) for i in range(60)]
    again = results.predict(pets, threads=2)
    np.testing.assert_array_equal(found.probabilities, again.probabilities)
    drawn = results.predict(pets, presentations=3, threads=1)
    np.testing.assert_array_equal(drawn.probabilities, net.predict_proba(x, presentations=3))
    single = results.predict(pets, sampled=True, threads=1)
    np.testing.assert_array_equal(single.probabilities, net.predict_proba(x))


def test_other_rows_in_any_order_and_without_classes(finished):
    results = infosim.load_run(finished)
    columns = {name: values[:7] for name, values in reversed(table().items())}
    whole = results.predict(columns, threads=1)
    assert whole.right[1] == 7
    columns["species"] = ["cat", "", "", "", "", "", "owl"]
    part = results.predict(columns, threads=1)
    assert part.given.tolist() == [0, -1, -1, -1, -1, -1, 2]
    assert part.right[1] == 2
    del columns["species"]
    found = results.predict(columns, threads=1)
    assert found.given is None
    assert np.isnan(found.accuracy)
    np.testing.assert_array_equal(found.probabilities, whole.probabilities)
    columns["city"] = ["Wien"] * 7
    assert len(results.predict(columns, unknown="zeros", threads=1).classes) == 7


def test_the_table_of_predictions():
    shares = np.array([[0.25, 0.75], [1 / 3, 2 / 3], [1, 0]])
    found = Predictions(["0", "1", "2"], "row", ("a,b", "c"), np.array([1, 1, 0]), shares, None)
    rows = list(csv.reader(io.StringIO(found.csv())))
    assert rows[0] == ["row", "predicted", "P(a,b)", "P(c)"]
    assert rows[2] == ["1", "c", "0.333333", "0.666667"]
    known = replace(found, given=np.array([1, -1, 1]))
    rows = list(csv.reader(io.StringIO(known.csv())))
    assert [row[2] for row in rows] == ["given", "c", "", "c"]
    assert known.right == (1, 2)
    assert known.accuracy == 0.5


def test_images_are_known_by_their_files(seen, pictures, tmp_path):
    results = infosim.load_run(seen)
    found = results.predict(pictures, threads=1)
    assert found.what == "file"
    assert found.names[0] == os.path.join("cat", "00.png")
    assert found.right[1] == 12
    one = results.predict(pictures / "dog" / "03.png", threads=1)
    assert one.names == ["03.png"]
    assert one.given is None
    np.testing.assert_array_equal(one.probabilities[0], found.probabilities[9])
    others = write_images(tmp_path / "others", ("a", "b"))[0]
    assert results.predict(others, threads=1).given is None  # no folder is a class
    folder = results.predict(others / "a", threads=1)
    assert folder.names[0] == "00.png"


def test_a_named_data_set_is_predicted_from_arrays(folder):
    out = train(Experiment.load("demo/digits", FEW), folder / "digits", threads=1)
    results, data = infosim.load_run(out), datasets.load("digits")
    assert results.encoding is None
    np.save(folder / "x.npy", data.test_x.reshape(-1, 8, 8)[:9])
    found = results.predict(folder / "x.npy", threads=1)
    expected = results.simulator(threads=1).evaluate(
        {k: v[:9] for k, v in (("image", (data.test_x - data.mean) / data.std),
                               ("label", data.test_y))}, sampled=False)  # fmt: skip
    np.testing.assert_array_equal(found.classes, expected.predictions)
    write_idx(folder / "t-images-idx3-ubyte", data.test_x.reshape(-1, 8, 8)[:9])
    np.testing.assert_array_equal(
        results.predict(folder / "t-images-idx3-ubyte", threads=1).classes, found.classes
    )
    write_idx(folder / "t-labels-idx1-ubyte", data.test_y[:9])
    again = results.predict(folder / "t-images-idx3-ubyte", threads=1)
    np.testing.assert_array_equal(again.given, data.test_y[:9])
    np.savez(folder / "t.npz", x=data.test_x[:9].reshape(-1, 8, 8), y=data.test_y[:9])
    assert results.predict(folder / "t.npz", threads=1).accuracy == again.accuracy


@pytest.mark.parametrize("inversion", ["batch", "none"])
def test_other_readings(finished, pets, tmp_path, inversion):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    config = tomllib.loads((copy / "config.toml").read_text())
    config["network"]["inversion"] = inversion
    (copy / "config.toml").write_text(tomli_w.dumps(config))
    assert infosim.load_run(copy).predict(pets, threads=1).right[1] == 60


def damaged(folder, finished, name, change):
    copy = folder / "copy"
    shutil.copytree(finished, copy)
    path = copy / name
    path.write_text(change(path.read_text()))
    return infosim.load_run(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:50], "damaged, expected JSON"),
        (lambda text: "[]", "no encoding of kind table or images"),
        (lambda text: text.replace('"mean"', '"maen"'), "unknown key 'maen'"),
        (lambda text: text.replace('"owl"', '"cat"'), "'cat' is there twice"),
        (lambda text: text.replace('"height"', '"width"'), "no column 'width'"),
    ],
)
def test_a_damaged_encoding(finished, pets, tmp_path, change, message):
    with pytest.raises((CheckpointError, DataError), match=message):
        damaged(tmp_path, finished, "encoding.json", change).predict(pets)


def test_an_encoding_of_another_run(finished, seen, pets, tmp_path):
    text = (seen / "encoding.json").read_text()
    results = damaged(tmp_path, finished, "encoding.json", lambda _: text)
    with pytest.raises(CheckpointError, match="another run's: it has 2 classes, the readout 3"):
        results.simulator()
    other = infosim.Dataset.of(np.zeros((6, 2)) + np.arange(6)[:, None], [0, 1, 2] * 2).encoding
    datasets.save_encoding(replace(other, sha256="0" * 64), tmp_path / "copy" / "encoding.json")
    with pytest.raises(CheckpointError, match="another run's: config\\.toml has other data"):
        infosim.load_run(tmp_path / "copy").predict(pets)
    options = infosim.load_run(finished).config["data"]["options"]
    other = replace(other, sha256=options["sha256"])
    datasets.save_encoding(other, tmp_path / "copy" / "encoding.json")
    with pytest.raises(CheckpointError, match="has other weights than needed"):
        infosim.load_run(tmp_path / "copy").predict(np.zeros((2, 2)))
