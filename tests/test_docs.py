"""The code in README and docs runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import naive
import numpy as np
import pytest

from infosim.pid import Goal, decompose, lattice
from infosim.pid.goals import bivariate_goals

ROOT = Path(__file__).parents[1]
THEORY = (ROOT / "docs" / "theory.md").read_text()
GOALS = (ROOT / "docs" / "goals.md").read_text()
XOR = """
import numpy as np
pmf = np.zeros((2, 2, 2))
for a in 0, 1:
    for b in 0, 1:
        pmf[a, b, a ^ b] = 0.25
"""


@pytest.mark.parametrize("page", ["README.md", "docs/networks.md", "docs/gpu.md", "docs/goals.md"])
def test_page(page, tmp_path):
    """All Python blocks of a page, one after another; what they print makes sense."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    code = XOR + "\n".join(blocks) + "\nprint('done')"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
    if page == "docs/networks.md":
        overlap = float(re.search(r"overlap (\S+)", result.stdout)[1])
        assert overlap >= 0.95


def test_pages_that_are_linked_exist():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_table_of_atoms_is_that_of_the_lattice():
    """docs/theory.md: which atoms of three sources sum to which mutual information."""
    sets = re.findall(r"I\(Y:([FCL,]+)\)", re.search(r"\| atom .*", THEORY)[0])
    rows = re.findall(r"^\| (\{.*\}) ((?:\| . ){7})\|$", THEORY, re.MULTILINE)
    marks = np.array([[mark == "+" for mark in row[2::4]] for _, row in rows])
    grid = lattice(3)
    assert tuple(label for label, _ in rows) == grid.labels("FCL")
    columns = [grid.index(f"{{{names}}}".replace(",", ""), "FCL") for names in sets]
    assert len(set(columns)) == 7
    np.testing.assert_array_equal(marks, grid.order[:, columns])
    # and the sums are mutual information by its definition
    pmf = np.random.default_rng(0).dirichlet(np.ones(24)).reshape(2, 3, 2, 2)
    atoms = decompose(pmf).atoms
    for names, mark in zip(sets, marks.T, strict=True):
        others = tuple(k for k, name in enumerate("FCL") if name not in names)
        assert atoms[mark].sum() == pytest.approx(naive.mutual_information(pmf.sum(axis=others)))


def test_written_equations_are_columns_of_the_lattice():
    written = re.findall(r"I\(Y:([FCL])\) = (Π.*)[,.]", THEORY)
    assert [name for name, _ in written] == ["F", "C", "L"]
    for name, atoms in written:
        below = lattice(3).order[:, lattice(3).index(f"{{{name}}}", "FCL")]
        labels = np.array(lattice(3).labels("FCL"))
        assert atoms.replace("Π", "").split(" + ") == labels[below].tolist()


def test_list_of_unions_is_inclusion_exclusion():
    """docs/theory.md: the union's probability for each kind of antichain of three sources."""
    grid, kinds = lattice(3), set()
    for label, formula in re.findall(r"^ {4}(\{\S+\}) +(p\(.*)$", THEORY, re.MULTILINE):
        expected = dict.fromkeys(range(1, 8), 0)
        for sign, factor, names in re.findall(r"(-?) ?(\d?) ?p\(([fcl,]+)\)", formula):
            mask = sum(1 << "fcl".index(name) for name in names.split(","))
            expected[mask] += int(f"{sign}{factor or 1}")
        a = grid.index(label, "FCL")
        assert grid.inclusion_exclusion[a].tolist() == list(expected.values())
        kinds.add(tuple(sorted(map(int.bit_count, grid.antichains[a]))))
    assert kinds == {tuple(sorted(map(int.bit_count, a))) for a in grid.antichains}


def test_table_of_goals_is_what_the_names_mean():
    """docs/goals.md: γ, classical terms and distance from the classical plane of every name."""
    header, rows = re.search(
        r"^\| goal \| Shannon.*?\| (.*) \|\n.*\n((?:\|.*\n)+)", GOALS, re.M
    ).groups()
    *atoms, last = header.split(" | ")
    assert last == "off the plane by"
    named = bivariate_goals()
    for row in rows.replace("\\|", "¦").replace("−", "-").splitlines():
        name, terms, *numbers = row.strip("| ").split(" | ")
        known = named.pop(name.strip("`"))
        assert terms.replace("¦", "|") == (known["classical"] or "none")
        *gamma, off = map(float, numbers)
        goal = Goal.named(name.strip("`"))
        assert goal == Goal(dict(zip(atoms, gamma, strict=True)), "FC")
        assert goal.coefficients()[0][0] == pytest.approx(off)
    assert not named


def test_all_atoms_are_read_aloud():
    """docs/goals.md: the 18 atoms of three sources, in canonical order."""
    said = re.search(r"^\| atom \| what Y tells.*\n.*\n((?:\|.*\n)+)", GOALS, re.MULTILINE)[1]
    labels = [row.split(" | ")[0].strip("| ") for row in said.splitlines()]
    assert tuple(labels) == lattice(3).labels("FCL")


def test_measured_goals_have_names():
    """docs/goals.md: atoms and H_res of a row in the table of results are one entropy."""
    rows = re.findall(r"^\| `(\S+)` \| \S+ % \| \S+ % \| (.*) \|$", GOALS, re.MULTILINE)
    assert len(rows) == 17
    for name, numbers in rows:
        assert name in bivariate_goals()
        assert -0.02 <= sum(map(float, numbers.replace("−", "-").split(" | "))) <= 1.02
