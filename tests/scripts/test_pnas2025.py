"""The scripts of the PNAS 2025 figures at smoke scale: files complete, numbers as expected."""

import csv
from importlib import import_module

import numpy as np
import pytest
from click.testing import CliRunner

from scripts.pnas2025.memory import capacity

pytest.importorskip("filelock", reason="needs the extra sweep")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pnas2025")


def script(name, folder):
    """Run a script; returns the rows of each figure it made, by the figure's name."""
    main = import_module(f"scripts.pnas2025.{name}").main
    arguments = ["--scale", "smoke", "--jobs", "1", "--out", folder / "figures", "--runs", folder]
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    figures = {}
    for path in (folder / "figures").glob("*.md"):
        assert f"python -m scripts.pnas2025.{name}" in path.read_text()
        assert path.with_suffix(".png").read_bytes()[:4] == b"\x89PNG"
        with open(path.with_suffix(".csv"), newline="") as file:
            figures[path.stem] = list(csv.DictReader(file))
        for suffix in ("md", "csv", "png", "pdf"):
            path.with_suffix(f".{suffix}").unlink()
    return figures


def test_supervised(folder):
    pytest.importorskip("sklearn", reason="needs the extra figures")
    figures = script("supervised", folder)
    last = figures["supervised"][-1]
    assert float(last["logistic_regression"]) == pytest.approx(0.911, abs=0.01)
    assert float(last["accuracy_median"]) == pytest.approx(0.88, abs=0.04)
    errors = {r["variant"]: float(r["test_error"]) for r in figures["supervised_variants"]}
    assert errors["redundancy {F}{C} only"] < 0.2
    assert errors["unique {F} only"] > 0.6
    assert errors["unique {C} only"] > 0.4


def test_unsupervised(folder):
    figures = script("unsupervised", folder)
    found = {r["variant"]: list(map(int, r["bars"].split())) for r in figures["unsupervised"]}
    assert found["and early weight decay"] == [8, 8]
    bits = {
        (r["variant"], r["atom"]): float(r["median_bits"]) for r in figures["unsupervised_atoms"]
    }
    for variant in found:  # each neuron's output is nearly certain, and half of the time +1
        assert bits[variant, "H_res"] < 0.1
        total = sum(value for (name, _), value in bits.items() if name == variant)
        assert total == pytest.approx(1, abs=0.1)
    assert [r["preset"] for r in figures["unsupervised_others"]] == [
        "pnas/bars-crossed", "pnas/patches",
    ]  # fmt: skip


def test_memory(folder):
    pytest.importorskip("cmaes", reason="needs the extra optimize")
    figures = script("memory", folder)
    rows = [
        {k: float(v) if k in ("load", "mean") else v for k, v in row.items()}
        for row in figures["memory"]
    ]
    assert capacity(rows, "heuristic") == 0.6
    assert capacity(rows, "Hopfield") == 0.1
    hopfield = [r["mean"] for r in rows if r["network"] == "Hopfield" and r["recall"] == "settled"]
    assert (np.diff(hopfield) < 0).all()
    noise = [
        float(r["median"])
        for r in figures["memory_noise"]
        if (r["network"], r["recall"]) == ("heuristic", "settled")
    ]
    assert noise[0] == 1
    assert abs(noise[-1]) < 0.1  # half of the bits flipped leaves nothing
