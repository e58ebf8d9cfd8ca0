"""BROJA: unique information as what no joint distribution of both sources could do without.

Bertschinger, Rauh, Olbrich, Jost & Ay 2014, Entropy 16:2161. Of two sources alone, and no sum of
marginals, so that neurons do not learn by it; dit solves its optimisation.
"""

import warnings

import numpy as np

from infosim.errors import ConfigError
from infosim.extras import need


class Broja:
    """I_∩({1}{2}) = I(Y:1) - min_Q I_Q(Y:1|2), Q with the marginals (1, Y) and (2, Y) of P."""

    name = "broja"
    pointwise = False

    def evaluation(self, codes):
        return _Evaluation(codes)


class _Evaluation:
    """What `evaluation.Evaluation` is for other measures."""

    at_once = 1

    def __init__(self, codes):
        if len(codes) != 3:
            raise ConfigError(f"broja is of 2 sources, given: {len(codes) - 1}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies
            need("dit", "broja", "broja needs dit, which is not installed")
            self._pid = need("dit.pid", "broja")
        self._codes = codes

    def redundancies(self, masses):
        """I_∩ of all antichains, (R, 4), of R distributions `masses` (R, M), in bits."""
        return np.array([self._redundancies(mass) for mass in masses])

    def _redundancies(self, mass):
        import dit

        some = np.flatnonzero(mass)
        events = [tuple(map(int, event)) for event in self._codes[:, some].T]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._pid.PID_BROJA(dit.Distribution(events, mass[some].tolist()))
            sets = ((0,), (1,)), ((0,),), ((1,),), ((0, 1),)
            return [found.get_red(one) for one in sets]
