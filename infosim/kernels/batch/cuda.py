"""Gathering a batch, on a GPU."""

from infosim.elementary import number
from infosim.kernels import device
from infosim.kernels.device import blocks_for, cuda


@cuda.jit
def _take_scaled(data, index, shift, scale, first, last, out):
    n_units = out.shape[1]
    for i in range(cuda.grid(1), (last - first) * n_units, cuda.gridsize(1)):
        b, j = first + i // n_units, i % n_units
        out[b, j] = (number(data[index[b], j]) - shift) * scale


def take_scaled(data, index, shift, scale, first, last, out):
    """Gather a batch of rows, as on the CPU."""
    device.launch(_take_scaled, blocks_for(out.size), data, index, shift, scale, first, last, out)


@cuda.jit
def _take_one_hot(labels, index, off, on, first, last, out):
    n_classes = out.shape[1]
    for i in range(cuda.grid(1), (last - first) * n_classes, cuda.gridsize(1)):
        b, j = first + i // n_classes, i % n_classes
        out[b, j] = on if labels[index[b]] == j else off


def take_one_hot(labels, index, off, on, first, last, out):
    """Gather a batch of labels as one-hot rows, as on the CPU."""
    device.launch(_take_one_hot, blocks_for(out.size), labels, index, off, on, first, last, out)
