import io
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pooch
import pytest

from infosim import datasets
from infosim.datasets import Dataset, sources
from infosim.datasets import cache as data_cache
from infosim.errors import ConfigError, DataError

ROOT = Path(__file__).parents[2]
TRAIN_IMAGES = "train-images-idx3-ubyte.gz"


def make(**changes):
    rng = np.random.default_rng(0)
    arguments = {
        "name": "own",
        "train_x": rng.integers(0, 256, (40, 6), dtype=np.uint8),
        "train_y": np.arange(40) % 3,
        "test_x": rng.integers(0, 256, (10, 6), dtype=np.uint8),
        "test_y": np.arange(10) % 3,
        "n_classes": 3,
        "image_shape": (2, 3),
        "source": "this test",
    }
    return Dataset(**arguments | changes)


# Dataset ------------------------------------------------------------------------------------


def test_arrays_are_typed_contiguous_and_read_only():
    x = np.asfortranarray(np.ones((40, 6), np.uint8))
    own = make(train_x=x, train_y=[0, 1] * 20)
    assert own.train_x.flags.c_contiguous
    assert own.train_y.dtype == own.test_y.dtype == np.int64
    for array in (own.train_x, own.train_y, own.test_x, own.test_y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    x[0] = 0  # the caller's own array stays writable


def test_integer_moments_are_exact():
    own = make()
    pixels = own.train_x.ravel().tolist()
    assert own.mean == statistics.mean(pixels)
    assert own.std == pytest.approx(statistics.stdev(pixels), rel=1e-15)


def test_moments_over_several_blocks_and_of_extremes():
    x = np.zeros((3, 2**20), np.uint8)
    x[2] = 255
    own = make(train_x=x, train_y=[0] * 3, test_x=x, test_y=[0] * 3, image_shape=(2**20,))
    assert own.mean == 85
    assert own.std == pytest.approx(x.std(ddof=1, dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_moments(dtype):
    x = (1000 + np.random.default_rng(1).normal(size=(40, 6))).astype(dtype)
    own = make(train_x=x)
    assert own.train_x.dtype == dtype
    assert own.mean == pytest.approx(x.mean(dtype=np.float64), rel=1e-14)
    assert own.std == pytest.approx(x.std(ddof=1, dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize("value", [np.uint8(7), np.float64(7)])
def test_equal_pixels_have_no_deviation(value):
    own = make(train_x=np.full((40, 6), value))
    assert own.mean == 7
    with pytest.raises(DataError, match="all training pixels are equal"):
        _ = own.std


def with_value(array, index, value):
    array = array.copy()
    array[index] = value
    return array


FLOATS = np.zeros((40, 6))
BAD_DATA = {
    "labels too few": ({"train_y": [0] * 39}, "40 images in train_x but 39 labels"),
    "test labels too few": ({"test_y": [0] * 9}, "10 images in test_x but 9 labels"),
    "label too large": ({"train_y": with_value(np.zeros(40, int), 17, 3)}, r"train_y\[17\] is 3"),
    "label negative": ({"test_y": with_value(np.zeros(10, int), 4, -1)}, r"test_y\[4\] is -1"),
    "label huge": ({"test_y": np.full(10, 2**64 - 1, np.uint64)}, r"expected 0 to 2"),
    "labels float": ({"train_y": np.zeros(40)}, "train_y has type float64, expected integers"),
    "labels bool": ({"train_y": np.zeros(40, bool)}, "expected integers"),
    "labels one-hot": ({"train_y": np.zeros((40, 3), int)}, r"train_y has shape \(40, 3\)"),
    "NaN": ({"train_x": with_value(FLOATS, (11, 2), np.nan)}, r"train_x\[11, 2\] is nan"),
    "infinity": ({"test_x": with_value(FLOATS[:10], (9, 5), -np.inf)}, r"test_x\[9, 5\] is -inf"),
    "integers": ({"train_x": np.zeros((40, 6), int)}, "expected uint8, float32 or float64"),
    "objects": ({"train_x": np.full((40, 6), None)}, "type object"),
    "byte order": ({"train_x": np.zeros((40, 6), ">f8")}, "type >f8"),
    "ragged": ({"train_x": [[1.0], [1.0, 2.0]]}, "train_x is not an array"),
    "images unflattened": ({"train_x": np.zeros((40, 2, 3))}, r"\(40, 2, 3\), expected \(n, 6\)"),
    "wrong width": ({"test_x": np.zeros((10, 5))}, r"test_x has shape \(10, 5\)"),
    "no images": ({"train_x": np.zeros((0, 6)), "train_y": []}, "n and d positive"),
    "no pixels": ({"train_x": np.zeros((40, 0)), "image_shape": (0,)}, "n and d positive"),
}


@pytest.mark.parametrize("case", BAD_DATA)
def test_bad_data(case):
    changes, message = BAD_DATA[case]
    with pytest.raises(DataError, match=message) as caught:
        make(**changes)
    assert str(caught.value).startswith("own: ")


# The data set in the package ----------------------------------------------------------------


def test_digits():
    digits = datasets.load("digits")
    assert digits.train_x.shape == (1437, 64)
    assert digits.test_x.shape == (360, 64)
    assert digits.train_x.dtype == np.uint8
    assert digits.train_x.max() == 16
    counts = np.bincount(digits.train_y) + np.bincount(digits.test_y)
    # as the authors give them for their test part
    np.testing.assert_array_equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    assert datasets.status("digits").state == "in the package"
    assert datasets.fetch("digits") == []


def test_unknown_name(cache):
    for function in (datasets.load, datasets.status, datasets.fetch):
        with pytest.raises(ConfigError, match="unknown data set 'mnits': did you mean mnist"):
            function("mnits")


# Published data sets ------------------------------------------------------------------------


def test_mnist_has_its_published_moments(mnist):
    assert mnist.train_x.shape == (60_000, 784)
    assert mnist.test_x.shape == (10_000, 784)
    # Exact sums, taken once with integers of unlimited size.
    assert mnist.mean == 1567298545 / 47_040_000
    assert mnist.std == pytest.approx(78.56749081851163, rel=1e-15)
    np.testing.assert_array_equal(mnist.train_y[:5], [5, 0, 4, 1, 9])


@pytest.mark.parametrize("plain", [False, True], ids=["gz", "plain"])
@pytest.mark.parametrize("folder", ["mnist", "."])
def test_found_in_its_folder_or_directly_in_the_cache(cache, small_mnist, folder, plain):
    where = small_mnist.write(cache / folder, plain)
    loaded = datasets.load("mnist")
    arrays = loaded.train_x, loaded.train_y, loaded.test_x, loaded.test_y
    for array, expected in zip(arrays, small_mnist.arrays, strict=True):
        np.testing.assert_array_equal(array, expected.reshape(len(expected), -1).squeeze())
    state = datasets.status("mnist")
    assert (state.state, state.problem) == ("present", "")
    assert state.path == where
    assert state.size == sum(path.stat().st_size for path in where.iterdir())


def test_files_of_mnist_are_not_taken_for_fashion(cache, small_mnist, small_fashion):
    small_mnist.write(cache)
    assert datasets.status("mnist").state == "present"
    assert datasets.status("fashion-mnist").state == "absent"


def test_reads_from_a_cache_it_may_not_write_to(cache, small_mnist):
    small_mnist.write(cache / "mnist")
    try:
        for folder in (cache / "mnist", cache):
            folder.chmod(0o555)
        before = sorted(cache.rglob("*"))
        datasets.load("mnist")
        assert sorted(cache.rglob("*")) == before
    finally:
        for folder in (cache, cache / "mnist"):
            folder.chmod(0o755)


def test_absent(cache):
    with pytest.raises(DataError) as caught:
        datasets.load("mnist")
    message = str(caught.value)
    assert str(cache) in message
    assert "`infosim data fetch mnist`" in message
    assert "`infosim data import DIR`" in message
    assert "\n" not in message
    assert not cache.exists()


def test_one_file_absent(cache, small_mnist):
    (small_mnist.write(cache / "mnist") / TRAIN_IMAGES).unlink()
    with pytest.raises(DataError, match=f"mnist: {TRAIN_IMAGES} not found"):
        datasets.load("mnist")
    assert datasets.status("mnist").state == "absent"


def damage(path, how):
    if how == "other content":
        shutil.copy(path.with_name("t10k-images-idx3-ubyte.gz"), path)
    elif how == "directory":
        path.unlink()
        path.mkdir()
    elif how == "dangling link":
        path.unlink()
        path.symlink_to("nowhere")
    else:
        path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize("how", ["other content", "cut", "directory", "dangling link"])
def test_damaged_is_named_and_kept(cache, small_mnist, how):
    path = small_mnist.write(cache / "mnist") / TRAIN_IMAGES
    damage(path, how)
    with pytest.raises(DataError, match="delete the file or run `infosim data fetch mnist`") as e:
        datasets.load("mnist")
    assert str(e.value).startswith(f"{path}: ")
    assert os.path.lexists(path)
    assert datasets.status("mnist").state == "damaged"


def test_wrong_hash_is_told(cache, small_mnist):
    path = small_mnist.write(cache / "mnist") / TRAIN_IMAGES
    damage(path, "other content")
    wrong = sources.SOURCES["mnist"].files[2].sha256
    with pytest.raises(DataError, match=f"is {wrong}, expected"):
        datasets.load("mnist")


# Download -----------------------------------------------------------------------------------


@pytest.fixture
def served(monkeypatch, small_mnist):
    """A mirror in place of the network; the URLs asked for, and the bytes it serves."""
    urls, content = [], {}
    for file, data in zip(sources.SOURCES["mnist"].files, small_mnist.served, strict=True):
        content[file.name] = data

    def download(url, output, pooch):
        urls.append(url)
        Path(output).write_bytes(content[url.rpartition("/")[2]])

    retrieve = pooch.core.retrieve
    monkeypatch.setattr(
        pooch,
        "retrieve",
        lambda *args, downloader: retrieve(*args, downloader=download),
    )
    return urls, content


def test_fetch_downloads_what_is_missing_or_damaged(cache, small_mnist, served):
    urls, _ = served
    paths = datasets.fetch("mnist")
    assert len(urls) == 4
    assert {path.parent for path in paths} == {cache / "mnist"}
    datasets.load("mnist")
    assert datasets.fetch("mnist") == paths
    assert len(urls) == 4
    damage(paths[0], "cut")
    datasets.fetch("mnist")
    assert urls[4:] == [f"https://a.invalid/{TRAIN_IMAGES}"]
    datasets.load("mnist")


def test_fetch_leaves_content_that_is_compressed_otherwise(cache, small_mnist, served):
    small_mnist.write(cache, plain=True)
    datasets.fetch("mnist")
    assert served[0] == []


def test_download_of_other_content_is_refused(cache, small_mnist, served):
    served[1][TRAIN_IMAGES] = b"<html>log in</html>"
    with pytest.raises(DataError, match=f"{TRAIN_IMAGES} could not be downloaded") as caught:
        datasets.fetch("mnist")
    assert "does not match" in str(caught.value)
    assert list((cache / "mnist").iterdir()) == []


def test_next_mirror_is_asked(cache, small_mnist, served, monkeypatch):
    source = sources.SOURCES["mnist"]._replace(mirrors=("https://down.invalid/", "https://b/"))
    monkeypatch.setitem(sources.SOURCES, "mnist", source)
    first = pooch.retrieve

    def retrieve(url, *args, **options):
        if "down" in url:
            raise ConnectionError("refused")
        return first(url, *args, **options)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    datasets.fetch("mnist")
    datasets.load("mnist")


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [("endless", "larger than the 1000 bytes published"), ("slow", "took longer")],
)
def test_a_mirror_without_end_is_left(cache, small_mnist, monkeypatch, behaviour, message):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(10_000):
                    self.wfile.write(b"x" * (10_000 if behaviour == "endless" else 1))
                    time.sleep(0 if behaviour == "endless" else 0.05)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = sources.SOURCES["mnist"]
    files = tuple(file._replace(size=1000) for file in source.files)
    mirror = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setitem(sources.SOURCES, "mnist", source._replace(mirrors=(mirror,), files=files))
    monkeypatch.setattr(pooch, "retrieve", pooch.core.retrieve)
    monkeypatch.setattr(data_cache, "_SILENT", 0.3)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    try:
        with pytest.raises(DataError, match=f"could not be downloaded.*{message}"):
            datasets.fetch("mnist")
    finally:
        server.shutdown()
        server.server_close()
    assert not list((cache / "mnist").iterdir())


def test_no_network(cache):
    with pytest.raises(DataError) as caught:
        datasets.fetch("mnist")
    message = str(caught.value)
    assert "`infosim data fetch mnist` on a machine with a network" in message
    assert "`infosim data import DIR`" in message
    assert "no route to host" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_cache_that_cannot_be_written(tmp_path, cache, monkeypatch, name):
    (tmp_path / "file").touch()
    monkeypatch.setenv("INFOSIM_DATA", str(tmp_path / "file"))  # root may write to any folder
    with pytest.raises(DataError, match=r"cannot be written to .*set INFOSIM_DATA"):
        datasets.fetch(name)


# Import -------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True], ids=["gz", "plain"])
@pytest.mark.parametrize("folder", ["", "mnist"])
def test_import(tmp_path, cache, small_mnist, folder, plain):
    small_mnist.write(tmp_path / "disk" / folder, plain)
    assert datasets.import_dir(tmp_path / "disk") == ["mnist"]
    datasets.load("mnist")
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(
        file.name for file in sources.SOURCES["mnist"].files
    )


def test_import_tells_fashion_from_mnist_by_content(tmp_path, cache, small_mnist, small_fashion):
    small_fashion.write(tmp_path / "disk")
    assert datasets.import_dir(tmp_path / "disk") == ["fashion-mnist"]
    small_mnist.write(tmp_path / "disk" / "mnist")
    assert datasets.import_dir(tmp_path / "disk") == ["mnist", "fashion-mnist"]
    for name, small in (("mnist", small_mnist), ("fashion-mnist", small_fashion)):
        np.testing.assert_array_equal(datasets.load(name).train_y, small.arrays[1])


def test_import_replaces_damaged_files_even_if_they_come_first(tmp_path, cache, small_mnist):
    damage(small_mnist.write(cache / "mnist") / TRAIN_IMAGES, "cut")
    datasets.import_dir(small_mnist.write(tmp_path / "disk", plain=True))
    assert datasets.status("mnist").state == "present"


def test_import_from_the_cache_itself(cache, small_mnist):
    small_mnist.write(cache / "mnist")
    assert datasets.import_dir(cache) == ["mnist"]
    datasets.load("mnist")


@pytest.mark.parametrize("how", ["other content", "cut", "directory", "dangling link"])
def test_import_of_damaged_files_copies_nothing(tmp_path, cache, small_mnist, small_fashion, how):
    path = small_mnist.write(tmp_path / "disk") / TRAIN_IMAGES
    damage(path, how)
    with pytest.raises(DataError, match=f"nothing imported: {path}"):
        datasets.import_dir(tmp_path / "disk")
    assert not cache.exists()


def test_import_of_an_incomplete_data_set(tmp_path, cache, small_mnist):
    (small_mnist.write(tmp_path / "disk") / TRAIN_IMAGES).unlink()
    with pytest.raises(DataError, match=f"of mnist, {TRAIN_IMAGES} not found"):
        datasets.import_dir(tmp_path / "disk")
    assert not cache.exists()


def test_import_from_nowhere(tmp_path, cache):
    with pytest.raises(DataError, match="not a directory"):
        datasets.import_dir(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no data set in it, expected cifar-10-binary\.tar\.gz"):
        datasets.import_dir(tmp_path)


def test_import_cut_short_leaves_nothing(tmp_path, cache, small_mnist, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(DataError, match="No space left on device"):
        datasets.import_dir(small_mnist.write(tmp_path / "disk"))
    assert list((cache / "mnist").iterdir()) == []


# CIFAR-10 -----------------------------------------------------------------------------------


def batches(**changes):
    """Members of a CIFAR archive: label and value of every pixel are the number of the batch."""
    members = {f"data_batch_{i}": bytes([i]) * (3073 * 3) for i in range(1, 6)}
    members |= {"test_batch": bytes([9]) * (3073 * 3)} | changes
    return [
        (f"cifar-10-batches-bin/{name}.bin", data)
        for name, data in members.items()
        if data is not None
    ]


def test_cifar(small_cifar):
    # The last member would be written outside the folder if the archive were unpacked.
    small_cifar([("readme.html", b"hello"), *batches(), ("../../evil", b"x")])
    loaded = datasets.load("cifar10")
    assert loaded.train_x.shape == (15, 3072)
    np.testing.assert_array_equal(loaded.train_y, np.repeat(np.arange(1, 6), 3))
    np.testing.assert_array_equal(loaded.train_x[:, 5], loaded.train_y)
    assert set(loaded.test_y) == {9}
    assert loaded.image_shape == (3, 32, 32)
    assert datasets.status("cifar10").state == "present"


BAD_ARCHIVES = {
    "member missing": (batches(data_batch_3=None), r"does not contain data_batch_3\.bin"),
    "member short": (batches(test_batch=b"\0" * 3073), r"test_batch\.bin has 3073 bytes"),
    "member long": (batches(test_batch=b"\0" * 3073 * 4), r"has 12292 bytes, expected 9219"),
    "label": (batches(test_batch=b"\x0a" * 3073 * 3), r"test_y\[0\] is 10, expected 0 to 9"),
    "not gzip": (b"hello" * 100, "damaged, expected a gzipped tar archive"),
    "empty": (b"", "damaged, expected a gzipped tar archive"),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_bad_cifar_archive(small_cifar, case):
    content, message = BAD_ARCHIVES[case]
    small_cifar(content)
    with pytest.raises(DataError, match=message) as caught:
        datasets.load("cifar10")
    assert "\n" not in str(caught.value)


def test_cifar_archive_cut_or_exchanged(small_cifar):
    path = small_cifar(batches())
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(DataError, match=r"its SHA-256 is .*, expected .*infosim data fetch"):
        datasets.load("cifar10")
    cut = small_cifar(path.read_bytes())
    with pytest.raises(DataError, match="damaged, expected a gzipped tar archive"):
        datasets.load("cifar10")
    cut.unlink()
    cut.mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        datasets.load("cifar10")


def test_a_link_in_place_of_a_batch_is_refused(small_cifar, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo("test_batch.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    small_cifar(buffer.getvalue())
    with pytest.raises(DataError, match=r"test_batch\.bin has 0 bytes"):
        datasets.load("cifar10")


def test_import_of_cifar(small_cifar, tmp_path, cache):
    (tmp_path / "disk").mkdir()
    small_cifar(batches()).rename(tmp_path / "disk" / "cifar-10-binary.tar.gz")
    assert datasets.import_dir(tmp_path / "disk") == ["cifar10"]
    datasets.load("cifar10")


# Imports ------------------------------------------------------------------------------------


def test_needs_no_numba_and_no_network_library():
    code = "import sys, infosim.datasets; print(*({'numba', 'requests'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == ""
