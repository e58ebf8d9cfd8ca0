"""infosim/__init__.pyi: what `import infosim` has, for type checkers: these run no code."""

import click

import infosim
from infosim.experiments import store
from scripts.files import ROOT

PATH = ROOT / "infosim" / "__init__.pyi"


def text():
    """The stub, of the names that the package resolves on first access."""
    lines = [
        '"""Made by `python -m scripts.stub`; the package itself imports these when asked."""',
        "",
        "# ruff: noqa: I001",
    ]
    for home, names in (infosim._PUBLIC | infosim._EXTRA).items():
        lines += [f"from {home} import {name} as {name}" for name in sorted(names)]
    return "\n".join([*lines, "", "__version__: str", "__all__: list[str]", ""])


@click.command(help=__doc__)
def main():
    """Write it."""
    store.write_text(PATH, text())
    click.echo(PATH)


if __name__ == "__main__":
    main()
