"""A network drawn: its inputs and layers, what each compartment reads, and how long ago."""

from dataclasses import dataclass

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from infosim.errors import ConfigError, brief
from infosim.plotting import ink
from infosim.plotting.style import figure, style

#: Lengths of the drawing, of which a row of type is 1 high: a box, the gap after it, its head, from
#: one lane to the next, the margin, the radius of corners.
_WIDE, _GAP, _HEAD, _LANE, _MARGIN, _CORNER = 9.0, 4.2, 2.1, 0.7, 0.6, 0.45
_INPUT, _BETWEEN = 5.0, 1.4  # width of an input, from one to the next
_INCH = 0.19  # of one unit, where the figure is ours


@dataclass(frozen=True)
class _Box:
    """Where a layer or input stands: left, right, top, bottom; column, inputs have 0."""

    left: float
    right: float
    top: float
    bottom: float
    column: int


def network_diagram(network, ax):
    """A network from left to right: inputs, then layers in firing order, and what they read.

    Every compartment is a row of its layer's box, and a line in its colour leads there from each
    source. Lines are dashed where what they bring is of an earlier step (t−1: the one before) and
    thin where weights do not learn. What comes from the layer itself, or from a later one, runs
    above the boxes; what passes a layer by, below.

    network : a `Network`

    Raises
    ------
    ConfigError : it is none
    """
    boxes, x, y = _layout(network)
    unit = ink.canvas(ax, x, y)
    names = dict.fromkeys(one.name for layer in network.layers for one in layer.compartments)
    colours = ink.source_colours(list(names))
    size = min(0.75 * unit, 9)
    for name, units in network.inputs.items():
        _draw_box(ax, boxes[name], [(name, f"{units} units")], size, unit, "#ECECEC")
    for layer in network.layers:
        head = [(layer.name, f"{layer.size} neurons, {layer.activation.name}")]
        _draw_box(ax, boxes[layer.name], head, size, unit, "white")
        for row, one in enumerate(layer.compartments):
            _draw_row(ax, boxes[layer.name], row, one, colours[one.name], size, unit)
    _draw_lines(ax, network, boxes, colours)
    return ax


def network_page(network):
    """A figure as large as its network, with `network_diagram` and nothing else.

    Raises
    ------
    ConfigError : as `network_diagram`
    """
    _, x, y = _layout(network)
    with style():
        page = figure(_INCH * (x[1] - x[0]) + 0.15, _INCH * (y[1] - y[0]) + 0.15)
        network_diagram(network, page.subplots())
    return page


def _layout(network):
    """(name -> `_Box`, limits in x, limits in y) of a network."""
    from infosim.network import Network  # with Numba, which no other picture needs

    if not isinstance(network, Network):
        raise ConfigError(f"a Network is drawn, was {brief(network)}")
    heights = {one.name: _HEAD + len(one.compartments) for one in network.layers}
    step = _HEAD + _BETWEEN
    high = max([*heights.values(), step * len(network.inputs) - _BETWEEN])
    boxes = {}
    top = (high + step * len(network.inputs) - _BETWEEN) / 2
    for i, name in enumerate(network.inputs):
        boxes[name] = _Box(0, _INPUT, top - step * i, top - step * i - _HEAD, 0)
    left = _INPUT if network.inputs else 0.0
    for column, layer in enumerate(network.layers, 1):
        left += _GAP
        middle, half = high / 2, heights[layer.name] / 2
        boxes[layer.name] = _Box(left, left + _WIDE, middle + half, middle - half, column)
        left += _WIDE
    ways = _ways(network, boxes)
    ends = [end for box in boxes.values() for end in (box.top, box.bottom)]
    low, high = min(ends) - _LANE * ways.count(-1), max(ends) + _LANE * ways.count(1)
    first = 0 if network.inputs else 0.3 * _GAP
    x = (first - _MARGIN, left + 0.4 * _GAP + _MARGIN)
    return boxes, x, (low - _MARGIN, high + _MARGIN)


def _connections(network):
    """(layer, number of the compartment, connection) of all there are."""
    return [(layer, k, c) for layer in network.layers for k, c in layer.connections]


def _ways(network, boxes):
    """`_way` of every connection."""
    return [_way(boxes[c.source], boxes[layer.name]) for layer, _, c in _connections(network)]


def _way(source, target):
    """Where the line runs from one box to another: 0 straight, 1 above all boxes, -1 below."""
    if target.column == source.column + 1:
        return 0
    return -1 if target.column > source.column else 1


def _draw_box(ax, box, lines, size, unit, fill):
    width, height = box.right - box.left, box.top - box.bottom
    shape = f"round,pad=0,rounding_size={_CORNER}"
    look = {"facecolor": fill, "edgecolor": ink.DARK, "linewidth": 0.8, "zorder": 2}
    gid = lines[0][0]
    ax.add_patch(
        FancyBboxPatch((box.left, box.bottom), width, height, boxstyle=shape, gid=gid, **look)
    )
    middle, room = (box.left + box.right) / 2, (width - 0.6) * unit
    for name, said in lines:
        ink.text(ax, (middle, box.top - 0.7), name, 1.15 * size, room, weight="bold", zorder=3)
        ink.text(ax, (middle, box.top - 1.5), said, size, room, color=ink.FAINT, zorder=3)


def _draw_row(ax, box, row, compartment, colour, size, unit):
    """A compartment: its name on its colour, and by what connectivity it reads which sources."""
    at = _row(box, row)
    look = {"facecolor": colour, "edgecolor": "none", "zorder": 3}
    shape = "round,pad=0,rounding_size=0.15"
    ax.add_patch(FancyBboxPatch((box.left + 0.3, at - 0.38), 1.3, 0.76, boxstyle=shape, **look))
    ink.text(
        ax, (box.left + 0.95, at), compartment.name, size, 1.1 * unit, color=ink.on(colour),
        weight="bold", zorder=4,
    )  # fmt: skip
    said = " + ".join(_said(one) for one in compartment.connections)
    room = (box.right - box.left - 2.2) * unit
    ink.text(ax, (box.left + 1.85, at), said, size, room, ha="left", zorder=3)


def _said(connection):
    when = f" (t−{connection.delay})" * bool(connection.delay)
    fixed = "" if connection.trainable else ", fixed"
    return f"{connection.source}{when}, {connection.connectivity}{fixed}"


def _row(box, row):
    """The height of the middle of a compartment's row."""
    return box.top - _HEAD - row - 0.4


def _draw_lines(ax, network, boxes, colours):
    """A line for every connection; each that leaves its row has a lane of its own."""
    high = max(box.top for box in boxes.values())
    low = min(box.bottom for box in boxes.values())
    lanes, ways = {1: 0, -1: 0}, _ways(network, boxes)
    aside = min(0.3, 0.3 * _GAP / max(ways.count(1), ways.count(-1), 1))
    for layer, k, c in _connections(network):
        source, target = boxes[c.source], boxes[layer.name]
        end, way = (target.left, _row(target, k)), _way(source, target)
        start = (source.right, (source.top + source.bottom) / 2)
        if way:
            lanes[way] += 1
            i = lanes[way]
            lane = (high if way > 0 else low) + way * _LANE * i
            out, back = start[0] + aside * i, end[0] - 0.5 - aside * i
            corners = [start, (out, start[1]), (out, lane), (back, lane), (back, end[1]), end]
            path = _rounded(corners)
        else:
            middle = (start[0] + end[0]) / 2
            path = Path([start, (middle, start[1]), (middle, end[1]), end], [1, 4, 4, 4])
        name = layer.compartments[k].name
        look = {
            "color": colours[name],
            "linewidth": 1.3 if c.trainable else 0.7,
            "linestyle": (0, (4, 2)) if c.delay else "solid",
            "gid": f"{layer.name}.{name} reads {c.source}",
        }
        ax.add_patch(FancyArrowPatch(path=path, arrowstyle="-|>", mutation_scale=8, **look))


def _rounded(corners):
    """A path through these points, rounded at all but the first and the last."""
    points, codes = [corners[0]], [Path.MOVETO]
    for before, at, after in zip(corners, corners[1:], corners[2:], strict=False):
        points += [_towards(at, before), at, _towards(at, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*points, corners[-1]], [*codes, Path.LINETO])


def _towards(at, other):
    """The point that is a corner's radius, or half the way, from one point to another."""
    (x, y), (to_x, to_y) = at, other
    length = abs(to_x - x) + abs(to_y - y)
    share = min(_CORNER / length, 0.5) if length else 0
    return x + share * (to_x - x), y + share * (to_y - y)
