"""encoding.json: what was done to a user's own data before a run saw them, to do it to others."""

import re
from dataclasses import replace
from pathlib import Path

from infosim import datasets
from infosim.datasets import load_encoding
from infosim.datasets.own import ImageEncoding, to_json
from infosim.datasets.own.split import Split
from infosim.errors import CheckpointError, DataError
from infosim.experiments import store

ENCODING = "encoding.json"


def encoding_of(dataset, scaled):
    """The encoding of a data set; of one that has none, that of its images as they are.

    scaled : whether a network is shown images that are standardised by its mean and deviation
    """
    found = dataset.encoding
    if found is None:
        names = dataset.class_names or tuple(map(str, range(dataset.n_classes)))
        found = ImageEncoding(
            class_names=names, target=None, source=dataset.name, sha256="", notes=(),
            split=Split("given", len(dataset.train_x), len(dataset.test_x)),
            image_shape=tuple(dataset.image_shape), pixels=str(dataset.train_x.dtype), resize=None,
        )  # fmt: skip
    return replace(found, moments=(dataset.mean, dataset.std) if scaled else None)


def write_encodings(outs, experiments, dataset):
    """Write the encoding of each run on data of a user's own."""
    for out, one in zip(outs, experiments, strict=True):
        data = one.config["data"]
        if datasets.is_own(data["name"]):
            text = to_json(encoding_of(dataset, data["scaling"] == "standard"))
            store.write_text(out / ENCODING, text)


def read_encoding(path, config):
    """The encoding in a run's file; config : the run's

    Raises
    ------
    CheckpointError : missing, damaged or of other data
    """
    try:
        found = load_encoding(path)
    except DataError as error:
        raise CheckpointError(f"{path.parent} cannot be used: {error}") from None
    readout = config["layers"].get(config["network"]["readout"])
    if readout is not None and readout["size"] != found.n_classes:
        raise CheckpointError(
            f"{path} is another run's: it has {found.n_classes} classes, the readout "
            f"{readout['size']} neurons"
        )
    data = config["data"]
    if data["name"] and found.sha256 != data["options"]["sha256"]:
        raise CheckpointError(f"{path} is another run's: config.toml has other data (sha256)")
    return found


def called(config):
    """What the data set of resolved settings is called in names of directories and in titles."""
    name = config["data"]["name"]
    if datasets.is_own(name):
        return re.sub(r"[^\w.-]+", "-", Path(name).stem)[:60].strip("-") or "own"
    return name
