"""Decompositions of tables, told: as text, as rows for files, as a page of HTML."""

import csv
import io
import json

import numpy as np

from infosim.analysis.tables.study import FEW
from infosim.errors import ConfigError
from infosim.markup import Html, bar, element
from infosim.markup import table as html_table
from infosim.pid.lattice import lattice, set_masks

#: Letters of a label from which on sources are numbered, and a legend says what they are.
_LONG = 40


# -- what there is to tell -------------------------------------------------------------------------


def rows_of(study):
    """Of each question, measure and quantity a dict: all that was found, in bits.

    "quantity" is "atom", "information" I(T:set), "conditional" I(T:source|others),
    "co-information", "total correlation", "entropy" H(T) or "residual entropy" H(T|sources);
    "label" the atom, set or source. Where nothing is known, there is None.
    """
    return [row for question in study.questions for row in _rows(question, True)]


def _rows(question, named):
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


# -- text ------------------------------------------------------------------------------------------


def text(study, parts=False):
    """What was found, for people."""
    questions = study.questions
    lines = [_first_line(study), *(f"note     {line}" for line in study.remarks)]
    if len(questions) > FEW and all(len(q.sources) <= 2 for q in questions):
        return "\n".join([*lines, *_roles(study), "", *_one_a_line(study)])
    for i, question in enumerate(questions):
        if i:
            lines += ["", ""]
        lines += [*_about(study, question), "", *_block(study, question, parts)]
    return "\n".join(lines)


def _first_line(study):
    stand = ""
    if study.asked["weights"] is not None:
        stand = f" that stand{'s' * (study.n_rows == 1)} for {study.total:g}"
    return f"{study.what}: {_many(study.n_rows, 'row')}{stand}"


def _many(n, what):
    return f"{n} {what}{'s' * (n != 1)}"


def _measures(names):
    return f"by {', '.join(names)}, in bits"


def _about(study, question):
    """Lines on target, sources, cells and measures."""
    shown, numbered = _shown(question)
    pairs = [("target", question.target.name, study.said[question.target.name, True])]
    for i, (source, name) in enumerate(zip(question.sources, shown, strict=True)):
        legend = f"{name} = {source.name}" if numbered else source.name
        pairs.append(("sources" if i == 0 else "", legend, study.said[source.name, False]))
    width = max(len(name) for _, name, _ in pairs)
    lines = [f"{role:8} {name:{width}}  {said}" for role, name, said in pairs]
    cells = len(question.first.events)
    per = study.total / cells
    per = f"{per:.3g}" if per < 1000 else f"{per:.0f}"
    lines.append(f"cells    {cells} of sources and target, {per} rows each")
    lines.append(_measures(question.by))
    return lines


def _roles(study):
    """Lines on how columns became outcomes, where there are many questions."""
    width = max(len(name) for name, _ in study.said)
    lines = [
        f"{name:{width}}  {'target' if as_target else 'source'}  {said}"
        for (name, as_target), said in study.said.items()
    ]
    return [*lines, _measures(study.questions[0].by)]


def _shown(question):
    """What the sources are called in labels, and whether these are numbers, for names too long."""
    names = list(question.first.names)
    if len(names) > 1 and sum(map(len, names)) > _LONG:
        return [str(i + 1) for i in range(len(names))], True
    return names, False


def _block(study, question, parts):
    """Lines of a table of what was found of one question."""
    names, _ = _shown(question)
    target = question.target.name
    target = target if len(target) <= _LONG // 2 else "T"
    labels = dict(zip(question.first.labels, lattice(len(names)).labels(tuple(names)), strict=True))
    rows = _rows(question, named=False)
    measures = list(question.by)
    columns = []
    for measure in measures:
        own = [row for row in rows if row["measure"] == measure]
        columns += _columns(own, parts, measure if len(measures) > 1 else "", study)
    atoms = [labels[label] for label in question.first.labels]
    lines = _aligned("atom", atoms, columns)
    others = [row for row in rows if row["measure"] is None]
    said = _quantities(question, names, target)
    return [*lines, "", *_aligned("information", said, _columns(others, False, "", study))]


def _columns(rows, parts, measure, study):
    """(head, cells) of the numbers that rows have."""
    columns = [(measure or "bits", [f"{row['bits']:z.4f}" for row in rows])]
    if parts and any(row["informative"] is not None for row in rows):
        for kind in ("informative", "misinformative"):
            columns.append((kind, [f"{row[kind]:z.4f}" for row in rows]))
    if any(row["low"] is not None for row in rows):
        level = f"{100 * study.asked['level']:g} % interval"
        columns.append((level, [_interval(row) for row in rows]))
    if any(row["corrected"] is not None for row in rows):
        columns.append(("less bias", [_maybe(row["corrected"]) for row in rows]))
    if any(row["p"] is not None for row in rows):
        columns.append(("p", [_maybe(row["p"]) for row in rows]))
    return columns


def _interval(row):
    return "" if row["low"] is None else f"[{row['low']:z.4f}, {row['high']:z.4f}]"


def _maybe(value):
    return "" if value is None else f"{value:z.4f}"


def _aligned(first, names, columns):
    """Lines of a table whose first column is text and all others numbers."""
    width = max(map(len, [first, *names]))
    widths = [max(map(len, [head, *cells])) for head, cells in columns]
    heads = [first, *(head for head, _ in columns)]
    lines = [heads] if first else []
    lines += [[name, *cells] for name, *cells in zip(names, *(c for _, c in columns), strict=True)]
    return [
        "  ".join(
            [f"{line[0]:{width}}", *(f"{c:>{w}}" for c, w in zip(line[1:], widths, strict=True))]
        ).rstrip()
        for line in lines
    ]


def _quantities(question, names, target):
    """How the quantities that no measure changes are written, in the order of `_rows`."""
    k = len(names)
    said = []
    for mask in set_masks(k):
        own = [names[i] for i in range(k) if mask >> i & 1]
        said.append(f"I({target} : {', '.join(own)})")
    if k > 1:
        said += [f"I({target} : {name} | {'other' if k == 2 else 'others'})" for name in names]
    return [*said, "co-information", "total correlation", f"H({target})", f"H({target} | sources)"]


def _one_a_line(study):
    """Lines of a table in which each question has one."""
    questions = study.questions
    heads = {1: ["{1}"], 2: ["{1}{2}", "{1}", "{2}", "{12}"]}
    k = max(len(q.sources) for q in questions)
    names = [q.target.name for q in questions]
    columns = []
    for i in range(k):
        own = [q.sources[i].name if i < len(q.sources) else "" for q in questions]
        width = max(map(len, [*own, "source 1"]))
        columns.append((f"{f'source {i + 1}':{width}}", [f"{name:{width}}" for name in own]))
    for measure in questions[0].by:
        for i, head in enumerate(heads[k]):
            cells = [
                f"{q.by[measure].atoms[i]:z.4f}" if len(q.sources) == k else "" for q in questions
            ]
            columns.append((f"{measure} {head}" if len(questions[0].by) > 1 else head, cells))
    columns.append(("I", [f"{q.first.information:z.4f}" for q in questions]))
    columns.append(("H(target)", [f"{q.first.entropy:z.4f}" for q in questions]))
    return _aligned("target", names, columns)


# -- files -----------------------------------------------------------------------------------------


def as_csv(head, rows):
    """A table as CSV; lists are joined by ' ', nothing is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def csv_of(study):
    """All that `rows_of` tells, as CSV."""
    rows = rows_of(study)
    return as_csv(
        rows[0],
        (["; ".join(v) if isinstance(v, list) else v for v in row.values()] for row in rows),
    )


def json_of(study, pointwise=None):
    """All that is known, as JSON.

    pointwise : None, or (head, rows) of `pointwise_of`
    """
    about = {
        "table": study.what,
        "rows": study.n_rows,
        "total": study.total,
        "notes": study.notes,
        "asked": study.asked,
        "variables": [
            {"name": name, "role": "target" if as_target else "source", "outcomes": said}
            for (name, as_target), said in study.said.items()
        ],
        "decompositions": [
            {
                "target": question.target.name,
                "sources": [source.name for source in question.sources],
                "cells": len(question.first.events),
                "measures": list(question.by),
                "cautions": question.cautions,
                "found": _rows(question, named=False),
            }
            for question in study.questions
        ],
    }
    if pointwise is not None:
        head, rows = pointwise
        about["pointwise"] = [dict(zip(head, row, strict=True)) for row in rows]
    return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False, default=str) + "\n"


def document(study):
    """A file of HTML of `page`."""
    head = element("head", Html('<meta charset="utf-8">'), element("title", study.what))
    return f"<!doctype html>\n{element('html', head, element('body', page(study)))}\n"


def page(study):
    """What was found, for notebooks."""
    parts = [element("p", line) for line in (_first_line(study), *study.remarks)]
    for question in study.questions[:FEW]:
        parts.append(element("pre", "\n".join(_about(study, question))))
        rows = _rows(question, named=False)
        for measure in question.by:
            own = [row for row in rows if row["measure"] == measure]
            most = max(abs(row["bits"]) for row in own)
            bits, *more = _columns(own, False, "", study)
            columns = [bits, ("", [bar(row["bits"], most) for row in own]), *more]
            caption = measure if len(question.by) > 1 else None
            parts.append(_html("atom", [row["label"] for row in own], columns, caption))
        others = [row for row in rows if row["measure"] is None]
        said = _quantities(question, _shown(question)[0], question.target.name)
        parts.append(_html("information", said, _columns(others, False, "", study)))
    left = len(study.questions) - FEW
    if left > 0:
        parts.append(element("p", f"and {left} more: .questions"))
    return Html("".join(parts))


def _html(first, names, columns, caption=None):
    """`_aligned` as HTML."""
    heads, cells = zip(*columns, strict=True)
    return html_table(list(zip(names, *cells, strict=True)), (first, *heads), caption)
