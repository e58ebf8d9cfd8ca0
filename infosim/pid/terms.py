"""What kernels read of a goal and a measure: weights, and terms that are sums over marginals.

G = Σ_a w_a I_∩(a) + h H(Y) is linear in the redundancies; each is the J of a term, or of the terms
that it chooses, and what a term's J is taken of is a sum of marginals (docs/theory.md). A kernel is
given only the antichains whose weights are not zero.
"""

import numpy as np

from infosim.pid.lattice import lattice
from infosim.pid.measures import parts_of


def all_terms(n_sources, measure):
    """The terms of a measure, and those of each antichain: (terms, candidates).

    terms : starts, sets, signs; int32 (T + 1,), where a term begins, int32, bitmasks of sources,
        and integers, how often each marginal counts
    candidates : starts, members; int32 (A + 1,), where an antichain's begin, and int32, terms
    """
    terms, candidates = parts_of(measure, lattice(n_sources))
    return sparse_rows(terms), _lists(candidates)


def goal_terms(goals, measure, ever=()):
    """What goals of the same sources, one for each replica, are to a kernel.

    ever : goals that these are sums of, where goals change: their antichains are taken

    Returns
    -------
    terms, candidates : as `all_terms`, for the antichains whose weight is not zero in all goals
    weights : (R, A'), w in bits
    entropy_weights : (R,), h
    """
    coefficients = [goal.coefficients() for goal in goals]
    weights = np.array([w for w, _ in coefficients])
    decisive = np.array([goal.coefficients()[0] for goal in ever]) if ever else weights
    used = np.flatnonzero(decisive.any(axis=0))
    terms, every = parts_of(measure, lattice(len(goals[0].sources)))
    needed = sorted({t for a in used for t in every[a]})
    renamed = {t: i for i, t in enumerate(needed)}
    candidates = [[renamed[t] for t in every[a]] for a in used]
    entropy_weights = np.array([h for _, h in coefficients])
    return sparse_rows(terms[needed]), _lists(candidates), weights[:, used], entropy_weights


def sparse_rows(structure):
    """The entries of an integer matrix that are not zero: starts, sets (column + 1), signs."""
    rows, columns = np.nonzero(structure)
    starts = np.searchsorted(rows, np.arange(len(structure) + 1))
    return (
        starts.astype(np.int32),
        (columns + 1).astype(np.int32),
        structure[rows, columns],
    )


def _lists(lists):
    starts = np.cumsum([0, *map(len, lists)])
    return starts.astype(np.int32), np.array([t for own in lists for t in own], np.int32)


def atoms(information, n_sources):
    """Atoms and H_res (..., A + 1) from I_∩ of all antichains and H(Y) (..., A + 1), in bits."""
    result = np.empty_like(information)
    result[..., :-1] = inverted(information[..., :-1], n_sources)
    result[..., -1] = information[..., -1] - information[..., lattice(n_sources).top]
    return result


def inverted(redundancies, n_sources):
    """Atoms (..., A) from I_∩ of all antichains (..., A)."""
    # not by BLAS, which sums a row in another order the more rows there are
    return np.einsum("...i,ai->...a", redundancies, lattice(n_sources).moebius)
