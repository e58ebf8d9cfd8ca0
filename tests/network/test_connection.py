"""Compartments of one connection and of several, as descriptions."""

from dataclasses import replace

import pytest

from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.network import Compartment, Connection, Infomorphic, Layer, Network, Sparse
from infosim.neuron import Activation

A, B = Connection("a"), Connection("b")


def network(*connections, inputs=("a", "b"), **options):
    compartment = Compartment("L", connections=connections, **options)
    layer = Layer("h", 4, [compartment], Activation("sum"))
    return Network(dict.fromkeys(inputs, 3), [layer])


def test_one_connection_is_the_same_in_both_forms():
    short = Compartment("L", "h", "sparse(2)", 1, False, False, 0.5)
    one = Connection("h", "sparse(2)", 1, False, 0.5)
    assert one == Connection("h", Sparse(2), delay=1, trainable=False, weight=0.5)
    assert short.connections == (one,)
    assert short == Compartment("L", connections=[one], bias=False)
    assert hash(short) == hash(Compartment("L", connections=(one,), bias=False))
    assert (short.source, short.delay, short.trainable, short.weight) == ("h", 1, False, 0.5)
    assert short.connectivity == Sparse(2)
    assert Compartment("F", "x").connections == (Connection("x"),)


def test_settings_of_the_short_form_are_replaced():
    short = Compartment("L", "h", "sparse(2)", delay=1)
    assert replace(short, delay=0) == Compartment("L", "h", "sparse(2)")
    assert replace(replace(short, name="C"), source="g") == Compartment("C", "g", "sparse(2)", 1)
    several = Compartment("L", connections=[A, B])
    assert replace(several, bias=False) == Compartment("L", connections=[A, B], bias=False)


def test_connections_are_called_by_their_source_and_by_their_delay_where_it_is_needed():
    twice = Compartment("L", connections=[A, Connection("h", delay=1), Connection("h")])
    assert twice.names == ("a", "h@1", "h@0")
    assert Compartment("L", "h", delay=1).names == ("h",)


def test_layers_are_needed_for_any_connection():
    def layer(name, *connections):
        return Layer(name, 4, [Compartment("F", connections=connections)], Activation("sum"))

    spec = Network({"a": 3}, [
        layer("f", A), layer("g", A), layer("h", A, Connection("f"), Connection("g", delay=1)),
        layer("i", Connection("h", delay=1), A),
    ], 3)  # fmt: skip
    assert spec.needed(1) == {"f", "g", "h"}
    assert spec.needed(0) == {"g"}
    frozen = replace(spec.layers[2], goal="{F}", compartments=[Compartment("F", connections=[
        Connection("a", trainable=False), Connection("f", trainable=False),
    ])])  # fmt: skip
    assert not Infomorphic().trains(frozen)
    half = [Connection("a", trainable=False), Connection("f")]
    half = replace(frozen, compartments=[Compartment("F", connections=half)])
    assert Infomorphic().trains(half)


WRONG = {
    "neither": (lambda: Compartment("L"), "compartment 'L': needs a source, or connections"),
    "settings alone": (lambda: Compartment("L", delay=1), "'L': needs a source, or connections"),
    "both": (
        lambda: Compartment("L", "a", connections=[B]),
        "compartment 'L': source is said of a connection, not beside connections",
    ),
    "weight beside": (
        lambda: Compartment("L", connections=[A, B], weight=1.0),
        "'L': weight is said of a connection",
    ),
    "replaced in several": (
        lambda: replace(Compartment("L", connections=[A, B]), trainable=False),
        "'L': trainable is said of a connection",
    ),
    "none": (lambda: Compartment("L", connections=[]), "'L': needs at least one connection"),
    "no list": (
        lambda: Compartment("L", connections=A), r"'L': connections must be a list, were Conn",
    ),
    "text": (lambda: Compartment("L", connections="ab"), "must be a list, were 'ab'"),
    "text in a list": (
        lambda: Compartment("L", connections=[A, "b"]), "'L': a Connection is needed, was 'b'",
    ),
    "twice": (
        lambda: Compartment("L", connections=[A, B, Connection("a", "sparse(2)")]),
        "compartment 'L': two connections read 'a' with delay 0",
    ),
    "called alike": (
        lambda: Compartment("L", connections=[
            Connection("h"), Connection("h", delay=1), Connection("h@1"),
        ]),
        "compartment 'L': two connections are called alike: h@0, h@1, h@1",
    ),
    "source": (lambda: Connection(3), "a connection's source must be a name, was 3"),
    "delay": (lambda: Connection("a", delay=-2), "'a': delay must be an integer .*, was -2"),
    "weight": (lambda: Connection("a", weight="1"), "connection from 'a': weight must be a number"),
    "trainable": (
        lambda: Connection("a", trainable=1), "'a': trainable must be true or false, was 1",
    ),
    "no compartment": (
        lambda: Layer("h", 3, [A], Activation("sum")),
        "layer 'h': a Compartment is needed, was Connection",
    ),
    "missing source": (
        lambda: network(A, Connection("bb")),
        "layer 'h', compartment 'L', connection 'bb': source 'bb' is missing; did you mean b",
    ),
    "delayed input": (
        lambda: network(A, Connection("b", delay=1)), "connection 'b': an input is heard from step",
    ),
    "cycle": (lambda: network(A, Connection("h")), "connection 'h': reads 'h' with delay 0 before"),
    "size": (
        lambda: network(A, Connection("b", "one-to-one")),
        "connection 'b': one-to-one needs a source as large as the layer: 3 units for 4 neurons",
    ),
    "asked of several": (
        lambda: Compartment("L", connections=[A, B]).source,
        "compartment 'L' has several connections, ask one of them for its source: a, b",
    ),
    "others": (
        lambda: network(A).check_alike(network(A, B)),
        "compartment 'L': number of connections is 1 in one and 2 in another",
    ),
    "other delays": (
        lambda: network(A, Connection("h", delay=1)).check_alike(network(A, B)),
        "compartment 'L': connection 2: source is h in one and b in another",
    ),
    "other order": (
        lambda: Simulator([network(A, B), network(B, A)]),
        "compartment 'L': connection 1: source is a in one and b in another",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_said(case):
    build, message = WRONG[case]
    with pytest.raises(ConfigError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
