"""What kernels read of a goal: weights of redundancies, each a sum over marginals.

G = Σ_a w_a I_∩(a) + h H(Y) is linear in the redundancies, and the union in each of them a
combination of the marginals by inclusion-exclusion (docs/theory.md). A kernel is given only the
antichains whose weights are not zero.
"""

import numpy as np

from infosim.pid.lattice import lattice


def all_terms(n_sources):
    """The marginals that each antichain's union is made of: starts, sets, signs.

    starts : int32 (A + 1,), where an antichain's terms begin; sets : int32 (T,), bitmasks of
    sources; signs : (T,), integers
    """
    return _terms(lattice(n_sources).inclusion_exclusion)


def goal_terms(goals, ever=()):
    """What goals of the same sources, one for each replica, are to a kernel.

    ever : goals that these are sums of, where goals change: their antichains are taken

    Returns
    -------
    terms : as `all_terms`, of the antichains whose weight is not zero in all goals
    weights : (R, 2, A'), w in bits and w/ln 2, which its derivative has
    entropy_weights : (R,), h
    """
    coefficients = [goal.coefficients() for goal in goals]
    weights = np.array([w for w, _ in coefficients])
    decisive = np.array([goal.coefficients()[0] for goal in ever]) if ever else weights
    used = np.flatnonzero(decisive.any(axis=0))
    structure = lattice(len(goals[0].sources)).inclusion_exclusion[used]
    weights = np.stack([weights[:, used], weights[:, used] / np.log(2)], axis=1)
    return _terms(structure), weights, np.array([h for _, h in coefficients])


def _terms(structure):
    rows, columns = np.nonzero(structure)
    starts = np.searchsorted(rows, np.arange(len(structure) + 1))
    return (
        starts.astype(np.int32),
        (columns + 1).astype(np.int32),
        structure[rows, columns],
    )


def atoms(information, n_sources):
    """Atoms and H_res (..., A + 1) from I_∩ of all antichains and H(Y) (..., A + 1), in bits."""
    structure = lattice(n_sources)
    result = np.empty_like(information)
    # not by BLAS, which sums a row in another order the more rows there are
    result[..., :-1] = np.einsum("...i,ai->...a", information[..., :-1], structure.moebius)
    result[..., -1] = information[..., -1] - information[..., structure.top]
    return result
