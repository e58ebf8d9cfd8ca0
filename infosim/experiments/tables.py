"""The tables of an experiment file: the settings of each, by name.

What a description of a network has is declared with it; what files alone have is declared here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import signature

from infosim.network import Compartment, Connection, Group, Layer, Network
from infosim.network.optimizers import OPTIMIZERS
from infosim.neuron import Binning
from infosim.settings import Setting, setting, settings
from infosim.tasks.recall import Recalled


@dataclass(frozen=True, kw_only=True)
class Top:
    """What stands above all tables, and which tables there are."""

    title: str = setting("", "`infosim presets` shows it")
    paper: str = setting("", "for readers, as all descriptions: they change nothing")
    doi: str = setting("")
    notes: str = setting("")
    data: Mapping = setting({}, "what is learnt")
    training: Mapping = setting({}, "how long and in which batches, and the seed")
    network: Mapping = setting(doc="what all layers have in common")
    recall: Mapping | None = setting(None, "how an associative memory is asked")
    layers: Mapping = setting(doc="a table each, in the order in which they fire")


@dataclass(frozen=True)
class Data:
    """[data]"""

    name: str = setting(
        "mnist",
        "a data set of `infosim data list`, or the path of a file or folder of "
        "[your own](data.md), from the folder of the file that says so",
    )
    validation: float = setting(
        0.2,
        "part of the training samples that is held out; the seed draws which, without "
        "`training.shuffle` they are the last",
        low=0,
        below=1,
    )
    options: Mapping = setting({}, "how data are made, or your own are read, see below")
    scaling: str = setting(
        "standard",
        "of images: by one mean and one deviation, or not at all",
        choices=("standard", "none"),
    )


@dataclass(frozen=True)
class Training:
    """[training]"""

    epochs: int = setting(100, "passes over the training samples; 0 only measures", low=0)
    batch: int | str = setting(
        1024, "per update; the last of an epoch may be fewer; `all`: all at once", low=1,
        unit="samples", choices=("all",),
    )  # fmt: skip
    seed: int = setting(0, "of everything random", low=0, high=2**32 - 1, varies=True)
    dtype: str = setting(
        "float32", "precision of all that is simulated", choices=("float32", "float64")
    )
    record_every: int = setting(
        10, "atoms are measured in the first of every so many", low=1, unit="batches"
    )
    record_epochs: int | None = setting(
        None,
        "atoms are measured in every so manyth, from 0 on, in each if not given; divides "
        "`training.epochs`",
        low=1,
        unit="epochs",
    )
    evaluate_every: int = setting(
        1,
        "validation and test error are measured in every so manyth; divides `training.epochs`",
        low=1,
        unit="epochs",
    )
    measure_first: bool = setting(
        True, "errors and atoms are measured before anything is learnt, as epoch 0"
    )
    shuffle: bool = setting(
        True, "each epoch has the samples in another order; false where outputs are carried"
    )


@dataclass(frozen=True)
class Shown:
    """What [network] has beside the settings of a `Network`: what a data set gives it."""

    inputs: Mapping = setting(
        {"image": "images", "label": "labels"},
        "name of each input, and what it holds: `images`, `rows` of images, one at each step, "
        "`labels` (1 and 0) or `signed-labels` (+1 and -1)",
        choices=("images", "rows", "labels", "signed-labels"),
    )
    clamped: Mapping = setting(
        {}, "layers whose output begins as the `images`, for memories", choices=("images",)
    )


def _in_order(order, known):
    return {name: known[name] for name in order if name in known}


#: The size of a layer that is as large as the data set has classes, or an image has pixels.
CLASSES, PIXELS = "classes", "pixels"
#: The batch of all training samples.
ALL = "all"
#: Above all tables of a file, but in no resolved settings: the preset or file below it.
EXTENDS = Setting("extends", (str,), None, "the preset or `.toml` file that this one is laid over")
#: Likewise: what it says of where its settings come from (`provenance`).
SOURCES = Setting("sources", (dict,), None, "where settings come from, see [below](#sources)")
TOP = settings(Top)
#: Those that change nothing.
DESCRIPTIONS = tuple(name for name, one in TOP.items() if str in one.kinds)
DATA, TRAINING, SHOWN = settings(Data), settings(Training), settings(Shown)
RECALL = settings(Recalled)
NETWORK = {"inputs": SHOWN["inputs"], **settings(Network), **SHOWN}
BINNING, GROUP, CONNECTION = settings(Binning), settings(Group), settings(Connection)
#: Those of a compartment of several connections; all others are each connection's.
SUM = settings(Compartment)
COMPARTMENT = _in_order(signature(Compartment).parameters, SUM | CONNECTION)
#: By the optimizer's name.
OPTIMIZER = {name: settings(kind) for name, kind in OPTIMIZERS.items()}

#: The tables that each experiment has one of, and those that it may have.
TABLES = {"data": DATA, "training": TRAINING, "network": NETWORK}
OPTIONAL = {"recall": RECALL}
_OF_TABLES = ("compartments", "groups")
#: A layer's settings, with its tables of tables last.
LAYER = dict(sorted(settings(Layer).items(), key=lambda one: one[0] in _OF_TABLES))
LAYER["size"] = replace(
    LAYER["size"],
    kinds=(int, str),
    choices=(CLASSES, PIXELS),
    doc=f"{LAYER['size'].doc}; `{CLASSES}`: as many as the data have classes; `{PIXELS}`: as many "
    f"as an image has pixels, or a pattern bits",
)

#: The names of settings that may be tables which say a schedule.
SCHEDULED = {
    name
    for known in (LAYER, GROUP, BINNING, *OPTIMIZER.values())
    for name, one in known.items()
    if one.scheduled
}
