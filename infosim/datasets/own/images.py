"""Folders of images by class, decoded by Pillow, which matplotlib brings."""

import hashlib
import os
import warnings
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np

from infosim.datasets.own.memory import check_memory
from infosim.errors import DataError, brief
from infosim.files import opened

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
)  # fmt: skip
_COLOURED = "grey, made coloured as others are"
#: Bytes of a file, and pixels, beyond which an image is not decoded.
_BYTES, _PIXELS = 2**28, 2**26


@dataclass
class Images:
    """Decoded images.

    x : uint8 (n, d), colours as planes
    image_shape : (h, w) or (3, h, w)
    classes : the name of each one's folder, or None
    notes : what was done or left out, a line each
    sha256 : of all names and contents
    """

    x: np.ndarray
    image_shape: tuple[int, ...]
    classes: list[str] | None
    files: list = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sha256: str = ""


def is_image(path):
    """Whether a file is called as images are."""
    return path.suffix.lower() in SUFFIXES


def parts_of(root):
    """The folders of training and test images in `root`, or (root,)."""
    below = {one.name.lower(): one for one in _entries(root) if one.is_dir()}
    if set(below) == {"train", "test"}:
        parts = below["train"], below["test"]
        if not any(is_image(one) for part in parts for one in _entries(part)):
            return parts
    return (root,)


def read_images(root, resize=None, colour=None):
    """Read the images of a folder of folders by class, of a folder, or a single one.

    They are sorted by folder and name. Grey ones stay grey unless there are coloured ones, too.

    Parameters
    ----------
    resize : (h, w) to bring all to, or None
    colour : whether to make all coloured or grey; None to decide by the images

    Raises
    ------
    DataError : no images, an empty folder, images of several sizes, one that cannot be decoded or
        is a link out of the folder
    """
    notes = []
    files, names = _listed(root, notes)
    if not files:
        raise DataError(f"{root} has no images ({', '.join(SUFFIXES)})")
    digest, done = hashlib.sha256(), {}
    folder, x, first = root if root.is_dir() else root.parent, None, None
    within = folder.resolve()
    for i, path in enumerate(files):
        if not path.resolve().is_relative_to(within):
            raise DataError(f"{path} is a link out of {root}")
        content = _content(path)
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0")
        digest.update(hashlib.sha256(content).digest())
        image = _decoded(content, path, resize, done)
        image = image if colour is None else _as(image, colour)
        if x is None:
            check_memory(f"{root}: {len(files)} images", 2.0 * len(files) * image.size)
            x, first = np.empty((len(files), *image.shape), np.uint8), path
        if image.shape[:2] != x.shape[1:3]:
            raise DataError(
                f"{root}: {first.relative_to(folder)} has {_size(x[0])} pixels, "
                f"{path.relative_to(folder)} has {_size(image)}; --resize HEIGHT,WIDTH"
            )
        if image.ndim > x.ndim - 1:
            check_memory(f"{root}: {len(files)} images", 2.0 * len(files) * image.size)
            x, done[_COLOURED] = np.repeat(x[..., None], 3, axis=3), i
        elif image.ndim < x.ndim - 1:
            done[_COLOURED] = done.get(_COLOURED, 0) + 1
        x[i] = _as(image, x.ndim == 4)
    notes += [f"{n} of {len(files)} images: {what}" for what, n in done.items()]
    shape = x.shape[1:]
    if x.ndim == 4:
        x, shape = np.moveaxis(x, 3, 1), (3, *shape[:2])
    x = np.ascontiguousarray(x).reshape(len(x), -1)
    return Images(x, tuple(shape), names, files, notes, digest.hexdigest())


def _listed(root, notes):
    """The files of images and the names of their folders, or None; what is skipped is noted."""
    if not root.is_dir():
        return [root], None
    entries = _entries(root)
    folders = [one for one in entries if one.is_dir()]
    if not folders:
        files = [one for one in entries if is_image(one)]
        _note_skipped(root, entries, files, notes)
        return files, None
    _note_skipped(root, entries, folders, notes)
    files, names = [], []
    for folder in folders:
        within = _entries(folder)
        found = [one for one in within if is_image(one)]
        if not found:
            raise DataError(f"{folder}: the folder of a class, but without images")
        _note_skipped(folder, within, found, notes)
        files += found
        names += [folder.name] * len(found)
    return files, names


def _entries(folder):
    """What lies in a folder, sorted by name, without what is hidden."""
    try:
        return sorted(
            (one for one in folder.iterdir() if not one.name.startswith(".")),
            key=lambda one: one.name,
        )
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from None


def _note_skipped(folder, entries, taken, notes):
    taken = set(taken)
    skipped = [one.name for one in entries if one not in taken]
    if skipped:
        more = " and others" if len(skipped) > 1 else ""
        notes.append(f"{folder}: skipped {len(skipped)}, {brief(skipped[0])}{more}")


def _content(path):
    try:
        with opened(path) as file:
            content = file.read(_BYTES + 1)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > _BYTES:
        raise DataError(f"{path}: larger than {_BYTES // 2**20} MiB")
    return content


def _decoded(content, path, resize, done):
    """The pixels of an image, uint8 (h, w) or (h, w, 3); what was done to it is counted."""
    from PIL import Image, ImageOps

    def note(what):
        done[what] = done.get(what, 0) + 1

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content)) as image:
                width, height = image.size
                if width * height > _PIXELS:
                    raise ValueError(f"{width} × {height} pixels, at most {_PIXELS} are decoded")
                turned = ImageOps.exif_transpose(image)
                if image.getexif().get(0x0112, 1) != 1:
                    note("turned as their EXIF says")
                image = turned
                if image.mode.startswith("I"):
                    image = Image.fromarray(_eight_bits(np.asarray(image)))
                    note("16 bits made 8")
                elif image.mode == "LA":
                    image = image.convert("L")
                    note("transparency left out")
                elif image.mode == "1":
                    image = image.convert("L")
                elif image.mode == "F":
                    raise ValueError("floating-point pixels")
                elif image.mode not in ("L", "RGB"):
                    note(f"{image.mode} made RGB")
                    image = image.convert("RGB")
                if resize is not None and image.size != (resize[1], resize[0]):
                    image = image.resize((resize[1], resize[0]), Image.Resampling.BILINEAR)
                    note(f"resized to {resize[0]} × {resize[1]}")
                return np.asarray(image)
    except MemoryError:
        raise
    except Exception as problem:  # of damaged files decoders raise whatever comes
        reason = str(problem).partition("\n")[0]
        if "cannot identify" in reason:
            reason = "no image of a known format"
        raise DataError(f"{path}: cannot be decoded ({reason})") from None


def _eight_bits(pixels):
    """The upper eight of 16 bits."""
    if pixels.min() < 0 or pixels.max() >= 2**16:
        raise ValueError("pixels of more than 16 bits")
    return (pixels.astype(np.uint32) >> 8).astype(np.uint8)


def _as(image, colour):
    """An image in colours or in grey, whatever it is."""
    if colour and image.ndim == 2:
        return np.repeat(image[..., None], 3, axis=2)
    if not colour and image.ndim == 3:
        from PIL import Image

        return np.asarray(Image.fromarray(image).convert("L"))
    return image


def _size(image):
    return f"{image.shape[0]} × {image.shape[1]}"
