"""Bias of information that is estimated from relative frequencies: what few samples add to it."""

from dataclasses import dataclass

import numpy as np

from infosim.errors import DataError, integer, one_of
from infosim.pid.decomposition import conditional, decomposed
from infosim.pid.events import Margins, merged
from infosim.pid.lattice import set_masks
from infosim.pid.parallel import in_order
from infosim.pid.statistics.permutation import permuting
from infosim.pid.statistics.samples import Samples, all_of, generator, named

_PURPOSE = 3
METHODS = "shuffle", "extrapolation", "miller-madow"


@dataclass(frozen=True, eq=False)
class Bias:
    """Estimates of bias in bits, and what is left without it.

    Attributes
    ----------
    atoms, informations, conditional : dicts, label -> estimate less truth; `atoms` is empty where
        the method has none
    corrected_atoms, corrected_informations, corrected_conditional : the decomposition's less that
    method : by which
    """

    atoms: dict
    informations: dict
    conditional: dict
    corrected_atoms: dict
    corrected_informations: dict
    corrected_conditional: dict
    method: str


def bias(d, method="shuffle", *, n=100, by=None, seed=0, threads=1, progress=False):
    """Estimate how much of a Decomposition of samples is owed to there being few.

    Parameters
    ----------
    d : Decomposition of samples, whose weights are counts
    method : "shuffle": what is left where the target's values are permuted, which is too much where
        sources tell much of it, as fewer cells are then taken. "extrapolation": the estimate of
        ever more samples, from those of halves and quarters, as a + b/N + c/N². "miller-madow": of
        mutual informations alone, (n_ST - n_S - n_T + 1) / 2N nats, n the numbers of values that
        occur
    n : permutations, or divisions into halves and quarters
    by : (n_samples,), the trial of each sample: values are permuted within trials, and trials stay
        whole where samples are divided
    seed, threads, progress : as of `bootstrap`

    Returns a `Bias`.

    Raises
    ------
    ConfigError, DataError, ShapeError : arguments that cannot be, or samples that do not allow it
    """
    one_of("method", method, METHODS)
    n = integer("n", n)
    integer("seed", seed, 0)
    samples, n_sources = Samples.of(d, by), len(d.names)
    estimates = all_of(d.redundancies, n_sources)
    if method == "miller-madow":
        found = miller_madow(samples)
        values = np.zeros(0), found, conditional(found, n_sources)
    else:
        one = (_shuffled if method == "shuffle" else _extrapolated)(d, samples)
        redundancies = in_order(
            lambda i: one(generator(seed, _PURPOSE, i)), range(n), threads=threads,
            progress=progress, unit="sample", size=lambda _: 1,
        )  # fmt: skip
        values = all_of(np.mean(redundancies, axis=0), n_sources)
    corrected = [some[: less.size] - less for some, less in zip(estimates, values, strict=True)]
    return Bias(*named(d, values), *named(d, corrected), method)


def miller_madow(samples):
    """Bias of I(T:S), (2**K - 1,): (n_ST - n_S - n_T + 1) / 2N nats (Miller 1955)."""
    m, masks = Margins(samples.events.codes), set_masks(samples.events.n_sources)
    cells = np.array([m.joints[mask - 1][1] - m.sets[mask - 1][1] for mask in masks])
    return (cells - m.n_targets + 1) / (2 * samples.events.total * np.log(2))


def _shuffled(d, samples):
    """A function of a generator: I_∩ where the target's values are permuted, (A,)."""
    permute = permuting(samples, "rows")
    codes = samples.events.codes[:, samples.event]

    def found(rng):
        moved = np.vstack([codes[:-1], codes[-1][permute(rng, None)]])
        return decomposed(merged(moved, rows=False), d.names, d.definition).redundancies

    return found


def _extrapolated(d, samples):
    """A function of a generator: by how much I_∩ exceeds that of ever more samples, (A,).

    f(N) = a + b/N + c/N², of N, N/2 and N/4, is a at (8 f(N) - 6 f(N/2) + f(N/4)) / 3 (Strong et
    al. 1998).
    """
    places = None if samples.trial is None else samples.places
    n_units = len(samples) if places is None else len(places)
    if n_units < 4:
        raise DataError(
            f"to divide into quarters at least 4 samples, or trials, are needed, were {n_units}"
        )
    evaluation = d.definition.evaluation(d.events.codes)

    def found(rng):
        order = rng.permutation(n_units)
        parts = [*np.array_split(order, 2), *np.array_split(order, 4)]
        if places is not None:
            parts = [np.concatenate([places[i] for i in part]) for part in parts]
        counts = np.array([samples.counts(part) for part in parts])
        told = evaluation.redundancies(counts / counts.sum(axis=1, keepdims=True))
        halves, quarters = told[:2].mean(axis=0), told[2:].mean(axis=0)
        return d.redundancies - (8 * d.redundancies - 6 * halves + quarters) / 3

    return found
