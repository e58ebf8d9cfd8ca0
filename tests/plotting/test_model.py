"""A network's drawing shows what is connected to what, and its lines keep clear of its boxes."""

from itertools import pairwise

import numpy as np
import pytest
from drawing import check_drawn
from matplotlib.colors import to_rgba

from infosim.errors import ConfigError
from infosim.network import Compartment, Connection, Layer, Network
from infosim.neuron import Activation
from infosim.plotting import figure, network_diagram, network_page, style
from infosim.plotting.ink import source_colours

LONG = "a very long name of an input"
F, C = Compartment("F", "image"), Compartment("C", "label")


def layer(name, compartments, size=3):
    activation = ("feedforward", "bivariate", "trivariate", "tetravariate")[len(compartments) - 1]
    if len(compartments) == 1:
        return Layer(name, size, compartments, Activation(activation))
    return Layer(name, size, compartments, Activation(activation), goal=None)


def three_layers():
    own = Compartment("L", "one", "all-but-self", delay=1)
    first = layer("one", [F, C, own, Compartment("T", "out", delay=2)])
    both = Compartment("L", connections=[Connection("two", delay=1), Connection("out", delay=1)])
    second = layer("two", [Compartment("F", "one"), C, both])
    label = Compartment("C", "label", "one-to-one", weight=1.0, trainable=False, bias=False)
    out = layer("out", [Compartment("F", "two"), label], 10)
    return Network({"image": 64, "label": 10}, [first, second, out], 3, "out", "label")


def many_lanes(n=9):
    """Layers that all read the first input and the last layer: a lane each, above and below."""
    back = Compartment("L", "9", delay=1)
    firsts = [layer(str(i), [Compartment("F", "x"), back]) for i in range(1, n)]
    return Network({"x": 2}, [*firsts, layer("9", [Compartment("F", "x")])], 2)


NETWORKS = {
    "many lanes": many_lanes(),
    "one neuron": Network({"x": 1}, [layer("neuron", [Compartment("F", "x")], 1)]),
    "no input": Network({}, [layer("alone", [Compartment("F", "alone", delay=1)])]),
    "three layers": three_layers(),
    "long names": Network(
        {LONG: 123456}, [layer("a layer whose name is long", [Compartment("feedforward", LONG)])]
    ),
}  # fmt: skip


def lines(ax):
    return {patch.get_gid(): patch for patch in ax.patches if " reads " in (patch.get_gid() or "")}


@pytest.fixture(params=list(NETWORKS))
def drawn(request):
    """A network and the Axes of its page."""
    page = network_page(NETWORKS[request.param])
    check_drawn(page)
    return NETWORKS[request.param], page.axes[0]


def test_every_connection_is_a_line(drawn):
    network, ax = drawn
    found = lines(ax)
    names = [one.name for layer in network.layers for one in layer.compartments]
    with style():
        colours = source_colours(list(dict.fromkeys(names)))
    expected = {
        f"{layer.name}.{layer.compartments[k].name} reads {c.source}": (layer.compartments[k], c)
        for layer in network.layers
        for k, c in layer.connections
    }
    assert found.keys() == expected.keys()
    for name, (compartment, connection) in expected.items():
        line = found[name]
        assert (line.get_linestyle() in ("solid", "-")) == (connection.delay == 0)
        assert (line.get_linewidth() > 1) == connection.trainable
        assert line.get_edgecolor() == to_rgba(colours[compartment.name])


def test_lines_lead_from_source_to_row_and_cross_no_box(drawn):
    network, ax = drawn
    names = [*network.inputs, *(one.name for one in network.layers)]
    boxes = {
        patch.get_gid(): patch.get_path().get_extents()
        for patch in ax.patches
        if patch.get_gid() in names
    }
    assert boxes.keys() == set(names)
    rows = {text.get_text(): text for text in ax.texts}
    for name, line in lines(ax).items():
        where, source = name.split(" reads ")
        target, compartment = where.rsplit(".", 1)
        x, y = ax.get_xlim(), ax.get_ylim()
        path = line._path_original.interpolated(1).to_polygons(closed_only=False)[0]
        start, end = path[0], path[-1]
        assert start[0] == pytest.approx(boxes[source].x1, abs=1e-6)
        assert boxes[source].y0 < start[1] < boxes[source].y1
        assert end[0] == pytest.approx(boxes[target].x0, abs=1e-6)
        assert end[1] > boxes[target].y0
        fine = np.concatenate(
            [a + np.linspace(0, 1, 50)[:, None] * (b - a) for a, b in pairwise(path)]
        )  # fmt: skip
        assert (fine > (x[0], y[0])).all()
        assert (fine < (x[1], y[1])).all()
        for box in boxes.values():
            inside = (
                (fine[:, 0] > box.x0 + 1e-6) & (fine[:, 0] < box.x1 - 1e-6)
                & (fine[:, 1] > box.y0 + 1e-6) & (fine[:, 1] < box.y1 - 1e-6)
            )  # fmt: skip
            assert not inside.any(), name
        assert compartment in rows


def test_text_says_sizes_delays_and_what_does_not_learn():
    said = [text.get_text() for text in network_page(NETWORKS["three layers"]).axes[0].texts]
    assert "64 units" in said
    assert "10 neurons, bivariate" in said
    assert "label, one-to-one, fixed" in said
    assert "out (t−2), dense" in said
    assert "two (t−1), dense + out (t−1), dense" in said


@pytest.mark.parametrize("wrong", [None, "demo/digits", 3, NETWORKS["one neuron"].layers[0]])
def test_what_is_no_network_is_refused(wrong):
    with pytest.raises(ConfigError, match="a Network is drawn, was"):
        network_page(wrong)
    with style(), pytest.raises(ConfigError, match="a Network is drawn, was"):
        network_diagram(wrong, figure().subplots())
