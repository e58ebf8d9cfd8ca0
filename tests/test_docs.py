"""The code in README and docs runs as it stands there."""

import importlib
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import naive
import numpy as np
import pytest
from own_files import write_images

from infosim.bench import timing
from infosim.cli import main
from infosim.experiments import Experiment
from infosim.experiments.sweep import Sweep, run_sweep
from infosim.pid import Goal, decompose, lattice
from infosim.pid.goals import bivariate_goals

ROOT = Path(__file__).parents[1]
THEORY = (ROOT / "docs" / "theory.md").read_text()
GOALS = (ROOT / "docs" / "goals.md").read_text()
MADE = ROOT / "docs" / "made"  # by the site, of what is tested elsewhere
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md")
    if MADE not in path.parents
)


def blocks(page, kind):
    return re.findall(rf"```{kind}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def with_python():
    return [page for page in ["README.md", *PAGES] if blocks(page, "python")]


@pytest.mark.parametrize("page", with_python())
def test_page(page, tmp_path):
    """All Python blocks of a page, in order, as a newcomer has them: nothing defined, no files."""
    code = blocks(page, "python")
    if page == "docs/sweeps.md":  # made of the page's own sweep, of fewer and smaller runs
        (text,) = blocks(page, "toml")
        less = {
            "iclr/trivariate-optimized": "demo/digits",
            "[0, 1, 2]": "1",
            "epochs = 50": "epochs = 1",
        }
        for before, now in less.items():
            assert before in text
            text = text.replace(before, now)
        (tmp_path / "goals.toml").write_text(text)
        run_sweep(Sweep.load(tmp_path / "goals.toml"), tmp_path / "sweeps" / "goals", threads=1)
        *code, cluster = code
        compile(cluster, page, "exec")  # needs a cluster
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join([*code, "print('done')"])],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
    if page == "docs/activations.md":  # what it says that it prints, and why it has those bins
        (said,) = blocks(page, "text")
        atoms = [
            {name: float(bits) for name, bits in re.findall(r"^(\S+) +(-?\d.\d\d)$", text, re.M)}
            for text in (said, result.stdout)
        ]
        assert atoms[0].keys() == atoms[1].keys() == {"{F}{C}", "{F}", "{C}", "{FC}", "H_res"}
        assert all(abs(atoms[0][name] - atoms[1][name]) < 0.06 for name in atoms[0])
        fixed = code[0].replace('Binning("adaptive")', "Binning()")
        done = subprocess.run([sys.executable, "-c", fixed], capture_output=True, text=True)
        assert re.search(r"^\{F\}\{C\} +-?0.0\d$", done.stdout, re.MULTILINE), done.stdout
    if page == "docs/networks.md":
        overlap = float(re.search(r"overlap (\S+)", result.stdout)[1])
        assert overlap >= 0.95


# -- shell commands ------------------------------------------------------------------------------

#: What only some machines have, or takes a download.
ELSEWHERE = ("pip ", "dask ", "compute-sanitizer ", "INFOSIM_TEST_GPU=1 ", "infosim data fetch ")


def commands(page):
    """The shell commands that stand in a page's indented blocks, without their comments."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    text = text.replace("\\\n", " ")
    starts = "infosim |python -m |make |printf |" + "|".join(ELSEWHERE)
    return [
        re.sub(r"\s+#\s.*", "", line.strip())
        for line in re.findall(r"^ {4}(?! )(.*)$", text, re.MULTILINE)
        if re.match(starts, line)
    ]


#: Kinds of fenced blocks -> who carries them out, or why nobody does.
KINDS = {
    "python": "test_page",
    "{code-cell} python": "the site, when it is built",
    "toml": "test_settings_that_stand_there",
    "text": "no code: what is printed, compared in docs/pid.md, docs/troubleshooting.md and others",
    "{toctree}": "no code", "{eval-rst}": "no code",
    "{literalinclude} ../../CITATION.cff": "no code",
}  # fmt: skip
#: How lines of a shell begin that would stand in indented blocks and be carried out by nobody.
_UNKNOWN = re.compile(r"(cd|git|curl|wget|python3?|pip3|sh|bash|conda|docker|sbatch|jupyter)\s")


def test_nothing_is_shown_that_nobody_carries_out():
    assert KINDS["python"] in globals()
    assert KINDS["toml"] in globals()
    for page in ["README.md", *PAGES]:
        text = (ROOT / page).read_text()
        assert set(re.findall(r"^```(\S.*)$", text, re.MULTILINE)) <= KINDS.keys(), page
        indented = re.findall(r"^ {4}(?! )(.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL),
                              re.MULTILINE)  # fmt: skip
        unknown = [line for line in indented if _UNKNOWN.match(line)]
        assert not [one for one in unknown if not one.startswith("python -m ")], page


@pytest.mark.parametrize("page", [one for one in ["README.md", *PAGES] if blocks(one, "toml")])
def test_settings_that_stand_there(page, tmp_path):
    """Files of experiments are what infosim takes; parts of them, and of sweeps, are TOML."""
    for number, text in enumerate(blocks(page, "toml")):
        if "extends" in tomllib.loads(text):
            path = tmp_path / f"{number}.toml"
            path.write_text(text)
            assert Experiment.load(str(path)).config["layers"]


def test_shell_commands_are_found():
    assert "infosim demo" not in commands("README.md")
    assert "infosim train mine.toml --out runs/mine --resume" in commands("README.md")
    assert sum(len(commands(page)) for page in ["README.md", *PAGES]) > 40


@pytest.mark.parametrize("page", [one for one in ["README.md", *PAGES] if commands(one)])
def test_shell_commands(page, tmp_path, monkeypatch, capsys):
    """Each is carried out in order, in an empty folder, up to what takes long: its settings are
    read, its files must be there. What is made elsewhere is there: a sweep's file, a best goal."""
    monkeypatch.chdir(tmp_path)
    for other in ["README.md", *PAGES]:
        for block in blocks(other, "toml"):
            name = re.match(r"# (\S+\.toml)\n", block)
            if name:
                (tmp_path / name[1]).write_text(block)
    write_images(tmp_path / "pictures")
    if page == "docs/pid.md":  # its tables
        exec(blocks(page, "python")[0], {})
    if page == "docs/data.md":
        write_large_file()
    done, said = stubs(monkeypatch), ""
    for line in commands(page):
        if line.startswith("make "):
            target = line.split()[1]
            assert f"\n{target}:" in (ROOT / "Makefile").read_text(), line
        elif line.startswith("printf "):
            subprocess.run(["sh", "-c", line], check=True)
        elif line.startswith("python -m "):
            _, _, module, *words = shlex.split(line)
            importlib.import_module(module).main.make_context(module, words)
        elif not line.startswith(ELSEWHERE):
            _, *words = shlex.split(line.partition(" > ")[0])
            with pytest.raises(SystemExit) as stop:
                main(words)
            out, err = capsys.readouterr()
            assert stop.value.code == 0, f"{line}: {err}"
            said += out
            if " > " in line:
                (tmp_path / line.partition(" > ")[2].strip()).write_text(out)
    for block in blocks(page, "text") if page == "docs/pid.md" else ():
        assert block in said
    if page == "README.md":
        assert done == ["train"] * 5 + ["sweep", "search", "bench", "train"]


def write_large_file():
    """The files that docs/data.md makes in Python for a command."""
    exec(next(one for one in blocks("docs/data.md", "python") if "open_memmap" in one), {})


def test_your_own_data_from_nothing(tmp_path, monkeypatch, capsys):
    """docs/data.md: all that is typed there, in an empty folder, but for the number of epochs."""
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "pictures")
    write_large_file()
    for line in commands("docs/data.md"):
        if line.startswith("printf "):
            subprocess.run(["sh", "-c", line], check=True)
            continue
        _, *words = shlex.split(line)
        few = ["--epochs", "1", "--threads", "1"] if words[0] == "train" else []
        with pytest.raises(SystemExit) as stop:
            main([*words, *few])
        assert stop.value.code == 0, f"{line}: {capsys.readouterr().err}"
    said = capsys.readouterr().out
    assert "predictions of 2 rows in predictions.csv" in said
    assert "predictions of 6 files in cats.csv" in said
    assert "of 81 right" in said
    for name in ("pets", "pictures"):
        assert (tmp_path / "runs" / name / "summary.png").exists()


def stubs(monkeypatch):
    """Let nothing be computed for long; returns a list that what would have been is added to."""
    done = []

    def train(experiment, out, **options):
        done.append("train")
        return out or "run"

    def sweep(plan, out, **options):
        done.append("sweep")
        out.mkdir(parents=True, exist_ok=True)
        (out / "runs.json").write_text("[]")
        return SimpleNamespace(failed={})

    def search(experiment, out, **options):
        done.append("search")
        name = f"{experiment.name.replace('/', '-')}-{experiment.config['data']['name']}"
        out = Path("studies") / name if out is None else out
        out.mkdir(parents=True, exist_ok=True)
        (out / "best.toml").write_text(f"extends = '{experiment.name}'")
        return SimpleNamespace(out=out, start=None, value=0.1, trial=0, complete=10**9, pruned=0)

    def measure(experiment, data, **options):
        done.append("bench")
        return timing.Timing(1, 1.0, (1.0, 1.0), 1.0, 1, {}, 1.0, 1.0), {}

    def find(experiment, out, **options):
        done.append("capacity")
        return SimpleNamespace(out=out, failed={})

    monkeypatch.setattr("infosim.experiments.capacity.capacity", find)
    monkeypatch.setattr("infosim.experiments.train", train)
    monkeypatch.setattr("infosim.experiments.sweep.run_sweep", sweep)
    monkeypatch.setattr("infosim.experiments.optimize.optimize", search)
    monkeypatch.setattr(timing, "measure", measure)
    monkeypatch.setattr("infosim.cli.sweep.status.callback", lambda directory: None)
    monkeypatch.setattr("infosim.cli.draw.draw.callback", lambda **options: None)
    monkeypatch.setattr("infosim.cli.report.report.callback", lambda **options: None)
    monkeypatch.setattr("infosim.cli.predict.predict.callback", lambda **options: None)
    return done


def test_pages_that_are_linked_exist():
    """But for docs/made, which the site makes; it checks those links."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http|made/)([^)#]+)\)", page.read_text()):
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
