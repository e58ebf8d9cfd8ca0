"""Data sets that are made: what is in them, from which seed, and what is refused."""

import numpy as np
import pytest

from infosim import datasets
from infosim.datasets.generated import GENERATED, flip
from infosim.errors import ConfigError, DataError

SMALL = {
    "bars": {"train": 4000, "test": 500},
    "patches": {"train": 400, "test": 50},
    "patterns": {},
    "echo": {"train": 400, "test": 50},
}


def arrays(dataset):
    found = dataset.train_x, dataset.test_x, dataset.train_factors, dataset.test_factors
    return [a for a in (*found, dataset.cues) if a is not None]


@pytest.mark.parametrize("name", GENERATED)
def test_the_seed_makes_all_of_it(name):
    one, same, other = (datasets.load(name, SMALL[name], seed) for seed in (3, 3, 4))
    for a, b, c in zip(arrays(one), arrays(same), arrays(other), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    assert one.train_x.dtype == one.test_x.dtype == np.float32
    assert datasets.status(name).state == "generated"
    if name != "patterns":
        assert not np.array_equal(one.train_x[: len(one.test_x)], one.test_x)


def test_the_class_of_an_echo_is_the_symbol_of_some_rows_ago():
    found = datasets.load("echo", {"symbols": 3, "length": 5, "ago": 4, "train": 600, "test": 7})
    assert (found.image_shape, found.n_classes) == ((5, 3), 3)
    rows = found.train_x.reshape(-1, 5, 3)
    np.testing.assert_array_equal(rows.sum(axis=2), 1)
    np.testing.assert_array_equal(rows[:, 0].argmax(axis=1), found.train_y)
    shown = rows.argmax(axis=2)
    for row in range(1, 5):  # tells nothing
        assert abs((shown[:, row] == found.train_y).mean() - 1 / 3) < 0.1
    last = datasets.load("echo", {"ago": 0, "test": 50})
    np.testing.assert_array_equal(last.test_x[:, -4:].argmax(axis=1), last.test_y)


@pytest.mark.parametrize("vertical", [False, True])
def test_bars_are_independent_and_all_there_is_in_an_image(vertical):
    bars = datasets.load("bars", {**SMALL["bars"], "size": 5, "vertical": vertical}, 1)
    n = len(bars.train_x)
    assert bars.train_factors.shape == (n, 10 if vertical else 5)
    assert bars.image_shape == (5, 5)
    for x, factors in (
        (bars.train_x, bars.train_factors),
        (bars.test_x, bars.test_factors),
    ):
        rows, columns = factors[:, :5, None], factors[:, None, 5:]
        expected = np.maximum(rows, columns) if vertical else np.repeat(rows, 5, axis=2)
        np.testing.assert_array_equal(x.reshape(-1, 5, 5), expected)
    # with n independent bars of probability 1/2 all means and correlations are 0 ± 1/√n
    products = bars.train_factors.T @ bars.train_factors / n - np.eye(len(bars.train_factors[0]))
    assert abs(products).max() < 5 / np.sqrt(n)
    assert abs(bars.train_factors.mean(axis=0)).max() < 5 / np.sqrt(n)


def test_bars_have_the_probability_asked_for():
    bars = datasets.load("bars", {**SMALL["bars"], "probability": 0.125})
    assert (bars.train_factors > 0).mean() == pytest.approx(0.125, abs=0.01)


def test_patches_have_edges_and_the_statistics_of_photographs():
    """Neighbours mostly equal, seldom very different: steep fall of power and heavy tails."""
    patches = datasets.load("patches", {"train": 4000, "test": 10}).train_x.reshape(-1, 8, 8)
    for x in (patches, patches.transpose(0, 2, 1)):
        steps = np.diff(x, axis=2)
        assert (steps == 0).mean() > 0.5
        assert np.mean(steps**4) / np.mean(steps**2) ** 2 > 6  # 3 for a normal distribution
        correlations = [np.corrcoef(x[:, 3, 0], x[:, 3, i])[0, 1] for i in (1, 3, 7)]
        assert 0.95 > correlations[0] > correlations[1] > correlations[2] > 0.1
    assert len(np.unique(patches.reshape(4000, -1), axis=0)) > 3500


def test_whitened_patches_are_decorrelated():
    x = datasets.load("patches", {"train": 4000, "test": 10, "whiten": True}).train_x
    np.testing.assert_allclose(np.cov(x, rowvar=False), np.eye(64), atol=1e-3)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)


def test_patterns_and_their_cues():
    found = datasets.load("patterns", {"units": 50, "patterns": 400, "noise": 0.3})
    assert set(np.unique(found.train_x)) == {-1, 1}
    assert abs(found.train_x.mean()) < 5 / np.sqrt(50 * 400)
    np.testing.assert_array_equal(found.train_x, found.test_x)
    flipped = found.cues != found.train_x
    np.testing.assert_array_equal(flipped.sum(axis=1), 15)
    assert abs(flipped.mean(axis=0) - 0.3).max() < 0.15  # which ones is random


def test_patterns_may_be_chosen_by_their_load():
    options = {"units": 50, "load": 1.3}
    assert datasets.complete("patterns", options) == {"units": 50, "patterns": 65, "noise": 0.1}
    few, many = (datasets.load("patterns", options | {"load": one}) for one in (0.5, 1.3))
    assert len(many.train_x) == 65
    np.testing.assert_array_equal(few.train_x, many.train_x[:25])


@pytest.mark.parametrize("repeat", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_bits_of_a_pattern_are_a_chain(repeat):
    """Fair each, alike with the one before by `repeat`, and further apart as a chain's are."""
    x = datasets.load("patterns", {"units": 40, "patterns": 4000, "repeat": repeat}).train_x
    assert abs(x.mean(axis=0)).max() < 5 / np.sqrt(4000)
    for apart in (1, 2, 3):
        alike = (x[:, apart:] * x[:, :-apart]).mean(axis=0)
        assert abs(alike - (2 * repeat - 1) ** apart).max() < 5 / np.sqrt(4000)
    if repeat == 0.5:  # as ever
        plain = datasets.load("patterns", {"units": 40, "patterns": 4000}).train_x
        np.testing.assert_array_equal(x, plain)


@pytest.mark.parametrize(("fraction", "n"), [(0.0, 0), (0.5, 5), (1.0, 10), (1, 10)])
def test_flip(fraction, n):
    patterns = np.ones((7, 10))
    assert ((flip(patterns, fraction, np.random.default_rng(0)) < 0).sum(axis=1) == n).all()


BAD = {
    "unknown option": ("bars", {"siz": 8}, "data set 'bars' has no option 'siz'; did you mean siz"),
    "of another data set": ("patterns", {"size": 8}, "no option 'size'"),
    "of a published one": ("digits", {"size": 8}, "'digits' has no option 'size'; it has none"),
    "text": ("bars", {"size": "8"}, "option size must be an integer from 1 to 256, was '8'"),
    "fraction": ("bars", {"size": 8.0}, "option size must be an integer"),
    "bool for integer": ("bars", {"size": True}, "option size must be an integer"),
    "integer for bool": ("bars", {"vertical": 1}, "option vertical must be true or false, was 1"),
    "none at all": ("patterns", {"patterns": 0}, "from 1 to 1000000, was 0"),
    "before all": ("echo", {"ago": 4}, "'echo': option ago must be below the length of 4, was 4"),
    "load and patterns": (
        "patterns",
        {"load": 0.5, "patterns": 4},
        "patterns and load say the same, were 4 and 0.5",
    ),
    "no pattern": ("patterns", {"load": 0.004}, "a load of 0.004 is 0 patterns of 100 units"),
    "load": ("patterns", {"load": -0.5}, "option load must be a number from 0 to 1000, was -0.5"),
    "repeat": ("patterns", {"repeat": 1.1}, "option repeat must be a number from 0 to 1, was 1.1"),
    "noise": ("patterns", {"noise": 1.5}, "option noise must be a number from 0 to 1, was 1.5"),
    "not a number": ("patterns", {"noise": float("nan")}, "from 0 to 1, was nan"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_options(case):
    name, options, message = BAD[case]
    with pytest.raises(ConfigError) as problem:
        datasets.load(name, options)
    assert message in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True])
def test_bad_seed(seed):
    with pytest.raises(ConfigError, match="seed must be an integer"):
        datasets.load("patterns", {}, seed)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("train_factors", np.ones((2, 3)), r"train_factors has shape \(2, 3\), expected \(40, k\)"),
        ("test_factors", np.zeros((40, 3)), r"test_factors\[0, 0\] is 0.0, expected 1 or -1"),
        ("cues", np.ones((39, 100)), "40 images in train_x but 39 cues"),
        ("cues", np.ones((40, 3)), r"cues has shape \(40, 3\)"),
    ],
)
def test_factors_and_cues_belong_to_the_images(field, value, message):
    given = vars(datasets.load("patterns")) | {field: value}
    given = {k: v for k, v in given.items() if k in datasets.Dataset.__dataclass_fields__}
    with pytest.raises(DataError, match=message):
        datasets.Dataset(**given)
