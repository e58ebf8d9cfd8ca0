"""BROJA: unique information as what no joint distribution of both sources could do without.

Bertschinger, Rauh, Olbrich, Jost & Ay 2014, Entropy 16:2161. Of two sources alone, and no sum of
marginals, so that neurons do not learn by it.

Of all Q with the marginals (1, Y) and (2, Y) of P one makes Y as open as can be,
max H_Q(Y | 1, 2); the two together then tell only what they do alone. That is a convex problem,
whose dual, min over a_1y, b_2y of -Σ p_1y a_1y - Σ p_2y b_2y with Σ_y exp(a_1y + b_2y) <= 1 for
each pair of values, is solved by an interior point: with the barrier -t Σ log(1 - Σ_y exp), one log
for each of n pairs, it is known within n t nats.
"""

from threading import Lock

import numpy as np
from threadpoolctl import threadpool_limits

from infosim.errors import ConfigError, DataError
from infosim.pid.events import Margins, entropy

#: Nats within which the maximum is to be known.
_GAP = 1e-6
#: Probabilities below this are taken for none: they tell less than the gap, and directions that are
#: flat to the last digit would end the search before it.
_NONE = 1e-12
#: Unknowns at most, a value of a source with one of the target each: their matrix is dense; and
#: numbers in the matrix that has a row for each pair of values of the sources.
_MOST, _MOST_NUMBERS = 3000, 2**23
#: BLAS is held to one thread meanwhile, a setting of the whole process: its threads would wait for
#: each other for longer than such small matrices take.
_BLAS = Lock()


class Broja:
    """I_∩({1}{2}) = I(Y:1) + I(Y:2) - min_Q I_Q(Y:12), Q with P's marginals (1, Y) and (2, Y)."""

    name = "broja"
    pointwise = False

    def evaluation(self, codes):
        """What `Measure.evaluation` gives for others.

        Raises
        ------
        ConfigError : other than two sources; DataError : too many values
        """
        return _Evaluation(codes)


class _Evaluation:
    at_once = 1

    def __init__(self, codes):
        if len(codes) != 3:
            raise ConfigError(f"broja is of 2 sources, given: {len(codes) - 1}")
        m = Margins(codes)
        self._target, self._n_target, self._source = m.target, m.n_targets, m.source
        self._first, self._second = [(ids[m.source], n) for ids, n in m.sets[:2]]
        unknowns = m.joints[0][1] + m.joints[1][1]
        if unknowns > _MOST:
            raise DataError(
                f"broja has {unknowns} pairs of values of source and target, and can have {_MOST}: "
                "cut them into fewer bins"
            )
        first, second = self._tables(np.ones(m.target.size))
        both = np.count_nonzero((first > 0).astype(float) @ (second > 0).T.astype(float))
        if both * unknowns > _MOST_NUMBERS:
            raise DataError(
                f"broja has {both} pairs of values of the sources, and beside {unknowns} of source "
                f"and target can have {_MOST_NUMBERS // unknowns}: cut them into fewer bins"
            )

    def redundancies(self, masses):
        """I_∩ of all antichains, (R, 4), of R distributions `masses` (R, M), in bits."""
        with _BLAS, threadpool_limits(1, user_api="blas"):
            return np.array([self._redundancies(mass) for mass in masses])

    def _tables(self, mass):
        """Mass of each value of a source with each of the target, (n_1, n_y) and (n_2, n_y)."""
        y, n_y = self._target, self._n_target
        return [
            np.bincount(np.multiply(ids, n_y, dtype=np.int64) + y, mass, n * n_y).reshape(n, n_y)
            for ids, n in (self._first, self._second)
        ]

    def _redundancies(self, mass):
        first, second = self._tables(mass)
        of_target = entropy(first.sum(axis=0))
        alone = [of_target + entropy(one.sum(axis=1)) - entropy(one) for one in (first, second)]
        least = of_target - most_open(first, second)
        # it is no less than either tells, and no more than both do, but for rounding
        together = of_target + entropy(np.bincount(self._source, mass)) - entropy(mass)
        least = min(max(least, *alone), together)
        return [sum(alone) - least, *alone, together]


def most_open(first, second):
    """max H_Q(Y | 1, 2) in bits, Q with these marginals (n_1, n_y) and (n_2, n_y)."""
    first, second = map(_of_account, (first, second))
    first = first[first.any(axis=1)][:, (kept := first.any(axis=0))]
    second = second[second.any(axis=1)][:, kept]
    x, z, y = _triples(first > 0, second > 0)
    pair = x * len(second) + z
    _, pair = np.unique(pair, return_inverse=True)
    n_pairs = int(pair.max()) + 1
    known = np.concatenate([first[first > 0], second[second > 0]])
    a = np.cumsum(first > 0).reshape(first.shape)[x, y] - 1
    b = np.count_nonzero(first) + np.cumsum(second > 0).reshape(second.shape)[z, y] - 1
    # a_1y + c_y and b_2y - c_y are the same: one b of each y stays as it is
    free = np.ones(known.size, dtype=bool)
    free[[b[y == value][0] for value in range(first.shape[1])]] = False

    def slack(v):
        with np.errstate(over="ignore"):  # of a step that is too long, which is then halved
            e = np.exp(v[a] + v[b])
        return e, 1 - np.bincount(pair, e, n_pairs)

    def barrier(v):
        _, left = slack(v)
        return np.inf if left.min() <= 0 else -known @ v - t * np.log(left).sum()

    diagonal = np.arange(known.size)
    v, t = np.full(known.size, -np.log(2 * first.shape[1]) / 2), 0.1
    while True:
        for _ in range(50):
            e, left = slack(v)
            q = t * e / left[pair]
            slope = np.bincount(a, q, known.size) + np.bincount(b, q, known.size) - known
            joint = np.zeros((n_pairs, known.size))
            joint[pair, a] = joint[pair, b] = q
            curvature = joint.T @ joint / t
            curvature[a, b] += q
            curvature[b, a] += q
            curvature[diagonal, diagonal] += slope + known
            step = np.zeros_like(v)
            step[free] = _solved(curvature[np.ix_(free, free)], -slope[free])
            decrease, length, value = -slope @ step, 1.0, barrier(v)
            while length > 1e-10 and not barrier(v + length * step) < value:
                length /= 2
            if length <= 1e-10:
                break
            v = v + length * step
            if decrease < 1e-3 * t:
                break
        if n_pairs * t <= _GAP:
            return float(-known @ v / np.log(2))
        t /= 10


def _of_account(joint):
    """The joint (n, n_y) without what is next to nothing, which the largest of the same y takes."""
    largest = joint.argmax(axis=0), np.arange(joint.shape[1])
    tiny = joint < _NONE
    tiny[largest] = False
    left = np.where(tiny, 0, joint)
    left[largest] += np.where(tiny, joint, 0).sum(axis=0)  # both sources know y alike
    return left


def _solved(matrix, right):
    try:
        return np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:  # flat to the last digit in some direction, which then rests
        return np.linalg.lstsq(matrix, right, rcond=None)[0]


def _triples(first, second):
    """Which (x, z, y) may be, int (F,) each: those whose (x, y) and (z, y) are."""
    found = []
    for y, (with_x, with_z) in enumerate(zip(first.T, second.T, strict=True)):
        x, z = np.meshgrid(np.flatnonzero(with_x), np.flatnonzero(with_z), indexing="ij")
        found.append((x.ravel(), z.ravel(), np.full(x.size, y)))
    return np.concatenate(found, axis=1)
