"""The tables and the figure of docs/pid-statistics.md are made by their script."""

import csv
import re

from click.testing import CliRunner

from scripts import calibration

PAGE = """before

| distribution | rows | old |
| --- | --- | --- |
| x | 1 | 2 |

| test | p at most 0.05 | old |
| --- | --- | --- |
| x | 1 | 2 |

after
"""


def carry_out(folder, page):
    (folder / "page.md").write_text(page)
    words = ["--page", folder / "page.md", "--figure", folder / "drawn"]
    words += ["--tables", 2, "--replicates", 2]
    return CliRunner().invoke(calibration.main, list(map(str, words)))


def test_tables_and_figure_are_made(tmp_path):
    done = carry_out(tmp_path, PAGE)
    assert done.exit_code == 0, done.output
    text = (tmp_path / "page.md").read_text()
    n_rows = len(calibration.DISTRIBUTIONS) * len(calibration.ROWS)
    assert re.fullmatch(rf"before\n\n(\|.*\n){{{n_rows + 2}}}\n(\|.*\n){{5}}\nafter\n", text)
    assert (tmp_path / "drawn.png").stat().st_size > 10_000
    with open(tmp_path / "drawn.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == n_rows
    assert {row["cells"] for row in rows} == {"8", "16", "27", "64"}


def test_a_page_without_the_tables_is_one_line(tmp_path):
    done = carry_out(tmp_path, "nothing\n")
    assert done.exit_code == 2
    assert len([line for line in done.output.splitlines() if line.startswith("error: ")]) == 1
    assert not list(tmp_path.glob("drawn.*"))
