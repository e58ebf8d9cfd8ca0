"""REPRODUCING.md: every figure of the papers with its script, command, seeds and files.

Made of what stands beside the figures: captions say what made them, tables of how many seeds.
"""

import csv
import re
from pathlib import Path

import click

from infosim.errors import ConfigError
from infosim.experiments import store
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.pages import duration, table
from scripts.timing import RECKONED, told

PAGE = ROOT / "REPRODUCING.md"
_TABLES = r"(<!-- figures -->\n).*?(<!-- end -->\n)"
_HEAD = ["figure", "shows", "command", "seeds", "time"]


def figures():
    """The tables of all papers that have figures, in Markdown."""
    parts = []
    for folder in sorted((ROOT / "figures").iterdir()):
        rows = [_row(path) for path in sorted(folder.glob("*.md"))] if folder.is_dir() else []
        if rows:
            page = f"docs/reproduction/{folder.name}.md"
            parts += [f"## {folder.name}", "", f"{_ledger(folder)} Ours beside the published: "
                      f"[{page}]({page}).", "", table(_HEAD, rows), ""]  # fmt: skip
    return "\n".join(parts)


def _row(caption):
    """Figure and files, title, command and seeds of a caption's file."""
    text = caption.read_text("utf-8")
    made = re.search(r"^Made by `(.*)`\.$", text, re.MULTILINE)
    title = re.match(r"\*\*(.*?)\*\*", text)
    if not made or not title:
        raise ConfigError(f"{caption} does not say its title and what made it")
    script = re.search(r"python -m (\S+)", made[1])[1]
    command = f"[`{made[1]}`]({script.replace('.', '/')}.py)"
    where = caption.with_suffix("").relative_to(ROOT).as_posix()
    files = ", ".join(f"[{kind}]({where}.{kind})" for kind in ("png", "csv"))
    shown = f"{caption.stem} ({files})", title[1].rstrip("."), command
    return [*shown, _seeds(caption, text), _time(caption.parent, script)]


def _seeds(caption, text):
    """How many seeds the figure's table has, or what its caption says of them."""
    with open(caption.with_suffix(".csv"), newline="", encoding="utf-8") as file:
        found = {int(float(row.get("n_seeds") or 0)) for row in csv.DictReader(file)} - {0}
    if found:
        return " to ".join(map(str, sorted({min(found), max(found)})))
    text = " ".join(text.partition("Made by")[0].split())
    said = re.search(r"(\d+(?: to \d+)?) seeds", text)
    if said:
        return said[1]
    said = re.search(r"[Ss]eeds? \d+(?: to \d+)?", text)
    return said[0].lower() if said else "none"


def _time(folder, script):
    """What the script took, on each machine that it was started on."""
    return "; ".join(map(_said, told(folder, script))) or "not recorded"


def _said(one):
    how = "about {}, reckoned," if one.how == RECKONED else "{}"
    networks = f"{one.networks or 'no'} network{'s' * (one.networks != 1)}"
    return f"{how.format(duration(one.seconds))} for {networks}, {one.machine}"


def _ledger(folder):
    """What the paper's ledgers hold, tables of what is known by its settings, in a sentence."""
    ledgers = []
    for path in sorted(folder.glob("*.csv")):
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if (reader.fieldnames or [""])[0] == "key":
                name = path.relative_to(ROOT).as_posix()
                ledgers.append(f"[{name}]({name}) ({sum(1 for _ in reader)} rows)")
    if not ledgers:
        return "Its figures need no training runs that are kept."
    return f"Settings, seeds and results of what was trained: {', '.join(ledgers)}."


def written(text):
    """The text of the page with its tables made anew.

    Raises
    ------
    ConfigError : it has no place for them, or a figure does not say what made it
    """
    if not re.search(_TABLES, text, re.DOTALL):
        raise ConfigError("the page has no place for its figures")
    return re.sub(_TABLES, lambda m: f"{m[1]}\n{figures()}\n{m[2]}", text, flags=re.DOTALL)


@click.command(help=__doc__)
@click.option(
    "--page", type=click.Path(path_type=Path), default=PAGE, help="Whose tables they are."
)
@told_in_a_line()
def main(page):
    """Write them."""
    store.write_text(page, written(page.read_text("utf-8")))
    click.echo(page)


if __name__ == "__main__":
    main()
