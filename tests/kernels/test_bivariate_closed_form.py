"""The gradient of two sources as docs/theory.md writes it out, against the general kernel."""

import numpy as np
import pytest
from test_score import random_batch, score

from infosim.pid import Goal


def closed_form(goal, r, c, theta, n_bins):
    """∂G/∂θ (B,) from the bins r, c (B,) of two sources: every marginal a table, no lattice."""
    to_r, to_c, to_red, to_syn, to_res = (
        goal.gamma[goal.labels.index(label)] for label in ("{R}", "{C}", "{R}{C}", "{RC}", "H_res")
    )
    w_red, w_r, w_c = to_red + to_syn - to_r - to_c, to_r - to_syn, to_c - to_syn
    w_rc, h = to_syn - to_res, to_res

    p_rc = np.zeros((2, n_bins, n_bins))  # p(r, c, y), y = 1 second
    np.add.at(p_rc, (0, r, c), (1 - theta) / len(theta))
    np.add.at(p_rc, (1, r, c), theta / len(theta))
    p_r, p_c = p_rc.sum(axis=2), p_rc.sum(axis=1)
    p_y = p_r.sum(axis=1)
    p_or = p_r[:, :, None] + p_c[:, None, :] - p_rc

    def log_ratio(p):
        return np.log2(p[1] / p[0])

    gradient = np.empty(len(theta))
    for s, (row, column) in enumerate(zip(r, c, strict=True)):
        k = np.zeros(2)
        for r2, c2 in np.ndindex(n_bins, n_bins):
            if (r2 == row or c2 == column) and p_rc[1, r2, c2] > 0:
                k += p_rc[:, r2, c2] / p_or[:, r2, c2]
        gradient[s] = (
            w_red * (log_ratio(p_or[:, row, column]) + (k[1] - k[0]) / np.log(2))
            + w_r * log_ratio(p_r[:, row])
            + w_c * log_ratio(p_c[:, column])
            + w_rc * log_ratio(p_rc[:, row, column])
            - (w_red + w_r + w_c + w_rc + h) * log_ratio(p_y)
        )
    return gradient / len(theta)


@pytest.mark.parametrize("seed", range(5))
def test_the_kernel_computes_the_closed_form(kernels, slow, seed):
    rng = np.random.default_rng(seed)
    n_bins = int(rng.integers(2, 7))
    bins, theta = random_batch(2, rng, n_samples=20 if slow else 200, n_bins=n_bins)
    goal = Goal(rng.normal(size=5), "RC")
    found = score(kernels, goal, bins, theta, n_bins)
    expected = [closed_form(goal, *bins[:, n], theta[n], n_bins) for n in range(len(theta))]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * np.abs(expected).max())
