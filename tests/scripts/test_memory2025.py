"""The scripts of the Memory 2025 figures at smoke scale: files complete, numbers as expected."""

import csv
import re
from importlib import import_module
from math import comb
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from infosim import Simulator
from infosim.analysis.hebbian import hebbian_decomposition
from infosim.experiments import Experiment
from infosim.experiments.capacity import capacity
from infosim.experiments.loads import Bisection
from infosim.experiments.memories import checked
from scripts.memory2025 import beyond, networks, report
from scripts.memory2025.beyond import replica_symmetric
from scripts.memory2025.bins import binned
from scripts.memory2025.comparison import for_noise
from scripts.memory2025.hebbian import LOADS, odd

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("memory2025")


def carried_out(name, folder, *options):
    main = import_module(f"scripts.memory2025.{name}").main
    places = ["--out", folder, "--runs", folder / "runs", "--jobs", 1]
    return CliRunner().invoke(main, list(map(str, ["--scale", "smoke", *places, *options])))


def script(name, folder, *options):
    """Run a script; the rows of its figure, whose files are all there."""
    done = carried_out(name, folder, *options)
    assert done.exit_code == 0, done.output
    assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    caption = (folder / f"{name}.md").read_text()
    assert f"python -m scripts.memory2025.{name} --scale smoke" in caption
    assert "seed 0" in caption
    with open(folder / f"{name}.csv", newline="") as file:
        return [{k: _value(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _value(text):
    try:
        return float(text)
    except ValueError:
        return text


def test_simulated_atoms_are_near_the_exact_ones(folder):
    rows = script("hebbian", folder)
    assert len(rows) == 2 * 3 * 4
    for row in rows:
        load, neurons, patterns = row["load"], int(row["neurons"]), int(row["patterns"])
        assert load == pytest.approx(patterns / neurons)
        assert patterns % 2
        exact = row["exact"]
        assert exact == pytest.approx(hebbian_decomposition(load, neurons)[row["atom"]], rel=1e-4)
        assert row["limit"] == pytest.approx(hebbian_decomposition(load)[row["atom"]], 1e-4)
        assert row["pooled_median"] == pytest.approx(exact, abs=0.04)
        assert row["single_median"] == pytest.approx(exact, abs=0.1)


def test_numbers_of_patterns_are_odd_and_near_the_load():
    for neurons in (100, 101, 800):
        for load in LOADS:
            assert odd(load, neurons) % 2 == 1
            assert abs(odd(load, neurons) - load * neurons) <= 1 + 1e-9


def test_recall_against_load(folder):
    rows = script("recall", folder)
    found = {(r["memory"], r["load"], r["quantity"]): r["mean"] for r in rows}
    assert found["Hebb", 0.1, "overlap"] == 1
    assert found["Hebb", 0.5, "overlap"] < 0.9
    assert (
        found["redundancy", 0.5, "overlap"] == found["redundancy, hard bins", 0.5, "overlap"] == 1
    )
    for memory in ("redundancy", "redundancy, hard bins"):
        entropy = sum(found[memory, 0.5, atom] for atom in networks.ATOMS)
        assert 0.9 < found[memory, 0.5, "{R}{C}"] < entropy < 1
    assert not any((("Hebb", 0.5, atom) in found) for atom in networks.ATOMS)


def test_other_figures_of_networks(folder):
    def mean(rows, **told):
        (row,) = (row for row in rows if told.items() <= row.items())
        return row["mean"]

    rows = script("classical", folder)
    told = [mean(rows, load=0.5, quantity=one) for one in ("{R}{C}", "{R}", "{R}{C} + {R}")]
    assert told[2] == pytest.approx(told[0] + told[1], abs=1e-5)
    rows = script("comparison", folder)
    assert mean(rows, memory="MPF", load=0.1, quantity="overlap") == 1
    assert mean(rows, memory="Descent L2", load=0.5, quantity="accuracy") == 1
    assert 0 < mean(rows, memory="MPF", load=0.1, quantity="stability") < 0.5
    rows = script("sizes", folder)
    assert {row["memory"] for row in rows} == {"N = 10", "N = 20", "N = 40"}
    assert [row["memory"] for row in script("ablation", folder)][:2] == [
        "ablated", "+ determ. recall",
    ]  # fmt: skip
    rows = script("correlations", folder)
    # the bits of a pattern tell of each other: more can be learnt
    assert mean(rows, memory="redundancy", repeat=0.85) > mean(
        rows, memory="redundancy", repeat=0.5
    )
    assert len(script("landscape", folder, "--seeds", 1)) == 3


def test_a_search_goes_on_from_its_ledger(folder):
    pytest.importorskip("cmaes", reason="needs the extra optimize")
    rows = script("beyond", folder, "--trials", 8)
    found = {row["memory"]: row["mean"] for row in rows if row["quantity"] == "capacity"}
    assert len(found) == 4 + 1 + beyond.JUDGED
    # of what is not in the ledger nothing is drawn
    again = script("beyond", folder, "--trials", 16, "--draw")
    assert {r["memory"]: r["mean"] for r in again if r["quantity"] == "capacity"} == found


def test_atoms_by_bins_and_measure(folder):
    rows = script("bins", folder)
    atoms = {(r["name"], r["load"], r["atom"]): r["median"] for r in rows}
    for load in (0.1, 0.5):
        # whatever measures redundancy, information is the same
        of_r, of_c = (
            [atoms[one, load, "{R}{C}"] + atoms[one, load, atom] for one in networks.MEASURES]
            for atom in ("{R}", "{C}")
        )
        assert np.ptp(of_r) == pytest.approx(0, abs=1e-5)
        assert np.ptp(of_c) == pytest.approx(0, abs=1e-5)
        assert atoms["williams-beer", load, "{R}{C}"] <= min(of_r[0], of_c[0]) + 1e-5
        assert atoms["minimum-mutual-information", load, "{R}{C}"] == pytest.approx(
            min(of_r[0], of_c[0]), abs=0.01
        )
    cells = binned(np.array([[-3.0, 0.0], [0.0, 0.0], [3.0, 0.0]]), 4)
    assert cells.tolist() == [[1, 2], [2, 2], [4, 2]]


def test_what_is_known_is_not_made_again(folder, monkeypatch):
    """A ledger is all that a figure needs, a lost row of it is made again to the same digits."""
    rows = script("recall", folder)
    ledger = folder / "networks.csv"
    text = ledger.read_text()
    monkeypatch.setattr(networks, "checked", None)
    assert script("recall", folder) == rows
    assert ledger.read_text() == text
    monkeypatch.undo()
    lines = text.splitlines(keepends=True)
    (lost,) = (
        i
        for i, line in enumerate(lines)
        if "-hard,training.batch=all; training.seed=0; training.epochs=30" in line
        and "=0.5," in line
    )
    ledger.write_text("".join(lines[:lost] + lines[lost + 1 :]))
    found = script("recall", folder, "--draw")
    assert len(found) < len(rows)
    assert script("recall", folder) == rows
    assert ledger.read_text() == text


def test_capacities_are_those_of_the_command(folder, tmp_path):
    """The same seeds and loads, by the ledger and by `infosim capacity`."""
    with open(folder / "correlations.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["memory"], r["repeat"]) == ("Hebb", "0.5")]
    settings = {"data.options.units": 20, "data.options.load": 1.0} | networks.HEBB.settings
    experiment = Experiment.load(networks.HEBB.preset, list(settings.items()))
    loads = Bisection(guess=networks.HEBBIAN_LOAD, within=0.01)
    found = capacity(experiment, tmp_path / "found", seeds=1, loads=loads, jobs=1)
    assert found.mean == pytest.approx(float(rows[0]["mean"]))


def test_numbers_of_a_ledger_that_are_none_are_told(folder, tmp_path):
    text = (folder / "networks.csv").read_text()
    (tmp_path / "networks.csv").write_text(re.sub(r"\d+\n", "much\n", text))
    done = carried_out("recall", tmp_path, "--draw")
    assert done.exit_code == 2
    assert done.output.splitlines()[-1].endswith("could not convert string to float: '0.much'")


@pytest.mark.parametrize(
    ("patterns", "possible"),
    [
        ([[1, 1], [-1, -1]], True),
        ([[1, 1], [1, -1]], False),  # the first bit says nothing of the second
        ([[1, 1, 1], [-1, 1, 1]], False),
        ([[1, 1, 1, 1], [-1, -1, 1, 1]], True),  # two pairs that tell of each other
        ([[1, 1, 1, 1], [1, -1, -1, -1]], False),  # no bias: what is opposed has another bit
    ],
)
def test_weights_that_have_all_bits_right(patterns, possible):
    assert networks.separable(np.array(patterns, float)) is possible


def test_neurons_separate_as_many_patterns_as_cover_counts():
    """Of M random patterns in d dimensions a part P(Bin(M - 1, 1/2) < d) is separable (1965)."""
    rng, d, m, trials = np.random.default_rng(0), 7, 13, 300
    expected = sum(comb(m - 1, k) for k in range(d)) / 2 ** (m - 1)
    found = [
        networks.separates(rng.choice([-1.0, 1.0], m), rng.normal(size=(m, d)))
        for _ in range(trials)
    ]
    error = np.sqrt(expected * (1 - expected) / trials)
    assert np.mean(found) == pytest.approx(expected, abs=3 * error)


@pytest.mark.parametrize("neurons", [10, 50, 100])
def test_half_of_all_networks_are_separable_up_to_a_load(neurons):
    def part(m):  # of networks of M patterns
        return (sum(comb(m - 1, k) for k in range(neurons - 1)) / 2 ** (m - 1)) ** neurons

    m = round(beyond.half_separable(neurons) * neurons)
    assert part(m) >= 0.5 > part(m + 1)


def test_networks_for_noise_begin_and_learn_as_published():
    kind = for_noise(networks.SOFT, 100, True)
    experiment = Experiment.load(kind.preset, list(kind.settings.items()))
    assert (experiment.config["training"]["batch"], experiment.config["network"]["steps"]) == (
        100,
        2,
    )
    weights = Simulator(experiment.network(experiment.dataset()))["memory"]["C"].weights
    drawn = weights.reshape(100, 100)[~np.eye(100, dtype=bool)]
    assert drawn.std() == pytest.approx(1 / (np.sqrt(2) * 100), rel=0.02)
    assert "training.batch" not in for_noise(networks.SOFT, 100, False).settings


def test_boundary_of_noise():
    good, bad = np.ones(50), np.full(50, 0.3)
    assert networks.boundary(bad) == 0
    assert networks.boundary(good) == 49
    # the first index that is above and whose next five, it included, are below on average
    assert networks.boundary(np.concatenate([good[:20], bad[:30]])) == 16
    assert networks.boundary(np.concatenate([good[:1], bad[:49]])) == 0


def test_stability_of_a_single_pattern():
    """Of 20 bits up to 9 may be flipped: 5 is the first index whose five include the tenth."""
    settings = {"data.options.units": 20, "data.options.patterns": 1} | networks.HEBB.settings
    experiment = Experiment.load(networks.HEBB.preset, list(settings.items()))
    *_, at = checked(experiment, 1, [0], threads=1)
    assert networks.stability(at.simulator, at.stored[0], 0, "memory") == 5 / 20


def test_capacities_of_the_same_seeds():
    of = {seed: networks.Capacity(seed, 1.0, False) for seed in range(4)}
    found = {"a": [of[0], of[2]], "b": [of[0], of[1], of[2], of[3]], "none yet": []}
    assert networks.of_same_seeds(found) == {
        "a": [of[0], of[2]],
        "b": [of[0], of[2]],
        "none yet": [],
    }
    assert networks.of_same_seeds({"none yet": []}) == {"none yet": []}


def test_training_would_have_stopped_where_recall_was_reached():
    overlaps = np.array([0.2, 0.96, 1.0, 0.9])
    one = networks.Memory(1, 0.1, 0, np.arange(4), overlaps, overlaps, {}, 0.0)
    assert [one.when(until) for until in (0.95, 1.0, 1.1)] == [1, 2, 3]


def test_theory_of_perceptrons_with_wrong_bits():
    """Gardner's capacity without errors; beyond it the more, the more errors are allowed."""
    assert replica_symmetric(0.0) == 2
    assert replica_symmetric(1e-9) == pytest.approx(2, abs=1e-6)
    x = np.linspace(-1.959964, 0, 200_001)
    integral = np.trapezoid(x**2 * np.exp(-(x**2) / 2), x) / np.sqrt(2 * np.pi)
    assert replica_symmetric(0.025) == pytest.approx(1 / integral, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("recall", ["--seeds", 0], "0 is not in the range x>=1"),
        ("sizes", ["--seeds", "two"], "'two' is not a valid integer"),
        ("beyond", ["--trials", -1], "-1 is not in the range x>=0"),
        ("landscape", ["--minutes", -1], "-1.0 is not in the range x>=0"),
        ("landscape", ["--minutes", "soon"], "'soon' is not a valid float"),
        ("landscape", ["--minutes", 0], "holds nothing of this figure"),
        ("recall", ["--draw"], "holds nothing of this figure"),
        ("ablation", ["--draw"], "holds nothing of this figure"),
    ],
)
def test_bad_input_is_told_in_a_line(name, options, said, tmp_path):
    done = carried_out(name, tmp_path, *options)
    assert done.exit_code == 2
    assert said in done.output.splitlines()[-1]
    assert not list(tmp_path.glob(f"{name}*"))


@pytest.mark.parametrize(
    "text",
    [
        "key,preset\n1,2\n",
        "nothing\n1\n",
        "key,preset,settings,loads,capacity,most,tried\n1,2\n",
        "\0",
    ],
)
def test_a_damaged_ledger_is_told_in_a_line(text, tmp_path):
    (tmp_path / "capacities.csv").write_text(text)
    done = carried_out("ablation", tmp_path)
    assert done.exit_code == 2
    (line,) = (line for line in done.output.splitlines() if line.startswith("error: "))
    assert "capacities.csv is damaged" in line
    assert (tmp_path / "capacities.csv").read_text() == text


def test_page_is_made_of_the_tables():
    page = (ROOT / "docs" / "reproduction" / "memory2025.md").read_text()
    for table in report.tables().values():
        assert table in page
