"""Every purpose has a stream of random numbers of its own."""

import sys

import numpy as np
import pytest

from infosim.experiments import Experiment, train

MEMORY = [
    "data.options={units=20, patterns=4}", "layers.memory.size=20", "training.batch=4",
    "training.epochs=7",
]  # fmt: skip
DIGITS = ["layers.hidden.size=5", "training.epochs=7"]


@pytest.mark.parametrize(
    ("preset", "settings"), [("pnas/memory-heuristic", MEMORY), ("demo/digits", DIGITS)]
)
def test_no_two_places_draw_the_same_numbers(preset, settings, tmp_path, monkeypatch):
    """In a run that also makes its data, splits, shuffles, flips bits for its picture."""
    places, made = {}, np.random.SeedSequence

    def recorded(entropy):
        frame = sys._getframe(1)
        while frame.f_code.co_name in ("generator", "_rng", "<lambda>", "<listcomp>"):
            frame = frame.f_back
        sequence = made(entropy)
        numbers = tuple(sequence.generate_state(4))  # the same for [1, 5] and [1, 5, 0]
        places.setdefault(numbers, set()).add((frame.f_code.co_filename, frame.f_code.co_name))
        return sequence

    monkeypatch.setattr(np.random, "SeedSequence", recorded)
    train(Experiment.load(preset, ["training.seed=1", *settings]), tmp_path / "run", threads=1)
    assert len(places) > 8
    shared = [place for place in places.values() if len(place) > 1]
    assert not shared
    kinds = {name for place in places.values() for _, name in place}
    assert kinds > ({"overlap_by_noise"} if "memory" in preset else {"_orders", "split"})
