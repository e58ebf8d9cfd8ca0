"""The slow, obvious oracle: Python loops over events, no code shared with infosim.

An antichain is a tuple of tuples of source numbers (from 0), as in ((0,), (1, 2)) for {1}{23}.
A pmf is an array with one axis per source and the target last. Everything is in bits.
"""

from functools import cache
from itertools import combinations
from math import log2

import numpy as np


@cache
def antichains(n):
    """All antichains of n sources: fewest antichains below first, then by size and source order."""
    sets = [s for size in range(1, n + 1) for s in combinations(range(n), size)]
    found = []

    def extend(chosen, rest):
        if chosen:
            found.append(chosen)
        for i, s in enumerate(rest):
            if not any(set(s) <= set(c) or set(c) <= set(s) for c in chosen):
                extend((*chosen, s), rest[i + 1 :])

    extend((), sets)
    return sorted(
        found,
        key=lambda b: (sum(below(a, b) for a in found), [(len(s), s) for s in b]),
    )


@cache
def below(alpha, beta):
    return all(any(set(a) <= set(b) for a in alpha) for b in beta)


def label(antichain, names="1234"):
    return "".join("{" + "".join(names[k] for k in s) + "}" for s in antichain)


def redundancy(pmf, antichain):
    """Shared-exclusions I_∩, adding up the probability of every event in each union."""
    events = [(index[:-1], index[-1], p) for index, p in np.ndenumerate(pmf) if p > 0]
    total = 0.0
    for s, t, p in events:
        union = union_and_t = p_t = 0.0
        for s2, t2, p2 in events:
            agrees = any(all(s2[k] == s[k] for k in members) for members in antichain)
            if agrees:
                union += p2
            if agrees and t2 == t:
                union_and_t += p2
            if t2 == t:
                p_t += p2
        total += p * log2(union_and_t / (union * p_t))
    return total


def atoms(pmf):
    """label -> atom, each the redundancy less all atoms below it."""
    chains = antichains(np.ndim(pmf) - 1)
    known = {}
    for b in chains:  # in an order in which what lies below comes first
        lower = [a for a in chains if a != b and below(a, b)]
        known[b] = redundancy(pmf, b) - sum(known[a] for a in lower)
    return {label(a): value for a, value in known.items()}


def mutual_information(pmf):
    """I(target; all sources) by its definition."""
    total = 0.0
    for index, p in np.ndenumerate(pmf):
        if p > 0:
            p_s = sum(pmf[index[:-1]])
            p_t = sum(pmf[(*s, index[-1])] for s in np.ndindex(pmf.shape[:-1]))
            total += p * log2(p / (p_s * p_t))
    return total


def residual_entropy(pmf):
    """H(target | all sources)."""
    return sum(-p * log2(p / sum(pmf[i[:-1]])) for i, p in np.ndenumerate(pmf) if p > 0)


def joint(bins, theta, n_bins):
    """The plug-in pmf (n_bins, ..., 2) of bins (K, B) and an output that fires with theta (B,)."""
    bins = np.asarray(bins)
    pmf = np.zeros((*(n_bins,) * len(bins), 2))
    for s, probability in enumerate(theta):
        pmf[(*bins[:, s], 1)] += probability / len(theta)
        pmf[(*bins[:, s], 0)] += (1 - probability) / len(theta)
    return pmf


def goal(gamma, bins, theta, n_bins):
    """G of one neuron; gamma by label ({1}{23}, H_res) or in canonical order with H_res last."""
    pmf = joint(bins, theta, n_bins)
    values = {**atoms(pmf), "H_res": residual_entropy(pmf)}
    if not isinstance(gamma, dict):
        gamma = dict(zip(values, gamma, strict=True))
    return sum(g * values[name] for name, g in gamma.items())


def sigma(x):
    return 1 / (1 + np.exp(-x))


DRIVES = {
    "trivariate": lambda r, z, v: r * (0.8 + 0.1 * sigma(2 * r * z) + 0.1 * sigma(2 * r * v)),
    "tetravariate": lambda r, *others: r * (0.7 + sum(0.1 * sigma(2 * r * v) for v in others)),
    "bivariate": lambda r, z: r * (0.9 + 0.2 * sigma(2 * r * z)),
    "sum": lambda *u: sum(u),
    "feedforward": lambda r, *others: r,
}


def presentation(network, weights, biases, inputs, frozen):
    """θ (n, B) of every (step, layer), at default parameters and with the samples' noise frozen.

    weights (n, n_in), biases (n,) : by (layer, compartment); weights of one that sums several
        connections by (layer, compartment, connection)
    inputs : name -> (units, B), or of a sequence (steps, units, B)
    frozen : (step, layer) -> θ₀ and y₀ of what fired; y is y₀ + (1 - silent) (θ - θ₀)
    """
    n_samples = next(iter(inputs.values())).shape[-1]
    theta, y = {}, {}
    for step in range(network.steps):
        for layer in network.layers:
            potentials = []
            for compartment in layer.compartments:
                key = layer.name, compartment.name
                u = np.tile(biases[key][:, None], n_samples)
                for name, c in zip(compartment.names, compartment.connections, strict=True):
                    then = step - c.delay
                    x = y.get((then, c.source))
                    if c.source in network.inputs and then >= 0:
                        x = inputs.get(c.source)
                        x = x[then] if np.ndim(x) == 3 else x
                    if x is not None:
                        several = len(compartment.names) > 1
                        u = u + weights[(*key, name) if several else key] @ x
                potentials.append(u)
            at = step, layer.name
            theta[at] = sigma(DRIVES[layer.activation.name](*potentials))
            before, drawn = frozen.get(at, (theta[at], 0 * theta[at]))
            span = {"signed": 2, "binary": 1}[layer.outputs]
            y[at] = drawn + span * (theta[at] - before)
    return theta


def cross_entropy(theta, labels):
    """Mean of -log softmax(θ) of the label over samples, in nats; θ (n_classes, B)."""
    total = 0.0
    for s, label in enumerate(labels):
        total -= np.log(np.exp(theta[label, s]) / sum(np.exp(t) for t in theta[:, s]))
    return total / len(labels)


def redundancy_of(measure, pmf, antichain):
    """I_∩ by the measure's name, for sources and a target that are added up event by event."""
    if measure == "shared-exclusions":
        return redundancy(pmf, antichain)
    specific = {}
    for members in antichain:
        for t in range(pmf.shape[-1]):
            total = 0.0
            for index, p in np.ndenumerate(pmf):
                if p > 0 and index[-1] == t:
                    alike = [i for i in np.ndindex(pmf.shape[:-1])
                             if all(i[k] == index[k] for k in members)]  # fmt: skip
                    p_set = sum(pmf[i].sum() for i in alike)
                    p_both = sum(pmf[(*i, t)] for i in alike)
                    total += p * log2(p_both / (p_set * pmf[..., t].sum()))
            specific[members, t] = total
    targets = range(pmf.shape[-1])
    if measure == "minimum-mutual-information":
        return min(sum(specific[members, t] for t in targets) for members in antichain)
    return sum(min(specific[members, t] for members in antichain) for t in targets)


def atom(redundancies, antichain):
    """The atom of an antichain, from the redundancies by antichain."""
    lower = [a for a in redundancies if a != antichain and below(a, antichain)]
    return redundancies[antichain] - sum(atom(redundancies, a) for a in lower)


def recall(weights, cues, steps, orders=None, ties="low", joint=False, cycles=True):
    """States that recall from cues ends in, and after how many steps each did, -1 if it did not.

    weights : of integers, so that ties are ties; orders : of sequential updates, one for each step
    cycles : whether a state that is that of two steps before ends it
    """

    def output(weighted, now):
        return {"low": -1, "keep": now, "zero": 0}[ties] if weighted == 0 else np.sign(weighted)

    states, before = [list(cue) for cue in cues], None
    ended, taken = [None] * len(states), [-1] * len(states)
    n = len(weights)
    for step in range(steps):
        after = [list(one) for one in states]
        for new, old in zip(after, states, strict=True):
            for i in range(n) if orders is None else orders[step]:
                heard = old if orders is None else new
                new[i] = output(sum(weights[i][j] * heard[j] for j in range(n)), old[i])
        same = [[one == other for one, other in zip(after, known or [None] * n, strict=False)]
                for known in (states, before)]  # fmt: skip
        for p in range(len(states)):
            over = any(map(all, same)) if joint else same[0][p] or (cycles and same[1][p])
            if over and taken[p] < 0:
                ended[p], taken[p] = after[p], step + 1
        states, before = after, states
    found = [states[p] if taken[p] < 0 else ended[p] for p in range(len(states))]
    return np.array(found), np.array(taken)
