"""Pages of runs: whole, of any age, with nothing to load, and nothing of files taken for HTML."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import infosim
from infosim import markup
from infosim.cli import main
from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.experiments import Experiment, examination, store
from infosim.experiments.examination import examine_run
from infosim.experiments.run import train_together
from infosim.report import page

RUNS = Path(__file__).parents[1] / "runs"
OLD = ("classification", "factors", "interrupted", "recall")
EVIL = "<script>alert(1)</script>&\"'"
_VOID = {"meta", "link", "input", "img", "br"}
#: Where a browser would go to.
_GOES = ("src", "href", "action", "formaction", "poster", "data", "srcset", "xlink:href")


class Page(HTMLParser):
    """What tests ask of a page: its elements, with ids, links and texts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.feed(text)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] not in (["script"], ["style"]):
            self.text += data

    def of(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


def check(text):
    """The `Page` of a text, if it is sound."""
    found = Page(text)
    ids = [one["id"] for _, one in found.elements if "id" in one]
    assert len(set(ids)) == len(ids)
    for tag, one in found.elements:
        for name in _GOES:
            if name in one:
                assert re.match(r"#|data:image/|data:,", one[name]), (tag, one[name][:80])
                assert not one[name].startswith("#") or one[name][1:] in ids, one[name]
        assert not [name for name in one if name.startswith("on")]
        for name in ("aria-labelledby", "for"):
            assert one.get(name, ids[0]) in ids
    assert all(one.get("alt") for one in found.of("img"))
    labelled = {one["for"] for one in found.of("label") if "for" in one}
    assert all(one["id"] in labelled for one in found.of("textarea"))
    for one in found.of("svg"):
        assert one.get("aria-hidden") or one["role"] == "img"
    assert len(found.of("script")) == 1
    assert found.of("meta")[1]["content"].startswith("default-src 'none'; img-src data:;")
    assert any(one.get("name") == "viewport" for one in found.of("meta"))
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org)", text)
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    return found


def trained(experiment, out, **options):
    """The directory of a run, without its summary.png."""
    train_together([experiment], [out], threads=1, summary=False, **options)
    return out


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """A run of this version whose neurons were looked at."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    trained(Experiment.load("demo/digits", ["layers.hidden.size=12", "training.epochs=2"]), out)
    examine_run(infosim.load_run(out), threads=1)
    return out


@pytest.fixture
def copied(examined, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(examined, tmp_path / "run")


@pytest.fixture
def undrawn(monkeypatch):
    """Pictures take most of the time: where a test does not look at them, there are none."""
    for module in ("run", "layer", "many"):
        monkeypatch.setattr(
            f"infosim.report.{module}.picture",
            lambda draw, alt, *size, **more: markup.image(b"", "png", alt),
        )


@pytest.fixture
def neither(monkeypatch):
    """Neither data nor networks can be had."""

    def fail(*args, **options):
        raise AssertionError("not to be called")

    monkeypatch.setattr(infosim.datasets, "load", fail)
    monkeypatch.setattr(Simulator, "__init__", fail)


def command(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(one) for one in arguments])
    return stop.value.code


def test_a_whole_run(examined, neither):
    text = page([examined])
    found = check(text)
    assert len(text) < 1_000_000
    assert "What this report lacks" not in found.text
    for words in (
        "infosim train", "layers.hidden.size", "Settings that differ from the preset demo/digits",
        "complete, 2 epochs", "seed 0", "linear probe", "Without one of its neurons",
        "What it tells of each class", "Most similar neurons", "without it the error changes",
    ):  # fmt: skip
        assert words in found.text, words
    neurons = [one for one in found.of("details") if "neuron" in one.get("class", "")]
    assert len(neurons) == 12 + 10
    fields = [one for one in found.of("svg") if one.get("class") == "field"]
    assert len(fields) == 2 * 12  # in the overview and in each section
    assert fields[12]["aria-label"] == "Receptive field of neuron 0 of hidden"
    assert len(found.of("image")) == 1
    assert len(found.of("img")) == 4  # errors, confusion, atoms of two layers
    run = infosim.load_run(examined)
    assert run.explain("hidden", 3).title in found.text
    assert "\t".join(run.metrics) in found.text
    probe = 100 * run.examination.layers["hidden"].probe
    assert f"is wrong in {probe:.2f} % of 360 test samples" in " ".join(found.text.split())


def test_the_same_directory_is_the_same_page(examined):
    assert page([examined]) == page([examined])


@pytest.mark.parametrize("name", OLD)
def test_runs_of_earlier_versions(name, neither):
    found = check(page([RUNS / name]))
    assert "There is no record.npz" in found.text
    assert "There is no health.json" in found.text
    assert f"infosim report {RUNS / name} --examine" in found.text
    assert "Run it again" in found.text
    if name == "interrupted":
        assert "not complete: 1 of 3 epochs" in found.text


def test_runs_beside_each_other(examined, neither):
    text = page([examined, RUNS / "interrupted", RUNS / "recall"])
    found = check(text)
    assert "digits, interrupted, recall" in found.text
    for words in ("layers.hidden.size", "linear probes", "not complete", "data.name"):
        assert words in found.text
    assert found.of("img")[0]["alt"].startswith("Errors by epoch; at the end digits ")
    assert len(text) < 2_000_000


def test_a_sweep(tmp_path, neither):
    sweep = shutil.copytree(RUNS / "sweep", tmp_path / "goals")
    found = check(page([sweep]))
    assert "2 runs are complete, 0 failed, 0 are left" in found.text
    results = infosim.load_sweep(sweep)
    mean = 100 * np.mean(results.columns["test_error"])
    assert f"{mean:.2f} %" in found.text
    key = results.columns["key"][0]
    assert key in found.text
    store.write_json(sweep / "runs" / key / "error.json", {"error": EVIL})
    (sweep / "runs" / key / "result.json").unlink()
    found = check(page([sweep]))
    assert "1 runs are complete, 1 failed" in found.text
    for one in (sweep / "runs").iterdir():
        (one / "result.json").unlink(missing_ok=True)
    assert "No run is complete" in check(page([sweep])).text


def test_nothing_of_files_is_html(copied, undrawn):
    """Names, texts and commands that anyone may have written, in every file that has some."""
    config = copied / "config.toml"
    settings = config.read_text()
    settings = re.sub(
        r"^title = .*$", "title = '''<script>alert(1)</script>'''", settings, flags=re.M
    )
    assert "<script>" in settings
    config.write_text(settings)
    environment = store.read_json(copied / "environment.json")
    environment |= {"command": ["infosim", EVIL], "cpu": EVIL, "packages": {EVIL: EVIL}}
    store.write_json(copied / "environment.json", environment)
    arrays = store.read_arrays(copied / "examination.npz")
    arrays["classes"] = np.array([f"{EVIL}{c}" for c in range(10)])
    store.write_arrays(copied / "examination.npz", arrays)
    record = store.read_arrays(copied / "record.npz")
    record |= {"task": np.array(EVIL), "experiment": np.array(EVIL)}
    store.write_arrays(copied / "record.npz", record)
    named = copied.rename(copied.with_name("<img src=x onerror=alert(1)>"))
    text = page([named])
    found = check(text)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert found.text.count(f"class neuron of {EVIL}") or found.text.count(f"most of class {EVIL}")
    assert EVIL in found.text
    assert "<script>" not in infosim.load_run(named).explain("hidden", 1)._repr_html_()
    assert "<img src=x" not in infosim.load_run(named)._repr_html_()


def test_classes_are_called_as_the_data_set_calls_them(copied, undrawn):
    arrays = store.read_arrays(copied / "examination.npz")
    arrays["classes"] = np.array([f"digit {c}" for c in range(10)])
    store.write_arrays(copied / "examination.npz", arrays)
    found = infosim.load_run(copied).explain("hidden", 0)
    assert list(found.by_class) == arrays["classes"].tolist()
    assert "digit 7" in check(page([copied])).text


def test_a_run_that_went_on_since(copied, undrawn):
    config = Experiment("digits", infosim.load_run(copied).config | {})
    config.config["training"]["epochs"] = 3
    assert infosim.load_run(copied).examination.epoch == 2
    trained(config, copied, resume=True)
    run = infosim.load_run(copied)
    assert run.examination is None
    assert "since epoch 2" in run.unexamined
    assert "since epoch 2" in check(page([copied])).text
    trained(config, copied, force=True)
    assert not (copied / "examination.npz").exists()


def test_a_run_stopped_in_its_first_epoch(copied, undrawn):
    lines = (copied / "metrics.csv").read_text().splitlines()
    (copied / "metrics.csv").write_text(lines[0] + "\n")
    atoms = store.read_arrays(copied / "atoms.npz")
    store.write_arrays(copied / "atoms.npz", {k: v for k, v in atoms.items() if "/labels" in k})
    for name in ("examination.npz", "health.json", "record.npz", "result.json"):
        (copied / name).unlink()
    found = check(page([copied]))
    assert "not complete: 0 of 2 epochs" in found.text
    assert infosim.load_run(copied).explain("hidden", 0).atoms == {}
    assert infosim.load_run(copied)._repr_html_()
    examine_run(infosim.load_run(copied), threads=1)
    assert "fires in" in check(page([copied])).text


def test_written_and_read_back_is_the_same(copied):
    run = infosim.load_run(copied)
    found = run.examination
    assert found.samples == found.lesioned == 360
    examination.write(copied / "again.npz", found, ["a"] * 12)
    again, classes = examination.read(copied / "again.npz", run.config)
    assert classes == ("a",) * 10
    for layer, neurons in found.layers.items():
        for name, value in vars(neurons).items():
            np.testing.assert_array_equal(getattr(again.layers[layer], name), value)
    for name in ("epoch", "samples", "trained", "error", "lesioned"):
        assert getattr(again, name) == getattr(found, name)
    assert examination.read(copied / "none.npz", run.config) == (None, None)


def test_without_class_or_readout(tmp_path, undrawn):
    run = shutil.copytree(RUNS / "factors", tmp_path / "factors")
    found = examine_run(infosim.load_run(run), threads=1)
    assert found.counts is None
    assert found.error is None
    text = check(page([run])).text
    assert "fires in" in text
    assert "linear probe" not in text
    explained = infosim.load_run(run).explain("hidden", 0)
    assert explained.information is None
    assert explained.by_class == {}
    assert explained.firing == found.layers["hidden"].firing[0]


def test_many_neurons_are_bounded(examined, monkeypatch, undrawn):
    monkeypatch.setattr("infosim.report.making.MOST_NEURONS", 5)
    found = check(page([examined]))
    assert "These are the first 5 of 12" in found.text
    assert len([one for one in found.of("details") if "neuron" in one.get("class", "")]) == 10


def test_explained_by_a_run(examined):
    run = infosim.load_run(examined)
    found, seen = run.explain("hidden", 3), run.examination.layers["hidden"]
    assert found.information == seen.information[3]
    assert found.damage == seen.damage[3]
    assert list(found.similar) == seen.similar[3].tolist()
    assert list(found.atoms.values()) == run.atoms["hidden"][-1, 3].tolist()
    np.testing.assert_array_equal(found.fields[""], run.weights["hidden/F/weights"][3])
    assert found.missing == ""
    with pytest.raises(infosim.ConfigError, match="from 0 to 11, was 12"):
        run.explain("hidden", 12)
    with pytest.raises(infosim.ConfigError, match="did you mean hidden"):
        run.explain("hiden", 0)
    old = infosim.load_run(RUNS / "classification").explain("output", 3)
    assert old.firing is None
    assert "--examine" in str(old)


def test_a_goal_that_changed_is_that_of_the_end(tmp_path):
    goal = '{"{F}{C}" = 1, "{F}" = {from = 0, to = -1, until = 2}}'
    settings = [f"layers.output.goal={goal}", "layers.hidden.size=4", "training.epochs=2"]
    run = infosim.load_run(trained(Experiment.load("demo/digits", settings), tmp_path / "run"))
    found = run.explain("output", 0)
    assert found.gammas["{F}"] == run.metrics["gamma_output/{F}"][-1] < 0
    assert found.gammas["{F}{C}"] == 1


def test_notebooks_show_without_matplotlib():
    """In a process of its own, where nothing has imported it."""
    code = f"""
import sys, numpy as np, infosim
run = infosim.load_run({str(RUNS / "classification")!r})
shown = [run, run.history, infosim.Goal.of("{{F}}{{C}} - 0.5 {{F}}", "FC"),
         infosim.decompose(np.full((2, 2, 2), 1 / 8)), infosim.load_run({str(RUNS / "recall")!r})]
for one in shown:
    text = one._repr_html_()
    assert text.count("<table>") == 1 and len(text) < 10_000, text
assert "matplotlib" not in sys.modules
assert "jinja2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# -- the command -----------------------------------------------------------------------------------


def test_the_command(copied, capsys, tmp_path, undrawn):
    assert command("report", copied) == 0
    assert capsys.readouterr() == (f"{copied / 'report.html'}\n", "")
    written = (copied / "report.html").read_text()
    assert written == page([copied])
    out = tmp_path / "both.html"
    assert command("report", copied, RUNS / "recall", "--out", out, "-q") == 0
    assert capsys.readouterr() == ("", "")
    check(out.read_text())
    (copied / "examination.npz").unlink()
    assert command("report", copied, "--examine", "-q") == 0
    assert (copied / "report.html").read_text() == written


def test_a_sweep_is_examined(tmp_path, capsys, undrawn):
    sweep = shutil.copytree(RUNS / "sweep", tmp_path / "sweep")
    assert command("report", sweep, "--examine") == 0
    assert len(list(sweep.glob("runs/*/examination.npz"))) == 2
    assert (sweep / "report.html").exists()
    assert list(sweep.glob("**/.*.tmp")) == []


def damage(name, change=None, **arrays):
    """A function of a run's directory that damages one of its files."""

    def damaged(run):
        path = run / name
        if change is not None:
            path.write_bytes(change)
            return
        found = store.read_arrays(path)
        for key, value in arrays.items():
            key = key.replace("__", "/")
            found[key] = value(found[key]) if callable(value) else value
        store.write_arrays(path, {k: v for k, v in found.items() if v is not None})

    return damaged


LAYER = "layers__hidden__"
BAD = {
    "no archive": damage("examination.npz", b"PK no"),
    "empty": damage("examination.npz", b""),
    "a number that is a text": damage("examination.npz", epoch=np.array("2")),
    "no epoch": damage("examination.npz", epoch=None),
    "a layer is missing": damage("examination.npz", **{f"{LAYER}firing": None}),
    "of another size": damage("examination.npz", **{f"{LAYER}firing": lambda a: a[:-1]}),
    "no such neuron": damage("examination.npz", **{f"{LAYER}similar": lambda a: a + 100}),
    "negative neurons": damage("examination.npz", **{f"{LAYER}similar": lambda a: a - 100}),
    "other classes": damage("examination.npz", **{f"{LAYER}about": lambda a: a[:, 1:]}),
    "no classes": damage("examination.npz", counts=None),
    "half of the classes": damage("examination.npz", **{f"{LAYER}about": None}),
    "class names that are numbers": damage("examination.npz", classes=np.arange(10)),
    "too few class names": damage("examination.npz", classes=np.array(["a"])),
    "health": damage("health.json", b"{}"),
    "metrics": damage("metrics.csv", b"epoch,test_error\n0"),
    "metrics without errors": damage("metrics.csv", b"epoch\n0\n1\n2\n"),
    "no weights": damage("weights.npz", **{"hidden__F__weights": None}),
    "fewer weights": damage("weights.npz", **{"hidden__F__weights": lambda a: a[:5]}),
    "atoms of fewer neurons": damage("atoms.npz", hidden=lambda a: a[:, :5]),
    "atoms of no epoch": damage("atoms.npz", hidden=lambda a: a[:0]),
    "record": damage("record.npz", b"PK"),
    "record of another confusion": damage("record.npz", task__confusion=np.zeros((2, 3))),
}


@pytest.mark.parametrize("name", BAD)
def test_damaged_files_are_a_line(name, copied, capsys):
    BAD[name](copied)
    before = {path.name for path in copied.iterdir()}
    assert command("report", copied) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("infosim: ")
    assert err.count("\n") == 1
    assert str(copied) in err
    assert "Traceback" not in err
    assert {path.name for path in copied.iterdir()} - before <= {".lock"}


def test_what_is_no_run_is_a_line(copied, tmp_path, capsys, undrawn):
    (tmp_path / "empty").mkdir()
    folder = tmp_path / "folder.html"
    folder.mkdir()
    for arguments, said in (
        (["report"], "Missing argument 'RUN...'"),
        (["report", tmp_path / "none"], "holds no run"),
        (["report", tmp_path / "empty"], "config.toml is missing"),
        (["report", copied / "config.toml"], "holds no run"),
        (["report", copied, copied, "--out", tmp_path / "x.html"], "given twice"),
        (["report", copied, RUNS / "recall"], "needs --out FILE.html"),
        (["report", copied, "--out", tmp_path / "x.pdf"], "a report is called NAME.html"),
        (["report", copied, "--out", folder], "cannot write"),
        (["report", copied, "--out", tmp_path / "none" / "x.html"], "cannot write"),
        (["report", copied, RUNS / "sweep", "--out", tmp_path / "x.html"], "it is a sweep's"),
        (["report", *[copied] * 21, "--out", tmp_path / "x.html"], "at most 20 runs"),
        (["report", tmp_path / "empty", "--examine"], "config.toml is missing"),
    ):  # fmt: skip
        assert command(*arguments) == 2, arguments
        out, err = capsys.readouterr()
        assert said in err, (arguments, err)
        assert err.count("\n") == 1
        assert out == ""
    assert not (tmp_path / "x.html").exists()
    with store.held(copied):
        assert command("report", copied) == 2
        assert "in use by" in capsys.readouterr().err
        assert command("report", copied, "--examine") == 2
        assert command("report", copied, "--out", tmp_path / "x.html") == 0


def test_without_jinja(copied, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert command("report", copied) == 2
    assert "pip install 'infosim[report]'" in capsys.readouterr().err


def test_data_that_cannot_be_had_is_a_line(copied, capsys, undrawn):
    config = copied / "config.toml"
    config.write_text(config.read_text().replace('name = "digits"', 'name = "mine"'))
    (copied / "examination.npz").unlink()
    assert command("report", copied, "--examine") == 2
    assert "mine" in capsys.readouterr().err
    assert command("report", copied) == 0


def test_groups_have_their_own_goals(tmp_path, undrawn):
    groups = "layers.hidden.groups={big={size=4}, small={size=3, goal='{F}{C} - {L}'}}"
    settings = ["layers.hidden.size=7", groups, "training.epochs=1"]
    out = trained(Experiment.load("demo/digits", settings), tmp_path / "run")
    run = infosim.load_run(out)
    small, whole = run.explain("hidden/small", 1), run.explain("hidden", 5)
    assert (small.neuron, small.size, whole.size) == (1, 3, 7)
    assert small.gammas == whole.gammas
    assert small.gammas["{L}"] == -1
    assert list(small.atoms.values()) == run.atoms["hidden/small"][-1, 1].tolist()
    found = check(page([out]))
    assert "hidden/small" in found.text
    assert "Goal: {F}{C} - {L}" in " ".join(found.text.split())
    for bad in ("hidden/none", "small"):
        with pytest.raises(infosim.ConfigError, match="no layer"):
            run.explain(bad, 0)


def test_inputs_of_a_table_are_called_as_its_columns(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog"], 30)
    x = rng.normal(size=(2, 60))
    columns = {EVIL: x[0] + (y == "dog"), "weight": x[1], "kind": y}
    data = infosim.Dataset.of(columns, "kind")
    few = ["training.epochs=1", "layers.hidden.size=2"]
    experiment = Experiment.load("own/table", few).on(data)
    folder = infosim.train(experiment, tmp_path / "own", threads=1)
    run = infosim.load_run(folder)
    with pytest.raises(ConfigError, match="own was trained on other data than"):
        examine_run(run, dataset=infosim.load("digits"))
    examine_run(run, dataset=data)
    run = infosim.load_run(folder)
    explained = run.explain("hidden", 1)
    weights = run.weights["hidden/F/weights"][1]
    assert explained.features == (EVIL, "weight")
    most = (EVIL, "weight")[np.argmax(abs(weights))]
    assert f"reads most {most} {markup.number(float(max(weights, key=abs)), 2)}, " in str(explained)
    assert "class dog" in str(explained)
    made = page([folder])
    assert "What it reads" in check(made).text
    assert EVIL not in made
