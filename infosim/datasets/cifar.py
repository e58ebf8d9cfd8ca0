"""CIFAR-10 in its binary version, for its Python version is a pickle, which runs what it holds."""

import tarfile
from pathlib import Path

import numpy as np

from infosim.datasets.files import verified
from infosim.errors import DataError

_TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
_TEST = ["test_batch.bin"]
_IMAGES = 10_000  # in each batch
_PIXELS = 3 * 32 * 32  # a red, a green and a blue plane, after one byte for the label


def read_cifar10(path, sha256):
    """Read `cifar-10-binary.tar.gz`, whose SHA-256 must be `sha256`; nothing is unpacked to disk.

    Returns train_x (50000, 3072), train_y (50000,), test_x (10000, 3072), test_y (10000,), all
    uint8.
    Format: https://www.cs.toronto.edu/~kriz/cifar.html

    Raises
    ------
    DataError : the file is missing, damaged or not the one expected
    """
    path = Path(path)
    with verified(path, sha256, "a gzipped tar archive") as file:
        batches = _read_batches(file, path)
    arrays = []
    for names in (_TRAIN, _TEST):
        records = [batches[name] for name in names]
        arrays.append(np.concatenate([batch[:, 1:] for batch in records]))
        arrays.append(np.concatenate([batch[:, 0] for batch in records]))
    return tuple(arrays)


def _read_batches(file, path):
    """The batches by name, each uint8 (10000, 3073)."""
    size = _IMAGES * (1 + _PIXELS)
    batches = {}
    with tarfile.open(fileobj=file, mode="r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            if name not in _TRAIN + _TEST:
                continue
            if not member.isfile() or member.size != size:
                raise DataError(f"{path}: {name} has {member.size} bytes, expected {size}")
            data = archive.extractfile(member).read(size)
            batches[name] = np.frombuffer(data, np.uint8).reshape(_IMAGES, -1)
    missing = [name for name in _TRAIN + _TEST if name not in batches]
    if missing:
        raise DataError(f"{path}: does not contain {', '.join(missing)}")
    return batches
