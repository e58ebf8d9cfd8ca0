"""The conceptual figures show the lattice as it is, and every number of a goal once."""

from itertools import chain, combinations

import matplotlib
import numpy as np
import pytest
from drawing import check_drawn

from infosim.errors import ConfigError
from infosim.network import Compartment, Connection, Layer
from infosim.neuron import Activation
from infosim.pid import Goal, lattice
from infosim.pid.lattice import covers, levels, members
from infosim.plotting import (
    figure,
    goal_bars,
    goal_summary,
    information_circle,
    lattice_diagram,
    neuron,
    style,
)
from infosim.plotting.circle import regions
from infosim.plotting.ink import source_colours

GOALS = {
    1: Goal.parse("{F} - 0.3 H", "F"),
    2: Goal.named("iclr/context-optimized"),
    3: Goal.named("iclr/trivariate-optimized"),
}
LONG = Goal.parse("{image}{label,hidden} - 2 {image,label}", ("image", "label", "hidden"))


@pytest.fixture
def ax():
    with style():
        yield figure(3.3, 3.4).subplots()


def texts(ax):
    return ["".join(text.get_text().split()) for text in ax.texts]


def patches(ax, name):
    return [patch for patch in ax.patches if patch.get_gid() == name]


# -- the lattice, found again from sets of letters -----------------------------------------------


def sets(label):
    return frozenset(frozenset(part) for part in label.strip("{}").split("}{"))


def subsets(letters):
    letters = list(letters)
    return chain.from_iterable(combinations(letters, n) for n in range(1, len(letters) + 1))


def antichains(letters):
    """All antichains of non-empty sets of letters, by trying every collection of sets."""
    nodes = [frozenset(s) for s in subsets(letters)]
    return [frozenset(c) for c in subsets(nodes) if not any(a < b or b < a for a in c for b in c)]


def below(a, b):
    return a != b and all(any(s <= t for s in a) for t in b)


@pytest.mark.parametrize(("n_sources", "n_edges"), [(1, 0), (2, 4), (3, 30)])
def test_edges_join_neighbours_only(n_sources, n_edges):
    letters = "FCL"[:n_sources]
    found = antichains(letters)
    assert len(found) == len(lattice(n_sources))
    expected = {
        (a, b)
        for a in found
        for b in found
        if below(a, b) and not any(below(a, c) and below(c, b) for c in found)
    }
    labels = [sets(label) for label in lattice(n_sources).labels(letters)]
    edges = {(labels[a], labels[b]) for a, b in zip(*np.nonzero(covers(n_sources)), strict=True)}
    assert edges == expected
    assert len(edges) == n_edges
    level = dict(zip(labels, levels(n_sources), strict=True))
    assert all(level[b] == level[a] + 1 for a, b in edges)


def test_levels_and_members_of_three_sources():
    assert levels(3).tolist() == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6]
    for row in GOALS[3].table():
        for name in "FCL":
            assert row[f"I(Y:{name})"] == (f"{{{name}}}" in row["atom"])


@pytest.mark.parametrize("n_sources", [1, 2, 3, 4])
def test_information_of_a_source_is_the_sum_of_its_atoms(n_sources):
    """Consistency: whatever the redundancies, the atoms of I(Y:k) add up to I_∩({k})."""
    one = lattice(n_sources)
    redundancies = np.random.default_rng(0).normal(size=len(one))
    atoms = one.moebius @ redundancies
    for k, inside in enumerate(members(n_sources)[:-1].T):
        single = redundancies[one.antichains.index((1 << k,))]
        assert atoms[inside].sum() == pytest.approx(single)


def test_table_holds_every_gamma():
    rows = GOALS[2].table()
    assert [row["atom"] for row in rows] == ["{F}{C}", "{F}", "{C}", "{FC}", "H_res"]
    assert [row["gamma"] for row in rows] == GOALS[2].gamma.tolist()
    assert [row["level"] for row in rows] == [0, 1, 1, 2, None]


# -- regions of the circle -----------------------------------------------------------------------


@pytest.mark.parametrize("n_sources", [1, 2, 3])
def test_regions_tile_the_disc(n_sources):
    """Every point of the disc is in one region, none outside it is; areas add up to the disc's."""
    found = regions(n_sources)
    assert len(found) == len(lattice(n_sources)) + 1
    points = np.random.default_rng(0).uniform(-1.2, 1.2, (20000, 2))
    inside = np.sum([region.contains(points) for region in found], axis=0)
    np.testing.assert_array_equal(inside, np.hypot(*points.T) < 1)
    squares = [(region.outer**2 - region.inner**2) / 2 for region in found]
    areas = [
        np.sum((s[1:] + s[:-1]) / 2 * np.diff(region.angles))
        for s, region in zip(squares, found, strict=True)
    ]
    assert min(areas) > 0.03
    assert sum(areas) == pytest.approx(np.pi, rel=1e-4)


@pytest.mark.parametrize("n_sources", [1, 2, 3])
def test_drawn_regions_are_those(n_sources):
    """The path that is painted agrees with the radii, found by crossing numbers of its loops."""
    points = np.random.default_rng(1).uniform(-1, 1, (3000, 2))
    for region in regions(n_sources):
        loops = region.path.to_polygons(closed_only=True)
        within = np.sum(
            [matplotlib.path.Path(loop).contains_points(points) for loop in loops], axis=0
        )
        assert np.mean((within % 2 == 1) != region.contains(points)) < 2e-3


@pytest.mark.parametrize("n_sources", [1, 2, 3])
def test_outlines_hold_the_down_set_of_their_source(ax, n_sources):
    goal = GOALS[n_sources]
    information_circle(goal, ax)
    points = np.random.default_rng(2).uniform(-1, 1, (20000, 2))
    one = lattice(n_sources)
    for k, name in enumerate(goal.sources):
        (outline,) = patches(ax, f"I(Y:{name})")
        within = outline.get_path().contains_points(points)
        down = one.order[:, one.antichains.index((1 << k,))]
        for region, part in zip(regions(n_sources), [*down, False], strict=True):
            share = within[region.contains(points)]
            assert share.size
            assert np.mean(share != part) < 0.02  # chords of half a degree for arcs


def test_regions_of_rings_go_up_the_lattice():
    """Outside the ovals an atom lies within all that are above it."""
    found = regions(3)
    for a in range(10, 18):
        for b in range(10, 18):
            if levels(3)[a] < levels(3)[b]:
                assert found[a].outer.max() <= found[b].inner.min() + 1e-9


# -- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [information_circle, lattice_diagram])
@pytest.mark.parametrize("n_sources", [1, 2, 3])
def test_every_atom_appears_once_with_its_gamma(ax, draw, n_sources):
    goal = GOALS[n_sources]
    assert draw(goal, ax) is ax
    check_drawn(ax.figure)
    written = "".join(texts(ax))
    for label, gamma in zip(goal.labels, goal.gamma, strict=True):
        (patch,) = patches(ax, label)
        red, _, blue, _ = patch.get_facecolor()
        assert np.sign(red - blue) == np.sign(gamma) or abs(gamma) < 0.01
        number = f"{gamma:+.2f}".replace("-", "−") if gamma else ""
        assert written.count(label + number) >= 1
    assert sum(text.count("+") + text.count("−") for text in texts(ax)) == np.sum(goal.gamma != 0)


@pytest.mark.parametrize("size", [3.3, 6.5])
@pytest.mark.parametrize("goal", [*GOALS.values(), LONG], ids=["1", "2", "3", "long names"])
def test_labels_of_the_circle_lie_in_their_regions(size, goal):
    with style():
        fig = figure(size, size + 0.1)
        ax = information_circle(goal, fig.subplots())
        check_drawn(fig)
        boxes = [text.get_window_extent() for text in ax.texts if not text.get_rotation() % 90]
        for a, b in combinations(boxes, 2):
            assert not a.overlaps(b)
        if goal is LONG:  # its type is smaller than what pixels resolve
            return
        assert min(text.get_fontsize() for text in ax.texts) > 4.8
        found = dict(zip(goal.labels, regions(len(goal.sources)), strict=True))
        for text in ax.texts:
            region = found.get(text.get_text().split("\n")[0])
            if region is not None and region.upright:
                corners = ax.transData.inverted().transform(text.get_window_extent().corners())
                assert region.contains(corners).all(), text


def test_diagram_has_an_edge_for_every_cover(ax):
    lattice_diagram(3, ax)
    edges = {tuple(map(int, line.get_gid().split()[1:])) for line in ax.get_lines()}
    assert edges == set(zip(*map(np.ndarray.tolist, np.nonzero(covers(3))), strict=True))
    boxes = {a: patches(ax, label)[0].get_bbox() for a, label in enumerate(Goal({}, "FCL").labels)}
    for line in ax.get_lines():  # no edge runs under a box it has nothing to do with
        along = np.linspace(*line.get_xydata(), 200)
        ends = {int(a) for a in line.get_gid().split()[1:]}
        for a, box in boxes.items():
            if a not in ends:
                within = (
                    (along[:, 0] > box.x0)
                    & (along[:, 0] < box.x1)
                    & (along[:, 1] > box.y0)
                    & (along[:, 1] < box.y1)
                )
                assert not within.any(), (a, ends)
    for a, b in combinations(boxes.values(), 2):
        assert not a.overlaps(b)


def test_diagram_names_members_and_signs(ax):
    lattice_diagram(GOALS[3], ax)
    dots = {patch.get_gid() for patch in ax.patches if " in I" in str(patch.get_gid())}
    rows = GOALS[3].table()
    expected = {
        f"{r['atom']} in {key}" for r in rows for key in ("I(Y:F)", "I(Y:C)", "I(Y:L)") if r[key]
    }
    assert dots == expected
    for row in rows:
        (box,) = patches(ax, row["atom"])
        assert (box.get_linestyle() in ("solid", "-")) == (row["gamma"] >= 0)


@pytest.mark.parametrize("names", ["F", "FC", "FCL", "ABCD", ("image", "memory")])
def test_neuron_has_a_part_for_every_compartment(ax, names):
    assert neuron(names, ax) is ax
    check_drawn(ax.figure)
    colours = source_colours(names)
    assert len(set(colours.values())) == len(names)
    for name in names:
        (part,) = patches(ax, name)
        assert matplotlib.colors.same_color(part.get_facecolor(), colours[name])
        assert name in texts(ax)


def test_neuron_says_what_a_layer_reads(ax):
    both = [Connection("hidden", delay=1), Connection("more")]
    compartments = [Compartment("F", "image"), Compartment("L", connections=both)]
    neuron(Layer("hidden", 3, compartments, Activation("bivariate")), ax)
    written = [text.get_text() for text in ax.texts]
    assert "F: image" in written
    assert "L: hidden (t−1) + more" in written


def test_usual_sources_keep_their_colours():
    expected = {"F": "#0072B2", "C": "#E69F00", "L": "#009E73"}
    with style():
        assert source_colours("LCF") == expected
        assert source_colours("RF")["F"] == expected["F"]
        assert not set(source_colours("RF")["R"]) <= set(expected.values())


def test_bars_are_as_long_as_gamma(ax):
    goals = {name: Goal.named(f"iclr/trivariate-{name}") for name in ("heuristic", "optimized")}
    assert goal_bars(goals, ax) is ax
    check_drawn(ax.figure)
    for container, (name, goal) in zip(ax.containers, goals.items(), strict=True):
        assert container.get_label() == name
        np.testing.assert_allclose([bar.get_width() for bar in container], goal.gamma)
        rows = [round(bar.get_y() + bar.get_height() / 2) for bar in container]
        assert rows == list(range(19))
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(goals["heuristic"].labels)
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first atom is on top
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(goals)


@pytest.mark.parametrize("goal", [*GOALS.values(), LONG], ids=["1", "2", "3", "long names"])
def test_summary_shows_all_of_it_on_the_page(goal):
    page = goal_summary(goal)
    check_drawn(page)
    assert page.get_figwidth() == 7
    titles = {ax.get_title(loc="left") for ax in page.findobj(matplotlib.axes.Axes)}
    assert {"infomorphic neuron", "goal parameters", "information circle"} <= titles


BAD = {
    "four sources": (lattice_diagram, 4, "166 atoms"),
    "goal of four": (information_circle, Goal.parse("{A}", "ABCD"), "up to 3 sources"),
    "summary of four": (lambda goal, _: goal_summary(goal), Goal.parse("{A}", "ABCD"), "166"),
    "five sources": (lattice_diagram, 5, "5 sources given"),
    "no sources": (information_circle, 0, "0 sources given"),
    "no goal": (information_circle, "{F}", "not of '{F}'"),
    "a bool": (lattice_diagram, True, "not of True"),
    "too many compartments": (neuron, "ABCDE", "5 compartments given"),
    "no compartments": (neuron, "", "0 compartments given"),
    "same names": (neuron, "FF", "must differ"),
    "no layer": (neuron, 3, "not drawn from 3"),
    "no goals": (goal_bars, {}, "name -> Goal"),
    "formulas": (goal_bars, {"a": "{F}"}, "not a Goal"),
    "other sources": (goal_bars, {"a": GOALS[2], "b": GOALS[3]}, "is for sources F, C, L"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, ax):
    draw, given, expected = BAD[case]
    with pytest.raises(ConfigError, match=expected.replace("(", r"\(")) as raised:
        draw(given, ax)
    assert "\n" not in str(raised.value)
