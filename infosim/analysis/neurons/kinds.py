"""Names for what is seen of a neuron. docs/report.md has them with their thresholds."""

import numpy as np

from infosim.analysis.health import thresholds

#: What a neuron can be called -> what that means.
KINDS = {
    "silent": "fires always or never",
    "coin": "fires by lot, whatever it reads",
    "copy": "does the same, or the opposite, as another",
    "class": "most of what it tells of the class is about a single one",
    "mixed": "tells several classes from others",
    "unrelated": "tells nothing of the class",
}


def names(neurons, classes=None, readout=False):
    """What each of the `Neurons` is called: a tuple of (kind, words) each, maybe none.

    classes : how the classes are called, by default by their numbers
    readout : whether they are the readout's, two of which say the same twice, as they should
    """
    copies = not (readout and len(neurons) == 2)
    return [_names(neurons, n, classes, copies) for n in range(len(neurons))]


def _names(neurons, n, classes, copies):
    if neurons.entropy[n] < thresholds.SILENT:
        return (("silent", "always fires" if neurons.firing[n] > 0.5 else "silent"),)
    if neurons.noise[n] >= thresholds.COIN:
        return (("coin", "coin"),)
    found = []
    alike = abs(neurons.similarity[n, :1]) >= thresholds.COPY  # none of a single neuron
    if copies and alike.any():
        how = "copy" if neurons.similarity[n, 0] > 0 else "opposite"
        found.append(("copy", f"{how} of {neurons.similar[n, 0]}"))
    if neurons.information is not None:
        found.append(_of_classes(neurons, n, classes))
    return tuple(found)


def _of_classes(neurons, n, classes):
    total, best = neurons.information[n], int(np.argmax(neurons.about[n]))
    if total < thresholds.TOLD:
        return "unrelated", "unrelated to the class"
    if neurons.about[n, best] >= thresholds.ONE_CLASS * total:
        return "class", f"class neuron of {best if classes is None else classes[best]}"
    return "mixed", "mixed"
