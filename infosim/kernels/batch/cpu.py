"""Gathering a batch, on the CPU."""

from infosim.elementary import number
from infosim.jit import frugal


@frugal
def take_scaled(data, index, shift, scale, first, last, out):
    """Gather a batch of rows: out[b] = (data[index[b]] - shift) * scale for first <= b < last.

    data : (n, d), any number type; shift, scale : in `number`'s precision for it, or in `out`'s
    index : int64 (B,); out : written, (B, d)
    """
    for b in range(first, last):
        row = index[b]
        for i in range(data.shape[1]):
            out[b, i] = (number(data[row, i]) - shift) * scale


@frugal
def take_one_hot(labels, index, off, on, first, last, out):
    """Gather a batch of labels as one-hot rows, first <= b < last.

    out[b, labels[index[b]]] = on, otherwise off

    labels : (n,), any integer type; index : int64 (B,); out : written, (B, n_classes)
    """
    for b in range(first, last):
        for i in range(out.shape[1]):
            out[b, i] = off
        out[b, labels[index[b]]] = on
