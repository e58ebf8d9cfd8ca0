"""Receptive fields as pixels: one picture that pages show parts of."""

import io
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.image import imsave

from infosim.errors import ShapeError
from infosim.plotting.plots import field_image, image_planes
from infosim.plotting.style import UNDATED

#: Magnitudes of weights are told apart in so many steps, as the eye does; files are smaller.
_STEPS = 40


class Sprite(NamedTuple):
    """Receptive fields in one PNG, row by row.

    png : bytes; width, height : of it in pixels; field : (height, width) of each field
    columns : how many fields a row has
    """

    png: bytes
    width: int
    height: int
    field: tuple[int, int]
    columns: int

    def at(self, n):
        """Left and top of the n-th field, in pixels."""
        height, width = self.field
        return n % self.columns * width, n // self.columns * height


def is_image(n, image_shape):
    """Whether so many weights are an image of that shape."""
    try:
        return np.prod(image_planes(image_shape)[0]) == n
    except ShapeError:
        return False


def sprite(weights, image_shape, columns=16):
    """The `Sprite` of weights (n, d), each divided by its own largest magnitude, in the colours of
    `plots.receptive_fields`.

    Raises
    ------
    ShapeError : not the shape of an image; ValueError : weights of another
    """
    (_, height, width), _ = image_planes(image_shape)
    columns = min(columns, len(weights))
    rows = -(-len(weights) // columns)
    page = np.ones((rows * height, columns * width, 3))
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#D0D0D0")
    for n, row in enumerate(weights):
        field = field_image(row, image_shape)
        if field.ndim == 2:
            field = colours(np.ma.masked_invalid((np.round(field * _STEPS) / _STEPS + 1) / 2))
        top, left = n // columns * height, n % columns * width
        page[top : top + height, left : left + width] = field[..., :3]
    file = io.BytesIO()
    imsave(file, page, format="png", metadata=UNDATED["png"])
    return Sprite(file.getvalue(), columns * width, rows * height, (height, width), columns)
