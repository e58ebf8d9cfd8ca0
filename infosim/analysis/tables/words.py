"""Decompositions of tables in words: as text, and for notebooks."""

from infosim.analysis.tables.numbers import rows_about
from infosim.markup import Html, bar, element
from infosim.markup import table as html_table
from infosim.pid.lattice import lattice, set_masks

#: So few decompositions that each is told whole, with its cautions.
FEW = 4
#: Letters of a label from which on sources are numbered, and a legend says what they are.
_LONG = 40


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
    rows = rows_about(question, named=False)
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
    """How the quantities that no measure changes are written, in the order of `rows_about`."""
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


def page(study):
    """What was found, for notebooks."""
    parts = [element("p", line) for line in (_first_line(study), *study.remarks)]
    for question in study.questions[:FEW]:
        parts.append(element("pre", "\n".join(_about(study, question))))
        rows = rows_about(question, named=False)
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
