"""What is said while something is computed."""

import numpy as np
import pytest

import infosim
from infosim import jit
from infosim.engine.progress import Progress

X = np.random.default_rng(0).normal(size=(40, 64))
SAMPLES = {"image": X, "label": np.arange(40) % 10}


def digits():
    experiment = infosim.Experiment.load("demo/digits", ["layers.hidden.size=5"])
    return infosim.Simulator(experiment.network(infosim.load("digits")), seed=0, threads=1)


def test_fit_reports_every_batch_and_the_last_epoch():
    seen = []
    net = digits()
    for _ in range(2):
        net.fit(SAMPLES, 2, batch=16, report=lambda *a: seen.append((a[0].epoch, a[1])))
    assert [epochs for _, epochs in seen] == [2] * 12 + [4] * 8
    assert [epoch for epoch, _ in seen[-5:]] == [4, 4, 4, 4, 5]


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_bar_is_wide_enough_to_be_seen(columns, monkeypatch, capsys):
    monkeypatch.setattr("tqdm.std._screen_shape_wrapper", lambda: lambda _: (columns, 24))
    progress, net = Progress(), digits()
    history = net.fit(SAMPLES, 3, batch=16, validation=SAMPLES, test=SAMPLES, report=progress)
    net.fit(SAMPLES, 1, batch=16, report=progress)
    lines = [part for part in capsys.readouterr().err.replace("\n", "\r").split("\r") if part]
    (last,) = [line for line in lines if line.startswith("epoch 3/3 100%")][-1:]
    assert len(last.split("|")[1]) >= 10
    assert f"test {100 * history.test_error[3]:.2f}%" in last
    assert ("goal in bits" in last) == (columns == 200)
    assert any(line.startswith("epoch 4/4 100%") for line in lines)  # another bar


def doubled(x):
    return 2 * x


def test_compilation_is_announced_once_and_only_where_it_happens(monkeypatch):
    said = []
    assert jit.kernel(doubled)(1.5) == 3  # kept from now on, or from earlier
    monkeypatch.setattr(jit, "before_compiling", lambda: said.append(1))
    assert jit.kernel(doubled)(1.5) == 3
    assert said == []
    monkeypatch.setattr(jit._KernelCache, "_read", lambda *_: None)
    assert jit.kernel(doubled)(1.5) == 3
    assert said == [1]
    assert jit.kernel(doubled)(2) == 4
    assert said == [1]
