"""What is put together to explain a neuron: of a run's directory, or of a simulator."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from infosim.analysis.neurons import PARTS, examine, names
from infosim.errors import CheckpointError, ConfigError, brief, integer, near
from infosim.experiments.explanation import Explanation
from infosim.experiments.neurons import goals_at_end, populations, receptive_fields
from infosim.machine.randomness import Purpose, stream


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
        encoding = results.encoding
        self._features = None if encoding is None else encoding.feature_names
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
            features=self._features,
            missing=self.missing,
        )


def explain(
    simulator, where, neuron, samples, labels=None, *, batch=1024, image_shape=None, features=None
):
    """`Simulator.explain`."""
    if features is not None:
        features = tuple(map(str, features))
    if image_shape is not None:
        from infosim.plotting.plots import image_planes

        image_planes(image_shape)  # what is no image is said now
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
                features=features,
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
