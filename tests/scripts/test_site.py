"""The site's pages that are made, what checks it, and what its pages say of the package."""

import csv
import fnmatch
import json
import re
import shlex
import tomllib

import pytest
from click.testing import CliRunner

import infosim
from infosim.cli import main
from infosim.datasets.sources import SOURCES
from infosim.errors import ConfigError
from infosim.experiments import Experiment, preset_names
from infosim.experiments.reading import flat, read_files
from scripts import pages, reproducing
from scripts.files import ROOT
from scripts.site import copies, docstrings, links, making, models, objects, thumbnails, times

DOCS = ROOT / "docs"


def read(path):
    return (ROOT / path).read_text("utf-8")


# -- pages of presets ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page():
    return models._pages_of("iclr/trivariate-feedback")


def test_a_page_holds_every_setting_as_it_is_resolved(page):
    text = page["models/iclr-trivariate-feedback.md"]
    rows = re.findall(r"^\| `([\w.-]+)` \| `(.*)` \| (.*) \| (.*) \|$", text, re.MULTILINE)
    rows = [(path, value, where, source) for path, value, source, where in rows]
    found = {path: tomllib.loads(f"x = {value}")["x"] for path, value, *_ in rows}
    config = Experiment.load("iclr/trivariate-feedback").config
    expected = dict(flat(config))
    for name in ("title", "paper", "doi", "notes"):
        del expected[name]
    expected["layers.hidden.goal"] = "iclr/trivariate-optimized"  # by their names
    expected["layers.output.goal"] = "iclr/output"
    assert found == expected
    said = {path: where for path, _, where, _ in rows}
    (own,) = (one.table for one in read_files("iclr/trivariate-feedback")[-1:])
    own = dict(flat(own))
    assert {path for path, where in said.items() if where == "here"} == own.keys() & said.keys()
    assert said["data.scaling"] == "default"
    sources = {path: source for path, *_, source in rows}
    assert sources["layers.hidden.compartments.C.source"] == "released code"
    assert sources["training.record_every"] == "ours"
    assert sources["training.epochs"].startswith("inferred: the released study's name")
    told = re.search(r"Of (\d+) settings: (\d+) released code, (\d+) inferred, (\d+) ours", text)
    n, *parts = map(int, told.groups())
    assert n == len(rows) == sum(parts)


def test_where_a_setting_is_said_follows_what_a_preset_extends():
    text = models._settings("memory/storkey", Experiment.load("memory/storkey").config)
    assert '| `network.rule` | `"storkey"` | paper: the rule that it proposes | here |' in text
    assert '| `data.name` | `"patterns"` | inferred | pnas/memory-heuristic |' in text


def test_a_memory_has_its_capacity_and_not_that_of_variants():
    with open(ROOT / "figures/memory2025/capacities.csv", newline="") as file:
        rows = [one for one in csv.DictReader(file) if one["preset"] == "memory/optimized-2"]
    plain = [float(one["capacity"]) for one in rows if one["settings"].count(";") == 1]
    assert len(plain) > 1
    (said, _) = models._expected("memory/optimized-2")
    told = re.match(r"Capacity: (\S+) patterns per neuron \((\S+) to (\S+), (\d+) seeds\)", said)
    middle, low, high, n = map(float, told.groups())
    assert (low, high, n) == (min(plain), max(plain), len(plain))
    assert low <= middle <= high
    assert models._capacity("memory/storkey") == []
    assert models._expected("memory/storkey")[0].startswith("No run of it")


def test_a_page_shows_its_network_goals_and_numbers(page):
    text = page["models/iclr-trivariate-feedback.md"]
    pictures = re.findall(r"!\[.*\]\((.*)\)", text)
    assert pictures == [
        f"iclr-trivariate-feedback{what}.png" for what in ("", "-hidden", "-output")
    ]
    for name in pictures:
        assert page[f"models/{name}"].startswith(b"\x89PNG")
    (row,) = [line for line in text.splitlines() if line.startswith("| layers.hidden.size=200 |")]
    with open(ROOT / "figures/iclr2025/fig3_performance.csv", newline="") as file:
        (same,) = [
            one for one in csv.DictReader(file)
            if (one["model"], one["n_hidden"], one["split"])
            == ("Trivariate with Feedback", "200", "test")
        ]  # fmt: skip
    low, middle, high = (f"{100 * float(same[key]):.2f}" for key in ("min", "median", "max"))
    assert row == f"| layers.hidden.size=200 | 100 | 5 | {middle} | {low} to {high} |"


def test_every_preset_can_be_drawn_without_its_data(monkeypatch, tmp_path):
    monkeypatch.setenv("INFOSIM_DATA", str(tmp_path))
    for name in preset_names():
        network = models.network_of(Experiment.load(name))
        assert network.layers
    text = models._index()
    for name in preset_names():
        assert f"[{name}]({models._file(name)}.md)" in text
    assert {name.partition("/")[0] for name in preset_names()} == models.FAMILIES.keys()


def test_goals_of_groups_and_of_four_sources():
    network = models.network_of(Experiment.load("demo/tetravariate"))
    assert not list(models._goals(network.layers[0]))
    assert len(list(models._goals(network.layers[1]))) == 1


def test_durations():
    assert pages.duration(0.3) == "a second or two"
    assert pages.duration(63) == "63 seconds"
    assert pages.duration(150) == "2 minutes"
    assert pages.duration(3 * 3600) == "3 hours"


def test_times_are_of_presets():
    assert times.known(times.PATH).keys() <= set(preset_names())


# -- pages of objects, copies, and how they are written --------------------------------------------


def test_every_public_object_has_a_page():
    made = objects.pages()
    public = [name for names in (infosim._PUBLIC | infosim._EXTRA).values() for name in names]
    assert {f"objects/{name}.rst" for name in public} <= made.keys()
    for name in public:
        assert f"[{name}]({name}.rst)" in made["objects/index.md"]
    assert "autofunction:: infosim.plotting.network_page" in made["objects/infosim.plotting.rst"]


def test_copies_link_to_where_things_are_from_there():
    for name, text in copies.pages().items():
        folder = DOCS / "made" / "project"
        for target in re.findall(r"\]\((?!http|#|mailto)([^)#]+)\)", text):
            there = (folder / target).resolve()
            is_copy = there.parent == folder.resolve() and there.stem in copies.COPIES
            assert is_copy or there.exists(), f"{name}: {target}"


def test_what_is_made_stays_if_it_is_the_same_and_goes_if_it_is_no_more(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "pages", lambda: {"models/a.md": "a", "models/a.png": b"b"})
    monkeypatch.setattr(objects, "pages", lambda: {"objects/o.rst": "θ"})
    monkeypatch.setattr(copies, "pages", dict)
    for gone in ("models/old.md", "gone/one.md"):
        (tmp_path / gone).parent.mkdir(exist_ok=True)
        (tmp_path / gone).write_text("old")
    making.write(tmp_path)
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {"models/a.md", "models/a.png", "objects/o.rst"}
    assert (tmp_path / "objects/o.rst").read_text("utf-8") == "θ"
    assert not (tmp_path / "gone").exists()
    before = (tmp_path / "models/a.md").stat().st_mtime_ns
    making.write(tmp_path)
    assert (tmp_path / "models/a.md").stat().st_mtime_ns == before


DOCSTRING = """What it is, |x| of *args and n_.

x : the first, (n, K); y : the other
    which goes on; as `y | z`

More of it.

Raises
------
ConfigError : too many

Examples
--------
>>> 2 * 3

6"""


def test_docstrings_become_those_of_numpydoc():
    assert docstrings.numpydoc(DOCSTRING.splitlines()) == [
        r"What it is, \|x\| of \*args and n\_.", "", "", "More of it.", "",
        "Parameters", "----------",
        "x", "    the first, (n, K)", "y", "    the other", "    which goes on; as `y | z`", "",
        "Raises", "------", "ConfigError", "    too many", "",
        "Examples", "--------", ">>> 2 * 3", "", "6", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "One line.", "Raises\n------", ">>> 1\n1", "a : b"])
def test_nothing_of_a_docstring_is_lost(text):
    found = " ".join(docstrings.numpydoc(text.splitlines()))
    assert all(word in found for word in text.split() if word not in (":", "Raises", "------"))


# -- the gallery's index ---------------------------------------------------------------------------

ENTRY = '<li class="toctree-l1"><a class="reference internal" href="{}.html">'


def test_thumbnails_are_the_last_pictures_of_their_pages(tmp_path):
    two = '<img alt="a" src="../_images/1.png" /><p>x</p><img src="../_images/2.png" alt="b"/>'
    (tmp_path / "one.html").write_text(f"<img src='logo'><article>{two}</article><img src='x'>")
    (tmp_path / "none.html").write_text("<article>no picture</article><img src='x'>")
    text = f"<nav>{ENTRY.format('one')}1</a></li></nav><article>"
    text += f"{ENTRY.format('one')}One</a></li>{ENTRY.format('none')}None</a></li></article>"
    (tmp_path / "index.html").write_text(text)
    for _ in range(2):  # an index that is not built anew keeps what it has
        thumbnails.thumbnails(tmp_path)
        picture = '<img class="thumbnail" alt="" src="../_images/2.png" />'
        expected = text.replace("One<", f"{picture}One<")
        assert (tmp_path / "index.html").read_text() == expected


# -- links -----------------------------------------------------------------------------------------


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html">1</a><a href="b.html#here">2</a><a href="b.html#gone">3</a>'
        '<a href="c.html">4</a><img src="p.png"><a href="#">5</a><a href="#top">6</a>'
        '<a href="https://example.org/x">7</a><a href="b.html?q=1#%68ere">8</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"></p>')
    assert list(links.broken(tmp_path)) == [
        "a.html: #top has no such place",
        "a.html: b.html#gone has no such place",
        "a.html: c.html is not there",
        "a.html: p.png is not there",
    ]
    result = CliRunner().invoke(links.main, [str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.endswith("4 broken links\n")
    assert CliRunner().invoke(links.main, [str(tmp_path / "nowhere")]).exit_code == 2


# -- what pages say --------------------------------------------------------------------------------


def test_every_page_has_its_place():
    """Sphinx says so, too, but only when the site is built."""
    listed = set()
    for page in DOCS.rglob("*.md"):
        for tree in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            for entry in tree.splitlines():
                if entry and not entry.startswith(":"):
                    folder = page.parent
                    listed |= {p.resolve() for p in folder.glob(f"{entry}.md")}
    pages = {p.resolve() for p in DOCS.rglob("*.md") if "made" not in p.relative_to(DOCS).parts}
    missing = sorted(p.name for p in pages - listed - {DOCS / "index.md"})
    assert not missing, f"add to a toctree, in docs/guides.md or docs/explanation.md: {missing}"


MESSAGES = re.findall(
    r"```text\n\$ (infosim .*)\n(infosim: .*)\n```", read("docs/troubleshooting.md")
)


def test_there_are_messages():
    assert len(MESSAGES) >= 10


@pytest.mark.parametrize(("command", "message"), MESSAGES)
def test_a_message_is_what_is_said(command, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(shlex.split(command)[1:])
    assert stop.value.code == 2
    pattern = re.sub(r"[\[\]?*]", "[\\g<0>]", message).replace("...", "*")
    assert fnmatch.fnmatchcase(capsys.readouterr().err.strip(), pattern)


def test_questions_are_twenty_and_each_links_to_its_answer():
    parts = read("docs/questions.md").split("\n### ")[1:]
    assert len(parts) >= 20
    for part in parts:
        title, _, answer = part.partition("\n")
        assert title.endswith("?")
        targets = re.findall(r"\]\(([^)#]+)", answer)
        assert targets, title
        for target in targets:
            made = re.fullmatch(r"made/(\w+)/([\w-]+)\.(?:md|rst)", target)
            assert made or (DOCS / target).exists(), f"{title}: {target}"
            if made:
                kind, name = made.groups()
                known = {
                    "project": copies.COPIES,
                    "objects": infosim.__all__,
                    "models": [models._file(one) for one in preset_names()],
                }
                assert name in known[kind], target


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands(shell, monkeypatch, capsys):
    """docs/start.md: what a shell asks for, and how it is answered."""
    assert f"{shell}_source" in read("docs/start.md")
    monkeypatch.setenv("_INFOSIM_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "infosim tra")
    monkeypatch.setenv("COMP_CWORD", "tra" if shell == "fish" else "1")
    with pytest.raises(SystemExit):
        main([])
    assert "train" in capsys.readouterr().out


def test_notebooks_name_their_kernel_and_download():
    pages = [*sorted((DOCS / "gallery").glob("*.md")), DOCS / "neurons.md"]
    listed = read("docs/gallery/index.md")
    for path in pages:
        if path.stem == "index":
            continue
        text = path.read_text("utf-8")
        assert text.startswith("---\nfile_format: mystnb\nkernelspec:\n  name: python3\n")
        if path.parent.name == "gallery":
            assert f"<{path.stem}.ipynb>`" in text
            assert f"\n{path.stem}\n" in listed
        cells = re.findall(r"```\{code-cell\} python\n(.*?)```", text, re.DOTALL)
        options = [re.match(r":mystnb: (.*)\n", cell) for cell in cells]
        cells = [cell[one.end() if one else 0 :] for cell, one in zip(cells, options, strict=True)]
        assert cells[0].startswith("%matplotlib inline\n")
        for cell, given in zip(cells, options, strict=True):
            compile(cell.removeprefix("%matplotlib inline\n"), path.name, "exec")
            # what ends in a picture says in words what is on it
            if re.search(r"^(fig|plotting\.\w+\(.*\))\n\Z", cell, re.MULTILINE):
                assert re.fullmatch(r'\{image: \{alt: "[^"]{20,}"\}\}', given[1]), (path.name, cell)


def test_figures_are_listed_as_their_captions_say():
    page = reproducing.PAGE.read_text("utf-8")
    assert reproducing.written(page) == page, "REPRODUCING.md is old: python -m scripts.reproducing"
    assert "`python -m scripts.pnas2025.supervised --scale laptop`" in page
    for path in re.findall(r"\]\((scripts/[^)]*)\)", page):
        assert (ROOT / path).exists()


def test_a_page_without_place_for_figures_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no place for its figures"):
        reproducing.written("# Nothing")
    (tmp_path / "page.md").write_text("# Nothing")
    result = CliRunner().invoke(reproducing.main, ["--page", str(tmp_path / "page.md")])
    assert result.exit_code == 2
    assert (tmp_path / "page.md").read_text() == "# Nothing"


def test_where_it_stands_is_what_was_measured():
    """The table of README.md and docs/standing.md: our errors, and that both have the same."""
    tables = [
        re.findall(r"^\| .* \|$", read(page), re.MULTILINE)
        for page in ("README.md", "docs/standing.md")
    ]
    tables = [[re.sub(r"\]\(.*?\)", "]", row) for row in rows] for rows in tables]
    (ours, theirs) = ([row for row in rows if row.count("|") == 6] for rows in tables)
    assert ours == theirs
    assert len(ours) == 13

    def errors(table, **asked):
        with open(ROOT / "figures/iclr2025" / f"{table}.csv", newline="") as file:
            rows = [row for row in csv.DictReader(file)
                    if all(row[key] == value for key, value in asked.items())]  # fmt: skip
        (row,) = rows
        return f"{100 * float(row.get('test_median') or row['median']):.1f}"

    def mnist(model, n):
        return errors("fig3_performance", model=model, n_hidden=str(n), split="test")

    sparse = "Trivariate Optimized Sparse"
    row = [cell.strip() for cell in ours[1].split("|")[1:-1]]
    assert row[0] == "infomorphic, ours"
    assert row[2] == " / ".join([mnist("Trivariate Optimized", 100), mnist(sparse, 500),
                                 mnist(sparse, 2000)])  # fmt: skip
    assert row[3].startswith(errors("cifar10", model="goal optimised on CIFAR-10", removed=""))
    row = [cell.strip() for cell in ours[3].split("|")[1:-1]]
    assert row[0] == "backpropagation, the same stochastic network, ours"
    assert row[2] == " / ".join(mnist("Backpropagation", n) for n in (100, 200, 500))
    assert row[3].startswith(errors("cifar10", model="backpropagation", removed=""))


def test_a_caption_that_does_not_say_how_it_was_made_is_refused(tmp_path):
    (tmp_path / "figure.md").write_text("**A title.** No command.\n")
    with pytest.raises(ConfigError, match="what made it"):
        reproducing._row(tmp_path / "figure.md")


def test_data_are_listed_with_their_hashes():
    page = read("DATA.md")
    for source in SOURCES.values():
        assert f"`{source.name}`" in page
        for file in source.files:
            assert file.sha256 in page, file.name
    from hashlib import sha256

    for path in ("infosim/datasets/digits.npz", *(f"infosim/pid/{name}_goals.csv" for name in
                                                  ("published", "bivariate"))):  # fmt: skip
        assert path in page
        assert sha256((ROOT / path).read_bytes()).hexdigest() in page, path


def test_the_version_is_the_same_everywhere():
    version = infosim.__version__
    assert json.loads(read("codemeta.json"))["version"] == version
    assert json.loads(read(".zenodo.json"))["version"] == version
    assert f"\nversion: {version}\n" in read("CITATION.cff")
    assert f'{{% set version = "{version}" %}}' in read("conda/meta.yaml")
    assert "version = attr: infosim.__version__" in read("setup.cfg")
    assert CliRunner().invoke(__import__("infosim.cli").cli.commands, ["--version"]).output == (
        f"infosim, version {version}\n"
    )
