"""Settings that follow the data: sizes by the number of classes, the batch by that of rows."""

import hashlib
import math

import numpy as np

from infosim import datasets
from infosim.experiments.tables import ALL, CLASSES, PIXELS
from infosim.tasks import task_of

#: Rows that are hashed at once.
_AT_ONCE = 4096


def needs_data(config):
    """Whether resolved settings are not whole without their data set, and it is named."""
    name = config["data"]["name"]
    following = [config["training"]["batch"] == ALL]
    following += [layer["size"] in (CLASSES, PIXELS) for layer in config["layers"].values()]
    return name != "" and (datasets.is_own(name) or any(following))


def fitted(config, dataset):
    """Resolved settings with those filled in that follow the data set.

    Layers of size "classes" get its number of classes, those of size "pixels" that of an image's
    pixels, and a batch of "all" the number of training rows. With data of one's own the readout
    gets the classes in any case, `training.batch` falls to the training rows that there are, and
    options hold the content's hash and the name of the target.

    Returns
    -------
    config, dataset
    notes : tuple of lines, what was done to the data and what followed
    """
    own = datasets.is_own(config["data"]["name"])
    layers, notes = dict(config["layers"]), []
    readout = config["network"]["readout"] if config["network"]["target"] else ""
    for name, layer in layers.items():
        size, follows = layer["size"], own and name == readout and "groups" not in layer
        if size == PIXELS:
            layers[name] = {**layer, "size": math.prod(dataset.image_shape)}
        elif size == CLASSES or (follows and size != dataset.n_classes):
            layers[name] = {**layer, "size": dataset.n_classes}
            if size != CLASSES:
                notes.append(
                    f"layers.{name}.size is {dataset.n_classes}, the number of classes, not {size}"
                )
    config = {**config, "layers": layers}
    training = config["training"]
    if not own and training["batch"] != ALL:
        return config, None, ()
    n = len(task_of(config, dataset).split()[0])
    if training["batch"] == ALL:
        config["training"] = {**training, "batch": n}
    if not own:
        return config, None, ()
    encoding, data = dataset.encoding, config["data"]
    if data["name"]:
        options = {**data["options"], "sha256": encoding.sha256}
        if encoding.target is not None:
            options["target"] = encoding.target
        config["data"] = {**data, "options": options}
    if config["training"]["batch"] > n:
        notes.append(f"training.batch is {n}, all training rows, not {config['training']['batch']}")
        config["training"] = {**config["training"], "batch": n}
    if encoding is not None:
        notes = [f"{encoding.source}: {encoding.split}", *encoding.notes, *notes]
    return config, dataset, tuple(notes)


def hash_of(dataset):
    """A hash of all that a Dataset holds."""
    digest = hashlib.sha256()
    for name in ("train_x", "train_y", "test_x", "test_y", "train_factors", "test_factors", "cues"):
        array = getattr(dataset, name)
        if array is not None:
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            for first in range(0, len(array), _AT_ONCE):  # some are on disk
                rows = array[first : first + _AT_ONCE]
                digest.update(np.ascontiguousarray(rows).data)
    digest.update(repr((dataset.image_shape, dataset.n_classes, dataset.class_names)).encode())
    return digest.hexdigest()
