"""What an associative memory recalls: overlap with the patterns it was trained on, and energy."""

import numpy as np

from infosim.datasets.generated import flip
from infosim.errors import ConfigError
from infosim.machine.randomness import Purpose, generator

#: The `asymmetry` up to which weights count as symmetric, as rounding leaves it.
SYMMETRIC = 1e-6


def recall(simulator, cues, layer=None, **options):
    """The states that recall ends in, +1 and -1, (R, P, n) for R replicas.

    cues : (P, n) or (R, P, n); layer, options : of `Simulator.recall`
    """
    ended = simulator.recall(cues, layer, **options)
    return np.stack([one.states for one in (ended if isinstance(ended, list) else [ended])])


def overlap(states, patterns):
    """The mean of state times pattern over bits, (..., n) each: 1 if recalled, 0 by chance.

    It is the cosine of the angle between them where all bits are +1 or -1.
    """
    return (np.asarray(states) * patterns).mean(axis=-1, dtype=np.float64)


def accuracy(overlaps, threshold=0.95):
    """The fraction of patterns (..., P) that are recalled with at least this overlap."""
    return (np.asarray(overlaps) >= threshold).mean(axis=-1)


def asymmetry(weights):
    """How far weights (n, n) are from symmetric, |W - Wᵀ| / 2|W|: 0 if they are, 1 if W = -Wᵀ."""
    weights = np.asarray(weights, np.float64)
    size = np.linalg.norm(weights)
    return float(np.linalg.norm(weights - weights.T) / (2 * size)) if size else 0.0


def energy(weights, states, bias=0.0, tolerance=SYMMETRIC):
    """The energy -½ sᵀWs - bᵀs of states (..., n), in units of the potential, (...).

    Updates one by one, by symmetric weights without self-connections, only lower it (Hopfield
    1982).

    weights : (n, n), rows the neurons that read; bias : (n,)
    tolerance : the `asymmetry` up to which weights count as symmetric

    Raises
    ------
    ConfigError : weights are not symmetric: there is no energy
    """
    weights, states = np.asarray(weights, np.float64), np.asarray(states, np.float64)
    if (far := asymmetry(weights)) > tolerance:
        raise ConfigError(
            f"there is no energy: weights are not symmetric, |W - Wᵀ| / 2|W| is {far:.2g}, at most "
            f"{tolerance:g} is allowed"
        )
    return -((states @ weights / 2 + bias) * states).sum(axis=-1)


def overlap_by_step(simulator, patterns, cues, steps=20, layer=None, sampled=False):
    """Overlap of every state of recall with its pattern, (steps + 1, R, P); first that of the cues.

    patterns, cues : (P, n); sampled : draw outputs at random
    """
    states = [np.broadcast_to(cues, (simulator.n_replicas, *np.shape(cues)))]
    for _ in range(steps):
        states.append(recall(simulator, states[-1], layer, max_steps=1, sampled=sampled))
    return np.stack([overlap(one, patterns) for one in states])


def overlap_by_noise(simulator, patterns, fractions, seed=0, layer=None, **options):
    """Overlap after recall from patterns of which bits were flipped, (len(fractions), R, P).

    patterns : (P, n); fractions : of the bits of each cue; seed : draws which
    options : of `Simulator.recall`
    """
    found = []
    for i, fraction in enumerate(fractions):
        cues = flip(patterns, fraction, generator(seed, Purpose.NOISE, i))
        found.append(overlap(recall(simulator, cues, layer, **options), patterns))
    return np.stack(found)
