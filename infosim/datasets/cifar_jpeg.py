"""CIFAR-10 as JPEG files in an archive: copies whose pixels are close to the originals."""

import hashlib
import tarfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from infosim import files
from infosim.datasets.files import verified
from infosim.errors import DataError
from infosim.files import atomic, opened

#: Folders of the archive, in the order of CIFAR-10's labels.
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
_IMAGES = {"train": 5000, "test": 1000}  # of each class
_SIDE = 32
_PIXELS = 3 * _SIDE**2


def read_cifar10_jpeg(path, sha256):
    """Read a tar.xz archive of train|test/CLASS/*.jpg; its SHA-256 must be `sha256`.

    Whatever the order in the archive, images are sorted by the file's name, then by class. (Class
    by class, a batch would be of one, but evaluation compares neurons with their mean over it.)
    Nothing is unpacked to disk. Returns train_x (50000, 3072), train_y (50000,), test_x (10000,
    3072), test_y (10000,), all uint8, with red, green and blue planes as `read_cifar10` has them.

    Raises
    ------
    DataError : the file is missing, damaged or not the one expected
    """
    path = Path(path)
    kept = files.user_cache() / "decoded" / f"{sha256}.bin"
    with verified(path, sha256, "a tar.xz archive") as file:
        x = _recall(kept)
        if x is None:
            x = _decode(_members(file, path), path)
            _keep(kept, x)
    train, test = (np.tile(np.arange(len(CLASSES), dtype=np.uint8), n) for n in _IMAGES.values())
    return x[: len(train)], train, x[len(train) :], test


def _members(file, path):
    """The bytes of all JPEG files by name: part by part, in each the classes in turn."""
    folders = {(part, name): {} for part in _IMAGES for name in CLASSES}
    with tarfile.open(fileobj=file, mode="r:xz") as archive:
        for member in archive:
            *_, part, folder, name = ("", "", "", *PurePosixPath(member.name).parts)
            if member.isfile() and name.endswith(".jpg") and (part, folder) in folders:
                folders[part, folder][name] = archive.extractfile(member).read()
    for (part, name), images in folders.items():
        if len(images) != _IMAGES[part]:
            raise DataError(
                f"{path}: {len(images)} images in {part}/{name}, expected {_IMAGES[part]}"
            )
    return {
        f"{part}/{folder}/{name}": folders[part, folder][name]
        for part in _IMAGES
        for turn in zip(*(sorted(folders[part, folder]) for folder in CLASSES), strict=True)
        for folder, name in zip(CLASSES, turn, strict=True)
    }


def _decode(members, path):
    """The pixels of JPEG files, uint8 (n, 3072)."""
    from PIL import Image  # no other data set needs it

    x = np.empty((len(members), 3, _SIDE, _SIDE), np.uint8)
    for planes, (name, content) in zip(x, members.items(), strict=True):
        try:
            with Image.open(BytesIO(content), formats=["JPEG"]) as image:
                if image.size != (_SIDE, _SIDE) or image.mode != "RGB":
                    raise ValueError("another size or mode")
                planes[...] = np.moveaxis(np.asarray(image), 2, 0)
        except (OSError, SyntaxError, ValueError) as problem:
            reason = str(problem).partition("\n")[0]
            raise DataError(
                f"{path}: {name} is not a JPEG of {_SIDE} x {_SIDE} RGB pixels ({reason})"
            ) from None
    return x.reshape(len(x), -1)


# To decode takes ten seconds, to read the result again half a second. It is kept as raw bytes after
# their digest, so that whatever the file holds, nothing is made of it before it is verified.


def _recall(kept):
    """The pixels that `_keep` left, or None if there are none, or damaged or outdated ones."""
    try:
        with opened(kept) as file:
            digest, x = file.read(32), np.fromfile(file, np.uint8)
    except OSError:
        return None
    return x.reshape(-1, _PIXELS) if digest == _digest(x) else None


def _keep(kept, x):
    """Keep pixels for the next time; where that cannot be, they are decoded again."""
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic(kept, 0o644) as file:
            file.write(_digest(x))
            file.write(x)


def _digest(x):
    """The hash of pixels and of what made them of the archive: this module and the JPEG library."""
    from PIL import features

    digest = hashlib.sha256(Path(__file__).read_bytes())
    digest.update(str(features.version("jpg")).encode())
    digest.update(x)
    return digest.digest()
