"""What users give and ask for in Python: numbers of NumPy, arrays, and results too early."""

import json

import numpy as np
import pytest

import infosim
from infosim import Activation, Adam, Binning, Compartment, Layer, Network, Recorder, Simulator
from infosim.errors import ConfigError, DataError, integer
from infosim.network import Sparse

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
SAMPLES = {"image": X, "label": (X[:, 0] > 0).astype(int)}


def network(of=int, real=float):
    """A network all of whose numbers are of these types."""
    f = Compartment("F", "image", Sparse(of(3)), weight=real(0.5))
    lateral = Compartment("L", "h", "all-but-self", delay=of(1))
    adam = Adam(real(0.25), betas=(real(0.5), real(0.75)), decay_until=of(9))
    hidden = Layer("h", of(6), [f, lateral], Activation("sum"), Binning(bins=of(5)), "{F}", adam)
    c = Compartment("C", "label", "one-to-one", trainable=False, bias=False)
    both = [Compartment("F", "h"), c]
    bins = Binning("adaptive", np.array([4, 3]) if of is not int else [4, 3])
    output = Layer("out", of(2), both, Activation("feedforward"), bins, "{F}{C}")
    inputs = {"image": of(6), "label": of(2)}
    return Network(inputs, [hidden, output], of(2), readout="out", target="label")


def trained(of=int, real=float):
    net = Simulator(network(of, real), seed=of(3), threads=of(1))
    options = {"record_every": of(2), "evaluate_every": of(1), "validation": SAMPLES}
    net.fit(SAMPLES, of(2), batch=of(16), **options)
    return net, net.evaluate(SAMPLES, batch=of(7)).error


@pytest.mark.parametrize(("of", "real"), [(np.int64, np.float64), (np.uint8, np.float32)])
def test_numbers_of_numpy_are_numbers(of, real):
    assert network(of, real) == network()
    assert json.dumps(network(of, real).inputs)  # they are Python's own now
    (net, error), (same, expected) = trained(of, real), trained()
    assert error == expected
    for name, array in same.arrays().items():
        np.testing.assert_array_equal(net.arrays()[name], array)


def test_settings_of_numpy_are_settings():
    given = {
        "layers.hidden.size": np.int64(7),
        "layers.hidden.binning.bins": np.array([5, 6, 7]),
        "layers.hidden.optimizer": {"rate": np.float32(0.25)},
        "layers.hidden.sampled": np.bool_(False),
        "training.seed": np.uint32(3),
    }
    plain = {
        "layers.hidden.size": 7,
        "layers.hidden.binning.bins": [5, 6, 7],
        "layers.hidden.optimizer": {"rate": 0.25},
        "layers.hidden.sampled": False,
        "training.seed": 3,
    }
    one, other = (infosim.Experiment.load("demo/digits", list(s.items())) for s in (given, plain))
    assert one.config == other.config
    assert one.key == other.key
    options = {"size": np.int8(3), "train": np.int64(5), "probability": np.float32(0.25)}
    bars = infosim.load("bars", options, seed=np.int64(1))
    same = infosim.load("bars", {"size": 3, "train": 5, "probability": 0.25}, seed=1)
    np.testing.assert_array_equal(bars.train_x, same.train_x)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(1), "1", None, 0, -1, [1]])
def test_what_is_no_positive_integer(value):
    with pytest.raises(ConfigError, match="batch must be an integer of at least 1, was"):
        integer("batch", value)
    with pytest.raises(ConfigError, match="size must be an integer"):
        Layer("h", value, [Compartment("F", "x")], Activation("sum"))
    for options in ({"batch": value}, {"record_every": value}, {"evaluate_every": value}):
        with pytest.raises(ConfigError, match="must be an integer"):
            Simulator(network(), threads=1).fit(SAMPLES, 1, **{"batch": 16} | options)


ASKED = {
    "potentials": lambda net: net["h"].potentials,
    "probabilities": lambda net: net["h"].probabilities,
    "output": lambda net: net["h"].output,
    "atoms": lambda net: net.atoms("h"),
    "information": lambda net: net.information("h"),
    "bins": lambda net: net.bins("h"),
    "predictions": lambda net: net.predictions(),
}


@pytest.mark.parametrize("what", ASKED)
def test_nothing_is_known_before_something_is_presented(what):
    net = Simulator(network(), threads=1)
    with pytest.raises(DataError, match=r"layer '(h|out)' has not fired yet; present something"):
        ASKED[what](net)
    net.step(SAMPLES)
    assert np.isfinite(ASKED[what](net)).all()
    infosim.Training(net, SAMPLES, batch=17)  # makes room for other batches, which hold nothing yet
    with pytest.raises(DataError, match="has not fired yet"):
        ASKED[what](net)


def test_an_event_that_is_not_there():
    with pytest.raises(ConfigError, match="no event is scheduled; present something first"):
        Simulator(network(), threads=1).advance()


@pytest.mark.parametrize("method", ["step", "evaluate", "present"])
def test_an_array_without_a_name(method):
    with pytest.raises(DataError, match=r"arrays by (input )?name, was a ndarray"):
        getattr(Simulator(network(), threads=1), method)(X)


def test_a_recorder_of_what_is_not_recorded():
    with pytest.raises(ConfigError, match="unknown quantity 'prob'; "):
        Recorder("h", ["prob"])
    with pytest.raises(ConfigError, match="every must be an integer of at least 1, was 0"):
        Recorder("h", every=0)
