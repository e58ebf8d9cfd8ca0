"""A cache of its own for every test, and small data sets in place of the published ones."""

import gzip
import hashlib
import io
import struct
import tarfile

import numpy as np
import pooch
import pytest

import infosim.files
from infosim.datasets import cifar, cifar_jpeg, sources


def idx(array):
    """The bytes of an IDX file that holds `array`."""
    array = np.asarray(array, np.uint8)
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def tar(members, packing="gz"):
    """A compressed tar archive of (name, bytes)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{packing}") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Small:
    """Small stand-ins of the published files, as their mirrors would serve them."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        shapes = ((20, 28, 28), (20,), (5, 28, 28), (5,))
        self.arrays = [rng.integers(0, 10, shape, dtype=np.uint8) for shape in shapes]
        self.content = [idx(array) for array in self.arrays]
        self.served = [gzip.compress(content, mtime=0) for content in self.content]

    def source(self, published):
        files = [
            file._replace(served=f"sha256:{sha256(served)}", sha256=sha256(content))
            for file, served, content in zip(
                published.files, self.served, self.content, strict=True
            )
        ]
        return published._replace(files=tuple(files), mirrors=("https://a.invalid/",))

    def write(self, folder, plain=False):
        """Put the files into `folder`, made if need be; returns it."""
        folder.mkdir(parents=True, exist_ok=True)
        for file, served, content in zip(
            sources.SOURCES["mnist"].files, self.served, self.content, strict=True
        ):
            name = file.name.removesuffix(".gz") if plain else file.name
            (folder / name).write_bytes(content if plain else served)
        return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no network."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("INFOSIM_DATA", str(folder))

    def offline(*args, **kwargs):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(pooch, "retrieve", offline)
    return folder


@pytest.fixture
def small_mnist(monkeypatch, cache):
    small = Small(1)
    monkeypatch.setitem(sources.SOURCES, "mnist", small.source(sources.SOURCES["mnist"]))
    return small


@pytest.fixture
def small_fashion(monkeypatch, cache):
    small = Small(2)
    published = sources.SOURCES["fashion-mnist"]
    monkeypatch.setitem(sources.SOURCES, "fashion-mnist", small.source(published))
    return small


def _put(name, packing, cache, monkeypatch):
    """A function that puts the archive of these members in the cache, in place of a data set's."""

    def put(members):
        content = members if isinstance(members, bytes) else tar(members, packing)
        published = sources.SOURCES[name]
        file = published.files[0]._replace(sha256=sha256(content))
        monkeypatch.setitem(sources.SOURCES, name, published._replace(files=(file,)))
        path = cache / name / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return put


@pytest.fixture
def small_cifar(monkeypatch, cache):
    """Put an archive of batches of 3 images in the cache: a function of its members."""
    monkeypatch.setattr(cifar, "_IMAGES", 3)
    return _put("cifar10", "gz", cache, monkeypatch)


@pytest.fixture
def user_cache(tmp_path, monkeypatch):
    """A cache folder of the user's own."""
    monkeypatch.setattr(infosim.files, "user_cache", lambda: tmp_path / "user" / "infosim")
    return tmp_path / "user" / "infosim"


@pytest.fixture
def small_jpegs(monkeypatch, cache, user_cache):
    """The same for an archive with 2 training images and 1 test image of each class."""
    monkeypatch.setattr(cifar_jpeg, "_IMAGES", {"train": 2, "test": 1})
    return _put("cifar10-jpeg", "xz", cache, monkeypatch)
