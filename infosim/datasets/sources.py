"""The published data sets: where each is served and the hashes by which we know it."""

from collections.abc import Callable
from typing import NamedTuple

from infosim.datasets.cifar import read_cifar10
from infosim.datasets.cifar_jpeg import read_cifar10_jpeg
from infosim.datasets.generated import GENERATED
from infosim.datasets.idx import read_idx
from infosim.errors import ConfigError, near


class File(NamedTuple):
    """A published file: its name, what its mirrors serve, and the content we trust."""

    name: str
    served: str  # the hash, as pooch writes it, of the bytes that mirrors serve; "" without any
    sha256: str  # of the content: of an IDX file uncompressed, of an archive as it is
    read: Callable  # (path, sha256) -> the arrays in it, or DataError
    size: int = 0  # bytes that mirrors serve

    @property
    def names(self):
        """The names it may have: an IDX file is taken plain as well."""
        plain = [self.name.removesuffix(".gz")] if "-ubyte" in self.name else []
        return [self.name, *plain]


class Source(NamedTuple):
    """A published data set; its files, in order, hold train_x, train_y, test_x and test_y."""

    name: str
    mirrors: tuple[str, ...]
    files: tuple[File, ...]
    image_shape: tuple[int, ...]
    citation: str
    original: str = ""  # the data set it is a copy of


def _read_one(path, sha256):
    return (read_idx(path, sha256),)


def _idx_files(*hashes):
    """The four files of MNIST or its kin, for each (MD5 and size as served, SHA-256 of content)."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        File(f"{name}-ubyte.gz", f"md5:{md5}", sha256, _read_one, size)
        for name, (md5, size, sha256) in zip(names, hashes, strict=True)
    )


SOURCES = {
    source.name: source
    for source in (
        Source(
            name="mnist",
            mirrors=(
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ),
            files=_idx_files(
                (
                    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                    9912422,
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                ),
                (
                    "d53e105ee54ea40749a09fcbcd1e9432",
                    28881,
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                ),
                (
                    "9fb629c4189551a2d022fa330f9573f3",
                    1648877,
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                ),
                (
                    "ec29112dd5afa0611ce80d1b7f02629c",
                    4542,
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                ),
            ),
            image_shape=(28, 28),
            citation="LeCun, Cortes and Burges (1998), http://yann.lecun.com/exdb/mnist/",
        ),
        Source(
            name="fashion-mnist",
            mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
            files=_idx_files(
                (
                    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
                    26421880,
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                ),
                (
                    "25c81989df183df01b3e8a0aad5dffbe",
                    29515,
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                ),
                (
                    "bef4ecab320f06d8554ea6380940ec79",
                    4422102,
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                ),
                (
                    "bb300cfdad3c16e7a12a480ee83cd310",
                    5148,
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                ),
            ),
            image_shape=(28, 28),
            citation="Xiao, Rasul and Vollgraf (2017), arXiv 1708.07747, MIT licence",
        ),
        Source(
            name="cifar10",
            mirrors=("https://www.cs.toronto.edu/~kriz/",),
            files=(
                File(
                    "cifar-10-binary.tar.gz",
                    "md5:c32a1d4ab5d03f1284b67883e8d87530",
                    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                    read_cifar10,
                    170052171,
                ),
            ),
            image_shape=(3, 32, 32),
            citation="Krizhevsky (2009), https://www.cs.toronto.edu/~kriz/cifar.html",
        ),
        Source(
            name="cifar10-jpeg",
            mirrors=(),
            files=(
                File(
                    "cifar10-jpeg.tar.xz",
                    "",
                    "e82212b8f8580e3e79f41a32c7db0e6a5b8fb10188d1723b706e150379c98be9",
                    read_cifar10_jpeg,
                ),
            ),
            image_shape=(3, 32, 32),
            citation="JPEG copies of CIFAR-10, Krizhevsky (2009), "
            "https://www.cs.toronto.edu/~kriz/cifar.html: pixels close to the originals, "
            "not identical",
            original="cifar10",
        ),
    )
}


def names():
    """The names of all data sets: the one in the package, published ones, generated ones."""
    return ["digits", *SOURCES, *GENERATED]


def find_source(name):
    """The published data set called `name`, None for one that has no files, else ConfigError."""
    if name not in names():
        raise ConfigError(f"unknown data set {name!r}: {near(name, names())}")
    return SOURCES.get(name)
