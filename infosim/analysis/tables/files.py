"""Decompositions of tables as files: CSV, JSON, a page of HTML."""

import csv
import io
import json

from infosim.analysis.tables.numbers import rows_about, rows_of
from infosim.analysis.tables.words import page
from infosim.markup import Html, element


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
                "found": rows_about(question, named=False),
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
