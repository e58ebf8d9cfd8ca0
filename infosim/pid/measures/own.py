"""Measures of a user's own, tried out before a kernel is made of them."""

from functools import cache

import numpy as np

from infosim import jit
from infosim.errors import ConfigError

#: Informations that a choice is tried on, beside equal ones.
_N_TRIALS = 20


@cache
def check(name, select, candidates, n_terms):
    """Raise unless a measure's `select` chooses between candidates, and can be compiled.

    It writes into arrays of the kernels, so it is tried first: as it stands, then compiled.

    Parameters
    ----------
    candidates : of one antichain, a tuple; n_terms : of the measure

    Raises
    ------
    ConfigError : it cannot be called or compiled, or gives another weight or gives it to others
    """
    where = f"measure {name!r}: select"
    rng = np.random.default_rng(0)
    own, others = np.array(candidates, np.int32), np.ones(n_terms, bool)
    others[own] = False
    for information in (np.zeros((n_terms, 2)), *rng.normal(size=(_N_TRIALS, n_terms, 2))):
        chosen = np.zeros((n_terms, 2))
        try:
            select(information, own, 0.5, chosen)
        except Exception as error:  # whatever it does
            raise ConfigError(
                f"{where}(information, candidates, weight, chosen) cannot be called: "
                f"{type(error).__name__}: {' '.join(str(error).split())}"
            ) from None
        if chosen[others].any() or not np.allclose(chosen.sum(axis=0), 0.5):
            raise ConfigError(
                f"{where} must add the weight, 0.5, for each output to candidates, {candidates}; "
                f"it left {chosen[:, 0].tolist()} for the first output"
            )
    try:
        jit.kernel(select)(information, own, 0.5, np.zeros((n_terms, 2)))
    except Exception as error:  # of whatever kind: uncompiled it has just run
        raise ConfigError(f"{where} cannot be compiled: {jit.reason(error)}") from None
