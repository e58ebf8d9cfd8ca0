"""Large .npy files stay on disk, and become the data sets that they would be in memory."""

import os
from pathlib import Path

import numpy as np
import pytest

import infosim
from infosim import Dataset, Experiment
from infosim.cli import main
from infosim.datasets import read_own
from infosim.datasets.own import arrays, reading, rows
from infosim.errors import CheckpointError, ConfigError, DataError
from infosim.experiments.follow import hash_of
from infosim.experiments.run import train_together
from infosim.machine.mapped import Mapped

N = 300
RNG = np.random.default_rng(0)
CLASSES = np.arange(N) % 3
#: Columns: of several sizes, one constant, one of whole numbers.
ROWS = RNG.normal([0, 1e3, -5, 0, 1], [1, 1, 1e-3, 0, 1e6], (N, 5)).round(4)
IMAGES = RNG.integers(0, 256, (N, 6, 7), dtype=np.uint8)
NEVER = 2**60


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("y.npy", CLASSES)
    monkeypatch.setattr(arrays, "_ON_DISK", 0)
    # some columns, and some rows, at a time
    monkeypatch.setattr(rows, "_AT_ONCE", 2 * 8 * N)
    monkeypatch.setattr("infosim.machine.mapped._AT_ONCE", 1000)


def read(array, **options):
    np.save("x.npy", array)
    return read_own("x.npy", "y.npy", **options)


def in_memory(monkeypatch, array, **options):
    with monkeypatch.context() as patch:
        patch.setattr(arrays, "_ON_DISK", NEVER)
        return read(array, **options)


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (IMAGES, {}),
        (IMAGES, {"test": 0.5, "seed": 3}),
        (IMAGES > 99, {}),
        (IMAGES.astype(np.int16) - 99, {}),
        (IMAGES / 7, {}),
        (RNG.random((N, 4, 5, 3), np.float32), {}),
        (RNG.integers(0, 256, (N, 1, 4, 5), dtype=np.uint8), {}),
        (ROWS, {}),
        (ROWS.astype(np.float32), {"exclude": ("1",)}),
        (IMAGES[:, 0], {"columns": ("5", "0")}),
    ],
)
def test_a_file_on_disk_is_the_data_set_it_would_be_in_memory(array, options, monkeypatch):
    memory = in_memory(monkeypatch, array, **options)
    disk = read(array, **options)
    assert isinstance(disk.train_x, Mapped)
    assert isinstance(memory.train_x, np.ndarray)
    assert disk.encoding == memory.encoding
    assert (disk.mean, disk.std) == (memory.mean, memory.std)
    assert hash_of(disk) == hash_of(memory)
    for name in ("train_x", "train_y", "test_x", "test_y"):
        one, other = np.asarray(getattr(disk, name)), getattr(memory, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("array", [IMAGES, IMAGES / 7, ROWS.astype(np.float32)])
def test_other_samples_are_encoded_alike(array, monkeypatch):
    encoding = read(array).encoding
    other = array[::-2].astype(array.dtype)
    np.save("other.npy", other)
    disk = encoding.read("other.npy")
    assert isinstance(disk.x, Mapped)
    expected = encoding.read(other)
    assert isinstance(expected.x, np.ndarray)
    mapped = encoding.read(np.load("other.npy", mmap_mode="r"))
    for one in (disk, mapped):
        np.testing.assert_array_equal(one.x[:], expected.x)
        assert one.names == expected.names
        assert one.x.dtype == expected.x.dtype
    np.save("other.npy", other[:, :-1])
    with pytest.raises(DataError, match=r"expected (5 as in training|\(6, 7\))"):
        encoding.read("other.npy")


def test_other_rows_have_the_columns_that_were_read():
    """In their order: whether they are in memory or on disk."""
    encoding = read(ROWS, columns=("4", "3", "1")).encoding
    other = np.ascontiguousarray(ROWS[:9, [1, 3, 4]] + 1)
    np.save("other.npy", other)
    assert isinstance(encoding.read("other.npy").x, Mapped)
    np.testing.assert_array_equal(encoding.read("other.npy").x[:], encoding.read(other).x)


def test_true_and_false_are_names_in_rows(monkeypatch):
    array = ROWS[:, ::4] > 0
    disk, memory = read(array), in_memory(monkeypatch, array)
    assert {one.kind for one in disk.encoding.columns} == {"categorical"}
    assert disk.encoding == memory.encoding
    mapped = Dataset.of(np.load("x.npy", mmap_mode="r"), CLASSES)
    np.testing.assert_array_equal(mapped.train_x, memory.train_x)
    np.testing.assert_array_equal(disk.encoding.read("x.npy").x, memory.encoding.read(array).x)


def test_what_python_has_mapped_is_not_read_whole():
    np.save("x.npy", IMAGES)
    mapped = np.load("x.npy", mmap_mode="r")
    disk, memory = Dataset.of(mapped, CLASSES), Dataset.of(IMAGES, CLASSES)
    assert isinstance(disk.test_x, Mapped)
    assert hash_of(disk) == hash_of(memory)
    flat = Dataset.of(mapped.reshape(N, -1), CLASSES, image_shape=(6, 7))
    assert isinstance(flat.train_x, Mapped)
    assert hash_of(flat) == hash_of(memory)


@pytest.mark.parametrize(
    "array",
    [np.asfortranarray(ROWS), ROWS.astype(">f8"), np.where(ROWS[:, :2] > 0, "more", "less")],
    ids=["Fortran order", "big-endian", "texts"],
)
def test_what_kernels_do_not_read_as_it_is_comes_into_memory(array):
    assert isinstance(read(array).train_x, np.ndarray)


def test_small_files_come_into_memory(monkeypatch):
    monkeypatch.setattr(arrays, "_ON_DISK", 2**27)
    assert isinstance(read(IMAGES).train_x, np.ndarray)


def with_last(value, array=ROWS):
    array = array.copy()
    array[-1, -1] = value
    return array


OBJECTS = np.empty((N, 2), object)
BAD = {  # the array, options, what is said
    "objects": (OBJECTS, {}, "x.npy: holds Python objects, which are not read; save numbers"),
    "missing in the last row": (
        with_last(np.nan), {}, "x.npy, row 299: column '4' is missing (1 of 300 are)"),
    "infinite": (with_last(np.inf), {}, "column '4' goes from"),
    "too large": (
        with_last(1e200) * [[1, 1, 1, 1, 1e80]], {}, "column '4' goes from"),
    "pixel": (
        with_last(np.nan, IMAGES.astype(np.float32).reshape(N, 3, -1)), {},
        "x.npy holds nan at [299, 28], expected a number"),
    "drop": (ROWS, {"missing": "drop"}, "missing is not an option of x.npy, which stays on disk"),
    "categorical": (
        ROWS, {"categorical": ("2",)}, "categorical is not an option of x.npy, which stays on"),
    "no column": (ROWS, {"columns": ("9",)}, "--columns: x.npy has no column '9'"),
    "constant": (ROWS[:, 3:4], {}, "no column is left to learn from: 0 hold the same in all"),
    "complex": (ROWS * 1j, {}, "has type complex128"),
    "vector": (ROWS[:, 0], {}, "has shape (300,)"),
    "no rows": (ROWS[:0], {}, "x.npy has no rows"),
    "no columns": (ROWS[:, :0], {}, "no column is left to learn from"),
    "five axes": (IMAGES.reshape(N, 1, 1, 6, 7), {}, "expected (n, h, w)"),
    "fewer": (ROWS[1:], {}, "x.npy: 299 samples but 300 classes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line(name):
    array, options, said = BAD[name]
    with pytest.raises((DataError, ConfigError)) as caught:
        read(array, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_truncated_and_missing_files(capsys):
    np.save("x.npy", ROWS)
    np.save("whole.npy", ROWS)
    os.truncate("x.npy", 500)
    for x, y, said in (
        ("x.npy", "y.npy", "x.npy: truncated, its header gives shape (300, 5) of float64"),
        ("whole.npy", "z.npy", "z.npy: No such file or directory"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["train", "own/table", "--dataset", x, "--target", y])
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert sorted(os.listdir()) == ["whole.npy", "x.npy", "y.npy"]


def test_one_class_and_one_row():
    np.save("y.npy", CLASSES * 0)
    with pytest.raises(DataError, match="a single class"):
        read(ROWS)
    np.save("y.npy", CLASSES[:1])
    with pytest.raises(DataError, match="a single class"):
        read(ROWS[:1])


def test_too_large_for_memory_tells_the_way(monkeypatch):
    def little(what, n_bytes):
        if "x.npy" in what:
            raise DataError(f"{what} would take much")

    monkeypatch.setattr(arrays, "check_memory", little)
    assert isinstance(read(ROWS).train_x, Mapped)
    with pytest.raises(DataError, match=r"much; an \.npy file in C order and this machine's order"):
        read(np.asfortranarray(ROWS))
    np.savez("x.npz", x=ROWS, y=CLASSES)
    with pytest.raises(DataError, match=r"much; an \.npy file of its own stays on disk$"):
        read_own("x.npz")


def test_a_run_goes_on_to_the_same_bits_and_notices_other_data(monkeypatch):
    few = ["layers.hidden.size=3", "training.batch=50"]

    def on(epochs, resume=False, out="run"):
        np.save("x.npy", IMAGES)
        settings = ["data.name=x.npy", "data.options.target=y.npy", f"training.epochs={epochs}"]
        experiment = Experiment.load("own/images", [*few, *settings])
        assert isinstance(experiment.data.train_x, Mapped) == (arrays._ON_DISK == 0)
        train_together([experiment], [Path(out)], resume=resume, threads=1, summary=False)

    on(1)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "sha256_of", lambda path: "another")
        with pytest.raises(CheckpointError, match="on other data: their content had the hash"):
            on(2, resume=True)
    on(2, resume=True)
    predicted = infosim.load_run("run").predict("x.npy")
    monkeypatch.setattr(arrays, "_ON_DISK", NEVER)
    on(2, out="memory")
    again = infosim.load_run("memory").predict("x.npy")
    np.testing.assert_array_equal(predicted.probabilities, again.probabilities)
    found, expected = (np.load(f"{out}/weights.npz") for out in ("run", "memory"))
    assert found.files == expected.files
    for name in found.files:
        np.testing.assert_array_equal(found[name], expected[name])
