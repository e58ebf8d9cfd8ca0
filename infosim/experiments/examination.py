"""examination.npz: what neurons do in data, looked at once, for reports without the data set."""

from dataclasses import fields

import numpy as np

from infosim.analysis.neurons import PARTS, Examination, Neurons, examine
from infosim.errors import CheckpointError, ConfigError
from infosim.experiments import store
from infosim.experiments.experiment import Experiment

FILE = "examination.npz"

#: Arrays of layers are told from others by what their names begin with.
_OF_LAYERS = "layers/"
#: What is one number of an examination: its kind, and what stands for None.
_NUMBERS = {
    "epoch": ("i", None), "samples": ("i", None), "trained": ("i", None), "error": ("f", np.nan),
    "lesioned": ("i", -1),
}  # fmt: skip
#: The shape of each array of a layer of n neurons: m others, C classes.
_SHAPES = {
    "firing": "n", "entropy": "n", "noise": "n", "similar": "nm", "similarity": "nm",
    "by_class": "nC", "information": "n", "about": "nC", "parts": "n4", "damage": "n", "probe": "",
}  # fmt: skip
#: Those without which there is no layer.
_ALWAYS = tuple(_SHAPES)[:5]


def examine_run(results, *, dataset=None, threads=None, report=None):
    """Look at the neurons of a run as it was last saved, and write examination.npz beside it.

    results : RunResults; threads : of the simulator
    dataset : what it was trained on, where that was given in Python (`Experiment.on`)
    report : called with how many of how many neurons were left out

    Returns
    -------
    Examination

    Raises
    ------
    CheckpointError : the directory is in use, cannot be written, or its weights do not fit
    ConfigError, DataError : the data set cannot be had
    """
    epoch = len(results.metrics["epoch"]) - 1
    with store.held(results.path) as (held,):
        experiment = Experiment(results.path.name, results.config)
        if dataset is not None:
            experiment = experiment.on(dataset)
            if experiment.config["data"] != results.config["data"]:
                raise ConfigError(f"{results.path} was trained on other data than {dataset.name}")
        dataset = experiment.dataset()
        train, _, test = experiment.samples(dataset)
        found = examine(
            results.simulator(threads=threads),
            test,
            _labels(results.config, dataset, "test", test),
            train=train,
            train_labels=_labels(results.config, dataset, "train", train),
            epoch=max(epoch, 0),
            report=report,
        )
        held.check()
        classes = getattr(dataset, "class_names", None)
        write(results.path / FILE, found, classes)
    return found


def _labels(config, dataset, part, samples):
    """The labels of samples that have no target, of a data set that has classes; else None."""
    labels = getattr(dataset, f"{part}_y")
    rows = {len(array) for array in samples.arrays.values()}
    if config["network"]["target"] or dataset.n_classes < 2 or rows != {len(labels)}:
        return None
    return labels[samples.index]


def write(path, examination, classes=None):
    """Write an `Examination` atomically; classes : what classes are called, or None."""
    arrays = {}
    for name, (_, nothing) in _NUMBERS.items():
        value = getattr(examination, name)
        arrays[name] = np.array(nothing if value is None else value)
    if examination.counts is not None:
        arrays["counts"] = examination.counts
        if classes is not None:
            known = classes[: len(examination.counts)]  # labels may stop short of the last classes
            arrays["classes"] = np.array([str(one) for one in known])
    for layer, neurons in examination.layers.items():
        for field in fields(neurons):
            value = getattr(neurons, field.name)
            if value is not None:
                arrays[f"{_OF_LAYERS}{layer}/{field.name}"] = np.asarray(value)
    store.write_arrays(path, arrays)


def read(path, config):
    """The `Examination` in a file that `write` wrote of a run with these settings, and what its
    classes are called, None if they have numbers; None for both without such a file.

    Raises
    ------
    CheckpointError : it is damaged, or of another network
    """
    try:
        arrays = store.read_arrays(path)
    except CheckpointError:
        if path.is_symlink() or path.exists():
            raise
        return None, None
    try:
        return _read(arrays, config)
    except (KeyError, ValueError, IndexError, SystemError) as error:
        reason = f"no {error.args[0]}" if isinstance(error, KeyError) else error
        raise CheckpointError(f"{path} is damaged, or of another network: {reason}") from None


def _read(arrays, config):
    numbers = {}
    for name, (kind, nothing) in _NUMBERS.items():
        value = _array(arrays, name, kind, ())
        none = nothing is not None and (np.isnan(value) if kind == "f" else value == nothing)
        numbers[name] = None if none else value.item()
    counts = _array(arrays, "counts", "i", (None,)) if "counts" in arrays else None
    sizes = {"4": len(PARTS), "C": None if counts is None else len(counts)}
    layers = {}
    for layer, settings in config["layers"].items():
        sizes["n"] = settings["size"]
        sizes["m"] = arrays.get(f"{_OF_LAYERS}{layer}/similar", np.empty((0, 0))).shape[-1]
        found = {}
        for name, axes in _SHAPES.items():
            key = f"{_OF_LAYERS}{layer}/{name}"
            if name in _ALWAYS or key in arrays:
                kind, shape = "i" if name == "similar" else "f", [sizes[one] for one in axes]
                found[name] = _array(arrays, key, kind, shape)
        if {"by_class", "information", "about", "parts"} & found.keys() and counts is None:
            raise ValueError("classes without their numbers")
        if counts is not None and not {"by_class", "information", "about", "parts"} <= found.keys():
            raise ValueError(f"{layer} lacks what it tells of the classes")
        similar = found["similar"]
        if similar.size and not (similar.min() >= 0 and similar.max() < sizes["n"]):
            raise ValueError(f"{layer} has no neuron {similar.max()}")
        if "probe" in found:
            found["probe"] = float(found["probe"])
        layers[layer] = Neurons(**found)
    classes = None
    if counts is not None and "classes" in arrays:
        classes = tuple(_array(arrays, "classes", "U", counts.shape).tolist())
    return Examination(**numbers, layers=layers, counts=counts), classes


def _array(arrays, name, kind, shape):
    """The array of that name, if it is of that kind and shape; None: any length."""
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        wanted in (None, have) for wanted, have in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind != kind or not fits:
        raise ValueError(f"{name} is {array.dtype} {array.shape}")
    return array
