"""Pages that compare ours with the published values, made from the tables of the figures."""

import csv
import re

import click
import numpy as np

from infosim.errors import ConfigError
from infosim.experiments import store
from scripts.files import ROOT


def read(paper, name):
    """The rows of a figure's table; what looks like a number is one."""
    with open(ROOT / "figures" / paper / f"{name}.csv", encoding="utf-8", newline="") as file:
        return [{key: _value(text) for key, text in row.items()} for row in csv.DictReader(file)]


def _value(text):
    try:
        return float(text)
    except ValueError:
        return text


def table(head, rows, right=0):
    """A table in Markdown, with so many of its last columns set flush right."""
    lines = [head, ["---"] * (len(head) - right) + ["--:"] * right, *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def put_table(path, head, rows, right=0):
    """Put a table in the place of the one in a page whose first two columns have the same heads.

    Raises
    ------
    ConfigError : the page holds none
    """
    begins = f"| {head[0]} | {head[1]} |"
    text, n = re.subn(
        rf"^{re.escape(begins)}.*?\n(?!\|)",
        lambda _: table(head, rows, right) + "\n",
        path.read_text("utf-8"),
        count=1,
        flags=re.DOTALL | re.MULTILINE,
    )
    if not n:
        raise ConfigError(f"{path} has no table that begins with {begins}")
    store.write_text(path, text)


def percent(value, digits=2):
    """A fraction in %, or a dash."""
    return f"{100 * value:.{digits}f}" if np.isfinite(value) else "–"


def duration(seconds):
    """Seconds in words."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 2 else "a second or two"


def listing(rows, columns):
    """A table of rows, columns as {head: key}; what a key calls an error or accuracy is in %."""
    lines = [[_shown(row[key], key) for key in columns.values()] for row in rows]
    return table(list(columns), lines)


def _shown(value, key):
    if not isinstance(value, float):
        return value
    return percent(value) if key.endswith(("median", "min", "max", "error")) else f"{value:g}"


def page(paper, values):
    """Fill scripts/PAPER/report.in.md, {name} by its value, into docs/reproduction/PAPER.md."""
    text = (ROOT / "scripts" / paper / "report.in.md").read_text("utf-8")
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    path = ROOT / "docs" / "reproduction" / f"{paper}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_text(path, text)
    click.echo(path)
