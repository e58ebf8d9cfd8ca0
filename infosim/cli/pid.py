"""`infosim pid`."""

import re
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import click

from infosim.cli.shared import tell

#: Endings of --out and what is written.
_KINDS = {".json": "json", ".csv": "csv", ".txt": "text", ".html": "html"}


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--sources",
    multiple=True,
    required=True,
    metavar="A,B,...",
    help="Columns of the sources, 1 to 4, or every; F=x+y makes one source of two columns, x@-1 is "
    "x one row before. Repeatable.",
)
@click.option(
    "--target",
    multiple=True,
    required=True,
    metavar="T,...",
    help="Column of the target; of several, or every, each is decomposed.",
)
@click.option("--pairs", is_flag=True, help="Decompose each pair of the sources.")
@click.option(
    "--bins",
    multiple=True,
    metavar="N | A=5,B=quantile:4,...",
    help="Cut sources of more distinct numbers into N bins of equal width; or single columns, into "
    "5, quantile:4, edges:0;1;2 or none. Repeatable.",
)
@click.option(
    "--target-bins", metavar="BINS", help="The same for the target, which --bins N leaves alone."
)
@click.option(
    "--missing",
    type=click.Choice(["error", "drop", "value"]),
    default="error",
    show_default=True,
    help="Rows in which a cell is missing: refuse them, drop them, or count missing as a value.",
)
@click.option(
    "--missing-tokens",
    metavar="A,B,...",
    help="What says that a cell is missing, which an empty one always is  [default: nan, na, n/a, "
    "null, none, nat, <na>, #n/a, in capitals or not]",
)
@click.option("--weights", metavar="COLUMN", help="How many rows each row stands for.")
@click.option("--by", metavar="COLUMN", help="Which trial each row is of: no lag leaves it.")
@click.option(
    "--measure",
    default="shared-exclusions",
    show_default=True,
    help="Of redundancy: shared-exclusions, minimum-mutual-information, williams-beer, "
    "specificity-ambiguity, broja (of 2 sources), several of them, or all.",
)
@click.option("--parts", is_flag=True, help="Tell informative and misinformative parts of atoms.")
@click.option(
    "--bootstrap",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Intervals from N draws.",
)
@click.option(
    "--level",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Of intervals.",
)
@click.option(
    "--block", type=click.IntRange(min=1), metavar="ROWS", help="Draw blocks of so many rows."
)
@click.option(
    "--permutations",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="p of informations, from N permutations.",
)
@click.option(
    "--permute",
    type=click.Choice(["rows", "shift", "trials"]),
    help="What is permuted  [default: shift with lags or --block, else rows]",
)
@click.option(
    "--bias",
    type=click.Choice(["none", "shuffle", "extrapolation", "miller-madow"]),
    default="none",
    show_default=True,
    help="Estimate it, and subtract it.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Threads, same result."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write here instead, as .json, .csv, .txt or .html.",
)
@click.option(
    "--pointwise",
    type=click.Choice(["events", "rows"]),
    help="Print the atoms of each event, or of each row, as CSV; with --json beside the others.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw lattice and information circle here, as .svg, .png or .pdf.",
)
@click.option("--quiet", "-q", is_flag=True, help="Without a bar of progress.")
def pid(
    file, sources, target, pairs, bins, target_bins, missing, missing_tokens, weights, by, measure,
    parts, bootstrap, level, block, permutations, permute, bias, seed, jobs, as_json, as_csv, out,
    pointwise, plot, quiet,
):  # fmt: skip
    """Decompose the information that columns of a table carry about another column.

    FILE is CSV or TSV, maybe of gzip, Parquet, a spreadsheet, or - for the standard input. Every
    distinct value counts as one outcome unless bins are asked for. Where all cells of a column are
    numbers, 1, 1.0 and 1e0 are one value.
    """
    from infosim.analysis.tables import decompose_table
    from infosim.analysis.tables.numbers import pointwise_of
    from infosim.errors import ConfigError

    kind = _kind(as_json, as_csv, out, pointwise)
    drawn = None if plot is None else _picture_kind(plot)
    if by is not None and by == weights:
        raise ConfigError(f"--by and --weights are both {by!r}")
    tokens = missing_tokens
    if tokens is not None:
        tokens = [token.strip() for token in tokens.split(",")]
    study = decompose_table(
        file, sources, target, bins=bins or None, target_bins=target_bins, missing=missing,
        missing_cells=tokens, weights=weights, by=by, measure=measure, pairs=pairs,
        bootstrap=bootstrap, level=level, permutations=permutations, permute=permute, block=block,
        bias=None if bias == "none" else bias, seed=seed, threads=jobs,
        progress=not quiet and sys.stderr.isatty(),
    )  # fmt: skip
    values = None if pointwise is None else pointwise_of(study, pointwise, parts)
    content = _content(study, kind, values, parts)
    if plot is not None:
        _draw(study, plot, drawn)
    if out is not None:
        with _writing(out) as file:
            file.write(content.encode(errors="backslashreplace"))  # of a name that is no text
    if kind not in ("text", "html"):
        tell(study.remarks)
    if out is None:
        click.echo(content, nl=False)


def _kind(as_json, as_csv, out, pointwise):
    """What is to be said: "text", "json", "csv" or "html"."""
    from infosim.errors import ConfigError

    given = [("--json", as_json), ("--csv", as_csv), ("--out", out is not None)]
    given = [name for name, is_given in given if is_given]
    if len(given) > 1:
        raise ConfigError(f"{' and '.join(given)} contradict each other")
    if as_json or as_csv:
        return "json" if as_json else "csv"
    if out is None:
        return "csv" if pointwise is not None else "text"
    kind = _KINDS.get(out.suffix.lower())
    if kind is None:
        raise ConfigError(f"--out {out} must end in {', '.join(_KINDS)}")
    if pointwise is not None and kind not in ("csv", "json"):
        raise ConfigError(f"--out {out}: pointwise atoms are written as .csv or .json")
    return kind


def _picture_kind(plot):
    from infosim.errors import ConfigError
    from infosim.plotting.style import UNDATED

    kind = plot.suffix.removeprefix(".").lower()
    if kind not in UNDATED:
        raise ConfigError(f"--plot {plot} must end in .{', .'.join(UNDATED)}")
    return kind


def _content(study, kind, pointwise, parts):
    """What is printed or written."""
    from infosim.analysis.tables import files, words

    if kind == "json":
        return files.json_of(study, pointwise)
    if kind == "csv":
        return files.csv_of(study) if pointwise is None else files.as_csv(*pointwise)
    if kind == "html":
        return files.document(study)
    return words.text(study, parts) + "\n"


@contextmanager
def _writing(path):
    """A file that is there whole or not at all; one line where it cannot be."""
    from infosim.errors import ConfigError
    from infosim.files import atomic

    try:
        with atomic(path) as file:
            yield file
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}") from None


def _draw(study, path, kind):
    """The picture of the one decomposition, by its first measure."""
    from infosim.errors import ConfigError
    from infosim.plotting import decomposition, save

    if len(study.questions) > 1:
        raise ConfigError(f"--plot draws one decomposition, {len(study.questions)} are asked for")
    (question,) = study.questions
    measure, found = next(iter(question.by.items()))
    with _telling_of_letters(), _writing(path) as file:
        figure = decomposition(found, question.intervals.get(measure), target=question.target.name)
        save(figure, file, kind, dpi=200)


@contextmanager
def _telling_of_letters():
    """Matplotlib's warnings of letters that its font lacks, several of each, as one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Glyph .* missing")
        yield
    letters = set()
    for one in caught:
        glyph = re.match(r"Glyph (\d+)", str(one.message))
        if glyph:
            letters.add(chr(int(glyph[1])))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if letters:
        tell([f"the picture's font does not have {' '.join(sorted(letters))}"])
