"""What can be odd about neurons, in words and with what to do about it."""

from dataclasses import asdict, dataclass, field
from typing import NamedTuple

import numpy as np

from infosim.analysis.health import thresholds


class Kind(NamedTuple):
    """A kind of finding: how it goes on after "3 of 100 neurons", in a word or two, what to do."""

    says: str
    short: str
    advice: str


KINDS = {
    "constant": Kind(
        "have the same potential in all samples",
        "constant",
        "the input is silent or never changes, or the weights are 0",
    ),
    "outside": Kind(
        f"have over {thresholds.OUTSIDE:.0%} of their potentials outside the range of the bins",
        "outside the bins",
        "scale the data (data.scaling, or each column to mean 0 and deviation 1), take a wider "
        'range (binning.low and high) or binning.kind = "adaptive"',
    ),
    "one-bin": Kind(
        "have potentials that differ, but are as good as all in one bin",
        "in one bin",
        "take a narrower range (binning.low and high) or more bins, "
        'binning.kind = "adaptive", or scale the data; one far outlier does the same to bins that '
        "adapt",
    ),
    "two-bins": Kind(
        "have more than two potentials in two bins at most",
        "in two bins",
        "bins tell little of these potentials: a narrower range (binning.low and high) or "
        'binning.kind = "adaptive" tells more',
    ),
    "own-cells": Kind(
        "have a cell of bins of its own for nearly every sample",
        "with cells of their own",
        "what they seem to know is bias: take a larger training.batch or fewer bins",
    ),
    "silent": Kind(
        "fire always or never",
        "silent",
        "their output tells nothing: scale the data (data.scaling, or each column), or take a "
        "smaller rate, more weight_decay, or a goal that does not punish H_res",
    ),
    "coin": Kind(
        "fire by lot, whatever they read",
        "random",
        "their output is noise: more epochs, a larger rate, or a goal that does not reward H_res",
    ),
    "saturated": Kind(
        "are certain of their output in every sample",
        "saturated",
        "they hardly learn any more: a smaller rate, more weight_decay or smaller inputs, if that "
        "is too early",
    ),
    "copy": Kind(
        "do the same, or the opposite, as an earlier neuron of the layer",
        "copying others",
        "they tell nothing new: a goal that punishes what lateral compartments know, other initial "
        "weights, or fewer neurons",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What is odd about some neurons of a population.

    kind : of `KINDS`; population : as results call it; compartment : its name, or None
    neurons : which, as arrays of the layer count them; of : how many the population has
    warning : whether training is senseless while that is so
    """

    kind: str
    population: str
    compartment: str | None
    neurons: tuple[int, ...]
    of: int
    warning: bool = False

    @property
    def advice(self):
        """What to do about it, in words."""
        return KINDS[self.kind].advice

    def __str__(self):
        where = self.population + (f"/{self.compartment}" if self.compartment else "")
        return f"{where}: {len(self.neurons)} of {self.of} neurons {KINDS[self.kind].says}"


@dataclass(frozen=True)
class Health:
    """What was measured, and found, in samples that a network was shown.

    epoch : after which; samples, batch : how many, in batches of how many
    measured : population -> how many `neurons`; H(Y), `entropy`, and the mean entropy at given θ,
        `noise`, in bits, the median and the worst of them each; occupied `cells` per sample,
        likewise, without a goal None; and `compartments`, name -> how many `bins` there are and
        were `reached`, likewise, and the share of potentials `outside` a fixed range, or None
    findings : `Finding` of each kind and place there is any, warnings first
    """

    epoch: int
    samples: int
    batch: int
    measured: dict = field(repr=False)
    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self):
        """The findings that make training senseless, in words with what to do."""
        return [f"{one}; {one.advice}" for one in self.findings if one.warning]

    def lines(self):
        """All findings in short, a line for each population."""
        found = {}
        for one in self.findings:
            of = f"{one.compartment} " if one.compartment else ""
            words = f"{of}{len(one.neurons)} {KINDS[one.kind].short}"
            found.setdefault((one.population, one.of), []).append(words)
        return [
            f"{name}, of {n} neuron{'s' * (n > 1)}: {', '.join(words)}"
            for (name, n), words in found.items()
        ]

    def table(self):
        """All of it in plain values, as JSON can hold it; `of` reads it back."""
        findings = [
            asdict(one) | {"neurons": _ranges(one.neurons), "says": f"{one}; {one.advice}"}
            for one in self.findings
        ]
        return {
            "epoch": self.epoch,
            "samples": self.samples,
            "batch": self.batch,
            "findings": findings,
            "measured": self.measured,
        }

    @classmethod
    def of(cls, table):
        """The Health that `table` made these plain values of, which may come from anywhere.

        Raises
        ------
        ValueError : it did not, and why
        """
        numbers = [_checked(table, name, int) for name in ("epoch", "samples", "batch")]
        measured = _checked(table, "measured", dict)
        sizes = {name: _checked(one, "neurons", int) for name, one in measured.items()}
        findings = []
        for one in _checked(table, "findings", list):
            kind, population = _checked(one, "kind", str), _checked(one, "population", str)
            n = sizes.get(population)
            if kind not in KINDS or n is None or _checked(one, "of", int) != n:
                raise ValueError(f"a finding {kind!r} of {population!r} cannot be")
            compartment = one.get("compartment")
            if compartment is not None and not isinstance(compartment, str):
                raise ValueError(f"a compartment {compartment!r} cannot be")
            layer = population.partition("/")[0]
            most = sum(sizes[name] for name in sizes if name.partition("/")[0] == layer)
            neurons = _numbers(_checked(one, "neurons", str), most)
            warning = _checked(one, "warning", bool)
            findings.append(Finding(kind, population, compartment, neurons, n, warning))
        return cls(*numbers, measured, tuple(findings))


def _ranges(numbers):
    """Increasing numbers as a text: "0-3, 7"."""
    parts = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ", ".join(f"{own[0]}-{own[-1]}" if len(own) > 1 else f"{own[0]}" for own in parts)


def _numbers(text, most):
    """The numbers in such a text, all of them below `most`."""
    found, before = [], -1
    for part in text.split(", "):
        first, _, last = part.partition("-")
        last = last or first
        if not (first.isdecimal() and last.isdecimal() and len(part) < 40):
            raise ValueError(f"{part[:40]!r} are no neurons")
        if not before < int(first) <= int(last) < most:
            raise ValueError(f"{part!r} are not neurons of {most}, in order")
        found += range(int(first), int(last) + 1)
        before = int(last)
    return tuple(found)


def _checked(table, name, kind):
    """table[name], if `table` is one and that is of this kind."""
    value = table.get(name) if isinstance(table, dict) else None
    if type(value) is not kind:
        raise ValueError(f"it has no {name}")
    return value
