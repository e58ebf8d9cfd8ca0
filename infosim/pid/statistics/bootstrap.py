"""Bootstrap intervals (Efron 1979) of atoms and informations."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from infosim.errors import ConfigError, DataError, integer
from infosim.pid.parallel import in_order
from infosim.pid.statistics.samples import MOST_DRAWN, Samples, all_of, batches, generator, named

_PURPOSE = 1
#: Samples beyond which floats do not count one by one.
_EXACT = 2**53


@dataclass(frozen=True, eq=False)
class Intervals:
    """Bootstrap intervals, in bits.

    Attributes
    ----------
    atoms, informations, conditional : dicts, label -> (low, high), of the atoms, of I(target; S) of
        each set of sources and of I(target; source | all others)
    standard_errors : label -> that of the atom
    replicates : (n, A), the atoms of each replicate
    level : how often such intervals are to hold the truth
    n : the number of replicates
    """

    atoms: dict
    informations: dict
    conditional: dict
    standard_errors: dict
    replicates: np.ndarray
    level: float
    n: int


def bootstrap(
    d, n=1000, *, level=0.95, block=None, by=None, seed=0, threads=1, progress=False
):  # fmt: skip
    """Intervals of the atoms of a Decomposition of samples, from samples drawn anew.

    They are normal ones around the estimate less the bias that drawing anew adds once more, so
    that an estimate need not lie in the middle of its own. Atoms have no test of being 0: no way of
    drawing samples makes one atom 0 and leaves the others (docs/pid-statistics.md).

    Parameters
    ----------
    d : Decomposition of samples, whose weights are counts
    n : replicates, 2 to 10**6
    level : between 0 and 1
    block : for time series, whose neighbours depend on each other: draw blocks of this many
        successive samples, that begin anywhere (moving blocks)
    by : (n_samples,), the trial of each sample: whole trials are drawn, as many as there are; with
        `block` each trial is drawn of blocks of its own, as long as it is
    seed : 0 or more, decides all
    threads : 1 or more, with the same result; more have not been found to be faster, for calls are
        short and threads wait for each other at Python's lock (docs/pid-statistics.md)
    progress : whether to show a bar

    Returns `Intervals`.

    Raises
    ------
    ConfigError, DataError, ShapeError : arguments that cannot be, or samples that do not allow it
    """
    n = integer("bootstrap", n, 2, MOST_DRAWN)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        raise ConfigError(f"level must be between 0 and 1, was {level!r}")
    integer("seed", seed, 0)
    draw = drawing(d, block, by)
    evaluation = d.definition.evaluation(d.events.codes)

    def replicates(numbers):
        counts = np.array([draw(generator(seed, _PURPOSE, i)) for i in numbers])
        return evaluation.redundancies(counts / counts.sum(axis=1, keepdims=True))

    parts = batches(n, evaluation.at_once)
    drawn = in_order(replicates, parts, threads=threads, progress=progress, unit="replicate")
    found = all_of(np.concatenate(drawn), len(d.names))
    estimates = all_of(d.redundancies, len(d.names))
    intervals = [_interval(*both, level) for both in zip(estimates, found, strict=True)]
    errors = found[0].std(axis=0, ddof=1).tolist()
    return Intervals(
        *named(d, intervals), dict(zip(d.labels, errors, strict=True)), found[0], level, n
    )


def _interval(estimate, replicates, level):
    """Normal intervals [(low, high), ...] around the estimate less the bias of replicates."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle, error = 2 * estimate - replicates.mean(axis=0), replicates.std(axis=0, ddof=1)
    return list(zip((middle - z * error).tolist(), (middle + z * error).tolist(), strict=True))


def drawing(d, block, by):
    """A function of a generator that draws how often each event is, (M,)."""
    samples = Samples.of(d, by, series=block is not None)
    n_events = len(samples.events)
    if block is not None:
        return _blocks(samples, integer("block", block))
    if by is None:
        total, mass = samples.events.total, samples.events.mass
        if total > _EXACT:
            raise DataError(f"{total:.6g} samples are too many to be drawn, at most {_EXACT} can")
        n = int(total)
        return lambda rng: rng.multinomial(n, mass)
    places = samples.places
    if len(places) < 2:
        raise DataError("by names 1 trial; to draw trials at least 2 are needed")

    def trials(rng):
        times = np.bincount(rng.integers(len(places), size=len(places)), minlength=len(places))
        return np.bincount(samples.event, times[samples.trial], n_events)

    return trials


def _blocks(samples, block):
    """Moving blocks, of each trial as many as fill it."""
    places = samples.places
    shortest = min(map(len, places))
    if block >= shortest:  # such a trial would always be drawn as it is
        of = "that there are" if samples.trial is None else "of the shortest trial"
        raise ConfigError(f"block must be below the {shortest} samples {of}, was {block}")
    starts, spans, lengths = [], [], []
    done = 0
    for place in places:
        for first in range(0, len(place), block):
            starts.append(done)
            spans.append(len(place) - block + 1)
            lengths.append(min(block, len(place) - first))
        done += len(place)
    starts, spans, lengths = map(np.array, (starts, spans, lengths))
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    event, n_events = samples.event[np.concatenate(places)], len(samples.events)

    def draw(rng):
        begin = np.repeat(starts + rng.integers(spans), lengths)
        return np.bincount(event[begin + within], minlength=n_events)

    return draw
