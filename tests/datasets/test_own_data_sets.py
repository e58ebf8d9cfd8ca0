"""Data sets of a user's own, by name (docs/settings.md shows one)."""

import numpy as np
import pytest

import infosim
from infosim.datasets import catalogue, generated, names, register
from infosim.errors import ConfigError


def make(seed, size):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, size)).astype(np.float32), rng.integers(0, 2, 40)
    return infosim.Dataset("mine", x, y, x, y, 2, (1, size), "made")


@pytest.fixture
def mine():
    register("mine", make, {"size": (3, 2, 9)})
    yield
    del generated.GENERATED["mine"]
    catalogue._registered.discard("mine")


def test_it_is_known_by_its_name_its_options_and_the_seed(mine):
    assert "mine" in names()
    assert infosim.load("mine").train_x.shape == (40, 3)
    settings = ["data.name=mine", "data.options.size=5", "training.seed=3"]
    experiment = infosim.Experiment.load("demo/digits", settings)
    np.testing.assert_array_equal(experiment.dataset().train_x, make(3, 5).train_x)
    assert experiment.key != infosim.Experiment.load("demo/digits", settings[:1]).key
    for setting, message in (
        ("data.options.size=1", "option size must be an integer from 2 to 9, was 1"),
        ("data.options.width=4", "has no option 'width'"),
    ):
        with pytest.raises(ConfigError, match=message):
            infosim.Experiment.load("demo/digits", ["data.name=mine", setting])
    register("mine", make, {"size": 4})  # anew, as in a notebook
    assert infosim.load("mine").train_x.shape == (40, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digits", make), "there is a data set 'digits' already"),
        (("mnist", make), "there is a data set 'mnist' already"),
        (("bars", make), "there is a data set 'bars' already"),
        (("My data", make), "small letters, digits and hyphens, not 'My data'"),
        ((3, make), "small letters, digits and hyphens, not 3"),
        (("other", 5), "'other' must be made by a function, not 5"),
        (("other", make, {"size": "x"}), "option size must be true, false or a number, or"),
        (("other", make, {"size": (1, 2)}), r"option size must be .* was \(1, 2\)"),
    ],
)
def test_what_cannot_be_registered_is_said(arguments, message):
    before = set(generated.GENERATED)
    with pytest.raises(ConfigError, match=message):
        register(*arguments)
    assert set(generated.GENERATED) == before


def test_what_makes_no_data_set_is_said(mine):
    register("mine", lambda seed: [1, 2])
    with pytest.raises(ConfigError, match=r"'mine': a Dataset was to be made, not \[1, 2\]"):
        infosim.load("mine")
