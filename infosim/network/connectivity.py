"""Which of a source's units each neuron of a layer reads.

A connectivity answers one of two questions: `index(n, n_in, rng)` names the few inputs of each
neuron, or else `mask(n, n_in)` says which of all it has. Weights are stored (n, k) in the first
case and (n, n_in) in the second.
"""

from dataclasses import dataclass

import numpy as np

from infosim.errors import ConfigError, ShapeError, brief, integer, near


class Connectivity:
    """Base of all connectivities, one's own too; as it stands, every neuron reads every unit.

    A subclass overrides what it is about, `index` or `mask`, and `check` if it does not fit
    everywhere. What these answer is checked before a kernel sees it (`machine.checks.wiring`). It
    never changes: as a frozen dataclass it is equal where its settings are, which replicas ask for.
    """

    def check(self, n, n_in):
        """Raise ConfigError unless this can join `n_in` units to `n` neurons."""

    def mask(self, n, n_in):
        """Which units each neuron reads, boolean (n, n_in), or None for all or with an index."""
        return None

    def index(self, n, n_in, rng):
        """The few units each neuron reads, integers (n, k), or None where weights are (n, n_in).

        rng : a NumPy generator of this connection's, to draw from
        """
        return None

    @staticmethod
    def of(spec):
        """A connectivity from its text: "dense", "one-to-one", "all-but-self", "sparse(k)".

        Raises
        ------
        ConfigError : unknown text
        """
        if isinstance(spec, Connectivity):
            return spec
        if isinstance(spec, str):
            if spec in NAMED:
                return NAMED[spec]()
            head, _, tail = spec.partition("(")
            k = tail.removesuffix(")").strip()
            if head == "sparse" and k != tail and k.isdecimal() and len(k) < 20:
                return Sparse(int(k))
        raise ConfigError(
            f"unknown connectivity {brief(spec)}; {near(spec, [*NAMED, 'sparse(k)'])}"
        )


def _same(connectivity, n, n_in):
    if n != n_in:
        raise ConfigError(
            f"{connectivity} needs a source as large as the layer: {n_in} units for {n} neurons"
        )


@dataclass(frozen=True)
class Dense(Connectivity):
    """Every neuron reads every unit of the source."""

    def __str__(self):
        return "dense"


@dataclass(frozen=True)
class AllButSelf(Connectivity):
    """Neuron i reads every unit but unit i: lateral connections within a layer."""

    def check(self, n, n_in):
        _same(self, n, n_in)

    def mask(self, n, n_in):
        return ~np.eye(n, dtype=bool)

    def __str__(self):
        return "all-but-self"


@dataclass(frozen=True)
class OneToOne(Connectivity):
    """Neuron i reads unit i alone."""

    def check(self, n, n_in):
        _same(self, n, n_in)

    def index(self, n, n_in, rng):
        return np.arange(n, dtype=np.int32)[:, None]

    def __str__(self):
        return "one-to-one"


#: By the names that experiment files give, beside "sparse(k)".
NAMED = {"dense": Dense, "one-to-one": OneToOne, "all-but-self": AllButSelf}


@dataclass(frozen=True)
class Sparse(Connectivity):
    """Each neuron reads `k` random units, never that of its own number; all others if k is more."""

    k: int

    def __post_init__(self):
        object.__setattr__(self, "k", integer("sparse(k): k", self.k))

    def check(self, n, n_in):
        if n_in < 2:
            raise ConfigError(f"{self} needs a source of at least 2 units, this one has {n_in}")

    def _all_others(self, n, n_in):
        """Whether there are so few others that this is all-but-self, which is stored as such."""
        return n == n_in and self.k >= n_in - 1

    def mask(self, n, n_in):
        return AllButSelf().mask(n, n_in) if self._all_others(n, n_in) else None

    def index(self, n, n_in, rng):
        if self._all_others(n, n_in):
            return None
        k = min(self.k, n_in - 1)
        index = np.empty((n, k), np.int32)
        for i in range(n):
            own = i % n_in
            others = rng.permutation(n_in - 1)[:k]
            index[i] = np.sort(others + (others >= own))
        return index

    def __str__(self):
        return f"sparse({self.k})"


@dataclass(frozen=True, eq=False)
class Masked(Connectivity):
    """Neuron i reads unit j where `array[i, j]` is true; array is boolean (n, n_in)."""

    array: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "array", np.array(self.array, dtype=bool))

    def __eq__(self, other):
        return isinstance(other, Masked) and np.array_equal(self.array, other.array)

    def __hash__(self):
        return hash(self.array.tobytes())

    def check(self, n, n_in):
        if self.array.shape != (n, n_in):
            raise ShapeError(f"mask has shape {self.array.shape}, the weights need {(n, n_in)}")

    def mask(self, n, n_in):
        return self.array

    def __str__(self):
        return "masked"
