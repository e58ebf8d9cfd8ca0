"""What an associative memory recalls: overlap with the patterns it was trained on."""

import numpy as np

from infosim.datasets.generated import flip
from infosim.machine.randomness import Purpose, generator


def recall(simulator, cues, layer=None, **options):
    """The states that recall ends in, +1 and -1, (R, P, n) for R replicas.

    cues : (P, n) or (R, P, n); layer, options : of `Simulator.recall`
    """
    ended = simulator.recall(cues, layer, **options)
    return np.stack([one.states for one in (ended if isinstance(ended, list) else [ended])])


def overlap(states, patterns):
    """The mean of state times pattern over bits, (..., n) each: 1 if recalled, 0 by chance."""
    return (np.asarray(states) * patterns).mean(axis=-1)


def overlap_by_step(simulator, patterns, cues, steps=20, layer=None, sampled=False):
    """Overlap of every state of recall with its pattern, (steps + 1, R, P); first that of the cues.

    patterns, cues : (P, n); sampled : draw outputs at random
    """
    states = [np.broadcast_to(cues, (simulator.n_replicas, *np.shape(cues)))]
    for _ in range(steps):
        states.append(recall(simulator, states[-1], layer, max_steps=1, sampled=sampled))
    return np.stack([overlap(one, patterns) for one in states])


def overlap_by_noise(
    simulator, patterns, fractions, seed=0, layer=None, max_steps=None, sampled=False
):
    """Overlap after recall from patterns of which bits were flipped, (len(fractions), R, P).

    patterns : (P, n); fractions : of the bits of each cue; seed : draws which
    max_steps, sampled : of `Simulator.recall`
    """
    options, found = {"max_steps": max_steps, "sampled": sampled}, []
    for i, fraction in enumerate(fractions):
        cues = flip(patterns, fraction, generator(seed, Purpose.NOISE, i))
        found.append(overlap(recall(simulator, cues, layer, **options), patterns))
    return np.stack(found)
