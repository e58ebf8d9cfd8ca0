"""What is installed with infosim, and how long imports take: the table of docs/installed.md.

Of the environment that this runs in: sizes of infosim and of all that it needs, as their files lie
there, without extras; times are medians of processes of their own.
"""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from statistics import median
from time import perf_counter

import click

import infosim
from scripts.command import told_in_a_line
from scripts.files import ROOT
from scripts.pages import put_table

PAGE = ROOT / "docs" / "installed.md"
#: What is timed: what it is called -> the statement.
STARTS = {
    "`import infosim`": "import infosim",
    "first use of `infosim.Simulator`": "import infosim; infosim.Simulator",
}
_LARGEST, _TIMES = 6, 9


def needed(name="infosim"):
    """Packages that one needs and that are installed, itself the first; extras are left out."""
    found, left = {}, [name]
    while left:
        one = re.sub(r"[_.]+", "-", left.pop(0).lower())
        try:
            found[one] = distribution(one)
        except PackageNotFoundError:  # of another system, such as colorama
            continue
        said = (text for text in found[one].requires or () if "extra ==" not in text)
        names = (re.match(r"[\w.-]+", text)[0] for text in said)
        left += [new for new in names if re.sub(r"[_.]+", "-", new.lower()) not in found]
    return found


def size(package):
    """Bytes of a package's files as they were installed."""
    if package.name == "infosim":  # in a checkout its metadata name more than is installed
        files = (one for one in Path(infosim.__file__).parent.rglob("*") if one.is_file())
        paths = [one for one in files if one.parent.name != "__pycache__"]
    else:
        paths = {Path(package.locate_file(one)) for one in package.files or ()}
    return sum(one.stat().st_size for one in paths if one.exists())


def seconds(statement):
    """Median seconds of a statement in a process of its own, as it tells them."""
    clock = "from time import perf_counter as t; a = t(); "
    command = [sys.executable, "-c", f"{clock}{statement}; print(t() - a)"]
    took = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(1 + _TIMES)
    ]
    return median(took[1:])  # the first reads files that are in no cache


def rows():
    """What is measured, in words."""
    found = needed()
    sizes = {name: size(one) / 1e6 for name, one in found.items()}
    own = sizes.pop("infosim")
    largest = sorted(sizes, key=sizes.get, reverse=True)[:_LARGEST]
    most = ", ".join(f"{found[name].name} {sizes[name]:.0f}" for name in largest)
    yield "infosim itself", f"{own:.1f} MB"
    yield f"the {len(sizes)} packages that it needs", f"{sum(sizes.values()):.0f} MB: {most}"
    for what, statement in STARTS.items():
        took = seconds(statement)
        yield what, f"{1e3 * took:.0f} ms" if took < 0.1 else f"{took:.1f} s"


@click.command(help=__doc__)
@click.option("--page", type=click.Path(path_type=Path), default=PAGE, help="Whose table it is.")
@told_in_a_line()
def main(page):
    """Measure and write."""
    began = perf_counter()
    put_table(page, ["what", "measured"], list(rows()))
    click.echo(f"{page}, in {perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
