"""What firing probabilities say of each neuron of a layer.

An output Y is 1 with probability θ. In a sample, outputs of one step are independent at given θ:
so all here follows from means of θ, and of products of two, and no output is drawn for it.
"""

from dataclasses import dataclass, field

import numpy as np

from infosim.analysis.binary import entropy
from infosim.pid import decompose

#: How many of the most similar others are told of a neuron.
MOST_SIMILAR = 5
#: What I(T; Y, Y') is made of, Y' the output of the most similar neuron; in canonical order.
PARTS = ("redundant", "unique", "unique to the other", "synergetic")
#: Neurons whose correlations are computed at once.
_AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Neurons:
    """What was found of the n neurons of a layer; information in bits.

    firing : (n,) mean firing probability; entropy : (n,) H(Y)
    noise : (n,) H(Y | θ), what remains open of the output when all that a neuron hears is known
    similar : (n, m) the most similar others first; similarity : (n, m) correlations of θ, by whose
        magnitude they are so

    With labels, T being the class of a sample, else None:

    by_class : (n, C) mean firing probability; nan of a class without samples
    information : (n,) I(Y;T); about : (n, C) I(Y;[T=c]), about each class as yes or no
    parts : (n, 4) I(T; Y, Y') in `PARTS`, Y' of the most similar; nan without another neuron
    probe : the error of a linear classifier of θ, fraction
    damage : (n,) how much the network's error rises without the neuron, fraction; nan where that
        was not tried
    """

    firing: np.ndarray
    entropy: np.ndarray
    noise: np.ndarray
    similar: np.ndarray
    similarity: np.ndarray
    by_class: np.ndarray | None = None
    information: np.ndarray | None = None
    about: np.ndarray | None = None
    parts: np.ndarray | None = None
    probe: float | None = None
    damage: np.ndarray | None = field(default=None)

    def __len__(self):
        return len(self.firing)


def statistics(theta, labels=None, n_classes=0, *, probe=None, damage=None):
    """The `Neurons` of which these are the firing probabilities (n, S); labels : (S,) integers."""
    theta = np.asarray(theta, np.float64)
    similar, similarity = _most_similar(theta)
    firing = theta.mean(axis=1)
    own = firing, entropy(firing), entropy(theta).mean(axis=1), similar, similarity
    if labels is None:
        return Neurons(*own, damage=damage)
    share, joint = _by_class(theta, labels, n_classes)
    return Neurons(
        *own, by_class=_divided(joint, share), information=_information(share, joint),
        about=_about(share, joint), parts=_parts(theta, labels, share, joint, similar),
        probe=probe, damage=damage,
    )  # fmt: skip


def _by_class(theta, labels, n_classes):
    """p(c), (C,), and the mass of θ in it, p(c) E[θ | c], (n, C); they sum to the mean of θ."""
    chosen = np.equal.outer(labels, np.arange(n_classes)) / len(labels)
    return chosen.sum(axis=0), theta @ chosen


def _divided(joint, share):
    return np.divide(joint, share, out=np.full(joint.shape, np.nan), where=share > 0)


def _information(share, joint):
    """I(Y;T) = H(Y) - Σ_c p(c) H(Y | c), bits, (n,)."""
    given = np.nan_to_num(entropy(_divided(joint, share)))
    return np.maximum(entropy(joint.sum(axis=1)) - given @ share, 0)


def _about(share, joint):
    """I(Y;[T=c]), bits, (n, C)."""
    rest = joint.sum(axis=1, keepdims=True) - joint
    pairs = zip(joint.T, rest.T, share, strict=True)
    return np.stack(
        [_information(np.array([p, 1 - p]), np.stack([own, other], 1)) for own, other, p in pairs],
        axis=1,
    )


def _parts(theta, labels, share, joint, similar):
    """I(T; Y, Y') in its four atoms by shared exclusions, (n, 4)."""
    if not similar.shape[1]:
        return np.full((len(theta), len(PARTS)), np.nan)
    other = similar[:, 0]
    both = _by_class(theta * theta[other], labels, len(share))[1]
    mine, theirs = joint - both, joint[other] - both
    pmfs = np.stack([share - mine - theirs - both, theirs, mine, both], axis=1)
    pmfs = np.maximum(pmfs, 0).reshape(len(theta), 2, 2, -1)  # (y, y', t), but for rounding
    return np.array([decompose(one / one.sum()).atoms for one in pmfs])


def _most_similar(theta):
    """The most similar other neurons of each, (n, m), and the correlations of their θ, (n, m)."""
    n = len(theta)
    most = min(MOST_SIMILAR, n - 1)
    rows = theta - theta.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    similar, similarity = np.empty((n, most), np.int64), np.empty((n, most))
    for first in range(0, n, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        r = rows[part] @ rows.T
        magnitude = abs(r)
        magnitude[np.arange(len(r)), np.arange(first, first + len(r))] = -1  # itself
        order = np.argsort(-magnitude, axis=1, kind="stable")[:, :most]
        similar[part], similarity[part] = order, np.take_along_axis(r, order, axis=1)
    return similar, np.clip(similarity, -1, 1)
