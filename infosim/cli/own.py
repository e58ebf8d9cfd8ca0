"""Options of commands that read data of a user's own."""

import click

_NAMES = "A,B,..."
_OPTIONS = (
    click.option(
        "--target",
        help="Column of the classes, by name or by number from 1 on; of .npy the file of classes.",
    ),
    click.option(
        "--test",
        type=float,
        help="Part of each class that is held out as test rows.  [default: 0.2]",
    ),
    click.option("--exclude", metavar=_NAMES, help="Columns to leave out."),
    click.option("--columns", metavar=_NAMES, help="Columns to read, instead of all."),
    click.option("--categorical", metavar=_NAMES, help="Columns whose numbers are names."),
    click.option(
        "--missing",
        type=click.Choice(["error", "drop", "fill"]),
        help="Rows in which a cell is missing: refuse them, leave them out, or fill in the mean or "
        "the most frequent category of the training rows.  [default: error]",
    ),
    click.option(
        "--missing-tokens",
        metavar=_NAMES,
        help="What says that a cell is missing, which an empty one always is.",
    ),
    click.option("--resize", metavar="HEIGHT,WIDTH", help="Size to bring all images to."),
)


def assignments(options):
    """Those that were given, as settings `data.options.*` of an experiment."""
    return [(f"data.options.{key}", value) for key, value in given(options).items()]


def own_data(command):
    """Give a command the options by which data of a user's own are read."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given(options):
    """Those of these options that were given, as `datasets.read_own` takes them."""
    from infosim.errors import ConfigError, brief

    found = {key: value for key, value in options.items() if value is not None}
    if "missing_tokens" in found:
        found["missing_cells"] = found.pop("missing_tokens")
    for key in ("exclude", "columns", "categorical", "missing_cells"):
        if key in found:
            found[key] = [name.strip() for name in found[key].split(",")]
    if "resize" in found:
        try:
            found["resize"] = tuple(int(number) for number in found["resize"].split(","))
        except ValueError:
            raise ConfigError(
                f"--resize must be HEIGHT,WIDTH, was {brief(found['resize'])}"
            ) from None
    return found
