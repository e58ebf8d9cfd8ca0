"""Samples are presented without learning, and what is odd about each population is found."""

import numpy as np

from infosim.analysis.binary import entropy
from infosim.analysis.health import thresholds
from infosim.analysis.health.findings import KINDS, Finding, Health
from infosim.errors import integer
from infosim.machine.randomness import Purpose, stream

#: Potentials that differ by less than this fraction of all their span are one value.
_ALIKE = 1e-5
#: Neurons whose correlations are computed at once.
_AT_ONCE = 512


def check(simulator, samples, *, batch=thresholds.MOST_SAMPLES, epoch=0, learnt=True):
    """Present samples without learning, and find what is odd; a `Health`, or one of each replica.

    Nothing that training depends on changes, and the same weights give the same result.

    Parameters
    ----------
    simulator : Simulator; samples : Samples, or input name -> array, targets among them
    batch : of training, whose bins and cells are those that learning goes by
    epoch : after which this is
    learnt : whether training is over: before, only what it cannot mend is a warning

    Raises
    ------
    ConfigError, DataError, ShapeError : a batch below 1, samples that do not fit
    """
    samples = simulator.samples(samples)
    size = min(integer("batch", batch), thresholds.MOST_SAMPLES, len(samples))
    n_batches = max(
        1, min(thresholds.MOST_SAMPLES // size, thresholds.MOST_BATCHES, len(samples) // size)
    )
    # spread over all samples, each batch as well, for they may be sorted by class
    spread = np.linspace(0, len(samples) - 1, size * n_batches).round().astype(np.int64)
    positions = spread.reshape(size, n_batches).T.ravel()
    seen = {name: [] for name in simulator.layers}
    time = simulator.time
    with simulator.workers.engaged():
        try:
            for _ in simulator.passing(
                samples, stream=stream(Purpose.FREE, epoch), at_once=size, positions=positions
            ):
                for name, parts in seen.items():
                    parts.append(_seen(simulator, name))
        finally:
            simulator.time = time  # random numbers of what is presented by hand go by it
        layers = [
            _Layer(simulator, simulator[name], parts, learnt, epoch) for name, parts in seen.items()
        ]
    found = []
    for replica in range(simulator.n_replicas):
        measured, findings = {}, []
        for layer in layers:
            layer.report(replica, measured, findings)
        findings.sort(key=lambda one: not one.warning)
        found.append(Health(epoch, len(positions), size, measured, tuple(findings)))
    return found if simulator.n_replicas > 1 else found[0]


def _seen(simulator, name):
    """Copies of potentials (K, N, B), θ (N, B) and bins (K, N, B), or None, of a presentation."""
    layer = simulator[name]
    bins = simulator.bins(name) if layer.spec.has_goal else None
    return np.array(layer.potentials), np.array(layer.probabilities), bins


class _Layer:
    """What was seen of a layer: numbers for all neurons (N,), those of replicas side by side."""

    def __init__(self, simulator, layer, parts, learnt, epoch):
        self.spec, self.bins_of = layer.spec, layer.bins_of
        self._learns = layer.spec.name in simulator.network.learning
        self._learnt, self._settled = learnt, learnt and epoch >= thresholds.SETTLED
        rule = simulator.network.rule_of(layer.spec)
        self._by_goal = self._learns and rule.goal
        data = set(simulator.network.inputs) - {simulator.network.target}
        self._reads_data = [
            any(c.source in data for c in one.connections) for one in layer.spec.compartments
        ]
        potentials, theta, bins = zip(*parts, strict=True)
        u = np.concatenate(potentials, axis=2)
        theta = np.concatenate(theta, axis=1).astype(np.float64)
        self.n_samples = theta.shape[1]
        self.entropy, self.noise = entropy(theta.mean(axis=1)), entropy(theta).mean(axis=1)
        certain = max(thresholds.SATURATED, layer.clamp * (1 + 1e-5))
        sure = (np.minimum(theta, 1 - theta) <= certain).all(axis=1)
        silent, coin = self.entropy < thresholds.SILENT, self.noise >= thresholds.COIN
        kinds = {"silent": silent, "coin": coin & ~silent, "saturated": sure & ~silent}
        self._none = np.zeros(len(theta), bool)
        # a readout of two classes says the same twice, as it should
        if layer.spec.name != simulator.network.readout or layer.spec.size != 2:
            kinds["copy"] = _copies(theta, ~silent & ~coin, layer.spec.size)
        self.cells, self.compartments = None, []
        if bins[0] is not None:
            self.cells = np.mean([_cells(one) for one in bins], axis=0)
            kinds["own-cells"] = self.cells >= thresholds.OWN_CELLS
            bins = np.concatenate(bins, axis=2)
        #: (kind, number of a compartment or None) -> which neurons, boolean (N,)
        self.kinds = {(kind, None): which for kind, which in kinds.items()}
        for k, own in enumerate(u):
            self._look_at(k, own, bins[k] if self.cells is not None else None)

    def _look_at(self, k, u, bins):
        """Note what there is of the k-th compartment's potentials (N, B) and bins."""
        low, high = u.min(axis=1), u.max(axis=1)
        span = high - low
        constant = span <= _ALIKE * np.maximum(abs(low), abs(high))
        self.kinds["constant", k] = constant
        if bins is None:
            self.compartments.append((None, None))
            return
        counts = np.array([np.bincount(own, minlength=self.bins_of[k]) for own in bins])
        reached, fullest = (counts > 0).sum(axis=1), counts.max(axis=1) / u.shape[1]
        lossy = (reached <= min(2, self.bins_of[k] - 1)) & ~constant
        if self.spec.binning.soft:  # shares tell what is in one bin apart
            lossy[:] = False
        lossy[lossy] = _values(u[lossy], span[lossy]) > reached[lossy]
        binning, outside = self.spec.binning, None
        beyond = narrow = two = np.zeros(len(u), bool)
        if binning.kind == "fixed":
            outside = ((u <= binning.low) | (u > binning.high)).mean(axis=1)
            beyond = (outside > thresholds.OUTSIDE) & (lossy | (reached > 2))
            narrow = span < thresholds.NARROW * (binning.high - binning.low) / self.bins_of[k]
            # what labels and other neurons say is mostly of two kinds in the papers' networks,
            # and bins that adapt are two where potentials lie in two heaps: well, both
            two = lossy & self._reads_data[k]
        one = lossy & ~beyond & (narrow | (fullest >= thresholds.FULLEST))
        self.kinds["outside", k], self.kinds["one-bin", k] = beyond, one
        self.kinds["two-bins", k] = two & ~beyond & ~one
        self.compartments.append((reached, outside))

    def report(self, replica, measured, findings):
        """Add what was measured and found in a replica's populations."""
        begin = replica * self.spec.size
        for name, population in self.spec.populations.items():
            first = population.neurons.start
            own = slice(begin + first, begin + population.neurons.stop)
            measured[name] = self._measured(own)
            if self.n_samples < thresholds.FEWEST:
                continue
            for kind in KINDS:
                for k in (None, *range(len(self.compartments))):
                    which = self.kinds.get((kind, k), self._none)[own]
                    if not which.any():
                        continue
                    compartment = None if k is None else self.spec.compartments[k].name
                    neurons = tuple((first + np.flatnonzero(which)).tolist())
                    share = thresholds.MANY if kind == "outside" else thresholds.NEARLY_ALL
                    warning = self._warns(kind, k) and bool(which.mean() >= share)
                    finding = Finding(kind, name, compartment, neurons, len(which), warning)
                    findings.append(finding)

    def _measured(self, own):
        compartments = {}
        for k, (reached, outside) in enumerate(self.compartments):
            compartments[self.spec.compartments[k].name] = {
                "bins": None if reached is None else self.bins_of[k],
                "reached": None if reached is None else _ends(reached[own], "least"),
                "outside": None if outside is None else _ends(outside[own], "most"),
            }
        return {
            "neurons": own.stop - own.start,
            "entropy": _ends(self.entropy[own], "least"),
            "noise": _ends(self.noise[own], "most"),
            "cells": None if self.cells is None else _ends(self.cells[own], "most"),
            "compartments": compartments,
        }

    def _warns(self, kind, k):
        """Whether training is senseless where nearly all neurons of a population are so."""
        if kind in ("outside", "one-bin"):
            return self._by_goal and self._reads_data[k]
        if kind == "two-bins":  # so begin networks whose weights grow
            return self._by_goal and self._reads_data[k] and self._settled
        if kind == "own-cells":
            return self._by_goal
        if kind == "constant":
            return self._learns and self._reads_data[k]
        if kind == "silent":
            return self._learns
        if kind == "saturated":  # neurons that have learnt all there is are certain, too
            return self._learns and not self._learnt
        return self._learns and self._learnt and kind == "coin"


def _cells(bins):
    """Cells, tuples of bins (K, N, B), that samples occupy, per sample, (N,)."""
    cells = np.zeros(bins.shape[1:], np.int64)
    for own in bins:
        cells = cells * 256 + own
    cells.sort(axis=1)
    return (1 + (np.diff(cells, axis=1) != 0).sum(axis=1)) / cells.shape[1]


def _values(u, span):
    """How many different potentials (N, B) there are, but for rounding, (N,)."""
    gaps = np.diff(np.sort(u, axis=1), axis=1)
    return 1 + (gaps > _ALIKE * span[:, None]).sum(axis=1)


def _copies(theta, varying, size):
    """Which neurons' θ (N, B) go with an earlier one's of their replica, of `size` neurons, (N,).

    varying : those that are compared
    """
    found = np.zeros(len(theta), bool)
    for first in range(0, len(theta), size):
        (own,) = np.nonzero(varying[first : first + size])
        rows = theta[first + own] - theta[first + own].mean(axis=1, keepdims=True)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        for begin in range(0, len(own), _AT_ONCE):
            end = min(begin + _AT_ONCE, len(own))
            r = np.tril(abs(rows[begin:end] @ rows[:end].T), begin - 1)
            found[first + own[begin:end]] = r.max(axis=1, initial=0) >= thresholds.COPY
    return found


def _ends(values, worst):
    """The median of some numbers and the least or most of them."""
    end = values.min() if worst == "least" else values.max()
    return {"median": round(float(np.median(values)), 6), worst: round(float(end), 6)}
