"""An experiment: resolved settings, and the network and samples that they say."""

import json
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path

import numpy as np

from infosim import datasets
from infosim.datasets import Dataset
from infosim.engine.training import Training
from infosim.errors import ConfigError, InfosimError, brief
from infosim.experiments.follow import fitted, hash_of, needs_data
from infosim.experiments.identity import key
from infosim.experiments.provenance import check
from infosim.experiments.reading import laid, override, preset_names, read_files
from infosim.experiments.resolve import connections, resolve
from infosim.experiments.tables import SHOWN
from infosim.network import Compartment, Connection, Group, Layer, Network
from infosim.network.optimizers import OPTIMIZERS
from infosim.neuron import Activation, Binning
from infosim.tasks import task_of


def _compartment(name, settings):
    """The Compartment of resolved settings."""
    if "connections" not in settings:
        return Compartment(name, **settings)
    try:
        several = [Connection(**one) for one in connections(settings)]
    except InfosimError as error:
        raise type(error)(f"compartment {name!r}: {error}") from None
    return Compartment(name, connections=several, bias=settings["bias"])


def _layer(name, settings):
    """The Layer of resolved settings."""
    activation, optimizer = dict(settings["activation"]), dict(settings["optimizer"])
    clamp, kind = activation.pop("clamp"), OPTIMIZERS[optimizer.pop("name")]
    try:
        parts = {
            "compartments": [_compartment(*one) for one in settings["compartments"].items()],
            "activation": Activation(activation.pop("name"), activation, clamp),
            "binning": Binning(**settings["binning"]),
            "optimizer": kind(**optimizer),
            "groups": [Group(key, **_said(one)) for key, one in settings.get("groups", {}).items()],
        }
        return Layer(name=name, **_said(settings) | parts)
    except InfosimError as error:
        where = f"layer {name!r}"
        where = "" if where in str(error) else f"{where}: "
        raise type(error)(f"{where}{error}") from None


def _said(settings):
    """Settings as descriptions take them: no text is None."""
    return {name: None if one == "" else one for name, one in settings.items()}


def _check_rows(where, dataset, steps):
    """Raise unless images have as many rows as there are steps to show one each."""
    n_rows, *columns = dataset.image_shape
    if len(columns) != 1:
        raise ConfigError(f"{where}: images of {dataset.name} are {dataset.image_shape}, not rows")
    if n_rows != steps:
        raise ConfigError(
            f"{where}: images of {dataset.name} have {n_rows} rows, one is shown at each step, but "
            f"network.steps was {steps}"
        )


@dataclass(frozen=True)
class Experiment:
    """A resolved experiment: what to train, on what, and how.

    name : preset name or file stem; config : the resolved settings, a plain table
    data : the Dataset, where it has been read or given already; notes : what was done to it, and
        which settings follow it, in lines to be said
    """

    name: str
    config: dict
    data: Dataset | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def load(cls, name, overrides=()):
        """Read a preset or a .toml file and lay overrides over it.

        Data of one's own are read, and settings that follow them filled in.

        overrides : texts `key.path=value`, or pairs (key path, value)

        Raises
        ------
        ConfigError : unknown preset (with near matches), unreadable file, unknown key, bad value
        DataError : as of `datasets.read_own`
        """
        return cls.loader(name)(overrides)

    @classmethod
    def loader(cls, name, folder=".", measured=True):
        """A function of overrides that is `load` of this file, which is read once, as are data.

        folder : from which paths of data in overrides are
        measured : as of `resolve`; false of what measures in its own way
        """
        files, last = read_files(str(name)), {}
        check(files)
        table, _ = laid(files)
        label = str(name) if str(name) in preset_names() else Path(name).stem

        def load(overrides=()):
            config = resolve(override(table, overrides, folder), measured)
            if not needs_data(config):
                return cls(label, config)
            data, seed = config["data"], config["training"]["seed"]
            asked = json.dumps([data, None if datasets.is_own(data["name"]) else seed])
            if asked not in last:
                last.clear()
                last[asked] = cls(label, config).dataset()
            return cls(label, *fitted(config, last[asked]))

        return load

    def on(self, dataset):
        """This experiment on a Dataset of your own, as of `Dataset.of` or `read_own`.

        Settings follow it as they do if it is named by them. They then hold the hash of what it
        holds, but not where it is: to resume a run, or to make it again, give it again.

        Raises
        ------
        ConfigError : it is no Dataset
        """
        if not isinstance(dataset, Dataset):
            raise ConfigError(f"an experiment is on a Dataset, was {brief(dataset)}")
        options = datasets.complete("", {"sha256": hash_of(dataset)})
        config = {**self.config, "data": {**self.config["data"], "name": "", "options": options}}
        return Experiment(self.name, *fitted(config, dataset))

    @property
    def key(self):
        """A name for these very settings: a hash of all that is not a default or a description."""
        return key(self.config)

    @property
    def training(self):
        """What `Training` takes of the settings, by its names."""
        taken = signature(Training).parameters
        return {name: one for name, one in self.config["training"].items() if name in taken}

    def dataset(self):
        """The data set, loaded, or made from the seed of training.

        Raises
        ------
        ConfigError, DataError : as of `datasets.load`; data of one's own that are not named
        """
        data = self.config["data"]
        if self.data is not None:
            return self.data
        if not data["name"]:
            given = data["options"]["sha256"]
            raise ConfigError(
                f"{self.name}: its data set was given in Python; give it again: Experiment.on"
                if given
                else f"{self.name} needs data of your own: --dataset FILE, or data.name"
            )
        return datasets.load(data["name"], data["options"], self.config["training"]["seed"])

    def network(self, dataset):
        """The Network for the image size and classes of a Dataset, or of its encoding."""
        settings = self.config["network"]
        for name, kind in settings["inputs"].items():
            if kind == "rows":
                _check_rows(f"network.inputs.{name}", dataset, settings["steps"])
        units = {"images": int(np.prod(dataset.image_shape)), "rows": dataset.image_shape[-1]}
        return Network(
            inputs={
                name: units.get(kind, dataset.n_classes)
                for name, kind in settings["inputs"].items()
            },
            layers=[_layer(name, table) for name, table in self.config["layers"].items()],
            **_said({name: one for name, one in settings.items() if name not in SHOWN}),
        )

    def task(self, dataset):
        """The `Task` that it is on its data set."""
        return task_of(self.config, dataset)

    def samples(self, dataset):
        """Training, validation (or None) and test Samples (`Task.samples`)."""
        return self.task(dataset).samples()

    def error(self, dataset):
        """What it is measured by, as `Training` takes it, or None (`Task.measure`)."""
        return self.task(dataset).measure
