"""`infosim goal`."""

import re
from pathlib import Path

import click


@click.command()
@click.argument("goal")
@click.option("--sources", help="Names of the sources in order, comma-separated, 1 to 4.")
@click.option("--out", type=click.Path(path_type=Path), help="Draw it here, as .png, .pdf or .svg.")
def goal(goal, sources, out):
    """Say what GOAL is made of: a formula such as "{F}{C} - 0.5 {F}{L}", or a published name.

    Prints every atom, its γ and which informations I(Y:source) it is part of. Without --sources a
    published goal keeps its own, and a formula has the letters in its braces as sources: F, C and L
    first, others in the order of the alphabet.
    """
    from infosim.pid import Goal

    if sources is not None:
        meant = Goal.of(goal, tuple(name.strip() for name in sources.split(",")))
    elif "{" in goal:
        meant = Goal.parse(goal, _letters(goal))
    else:
        meant = Goal.named(goal)
    if out is not None:
        _draw(meant, out)
    click.echo(_table(meant.table()))


def _letters(formula):
    """The sources a formula names, a letter each: F, C and L first, then in alphabetical order."""
    letters = set("".join(re.findall(r"{([^{}]*)}", formula))) - set(", \t")
    return tuple(sorted(letters, key=lambda letter: ("FCL".find(letter) % 4, letter)))


def _draw(goal, out):
    """Write the figure of `goal`, the same bytes for the same goal, or nothing at all."""
    from infosim.errors import ConfigError
    from infosim.experiments.store import atomic
    from infosim.plotting import goal_summary, save
    from infosim.plotting.style import UNDATED

    kind = out.suffix.removeprefix(".").lower()
    if kind not in UNDATED:
        raise ConfigError(f"--out {out} must end in .{', .'.join(UNDATED)}")
    page = goal_summary(goal)
    with atomic(out) as file:
        save(page, file, kind, dpi=200)


def _table(rows):
    """Text of the rows of `Goal.table`."""
    informations = [key for key in rows[0] if key.startswith("I(")]
    width = max(len(row["atom"]) for row in rows)
    lines = [f"{'atom':{width}}  {'gamma':>8}  part of"]
    for row in rows:
        parts = " ".join(key for key in informations if row[key])
        lines.append(f"{row['atom']:{width}}  {row['gamma']:8.4f}  {parts}".rstrip())
    return "\n".join(lines)
