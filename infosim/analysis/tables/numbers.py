"""All that decompositions of tables found, as rows of numbers."""

import numpy as np

from infosim.errors import ConfigError


def rows_of(study):
    """Of each question, measure and quantity a dict: all that was found, in bits.

    "quantity" is "atom", "information" I(T:set), "conditional" I(T:source|others),
    "co-information", "total correlation", "entropy" H(T) or "residual entropy" H(T|sources);
    "label" the atom, set or source. Where nothing is known, there is None.
    """
    return [row for question in study.questions for row in rows_about(question, True)]


def rows_about(question, named):
    """The same of one question; `named` : whether rows say of which."""
    about = {}
    if named:
        names = [source.name for source in question.sources]
        about = {"target": question.target.name, "sources": names}
    found = []
    for measure, one in question.by.items():
        intervals, bias = question.intervals.get(measure), question.bias.get(measure)
        for label, bits, more, less in zip(
            one.labels, one.atoms.tolist(), _listed(one.informative), _listed(one.misinformative),
            strict=False,
        ):  # fmt: skip
            found.append(
                about | {"measure": measure, "quantity": "atom", "label": label, "bits": bits,
                         "informative": more, "misinformative": less}
                | _beside(intervals, bias, None, "atoms", label)
            )  # fmt: skip
    measure, one = next(iter(question.by.items()))
    intervals, bias = question.intervals.get(measure), question.bias.get(measure)
    for quantity, values, kind in (
        ("information", one.informations, "informations"),
        ("conditional", one.conditional if len(one.names) > 1 else {}, "conditional"),
    ):
        for label, bits in values.items():
            found.append(
                about | {"measure": None, "quantity": quantity, "label": label, "bits": bits,
                         "informative": None, "misinformative": None}
                | _beside(intervals, bias, question.test, kind, label)
            )  # fmt: skip
    for quantity, bits in (
        ("co-information", one.co_information),
        ("total correlation", one.total_correlation),
        ("entropy", one.entropy),
        ("residual entropy", one.residual_entropy),
    ):
        found.append(
            about | {"measure": None, "quantity": quantity, "label": None, "bits": float(bits),
                     "informative": None, "misinformative": None}
            | _beside(None, None, None, "", None)
        )  # fmt: skip
    return found


def _listed(values):
    """A column of numbers, or of nothing."""
    return _nothing() if values is None else values.tolist()


def _nothing():
    while True:
        yield None


def _beside(intervals, bias, test, kind, label):
    """What statistics say of a quantity."""
    low, high = (None, None) if intervals is None else getattr(intervals, kind)[label]
    wrong = None if bias is None else getattr(bias, kind).get(label)
    corrected = None if bias is None else getattr(bias, f"corrected_{kind}").get(label)
    p = None if test is None else getattr(test, kind).get(label)
    found = {"low": low, "high": high, "bias": wrong, "corrected": corrected, "p": p}
    return {key: None if value is None else float(value) for key, value in found.items()}


def pointwise_of(study, what, parts=False):
    """Of each event, or of each row, its atoms: the head of a table, and its rows one by one.

    They are by the first measure that has pointwise atoms, of those that were asked for.

    what : "events" or "rows"
    parts : whether to tell the informative and misinformative part of each atom as well

    Raises
    ------
    ConfigError : more than one question; a measure without pointwise atoms
    """
    if len(study.questions) > 1:
        raise ConfigError(
            f"pointwise atoms are of one target and its sources, {len(study.questions)} "
            "decompositions are asked for"
        )
    (question,) = study.questions
    found = next((one for one in question.by.values() if one.definition.pointwise), question.first)
    events, values = found.events, found.pointwise()
    kinds = [("", values.atoms)]
    if parts:
        kinds += [("informative ", values.informative), ("misinformative ", values.misinformative)]
    atoms = np.concatenate([one for _, one in kinds]).T
    head = [source.name for source in question.sources] + [question.target.name]
    head += ["weight", *(f"{kind}{label}" for kind, _ in kinds for label in found.labels)]
    of_event = list(
        zip(
            *(study.values(source, events.first) for source in question.sources),
            study.values(question.target, events.first, as_target=True),
            events.weights.tolist(),
            strict=True,
        )
    )
    if what == "events":
        return head, ([*own, *row] for own, row in zip(of_event, atoms.tolist(), strict=True))
    head = ["line" if study.of_text else "row", *head]
    head.remove("weight")
    lines = zip(study.lines.tolist(), events.rows.tolist(), strict=True)
    return head, ([line, *of_event[e][:-1], *atoms[e].tolist()] for line, e in lines)
