"""A page for each preset, made of it: network and goals drawn, settings, what came of it."""

import csv
import io
from functools import cache
from statistics import median
from types import SimpleNamespace

import numpy as np

from infosim import datasets
from infosim.datasets import Dataset
from infosim.datasets.sources import SOURCES
from infosim.experiments import Experiment, preset_names
from infosim.experiments.provenance import CERTAINTIES, provenance
from infosim.experiments.reading import flat, laid, read_files
from infosim.pid import Goal, goal_names
from infosim.plotting import goal_summary, network_page, save, style
from infosim.plotting.ink import MOST_DRAWN
from scripts.files import ROOT
from scripts.pages import duration, percent, table
from scripts.settings import toml
from scripts.site import times

#: Of published data sets, which are not loaded to draw a network for them.
_CLASSES = 10
#: What the families of presets are.
FAMILIES = {
    "demo": "In seconds, on data that come with infosim",
    "iclr": "Three compartments: ICLR 2025",
    "pnas": "Two compartments: PNAS 2025",
    "memory": "Associative memories",
    "own": "For data of your own",
}
_DRAWN = {}
#: What every row of the ledger of capacities says.
_USUAL = ("training.batch=all", "training.seed=")


def pages():
    """Text or picture by the name of its file, for all presets."""
    made = {"models/index.md": _index()}
    for name in preset_names():
        made |= _pages_of(name)
    return made


def network_of(experiment):
    """The Network of an experiment; nothing is fetched, and no data of a user's own are needed."""
    name = experiment.config["data"]["name"]
    if name in SOURCES:
        shape = datasets.image_shape(name, {})
        return experiment.network(SimpleNamespace(image_shape=shape, n_classes=_CLASSES))
    if not name:
        experiment = experiment.on(_some_data(experiment.name))
    return experiment.network(experiment.dataset())


def _some_data(name):
    """Data such as a user may have: three classes, four columns or images of 8 x 8."""
    rng, y = np.random.default_rng(0), np.arange(60) % 3
    shape = (60, 8, 8) if name.endswith("images") else (60, 4)
    return Dataset.of(rng.random(shape), y)


def _index():
    lines = [
        "# Models",
        "",
        "Every preset, made into a page by itself. `infosim presets` lists them, "
        "`infosim train NAME` trains one.",
        "",
    ]
    for family, title in FAMILIES.items():
        names = [name for name in preset_names() if name.startswith(f"{family}/")]
        rows = [
            [f"[{one}]({_file(one)}.md)", Experiment.load(one).config["title"]] for one in names
        ]
        lines += [f"## {title}", "", table(["preset", "what it is"], rows), ""]
    entries = "\n".join(_file(name) for name in preset_names())
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", entries, "```", ""])


def _file(name):
    return name.replace("/", "-")


def _pages_of(name):
    experiment = Experiment.load(name)
    network, file = network_of(experiment), _file(name)
    made = {f"models/{file}.png": _picture(network_page(network))}
    lines = [f"# {name}", "", f"**{experiment.config['title']}.** {_paper(experiment.config)}", ""]
    lines += [f"![The network of {name}]({file}.png)", "", _LEGEND, ""]
    notes = experiment.config["notes"].strip()
    lines += ["## Known and chosen", "", notes, ""] if notes else []
    for layer in network.layers:
        for population, goal in _goals(layer):
            drawn = f"{file}-{population.replace('/', '-')}.png"
            made[f"models/{drawn}"] = _goal_picture(goal, layer)
            lines += [f"## The goal of {population}", "", f"![Goal of {population}]({drawn})", ""]
    lines += ["## Run it", "", *(f"    {line}" for line in _commands(experiment)), ""]
    lines += ["## What to expect", "", *_expected(name), *_time(name), ""]
    lines += ["## Settings", "", _SETTINGS, _sources(name), ""]
    lines += [_settings(name, experiment.config), ""]
    return made | {f"models/{file}.md": "\n".join(lines)}


_LEGEND = (
    "*From left to right; each layer lists its compartments and what they read. Dashed: of an "
    "earlier step (t−1: the one before). Thin: weights that do not learn.*"
)
_SETTINGS = (
    "All of them, with where each is said: in this preset, in one that it extends, or nowhere, so "
    "that the default holds; and with [where it comes from, and how sure that "
    "is](../../settings.md#sources). What each means is in [Settings](../../settings.md)."
)


def _paper(config):
    doi = config["doi"]
    said = config["paper"]
    return f"[{said}](https://doi.org/{doi})" if doi else said


def _picture(figure):
    file = io.BytesIO()
    with style():
        save(figure, file, "png", dpi=120)
    return file.getvalue()


def _goal_picture(goal, layer):
    """The picture of a goal, drawn once for all presets that have it and read the same."""
    read = [
        (one.name, [(c.source, c.delay) for c in one.connections]) for one in layer.compartments
    ]
    key = goal.sources, goal.gamma.tobytes(), str(read)
    if key not in _DRAWN:
        _DRAWN[key] = _picture(goal_summary(goal, layer))
    return _DRAWN[key]


def _goals(layer):
    """(name, `Goal`) of what can be drawn: goals that do not change, of at most three sources."""
    for name, one in layer.populations.items():
        if isinstance(one.goal, Goal) and len(one.goal.sources) <= MOST_DRAWN:
            yield name, one.goal


def _commands(experiment):
    name = experiment.name
    own = " --dataset FILE" if not experiment.config["data"]["name"] else ""
    data = experiment.config["data"]["name"]
    fetch = [f"infosim data fetch {data}"] if data in SOURCES and SOURCES[data].mirrors else []
    return [*fetch, f"infosim train {name}{own}", f"infosim presets show {name}"]


# -- what came of it -------------------------------------------------------------------------------


def _expected(name):
    """A table of the ledgers' runs that differ from the preset in sizes, data and seed alone."""
    rows = []
    for paper in ("iclr2025", "pnas2025", "memory2025"):
        for said, runs in _ledger(paper).get(name, {}).items():
            errors = sorted(float(run["test_error"]) for run in runs)
            spread = f"{percent(errors[0])} to {percent(errors[-1])}"
            middle = percent(median(errors))
            rows.append([said or "the preset itself", runs[0]["epochs"], len(runs), middle, spread])
    capacity = _capacity(name)
    if not rows:
        return capacity or ["No run of it is in the tables of the repository.", ""]
    rows.sort(key=lambda row: (row[0] != "the preset itself", len(row[0]), row[0]))
    head = ["settings", "epochs", "seeds", "test error, % (median)", "range"]
    return ["Errors of the runs behind [the figures](../../reproduction.md), in %.", "",
            table(head, rows, 3), "", *capacity]  # fmt: skip


def _capacity(name):
    """The capacity of a memory, in lines, if it is in the ledger for the preset as it is."""
    path, found = ROOT / "figures" / "memory2025" / "capacities.csv", []
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            said = row["settings"].split("; ")
            if row["preset"] == name and all(one.startswith(_USUAL) for one in said):
                found.append(float(row["capacity"]))
    if not found:
        return []
    return [
        f"Capacity: {median(found):.2f} patterns per neuron ({min(found):.2f} to {max(found):.2f}, "
        f"{len(found)} seeds), the largest load with a mean overlap of 0.95 after recall "
        "([figures](../../reproduction/memory2025.md), [how](../../memory.md)).",
        "",
    ]


@cache
def _ledger(paper):
    """Preset -> settings other than the seed -> its runs, of a paper's runs.csv."""
    path, found = ROOT / "figures" / paper / "runs.csv", {}
    if path.exists():
        with open(path, newline="", encoding="utf-8") as file:
            for run in csv.DictReader(file):
                said = [part for part in run["settings"].split("; ") if part]
                said = [part for part in said if not part.startswith("training.seed=")]
                if run["test_error"] and all(_plain(part) for part in said):
                    found.setdefault(run["preset"], {}).setdefault("; ".join(said), []).append(run)
    return found


def _plain(said):
    """Whether a setting is a size, the data set or the number of patterns, not a variant."""
    return said.partition("=")[0].endswith((".size", "data.name"))


def _time(name):
    row = times.known(times.PATH).get(name)
    if row is None:
        return []
    return [
        f"About {duration(float(row['seconds']))} for {row['epochs']} epochs on "
        f"{row['machine']}, as `infosim train {name} --dry-run` estimates from a few batches.",
        "",
    ]


# -- settings --------------------------------------------------------------------------------------


def _settings(name, config):
    found, rows = provenance(name), []
    said = dict(flat(laid(read_files(name))[0]))
    for path, value in flat(config):
        if path in found:
            source = found[path]
            where = "here" if source.file == name else source.file or "default"
            if said.get(path) in goal_names():  # its numbers are in the picture
                value = said[path]
            rows.append([f"`{path}`", f"`{toml(value)}`", _source(source), where])
    return table(["setting", "value", "source", "said in"], rows)


def _source(source):
    return f"{source.certainty}: {source.note}" if source.note else source.certainty


def _sources(name):
    """How many settings come from where, in a sentence."""
    known = [one.certainty for one in provenance(name).values()]
    told = [f"{known.count(one)} {one}" for one in CERTAINTIES if one in known]
    return f"Of {len(known)} settings: {', '.join(told)}."
