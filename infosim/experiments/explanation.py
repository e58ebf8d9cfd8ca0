"""One neuron, explained: what it tells, what it is like, and what it gains by."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from infosim.analysis.neurons import PARTS, examine, names
from infosim.errors import CheckpointError, ConfigError, brief, integer, near
from infosim.experiments.neurons import goals_at_end, populations, receptive_fields
from infosim.machine.randomness import Purpose, stream
from infosim.markup import bar, element, image, number, percent, share, table

#: Atoms of which a table tells: those of three sources, and H_res.
_MOST_ATOMS = 19


@dataclass(frozen=True, eq=False)
class Explanation:
    """What is known of one neuron; information in bits, of what is not known None or nothing.

    layer : its name, or that of a group; neuron : its number there; size : of how many
    names : what it is called (`analysis.neurons.KINDS`)
    firing : mean firing probability; entropy : H(Y); noise : H(Y | θ)
    by_class : class -> mean firing probability
    information : I(Y;T) about the class; about : class -> I(Y;[T=c]), about it as yes or no
    similar : the most similar others -> correlation of their firing probabilities
    parts : I(T; Y, Y'), Y' of the most similar: which part (`analysis.neurons.PARTS`) -> bits
    damage : how much the network's error rises without it, fraction
    atoms : label -> the last atoms and H_res; gammas : label -> γ of its goal, the same labels
    fields : compartment -> weights (d,) that read images of `image_shape`
    missing : what would tell more, in words; "" if nothing
    """

    layer: str
    neuron: int
    size: int
    names: tuple[str, ...] = ()
    firing: float | None = None
    entropy: float | None = None
    noise: float | None = None
    by_class: dict = field(default_factory=dict)
    information: float | None = None
    about: dict = field(default_factory=dict)
    similar: dict = field(default_factory=dict)
    parts: dict = field(default_factory=dict)
    damage: float | None = None
    atoms: dict = field(default_factory=dict)
    gammas: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict, repr=False)
    image_shape: tuple[int, ...] | None = None
    missing: str = ""

    @property
    def gains(self):
        """Label -> γ_a Π_a, what each term of its goal adds to it."""
        return {a: self.gammas[a] * bits for a, bits in self.atoms.items() if a in self.gammas}

    @property
    def sentences(self):
        """What is most to say about it, a line each."""
        return tuple(self._sentences())

    def _sentences(self):
        if self.firing is not None:
            yield f"fires in {percent(self.firing)} of samples{self._by_class()}"
            yield f"H(Y) {number(self.entropy)} bits, {number(self.noise)} of them noise"
        if self.information is not None:
            best = max(self.about, key=self.about.get)
            yield (
                f"tells {number(self.information)} bits of the class, most of class {best} "
                f"({number(self.about[best])} bits)"
            )
        if self.similar:
            other, r = next(iter(self.similar.items()))
            parts = [f"{name} {number(bits)}" for name, bits in self.parts.items()]
            with_it = f"; of both about the class: {', '.join(parts)} bits" if parts else ""
            yield f"most similar to {other} (r {number(r, 2)}){with_it}"
        if self.damage is not None:
            change = number(100 * self.damage, 2)
            yield f"without it the error changes by {'+' * (self.damage > 0)}{change} % points"
        gains = sorted(self.gains.items(), key=lambda one: one[1])
        if gains:
            total = number(sum(self.gains.values()))
            most, least = (f"{a} {number(bits)}" for a, bits in (gains[-1], gains[0]))
            yield f"its goal is at {total} bits; the best term is {most}, the worst {least}"
        if self.missing:
            yield self.missing

    def _by_class(self):
        known = {c: p for c, p in self.by_class.items() if np.isfinite(p)}
        if len(known) < 2:
            return ""
        most, least = max(known, key=known.get), min(known, key=known.get)
        return (
            f", {percent(known[most])} of class {most} and {percent(known[least])} of class {least}"
        )

    @property
    def title(self):
        """Its place and what it is called."""
        called = f": {', '.join(self.names)}" if self.names else ""
        return f"{self.layer} {self.neuron}{called}"

    def __str__(self):
        head = f"{self.title} ({self.size} neurons)" if self.size > 1 else self.title
        return "\n".join((head, *(f"  {line}" for line in self.sentences)))

    def body(self, other=str):
        """All of it but title and receptive field, as HTML.

        other : of the number of another neuron, what is written for it
        """
        lines = element("ul", *(element("li", line) for line in self.sentences))
        return lines + element("div", *map(_scrolled, self._tables(other)), class_="tables")

    def _tables(self, other):
        if self.by_class:
            most = max(self.about.values())
            rows = [
                (c, percent(p), share(p, 1), self.about[c], share(self.about[c], most))
                for c, p in self.by_class.items()
            ]
            head = ("class", "fires", "", "bits about it", "")
            yield "What it tells of each class", table(rows, head)
        if self.atoms:
            gains, most = self.gains, max(map(abs, self.atoms.values()))
            top = max(map(abs, gains.values()))
            rows = [
                (a, bits, bar(bits, most), self.gammas[a], gains[a], bar(gains[a], top))
                for a, bits in self._largest().items()
            ]
            head = ("atom", "Π in bits", "", "γ", "γ Π", "")
            of = f", the {len(rows)} largest of {len(gains)}" if len(rows) < len(gains) else ""
            yield f"What it knows of what it reads, and gains by{of}", table(rows, head)
        if self.similar:
            rows = [(other(n), number(r, 2), bar(r, 1)) for n, r in self.similar.items()]
            yield "Most similar neurons of the layer", table(rows, ("neuron", "r", ""))

    def _largest(self):
        """The atoms that are shown: all, or those of the largest magnitude."""
        known = sorted(self.atoms, key=lambda a: -abs(self.atoms[a]))[:_MOST_ATOMS]
        return {a: bits for a, bits in self.atoms.items() if a in known}

    def _repr_html_(self):
        shown = []
        for place, weights in self.fields.items() if self.image_shape else ():
            from infosim.plotting.sprite import sprite

            alt = f"receptive field {place}".strip()
            look = "image-rendering:pixelated;border:1px solid #ccc"
            picture = sprite([weights], self.image_shape).png
            shown.append(image(picture, "png", alt, height=140, style=look))
        return element("div", element("h4", self.title), *shown, self.body())


def _scrolled(titled):
    """A table under its title, wide ones to be scrolled, also by keyboard."""
    title, made = titled
    look = {"class_": "scroll", "tabindex": 0, "role": "region", "aria_label": title}
    return element("div", element("p", element("strong", title)), element("div", made, **look))


class Explainer:
    """Explains the neurons of a run by what its directory holds.

    results : RunResults

    Raises
    ------
    CheckpointError : files that are damaged
    """

    def __init__(self, results):
        config = results.config
        self._results, self.populations = results, populations(config)
        self.fields = receptive_fields(config, results.weights, results.path)
        self.goals = goals_at_end(config, results.history)
        self.examination, self.missing = results.examination, results.unexamined
        self._check()

    def _check(self):
        """Raise unless atoms and weights are of the neurons that settings tell of."""
        path = self._results.path
        for layer, own in self.populations.items():
            size = max(one.stop for one in own.values())
            for place, rows in self.fields[layer].items():
                if rows.ndim != 2 or len(rows) != size:
                    where = path / "weights.npz"
                    raise CheckpointError(
                        f"{where} is damaged: weights of {layer}{place} have shape {rows.shape}, "
                        f"there are {size} neurons"
                    )
            for name, one in own.items():
                atoms, goal = self._results.atoms.get(name), self.goals.get(name)
                if atoms is None:
                    continue
                labels = () if goal is None else goal.labels
                named = tuple(self._results.labels[name]) == labels
                if not named or not len(atoms) or atoms.shape[1] != one.stop - one.start:
                    raise CheckpointError(
                        f"{path / 'atoms.npz'} is damaged: atoms of {name} have shape "
                        f"{atoms.shape}, or are others than those of its goal"
                    )

    @cached_property
    def names(self):
        """Layer -> what each of its neurons is called, as of `analysis.neurons.names`."""
        layers = {} if self.examination is None else self.examination.layers
        classes, readout = self._results.classes, self._results.config["network"]["readout"]
        return {name: names(one, classes, name == readout) for name, one in layers.items()}

    def __call__(self, where, neuron):
        """The `Explanation` of a neuron of a layer, or of a group.

        Raises
        ------
        ConfigError : there is none
        """
        found = _found(where, neuron, self.populations)
        atoms, goal = self._results.atoms.get(found.population), self.goals.get(found.population)
        known = {}
        if self.examination is not None:
            neurons = self.examination.layers[found.layer]
            known = _known(neurons, found, self.names[found.layer], self._results.classes)
        return Explanation(
            **found.place,
            **known,
            **_goal(None if atoms is None else atoms[-1, found.within], goal),
            fields={
                place.lstrip("/"): rows[found.at]
                for place, rows in self.fields[found.layer].items()
            },
            image_shape=self._results.image_shape,
            missing=self.missing,
        )


def explain(simulator, where, neuron, samples, labels=None, *, batch=1024, image_shape=None):
    """`Simulator.explain`."""
    layers = {name: layer.spec for name, layer in simulator.layers.items()}
    found = _found(
        where,
        neuron,
        {
            name: {own: one.neurons for own, one in spec.populations.items()}
            for name, spec in layers.items()
        },
    )
    layer, epoch = simulator[found.layer], max(len(simulator.histories[0]) - 1, 0)
    samples = simulator.samples(samples)
    left_out = {} if found.layer == simulator.network.readout else {found.layer: [found.at]}
    looks = examine(simulator, samples, labels, epoch=epoch, lesions=left_out)
    atoms = _atoms(simulator, layer, samples, epoch, batch) if layer.spec.has_goal else None
    result = []
    for replica, look in enumerate(looks if simulator.n_replicas > 1 else [looks]):
        neurons = look.layers[found.layer]
        goal = None
        if atoms is not None:
            goal = layer.aim.goals[found.population][replica].at(layer.clock.last)
        result.append(
            Explanation(
                **found.place,
                **_known(neurons, found, names(neurons, readout=not left_out)),
                **_goal(None if atoms is None else atoms[replica, found.at], goal),
                fields=_fields(simulator, layer, replica, found.at),
                image_shape=image_shape,
            )
        )
    return result if simulator.n_replicas > 1 else result[0]


def _atoms(simulator, layer, samples, epoch, batch):
    """Atoms and H_res (R, n, A + 1) in samples with their targets, as training measures them."""
    size, time = min(integer("batch", batch), len(samples)), simulator.time
    positions, total, n = np.arange(len(samples) // size * size), 0.0, 0
    with simulator.workers.engaged():
        try:
            for _ in simulator.passing(
                samples, stream=stream(Purpose.FREE, epoch), at_once=size, positions=positions
            ):
                total, n = total + simulator.atoms(layer.spec.name), n + 1
        finally:
            simulator.time = time
    return (total / n).reshape(simulator.n_replicas, layer.spec.size, -1)


def _fields(simulator, layer, replica, at):
    """The dense weights by which a neuron reads inputs but the target, by compartment."""
    arrays, found = simulator.arrays(replica), {}
    inputs = set(simulator.network.inputs) - {simulator.network.target}
    for compartment in layer.compartments:
        for own, connection in compartment.named:
            place = f"{compartment.spec.name}/{own}".rstrip("/")
            name = f"{layer.spec.name}/{place}"
            if connection.spec.source in inputs and f"{name}/index" not in arrays:
                found[place] = np.array(simulator.kernels.host(arrays[f"{name}/weights"][at]))
    return found


# -- which neuron, and what of it ------------------------------------------------------------------


class _Found(NamedTuple):
    """A neuron: what it was asked for as, its layer and population, and its number in each."""

    place: dict
    layer: str
    population: str
    at: int
    within: int


def _found(where, neuron, layers):
    """The neuron of that number in a layer, or in a group.

    layers : name -> populations, name -> slice

    Raises
    ------
    ConfigError : there is none
    """
    groups = {name: layer for layer, own in layers.items() for name in own}
    known = dict.fromkeys([*layers, *groups])
    if not isinstance(where, str) or where not in known:
        raise ConfigError(f"no layer {brief(where)}; {near(where, known)}")
    layer = where if where in layers else groups[where]
    own = layers[layer]
    ends = own[where] if where in own else slice(0, max(one.stop for one in own.values()))
    size = ends.stop - ends.start
    number = integer(f"the neuron of {where!r}", neuron, 0, size - 1)
    at = ends.start + number
    population = next(name for name, one in own.items() if one.start <= at < one.stop)
    place = {"layer": where, "neuron": number, "size": size}
    return _Found(place, layer, population, at, at - own[population].start)


def _known(neurons, found, called, classes=None):
    """What of an `Explanation` is in the `Neurons` of its layer; called : their names."""
    n, known = found.at, {}
    near_ones = zip(neurons.similar[n].tolist(), neurons.similarity[n].tolist(), strict=True)
    if neurons.information is not None:
        numbers = range(neurons.about.shape[1])
        keys = numbers if classes is None else classes
        known = {
            "by_class": dict(zip(keys, neurons.by_class[n].tolist(), strict=True)),
            "information": float(neurons.information[n]),
            "about": dict(zip(keys, neurons.about[n].tolist(), strict=True)),
        }
        if neurons.similar.shape[1]:
            known["parts"] = dict(zip(PARTS, neurons.parts[n].tolist(), strict=True))
    if neurons.damage is not None and np.isfinite(neurons.damage[n]):
        known["damage"] = float(neurons.damage[n])
    return known | {
        "names": tuple(words for _, words in called[n]),
        "firing": float(neurons.firing[n]),
        "entropy": float(neurons.entropy[n]),
        "noise": float(neurons.noise[n]),
        "similar": dict(near_ones),
    }


def _goal(atoms, goal):
    """The atoms (A + 1,) of a neuron by label, and the γ of its goal, where there are any."""
    if goal is None:
        return {}
    gammas = dict(zip(goal.labels, goal.gamma.tolist(), strict=True))
    found = {} if atoms is None else dict(zip(goal.labels, atoms.tolist(), strict=True))
    return {"atoms": found, "gammas": gammas}
