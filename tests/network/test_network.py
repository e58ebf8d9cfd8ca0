from dataclasses import replace

import numpy as np
import pytest

from infosim.engine import Samples, Simulator, Training
from infosim.errors import BackendError, ConfigError, DataError, ShapeError
from infosim.network import (
    SGD,
    Adam,
    AllButSelf,
    Compartment,
    Connectivity,
    Dense,
    Layer,
    Masked,
    Network,
    OneToOne,
    Sparse,
)
from infosim.neuron import Activation, Binning
from infosim.pid import Goal

SUM = Activation("sum")


def layer(name="h", source="x", size=4, goal=None, **compartment):
    return Layer(name, size, [Compartment("F", source, **compartment)], SUM, goal=goal)


def network(*layers, inputs=None, **options):
    return Network(inputs or {"x": 3, "y": 4}, layers or [layer()], **options)


WRONG = {
    "missing source": (
        lambda: network(layer(source="imagee"), inputs={"image": 3}),
        "layer 'h', compartment 'F': source 'imagee' is missing; did you mean image",
    ),
    "missing source, nothing near": (
        lambda: network(layer(source="zzz")),
        "source 'zzz' is missing; allowed: x, y, h",
    ),
    "cycle through itself": (
        lambda: network(layer(source="h")),
        r"reads 'h' with delay 0 before it fires \(a cycle\); use delay 1",
    ),
    "cycle of two": (
        lambda: network(layer("a", "b"), layer("b", "a")),
        "layer 'a', compartment 'F': reads 'b' with delay 0 before it fires",
    ),
    "delayed input": (
        lambda: network(layer(delay=2), steps=2),
        r"'F': an input is heard from step 2 on with delay 2, there are 2 step\(s\)",
    ),
    "delay 1001": (
        lambda: Compartment("F", "x", delay=1001),
        "delay must be an integer from 0 to 1000, was 1001",
    ),
    "delay -1": (lambda: Compartment("F", "x", delay=-1), "from 0 to 1000, was -1"),
    "delay 1.5": (lambda: Compartment("F", "x", delay=1.5), "from 0 to 1000, was 1.5"),
    "delay True": (lambda: Compartment("F", "x", delay=True), "was True"),
    "learn at no such name": (
        lambda: network(learn_at="first"), "learn_at must be 'last', 'every' or a list .* 'first'"
    ),
    "learn at no step": (lambda: network(learn_at=()), r"learn_at must be .*, was \(\)"),
    "learn at a number": (lambda: network(learn_at=0), "learn_at must be .*, was 0"),
    "learn at half a step": (
        lambda: network(learn_at=[0.5], steps=2),
        "learn_at: a step must be an integer from -2 to 1, was 0.5",
    ),
    "learn at a step there is not": (
        lambda: network(learn_at=[0, 3], steps=3), "learn_at: a step .* from -3 to 2, was 3"
    ),
    "learn at a step twice": (
        lambda: network(learn_at=[1, -2], steps=3), r"names a step twice, was \[1, -2\]"
    ),
    "closed forms at every step": (
        lambda: network(rule="hebb", learn_at="every", steps=2),
        "rule hebb learns at the last step, learn_at must be 'last', was 'every'",
    ),
    "closed forms of a layer at a step": (
        lambda: network(replace(layer(), rule="hebb"), learn_at=[0], steps=2),
        "layer 'h': rule hebb learns at the last step",
    ),
    "carry 1": (lambda: network(carry=1), "carry must be true or false, was 1"),
    "carry of inputs": (
        lambda: network(layer(delay=1), steps=2, carry=True),
        "with carry the delay of an input must be 0, was 1: outputs of layers are carried",
    ),
    "carry in closed forms": (
        lambda: network(rule="hebb", carry=True),
        "rule hebb learns from presentations that begin in silence, carry must be false",
    ),
    "weight": (lambda: Compartment("F", "x", weight=np.nan), "weight must be a number .* was nan"),
    "weight text": (lambda: Compartment("F", "x", weight="1"), "weight .* was '1'"),
    "layer of 0": (lambda: layer(size=0), "layer 'h': size must be an integer .* was 0"),
    "layer of -1": (lambda: layer(size=-1), "was -1"),
    "layer of True": (lambda: layer(size=True), "was True"),
    "layer of 2.0": (lambda: layer(size=2.0), "was 2.0"),
    "input of 0": (lambda: network(inputs={"x": 0}), "input 'x': size must be .* was 0"),
    "input of True": (lambda: network(inputs={"x": True}), "was True"),
    "0 steps": (lambda: network(steps=0), "steps must be an integer of at least 1, was 0"),
    "no layers": (lambda: Network({"x": 3}, []), "at least one layer"),
    "layers of one name": (lambda: network(layer(), layer()), "two inputs or layers .* 'h'"),
    "layer named as input": (lambda: network(layer("x")), "two inputs or layers .* 'x'"),
    "compartments of one name": (
        lambda: Layer("h", 3, [Compartment("F", "x"), Compartment("F", "y")], SUM),
        "layer 'h': compartment names must differ, were F, F",
    ),
    "two compartments for three": (
        lambda: Layer("h", 3, [Compartment("F", "x"), Compartment("C", "y")],
                      Activation("trivariate")),
        "activation 'trivariate' takes 3 compartments, 2 were given",
    ),
    "no compartments": (
        lambda: Layer("h", 3, [], SUM), "takes 1 or 2 or 3 or 4 compartments, 0 were given",
    ),
    "bins per compartment": (
        lambda: Layer("h", 3, [Compartment("F", "x")], SUM, Binning(bins=(2, 3))),
        "layer 'h': bins: 2 numbers were given for 1 compartments",
    ),
    "one-to-one": (
        lambda: network(layer(connectivity="one-to-one")),
        "compartment 'F': one-to-one needs a source as large as the layer: 3 units for 4 neurons",
    ),
    "all-but-self": (
        lambda: network(layer(connectivity="all-but-self")), "all-but-self .* 3 units for 4",
    ),
    "sparse(0)": (
        lambda: Compartment("F", "x", "sparse(0)"), r"sparse\(k\): k must be .* at least 1, was 0",
    ),
    "Sparse(True)": (lambda: Sparse(True), "was True"),
    "Sparse(2.5)": (lambda: Sparse(2.5), "was 2.5"),
    "sparse of one": (
        lambda: network(layer(connectivity="sparse(2)"), inputs={"x": 1}),
        r"sparse\(2\) needs a source of at least 2 units, this one has 1",
    ),
    "connectivity": (
        lambda: Compartment("F", "x", "one-to-two"),
        "unknown connectivity 'one-to-two'; did you mean one-to-one",
    ),
    "sparse(-1)": (lambda: Connectivity.of("sparse(-1)"), r"unknown .* 'sparse\(-1\)'"),
    "sparse(": (lambda: Connectivity.of("sparse("), "unknown connectivity"),
    "connectivity None": (lambda: Connectivity.of(None), "unknown connectivity None"),
    "outputs": (
        lambda: Layer("h", 3, [Compartment("F", "x")], SUM, outputs="ternary"),
        "layer 'h': outputs must be 'signed' or 'binary', was 'ternary'",
    ),
    "outputs of no kind": (
        lambda: Layer("h", 3, [Compartment("F", "x")], SUM, outputs=None), "outputs .* was None",
    ),
    "sampled": (
        lambda: Layer("h", 3, [Compartment("F", "x")], SUM, sampled=1),
        "layer 'h': sampled must be true or false, was 1",
    ),
    "readout": (
        lambda: network(layer("out"), readout="uot"), "readout layer 'uot' is missing; .* out",
    ),
    "target": (lambda: network(target="z"), "target input 'z' is missing; allowed: x, y"),
    "target is a layer": (lambda: network(target="h"), "target input 'h' is missing"),
    "classes": (
        lambda: network(readout="h", target="x"), "readout layer 'h' has 4 neurons for 3 classes",
    ),
    "Adam rate": (lambda: Adam(-0.1), r"rate must be a number in \[0, .* was -0.1"),
    "Adam rate nan": (lambda: Adam(np.nan), "was nan"),
    "Adam rate inf": (lambda: Adam(np.inf), "was inf"),
    "Adam rate text": (lambda: Adam("0.1"), "was '0.1'"),
    "Adam beta": (lambda: Adam(betas=(0.9, 1.0)), r"betas must be a number in \[0, 1\), was 1.0"),
    "Adam betas": (lambda: Adam(betas=(0.9,)), r"betas must be two numbers, was \[0.9\]"),
    "Adam epsilon": (lambda: Adam(epsilon=-1e-8), "epsilon"),
    "Adam decay": (lambda: Adam(weight_decay=-1), "weight_decay"),
    "Adam until": (lambda: Adam(decay_until=-1), "decay_until .* was -1"),
    "SGD until": (lambda: SGD(decay_until=1.5), "decay_until .* was 1.5"),
    "SGD rate": (lambda: SGD(-1.0), "rate .* was -1.0"),
    "SGD decay": (lambda: SGD(weight_decay=True), "weight_decay .* was True"),
    "goal label": (lambda: layer(goal="{C}"), "layer 'h': .*'C'"),
    "goal name": (lambda: layer(goal="nonsense"), "layer 'h': no published goal 'nonsense'"),
    "goal of others": (lambda: layer(goal=Goal([1], "R")), "for sources R, not F"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said(case):
    build, message = WRONG[case]
    with pytest.raises(ConfigError, match=message):
        build()


def test_a_mask_of_the_wrong_shape_names_both_shapes():
    with pytest.raises(ShapeError, match=r"'F': mask has shape \(4, 2\), .* need \(4, 3\)"):
        network(layer(connectivity=Masked(np.ones((4, 2)))))


def test_connectivity_by_text_and_back():
    for text, kind in {
        "dense": Dense, "one-to-one": OneToOne, "all-but-self": AllButSelf, "sparse(12)": Sparse,
    }.items():  # fmt: skip
        connectivity = Connectivity.of(text)
        assert type(connectivity) is kind
        assert Connectivity.of(str(connectivity)) == connectivity
    assert Connectivity.of("sparse( 7 )") == Sparse(7)


def test_masks_and_indices_of_the_dense_kinds():
    rng = np.random.default_rng(0)
    assert Dense().mask(3, 5) is None
    assert Dense().index(3, 5, rng) is None
    np.testing.assert_array_equal(AllButSelf().mask(3, 3), 1 - np.eye(3))
    np.testing.assert_array_equal(OneToOne().index(3, 3, rng), [[0], [1], [2]])
    mask = np.array([[1, 0], [0, 0]])
    np.testing.assert_array_equal(Masked(mask).mask(2, 2), mask.astype(bool))


@pytest.mark.parametrize(("n", "n_in", "k"), [(30, 30, 7), (30, 30, 28), (5, 40, 100), (40, 5, 2)])
def test_sparse_takes_distinct_others(n, n_in, k):
    index = Sparse(k).index(n, n_in, np.random.default_rng(1))
    assert index.shape == (n, min(k, n_in - 1))
    assert index.dtype == np.int32
    assert index.min() >= 0
    assert index.max() < n_in
    for i, row in enumerate(index):
        assert len(set(row)) == len(row)
        assert i % n_in not in row
    assert Sparse(k).mask(n, n_in) is None


def test_sparse_takes_every_other_unit_equally_often():
    rng = np.random.default_rng(2)
    draws = 4000
    counts = np.zeros((6, 6))
    for _ in range(draws):
        np.put_along_axis(
            counts, index := Sparse(2).index(6, 6, rng), np.take_along_axis(counts, index, 1) + 1, 1
        )
    p = 2 / 5
    sigma = np.sqrt(draws * p * (1 - p))
    assert abs(counts[~np.eye(6, dtype=bool)] - draws * p).max() < 5 * sigma


@pytest.mark.parametrize("k", [5, 6, 100])
def test_sparse_with_room_for_all_is_all_but_self(k):
    rng = np.random.default_rng(3)
    assert Sparse(k).index(6, 6, rng) is None
    np.testing.assert_array_equal(Sparse(k).mask(6, 6), AllButSelf().mask(6, 6))
    assert Sparse(4).index(6, 6, rng).shape == (6, 4)


def test_the_same_seed_connects_the_same_neurons():
    spec = Network(
        {"x": 3},
        [Layer("h", 20, [Compartment("L", "h", "sparse(5)", delay=1)], SUM)],
    )

    def index(seed):
        return Simulator(spec, seed=seed, threads=1)["h"]["L"].index

    np.testing.assert_array_equal(index(1), index(1))
    assert not np.array_equal(index(1), index(2))


def test_layers_needed_early_are_those_that_something_later_reads():
    def net(*edges, steps=2):
        """Layers a, b, c in this order; an edge "ab1" lets b read a with delay 1."""
        layers = []
        for name in "abc":
            reads = [Compartment("x", "x")] + [
                Compartment(e[0], e[0], delay=int(e[2])) for e in edges if e[1] == name
            ]
            layers.append(Layer(name, 2, reads, SUM))
        return Network({"x": 2}, layers, steps)

    assert net("ab0", "bc0").needed(0) == set()
    assert net("ab0", "bc0").needed(1) == {"a", "b", "c"}
    assert net("ab0", "bb1", "bc0").needed(0) == {"a", "b"}
    assert net("ab0", "bc0", "ca1").needed(0) == {"a", "b", "c"}
    assert net("ab1", "bc1", steps=3).needed(0) == {"a"}
    assert net("ab0", "bb1", "bc0", steps=5000).needed(0) == {"a", "b"}
    assert net("ab1", "bc1", steps=3).needed(1) == {"a", "b"}
    assert net("ab3", steps=5).needed(1) == {"a"}
    assert [net("ab2", "bc1", "cc3", steps=5).needed(i) for i in range(4)] == [
        {"b"}, {"a", "c"}, {"a"}, {"b"},
    ]  # fmt: skip
    assert net("ab2", steps=2).needed(0) == set()


def test_networks_are_values():
    assert network() == network()
    assert network().layer("h").size == network().size("h") == 4
    with pytest.raises(ConfigError, match="no layer 'hh'; did you mean h"):
        network().layer("hh")
    assert network(layer()).learning == []
    assert network(layer(goal="{F}")).learning == ["h"]
    assert network(layer(goal="{F}", trainable=False)).learning == []


# -- samples -------------------------------------------------------------------------------------


def x(n=5, width=3):
    return np.zeros((n, width), np.float32)


def with_value(value):
    array = x()
    array[2, 1] = value
    return array


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ({"x": with_value(np.nan)}, DataError, r"input 'x' holds nan at \[2, 1\]"),
        ({"x": with_value(-np.inf)}, DataError, r"input 'x' holds -inf at \[2, 1\]"),
        ({"y": np.array([0, 1, 4, 9])}, DataError, "label 4 of sample 2 .* outside 0 to 3"),
        ({"y": np.array([0, -1])}, DataError, "label -1 of sample 1"),
        ({"y": np.array([0.0, 1.0])}, DataError, "labels .* must be integers, were float64"),
        ({"x": x(5), "y": np.zeros(4, int)}, DataError, "same number of samples.*x 5, y 4"),
        ({}, DataError, "at least 1; was none"),
        ({"x": x(0)}, DataError, "at least 1; was x 0"),
        ({"x": 3.0}, DataError, "at least 1; was x 0"),
        ({"x": x(5, 4)}, ShapeError, "input 'x' has 4 units, the network expects 3"),
        ({"z": x()}, DataError, "no input 'z'; allowed: x, y, h"),
        ({"x": np.zeros((5, 3, 1, 1))}, DataError, r"shape \(n, units\).*\(5, 3, 1, 1\)"),
        (
            {"x": np.zeros((5, 2, 3))},
            ShapeError,
            "input 'x' has sequences of 2 steps, the network presents 1",
        ),
        ({"x": np.zeros((5, 1, 2))}, ShapeError, "'x' has 2 units, the network expects 3"),
        ({"x": np.full((5, 1, 3), np.inf)}, DataError, r"holds inf at \[0, 0, 0\]"),
        ({"x": np.full((5, 1, 3), 1e39)}, DataError, "holds 1e\\+39, which float32 cannot hold"),
        ({"h": np.zeros((5, 1, 4))}, ShapeError, r"layer 'h' is given as \(n, units\)"),
        ({"x": np.array([["a"] * 3])}, DataError, "must be numbers"),
        ({"x": np.zeros((5, 3), complex)}, DataError, "must be numbers"),
    ],
)
def test_samples_that_cannot_be_shown_are_refused(arrays, error, message):
    with pytest.raises(error, match=message):
        Samples(arrays).check(network())


def test_samples_become_scaled_values_and_one_hot_labels():
    simulator = Simulator(network(), threads=1)
    images = np.arange(15, dtype=np.uint8).reshape(5, 3)
    samples = Samples({"x": images, "y": np.array([3, 0, 1, 2, 3])}, {"x": (2.0, 0.5)})
    samples.check(network())
    chosen = samples.subset([4, 2, 1]).subset([0, 2])  # samples 4 and 1
    assert len(chosen) == 2
    np.testing.assert_array_equal(chosen.labels("y"), [3, 0])

    values, outputs = simulator.batch(chosen, [0, 1])
    np.testing.assert_allclose(values["x"], [(images[[4, 1]].T - 2.0) * 0.5])
    np.testing.assert_array_equal(values["y"], [np.eye(4)[:, [3, 0]]])
    assert {array.dtype for array in values.values()} == {np.dtype("float32")}
    assert not outputs
    assert set(simulator.batch(chosen, [0], without=("y",))[0]) == {"x"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 6}, "batch of 6 is larger than the 5 training samples"),
        ({"batch": 0}, "batch must be an integer of at least 1, was 0"),
        ({"batch": -1}, "was -1"),
        ({"batch": True}, "was True"),
        ({"batch": 2.0}, "was 2.0"),
        ({"batch": 5, "record_every": 0}, "record_every must be an integer of at least 1, was 0"),
    ],
)
def test_batches_that_cannot_be_cut(options, message):
    simulator = Simulator(network(), threads=1)
    with pytest.raises(ConfigError, match=message):
        Training(simulator, {"x": x()}, **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": -1}, ConfigError, "seed must be an integer from 0 to .* was -1"),
        ({"seed": 2**32}, ConfigError, "was 4294967296"),
        ({"seed": 1.0}, ConfigError, "was 1.0"),
        ({"seed": None}, ConfigError, "was None"),
        ({"threads": 0}, ConfigError, "threads must be an integer of at least 1, was 0"),
        ({"threads": -2}, ConfigError, "was -2"),
        ({"threads": 1.5}, ConfigError, "was 1.5"),
        ({"threads": True}, ConfigError, "was True"),
        ({"dtype": "float16"}, ConfigError, "dtype must be float32 or float64, was 'float16'"),
        ({"dtype": "float"}, ConfigError, "was 'float'"),
        ({"backend": "tpu"}, BackendError, "unknown backend 'tpu'; .*cpu"),
    ],
)
def test_simulators_that_cannot_be(options, error, message):
    with pytest.raises(error, match=message):
        Simulator(network(), **options)


def test_the_largest_seed_works():
    Simulator(network(), seed=2**32 - 1, threads=1).step({"x": x()}, learn=False)
