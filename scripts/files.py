"""Tables as files of the repository: how scripts write theirs, and published values."""

import csv
import io
from pathlib import Path

ROOT = Path(__file__).parents[1]


def table(rows, columns):
    """Rows (dicts) as CSV text; floats with six significant digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = (row[column] for column in columns)
        writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in values])
    return text.getvalue()


def published(name):
    """The rows of a table of published values, dicts of texts."""
    with open(ROOT / "reference" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
