"""Each kernel once: what it is given, how its work is cut into parts, which part of a step it is.

A step is written as calls by keyword (`kernels.tape`), of whole layers. What a kernel is given
for a part of one stands here, for all backends: `start` and `stop` are its neurons, `first` and
`last` its samples or rows, `tile` all four; `work` is memory of the part's own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

#: How work is cut. Learning is cut by neurons, firing into tiles of neurons and samples, gathering
#: by rows of the data, what needs all neurons of a replica at once by replicas; what little there
#: is to read from a layer is not cut.
NEURONS, TILES, REPLICAS, ROWS, WHOLE = "neurons", "tiles", "replicas", "rows", "whole"

#: Samples of which inputs are ordered at a time (`kernels.sparse.cpu.turn`), of which a core's
#: fastest memory holds the gradients of some neurons.
SAMPLES = 128

#: The parts of a step; what is left is the event loop and Python.
STAGES = ("gather", "project", "activate", "score", "chain", "accumulate", "update")


class Part(NamedTuple):
    """A part of a layer: neurons `start` to `stop` and samples `first` to `last`.

    size : neurons in each replica; n_replicas : how many the layer is of
    """

    start: int
    stop: int
    first: int
    last: int
    size: int
    n_replicas: int

    @property
    def tile(self):
        """Neurons and samples, as kernels take them."""
        return self[:4]

    @property
    def replicas(self):
        """The replicas that the neurons belong to."""
        return slice(self.start // self.size, -(-self.stop // self.size))

    def of(self, array):
        """The part's neurons of (N, ...) as (replicas, their neurons, ...)."""
        replicas = self.replicas
        shape = replicas.stop - replicas.start, -1, *array.shape[1:]
        return array[self.start : self.stop].reshape(shape)


@dataclass(frozen=True)
class Kernel:
    """One entry of the contract.

    arguments : names, in the order of the kernel's signature
    cut : NEURONS, TILES, ROWS or WHOLE
    stage : one of STAGES, or None for what no step does
    made_of : names of what a factory makes the kernel of, given by keyword like the arguments
    function : the backend's function, if it is not called as the entry is
    of_part : (part, arguments by keyword) -> positional arguments, where they are not just those
        named in `arguments`
    on_device : whether backends with a device of their own have it, too
    samples : of a kernel cut by rows, how many each is of
    """

    arguments: tuple[str, ...]
    cut: str
    stage: str | None = None
    made_of: tuple[str, ...] = ()
    function: str | None = None
    of_part: Callable | None = None
    on_device: bool = True
    samples: int = 1

    def given(self, part, arguments):
        """The positional arguments for a part, of those of the whole layer by keyword."""
        if self.of_part is not None:
            return self.of_part(part, **arguments)
        return tuple(
            arguments[name].of(part)
            if name == "work"
            else getattr(part, name)
            if name in _OF_PART
            else arguments[name]
            for name in self.arguments
        )

    @property
    def keywords(self):
        """The names of what is given by keyword."""
        return {name for name in self.arguments if name not in _OF_PART} | set(self.made_of)


_OF_PART = ("start", "stop", "first", "last", "tile")


# -- parts of matrices: BLAS is given views --------------------------------------------------------


def _of_products(part, weights, x, u):
    first, last = part.first, part.last
    return part.of(weights), x[part.replicas, :, first:last], part.of(u[:, first:last])


def _of_gradients(part, delta, x, gradient):
    return part.of(delta), x[part.replicas], part.of(gradient)


def _of_ways_back(part, weights, delta, product):
    """For a part of the layer that is read: Wᵀδ, the weights' columns that belong to it."""
    n_readers = len(weights) // part.n_replicas
    weights = weights.reshape(part.n_replicas, n_readers, part.size)[part.replicas]
    begin = part.start % part.size
    columns = slice(begin, begin + (part.stop - part.start) // len(weights))
    delta = delta.reshape(part.n_replicas, n_readers, -1)
    delta = delta[part.replicas, :, part.first : part.last]
    product = part.of(product[:, part.first : part.last])
    return weights[:, :, columns].transpose(0, 2, 1), delta, product


def _of_rows(part, u):
    return (part.start, part.stop, 0, u.shape[1]), u


def _of_sums(part, values, factor, total):
    return values, factor, (part.start, part.stop, 0, total.shape[1]), total


def _of_copies(part, source, target):
    neurons = (..., slice(part.start, part.stop), slice(None))
    return target[neurons], source[neurons]


def _kernel(arguments, cut, stage=None, **more):
    return Kernel(tuple(arguments.split()), cut, stage, **more)


_FORM = ("scalar", "n_compartments")

KERNELS = {
    # a batch
    "take_scaled": _kernel("data index shift scale first last out", ROWS, "gather"),
    "take_one_hot": _kernel("labels index off on first last out", ROWS, "gather"),
    "take_remainder": _kernel(
        "data columns places scale index first last out_columns borders out",
        ROWS,
        "gather",
        on_device=False,
    ),
    "turn": _kernel(
        "values columns borders n_samples first last starts rows out",
        ROWS,
        "gather",
        on_device=False,
        samples=SAMPLES,
    ),
    # firing
    "project": _kernel("weights x u", TILES, "project", of_part=_of_products),
    "project_sparse": _kernel("weights index x tile u", TILES, "project"),
    "project_single": _kernel("weights index x tile u", TILES, "project"),
    "project_remainder": _kernel(
        "weights background values columns borders scale tile u", TILES, "project", on_device=False
    ),
    "silence": _kernel("tile u", TILES, "project"),
    "activate": _kernel(
        "u bias current p clamp off sampled seeds place tile theta y",
        TILES,
        "activate",
        made_of=_FORM,
    ),
    "hold": _kernel("which values tile u", TILES, "activate"),
    "shift": _kernel("values tile u", TILES, "project"),
    "copy": _kernel("source target", NEURONS, function="copyto", of_part=_of_copies),
    # the goal and its gradient
    "span": _kernel("u bias start stop spans", REPLICAS, "score"),
    "assign": _kernel("u bias binning start stop work bins", NEURONS, made_of=("assignment",)),
    "score": _kernel(
        "u bias binning theta terms candidates weights entropy_weights rows start stop work bins "
        "slope direct",
        NEURONS,
        "score",
        made_of=("assignment", "measure"),
    ),
    "information": _kernel(
        "u bias binning theta terms candidates rows start stop work bins result",
        NEURONS,
        made_of=("assignment", "measure"),
    ),
    "chain": _kernel(
        "u bias p clamp theta slope start stop delta bias_gradient", NEURONS, "chain", made_of=_FORM
    ),
    "add_direct": _kernel("direct start stop delta bias_gradient", NEURONS, "chain"),
    "cross_entropy": _kernel("theta target tile slope loss", TILES),
    # weights
    "accumulate": _kernel("delta x gradient", NEURONS, "accumulate", of_part=_of_gradients),
    "accumulate_sparse": _kernel("delta index x start stop gradient", NEURONS, "accumulate"),
    "accumulate_remainder": _kernel(
        "delta background values rows starts scale start stop gradient",
        NEURONS,
        "accumulate",
        on_device=False,
    ),
    "clear": _kernel("u", NEURONS, "accumulate", function="silence", of_part=_of_rows),
    "add": _kernel("values factor tile total", TILES, "project"),
    "add_rows": _kernel("values factor total", NEURONS, function="add", of_part=_of_sums),
    "spread": _kernel("weights index start stop dense", NEURONS),
    "project_back": _kernel(
        "weights delta product", TILES, function="project", of_part=_of_ways_back
    ),
    "adam": _kernel("weights gradient mask moments rates start stop", NEURONS, "update"),
    "sgd": _kernel("weights gradient mask moments rates start stop", NEURONS, "update"),
    # predictions
    "classify": _kernel("theta inverted absent predictions", WHOLE),
    "mostly_firing": _kernel("theta inverted", WHOLE),
    "tally": _kernel("theta labels rows agreement", WHOLE),
    "invert": _kernel("agreement otherwise inverted", WHOLE),
    "count_wrong": _kernel("predictions labels rows wrong", WHOLE),
}
