"""How sure one can be of a decomposition of samples: intervals, tests, bias."""

from infosim.pid.statistics.bias import Bias, bias
from infosim.pid.statistics.bootstrap import Intervals, bootstrap
from infosim.pid.statistics.cautions import cautions
from infosim.pid.statistics.permutation import PermutationTest, permutation_test

__all__ = [
    "Bias", "Intervals", "PermutationTest", "bias", "bootstrap", "cautions", "permutation_test",
]  # fmt: skip
