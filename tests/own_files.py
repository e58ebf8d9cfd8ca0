"""Files of data of one's own, made by tests."""

import struct

import numpy as np


def write_csv(path, columns, delimiter=","):
    """Write columns by name to a CSV file; returns its path."""
    rows = zip(*columns.values(), strict=True)
    lines = [delimiter.join(map(str, row)) for row in (list(columns), *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table(n=60, seed=0):
    """Columns of a table: two of numbers, one of categories, and classes."""
    rng = np.random.default_rng(seed)
    return {
        "height": rng.normal(170, 10, n).round(3),
        "city": rng.choice(["Bonn", "Göttingen", "Köln"], n),
        "age": rng.integers(18, 90, n),
        "species": np.resize(["cat", "dog", "owl"], n),
    }


def write_idx(path, array):
    """Write an IDX file of unsigned bytes; returns its path."""
    array = np.asarray(array, np.uint8)
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())
    return path


def write_images(root, classes=("cat", "dog"), n=6, shape=(4, 5), seed=0, suffix=".png"):
    """Write a folder of images for each class; returns root and the images by (class, name)."""
    from PIL import Image

    rng = np.random.default_rng(seed)
    written = {}
    for name in classes:
        (root / name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 256, shape, dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i:02}{suffix}")
            written[name, f"{i:02}{suffix}"] = pixels
    return root, written
