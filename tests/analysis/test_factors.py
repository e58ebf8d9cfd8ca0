"""Which factors neurons have found, on firing probabilities made by hand."""

import numpy as np
import pytest

from infosim.analysis.factors import correlations, told


def test_correlations_are_those_of_numpy_and_zero_for_what_never_changes():
    rng = np.random.default_rng(0)
    factors = rng.choice([-1.0, 1.0], (200, 3))
    theta = np.vstack([0.5 + 0.3 * factors[:, 1], rng.random(200), np.full(200, 0.3)])
    found = correlations(theta.astype(np.float32), factors)
    expected = np.corrcoef(np.vstack([theta[:2], factors.T]))[:2, 2:]
    np.testing.assert_allclose(found[:2], expected, atol=1e-6)
    np.testing.assert_array_equal(found[2], 0)
    assert found[0, 1] == pytest.approx(1)
    still = np.hstack([factors, np.ones((200, 1))])
    np.testing.assert_array_equal(correlations(theta, still)[:, 3], 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([[1, 0], [0, -0.95]], [True, True]),  # the sign does not matter
        ([[0.95, 0], [-1, 0]], [True, False]),  # twice the same
        ([[0.89, 0], [0, 0.91]], [False, True]),
        ([[0.95, 0.92], [0, 0]], [True, False]),  # one neuron counts once, for its best
        ([[0.6, 0.6], [0.6, -0.6]], [False, False]),  # mixtures
    ],
)
def test_told(found, expected):
    np.testing.assert_array_equal(told(np.array(found)), expected)
