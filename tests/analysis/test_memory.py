"""Recall on Hebbian weights set by hand."""

import numpy as np
from hopfield import PATTERNS, N, hopfield, naive

from infosim.analysis.memory import overlap, overlap_by_noise, overlap_by_step, recall


def test_recall_is_that_of_a_hopfield_network():
    cues = PATTERNS.copy()
    cues[:, :15] *= -1
    states = recall(hopfield(10.0), cues)
    assert states.shape == (1, 3, N)
    np.testing.assert_array_equal(states[0], naive(cues, N))
    np.testing.assert_array_equal(overlap(states[0], PATTERNS), 1)


def test_overlap_by_step():
    cues = PATTERNS.copy()
    cues[:, :20] *= -1
    found = overlap_by_step(hopfield(10.0), PATTERNS, cues, steps=3)
    assert found.shape == (4, 1, 3)
    for step in range(4):
        expected = (naive(cues, step) * PATTERNS).mean(axis=1)
        np.testing.assert_allclose(found[step, 0], expected)


def test_stochastic_recall_is_worse_where_weights_are_small():
    sampled = {"steps": 10, "sampled": True}
    strong, weak = (
        overlap_by_step(hopfield(gain), PATTERNS, PATTERNS, **sampled)[-1].mean()
        for gain in (30.0, 0.5)
    )
    assert strong > 0.99
    assert weak < 0.7


def test_overlap_by_noise_falls_from_one_to_chance():
    fractions = [0.0, 0.1, 0.5, 1.0]
    found = overlap_by_noise(hopfield(10.0, 10.0), PATTERNS, fractions)
    assert found.shape == (4, 2, 3)
    np.testing.assert_array_equal(found[:2], 1)
    assert found[2].mean() < 0.9
    np.testing.assert_array_equal(found[3], -1)  # the opposite of a pattern is stored, too
    again = overlap_by_noise(hopfield(10.0), PATTERNS, fractions)
    np.testing.assert_array_equal(again[:, 0], found[:, 0])


def test_cues_are_drawn_from_the_seed():
    cues = overlap_by_noise(hopfield(10.0), PATTERNS, [0.2], max_steps=0)
    np.testing.assert_allclose(cues, 1 - 2 * 0.2)  # no step: the cues themselves
    one, same, other = (
        overlap_by_noise(hopfield(10.0), PATTERNS, [0.4, 0.45], seed, max_steps=1)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
