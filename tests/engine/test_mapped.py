"""Arrays that are memory-mapped stay on disk, and what is learnt of them is the same to the bit."""

import os
import tracemalloc

import numpy as np
import pytest
from bits import assert_same_bits
from sparse_images import IMAGES, LABELS, SCALING, D, N

from infosim import Activation, Compartment, Layer, Network, Simulator
from infosim.engine import Training
from infosim.errors import ConfigError, DataError
from infosim.machine.mapped import Mapped
from infosim.machine.reader import MappedSparse, Reader
from infosim.machine.samples import Samples
from infosim.machine.sparse import Sparse

RNG = np.random.default_rng(1)


def network(units=D, size=24, steps=2):
    lateral = Compartment("L", "hidden", delay=1, connectivity="all-but-self")
    label = Compartment("C", "label", connectivity="one-to-one", weight=1.0, trainable=False)
    parts = {"hidden": [Compartment("F", "image"), lateral], "out": [Compartment("F", "hidden")]}
    parts["out"].append(label)
    layers = [
        Layer(name, size if name == "hidden" else 2, own, Activation("bivariate"),
              goal=f"{{F}}{{{own[1].name}}}")
        for name, own in parts.items()
    ]  # fmt: skip
    inputs = {"image": units, "label": 2}
    return Network(inputs, layers, readout="out", target="label", steps=steps)


def on_disk(folder, array, name="x.npy"):
    """The array, memory-mapped from a new file."""
    np.save(folder / name, array)
    return np.load(folder / name, mmap_mode="r")


def fitted(images, sparse=None, ahead=None, seeds=0, labels=LABELS, net=None, **options):
    simulator = Simulator(net or network(), seed=seeds, **options)
    simulator._feed.reader.ahead = ahead
    samples = Samples({"image": images, "label": labels}, SCALING, sparse=sparse)
    train, validation = samples.subset(np.arange(500)), samples.subset(np.arange(500, N))
    # the last batch of an epoch is smaller
    simulator.fit(train, 2, batch=150, validation=validation)
    predicted = simulator.predict({"image": images}, sampled=False)
    return simulator.arrays() | {"predicted": predicted}, simulator, samples


def advance(training, n):
    for _ in range(n):
        training.advance()


@pytest.mark.parametrize("kind", ["float16", ">f4", ">i2", "longdouble"])
def test_numbers_that_kernels_do_not_have_are_as_those_they_have(kind, tmp_path):
    given = (IMAGES / 4).astype(kind)
    usual = given.astype({"longdouble": "f8", ">i2": "i2"}.get(kind, "f4"))
    assert usual.dtype.isnative
    known, _, _ = fitted(usual)
    for images in (given, on_disk(tmp_path, given)):
        assert_same_bits(known, fitted(images, labels=LABELS.astype(">i4"))[0])


@pytest.mark.parametrize("seeds", [0, [0, 1]])
@pytest.mark.parametrize("sparse", [True, False])
def test_what_is_learnt_is_the_same_from_disk(sparse, seeds, tmp_path):
    memory, _, _ = fitted(IMAGES, sparse, seeds=seeds)
    mapped = on_disk(tmp_path, IMAGES)
    for ahead in (True, False):
        found, simulator, samples = fitted(mapped, sparse, ahead, seeds)
        assert_same_bits(memory, found)
        assert isinstance(samples.arrays["image"], Mapped)
        assert simulator.sparse_inputs(samples) == (["image"] if sparse else [])
    assert os.listdir(tmp_path) == ["x.npy"]


def test_the_decision_for_a_background_is_that_of_data_in_memory(tmp_path):
    half = np.where(RNG.random((N, D)) < 0.5, 3, 0).astype(np.uint8)
    late = IMAGES.copy()  # few in the rows that tell the background, many in all
    late[np.setdiff1d(np.arange(N), np.linspace(0, N - 1, 101).astype(int))] += np.arange(
        D, dtype=np.uint8
    )
    huge = np.where(IMAGES > 7, np.float32(3e38), np.float32(-3e38))
    for i, (array, there) in enumerate([(IMAGES, 1), (half, 0), (late, 0), (huge, 0)]):
        one = Sparse.of(array)
        other = MappedSparse.of(Mapped.of(on_disk(tmp_path, array, f"{i}.npy")))
        assert (one is not None) == (other is not None) == there
        if there:
            assert other.widest == one.widest
            np.testing.assert_array_equal(other.background, one.background)


def test_any_layout_of_memory_will_do(tmp_path):
    plain = IMAGES.astype(np.float64)
    wide = np.repeat(plain, 2, axis=1)
    expected, _, _ = fitted(plain, dtype="float64")
    for i, (array, view) in enumerate([
        (plain, slice(None)), (np.asfortranarray(plain), slice(None)),
        (plain.astype(">f8"), slice(None)), (wide, (slice(None), slice(None, None, 2))),
        (np.vstack([plain[:9], plain]), slice(9, None)),
    ]):  # fmt: skip
        mapped = on_disk(tmp_path, array, f"{i}.npy")[view]
        assert Mapped.of(np.asarray(mapped)) is not None
        assert_same_bits(expected, fitted(mapped, dtype="float64")[0])


def test_sequences_and_labels_as_vectors(tmp_path):
    """(n, steps, units), and a target (n, classes) whose labels are the largest."""
    sequences = IMAGES.reshape(N, 2, -1)
    vectors = np.eye(2, dtype=np.float32)[LABELS]
    found = [
        fitted(one, labels=two, net=network(D // 2))[0]
        for one, two in (
            (sequences, vectors),
            (on_disk(tmp_path, sequences), on_disk(tmp_path, vectors, "y.npy")),
        )
    ]
    assert_same_bits(*found)


def test_labels_are_in_memory(tmp_path):
    labels = on_disk(tmp_path, LABELS, "y.npy")
    samples = Samples({"image": IMAGES, "label": labels})
    os.truncate(tmp_path / "y.npy", 0)
    np.testing.assert_array_equal(samples.labels("label"), LABELS)


def test_the_same_on_each_backend(kernels, tmp_path):
    small = IMAGES[:8, :5]
    simulator = Simulator(network(5, 3), backend="cuda" if kernels.ON_DEVICE else "cpu")
    mapped = on_disk(tmp_path, small)
    for images in (small, mapped):
        samples = simulator.samples({"image": images, "label": LABELS[:8]})
        inputs, _ = simulator.batch(samples, np.array([6, 0, 6, 3]))
        np.testing.assert_array_equal(kernels.host(inputs["image"])[0], small[[6, 0, 6, 3]].T)


def test_little_of_it_is_ever_in_memory(tmp_path):
    """80 MB: a copy of all, or of what is finite of it, would be seen."""
    n = 50_000
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, (n, 200))
    array[::7, 3], array[-1, -1] = 1.5, -2
    del array
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    simulator = Simulator(network(200, 2))
    simulator.fit({"image": IMAGES[:64, :200], "label": LABELS[:64]}, 1, batch=64)
    tracemalloc.start()
    samples = simulator.samples({"image": mapped, "label": np.arange(n) % 2})
    training = Training(simulator, samples, batch=64)
    advance(training, 3)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32e6
    assert mapped.nbytes == 80e6
    assert samples.arrays["image"].ends() == (-2, 1.5)


def test_it_stands_for_an_array(tmp_path):
    mapped = Mapped.of(on_disk(tmp_path, IMAGES)).taken(np.array([5, 2, 9, 2]))
    rows = IMAGES[[5, 2, 9, 2]]
    assert (len(mapped), mapped.shape, mapped.dtype, mapped.size) == (4, (4, D), np.uint8, 4 * D)
    mask = np.array([True, False, True, False])
    for at in (0, -1, slice(1, 3), slice(None, None, -1), [2, 0, 2], mask, [[0, 1], [2, 3]]):
        np.testing.assert_array_equal(mapped[at], rows[at])
    np.testing.assert_array_equal(np.asarray(mapped, np.float32), rows.astype(np.float32))
    np.testing.assert_array_equal(mapped.taken([3, 0])[:], rows[[3, 0]])
    in_file = [rows for rows, _ in mapped.blocks()]
    np.testing.assert_array_equal(in_file, [[2, 2, 5, 9]])
    twice = mapped.changed(lambda block: block.astype(np.float64) + 1).reshape(4, 2, -1)
    np.testing.assert_array_equal(twice[:], rows.reshape(4, 2, -1) + 1.0)
    with pytest.raises(IndexError, match="out of bounds"):
        mapped[4]
    for other in (IMAGES, IMAGES[3:], [1.0], np.memmap(tmp_path / "x.npy").copy()):
        assert Mapped.of(other) is None


def test_rows_that_are_slow_to_come_are_asked_for_all_at_once(tmp_path, monkeypatch):
    mapped = Mapped.of(on_disk(tmp_path, IMAGES)[7:])
    asked, rows = [], np.array([N - 8, 0, 300, 0])

    def fetch(source, at):
        asked.append(at.tolist())
        really(source, at)

    really = mapped._file.fetch
    monkeypatch.setattr(mapped._file, "fetch", fetch)
    for slow in (0.0, 1e9, 0.0):
        monkeypatch.setattr("infosim.machine.mapped._SLOW", (slow, slow))
        np.testing.assert_array_equal(mapped.read(rows), IMAGES[7:][rows])
    assert asked == [[0, 0, 300, N - 8]]  # after the first, which was slow


# -- what is wrong ---------------------------------------------------------------------------------


def refused(images, labels=LABELS, **options):
    with pytest.raises(DataError) as caught:
        Samples({"image": images, "label": labels}, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_in_the_last_row_is_named(bad, tmp_path, monkeypatch):
    monkeypatch.setattr("infosim.machine.mapped._AT_ONCE", 100 * D * 4)
    images = IMAGES.astype(np.float32)
    images[-1, 8] = bad
    said = refused(on_disk(tmp_path, images))
    assert said == f"input 'image' holds {np.float32(bad)} at [{N - 1}, 8]; values must be finite"


def test_bad_arrays(tmp_path):
    complex_one = on_disk(tmp_path, IMAGES.astype(complex), "c.npy")
    assert "must be numbers of shape (n, units)" in refused(complex_one)
    assert "every input needs the same number of samples" in refused(on_disk(tmp_path, IMAGES[1:]))
    deep = on_disk(tmp_path, IMAGES.reshape(N, 2, 3, -1), "d.npy")
    assert f"was uint8 ({N}, 2, 3, 35)" in refused(deep)
    empty = np.memmap(tmp_path / "x.npy", np.uint8, "r", shape=(4, D))[:0]
    assert "x.npy has no rows" in refused(empty, LABELS[:0])
    big = Samples({"image": on_disk(tmp_path, IMAGES * 1e300, "b.npy"), "label": LABELS})
    with pytest.raises(DataError, match="which float32 cannot hold"):
        big.check(network())
    one = Samples({"image": on_disk(tmp_path, IMAGES[:1], "1.npy"), "label": LABELS[:1]})
    assert np.isfinite(Simulator(network()).fit(one, 1, batch=1).train_error[-1])
    with pytest.raises(ConfigError, match="batch of 2 is larger than the 1 training samples"):
        Simulator(network()).fit(one, 1, batch=2)


def halfway(folder):
    """A training that has read a batch, and is reading the next."""
    training = Training(
        Simulator(network()), {"image": on_disk(folder, IMAGES), "label": LABELS}, batch=100
    )
    training.simulator._feed.reader.ahead = True
    training.advance()
    training.simulator._feed.reader._next._thread.join()
    return training


def test_a_file_that_is_cut_off_is_an_error_and_no_crash(tmp_path):
    training = halfway(tmp_path)
    os.truncate(tmp_path / "x.npy", 1000)
    with pytest.raises(DataError, match=r"x\.npy was cut off while it was being read$"):
        advance(training, 3)  # one batch has been read


def test_a_file_that_is_written_to_is_an_error(tmp_path):
    training = halfway(tmp_path)
    with open(tmp_path / "x.npy", "r+b") as file:
        file.seek(500)
        file.write(b"1")
    os.utime(tmp_path / "x.npy", (0, 0))
    with pytest.raises(DataError, match=r"x\.npy was written to while it was being read$"):
        advance(training, 3)


@pytest.mark.parametrize("what", ["replaced", "removed"])
def test_a_file_that_is_gone_from_its_name_is_read_on(what, tmp_path):
    training = halfway(tmp_path)
    if what == "removed":
        os.unlink(tmp_path / "x.npy")
    else:
        np.save(tmp_path / "other.npy", IMAGES[:5])
        os.replace(tmp_path / "other.npy", tmp_path / "x.npy")
    while training.epoch < 2:
        training.advance()
    whole = Training(Simulator(network()), {"image": IMAGES, "label": LABELS}, batch=100)
    while whole.epoch < 2:
        whole.advance()
    assert_same_bits(training.simulator.arrays(), whole.simulator.arrays())


def test_one_s_own_file_may_be_written_to(tmp_path):
    """What a process has mapped to write it may change under its hands; that is its own affair."""
    array = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (N, D))
    mapped = Mapped.of(array)
    array[...] = IMAGES
    array.flush()
    np.testing.assert_array_equal(mapped[[3, 1]], IMAGES[[3, 1]])


def test_a_reader_reads_what_is_asked_for_whatever_it_has_begun(tmp_path):
    one = Mapped.of(on_disk(tmp_path, IMAGES))
    other, reader = one.taken(np.arange(N)[::-1]), Reader()
    reader.begin({"image": one}, np.array([1, 2]))
    for source, rows in ((other, [1, 2]), (one, [2, 1]), (one, [1, 2])):
        found, index = reader.read({"image": source}, np.array(rows))["image"]
        np.testing.assert_array_equal(found[index], source[rows])
    for spare, slow, expected in ((True, False, 1), (False, False, 0), (False, True, 1)):
        reader, one.slow = Reader(spare), slow
        reader.begin({"image": one}, np.array([1, 2]))
        assert (reader._next is not None) == expected
    reader._next._thread.join()
    reader._next._found = None  # as in a child that is forked while rows are read
    found, index = reader.read({"image": one}, np.array([1, 2]))["image"]
    np.testing.assert_array_equal(found[index], IMAGES[[1, 2]])
