import os
import subprocess
import sys
from functools import partial

import matplotlib
import numpy as np
import pytest
from drawing import check_drawn
from matplotlib.colors import to_hex

from infosim.engine.training import History
from infosim.errors import ConfigError, ShapeError
from infosim.pid import lattice
from infosim.plotting import (
    atoms,
    confusion,
    correlations,
    errors,
    figure,
    recall,
    receptive_fields,
    style,
    summary,
)
from infosim.plotting.plots import atom_looks

nan = float("nan")
LABELS = [*lattice(2).labels("FC"), "H_res"]


@pytest.fixture
def ax():
    with style():
        yield figure().subplots()


def history(train=(nan,), val=(nan,), test=(nan,), atoms=None):
    atoms = atoms or {}
    goals = {name: [0.0] * len(values) for name, values in atoms.items()}
    return History(list(train), list(val), list(test), mean_goal=goals, atoms=atoms)


def recorded(epochs, neurons, n_atoms, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (epochs, neurons, n_atoms))


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def title(ax):
    return ax.get_title(loc="left")


def lines(ax):
    """Legend text -> line."""
    return {line.get_label(): line for line in ax.get_lines() if line.get_label()[0] != "_"}


# -- errors --------------------------------------------------------------------------------------


def test_errors_in_percent_with_the_last_measured_value(ax):
    run = history([0.9, 0.1, 0.05], [nan, 0.2, nan], [0.9, 0.06, 0.047])
    assert errors(run, ax) is ax
    check_drawn(ax.figure)
    assert legend(ax) == ["test 4.7 %", "validation 20.0 %", "train 5.0 %"]
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["test 4.7 %"].get_xydata(), [[0, 90], [1, 6], [2, 4.7]])
    np.testing.assert_allclose(drawn["validation 20.0 %"].get_xydata(), [[1, 20]])
    assert drawn["validation 20.0 %"].get_marker() == "o"
    assert ax.get_yscale() == "log"


@pytest.mark.parametrize(
    "values", [(0.9, 0.0001), (0.9, 0.05), (0.06, 0.05), (0.0501, 0.05), (0.3, 0.3), (1.0,)]
)
def test_errors_have_readable_ticks_whatever_their_range(ax, values):
    errors(history(test=values), ax)
    ax.figure.canvas.draw()
    low, high = ax.get_ylim()
    assert low < 100 * min(values) <= 100 * max(values) < high
    ticks = [label.get_text() for label in ax.get_yticklabels()]
    assert 2 <= len(ticks) <= 8
    assert all(len(tick) <= 6 and low <= float(tick) <= high for tick in ticks)


@pytest.mark.parametrize("values", [(0.5, 0.1, 0.0), (0.0, 0.0)])
def test_an_error_of_zero_is_drawn_at_zero(ax, values):
    errors(history(test=values), ax)
    check_drawn(ax.figure)
    assert legend(ax) == ["test 0.0 %"]
    assert ax.get_ylim()[0] < 0
    assert "0" in [label.get_text() for label in ax.get_yticklabels()]


def test_errors_close_together_and_zero_are_on_an_even_axis(ax):
    """As of a memory: half of the bits at first, none at last; of noisy cues half throughout."""
    names = {"test_error": "recall", "val_error": "noisy cues"}
    errors(history([nan, nan], [0.49, 0.51], [0.5, 0.0]), ax, names=names)
    check_drawn(ax.figure)
    assert legend(ax) == ["recall 0.0 %", "noisy cues 51.0 %"]
    assert ax.get_yscale() == "linear"
    ticks = [tick for tick in ax.get_yticks() if 0 <= tick <= 51]
    assert 3 <= len(ticks) <= 6
    assert ticks[0] == 0


def test_errors_that_were_not_measured_say_so(ax):
    errors(history([nan, nan], [nan, nan], [nan, nan]), ax)
    check_drawn(ax.figure)
    assert [text.get_text() for text in ax.texts] == ["no error measured"]
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("baseline", "named"),
    [
        (0.018, ["baseline 1.8 %"]),
        ({"backprop": 0.018, "readout": 0.0812}, ["backprop 1.8 %", "readout 8.1 %"]),
    ],
)
def test_baselines_are_named_and_within_the_axes(ax, baseline, named):
    errors(history(test=[0.9, 0.05]), ax, baseline)
    assert legend(ax) == ["test 5.0 %", *named]
    assert lines(ax)[named[0]].get_ydata() == pytest.approx([1.8, 1.8])
    assert ax.get_ylim()[0] < 1.8


# -- atoms ---------------------------------------------------------------------------------------


def test_atoms_are_medians_and_quartiles_over_neurons(ax):
    values = recorded(4, 25, 5)
    assert atoms(values, LABELS, ax, name="hidden") is ax
    check_drawn(ax.figure)
    assert title(ax) == "information atoms: hidden, 25 neurons"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "information (bits)")
    drawn = {name.split()[0]: line for name, line in lines(ax).items()}
    assert set(drawn) == set(LABELS)
    for a, label in enumerate(LABELS):
        np.testing.assert_array_equal(drawn[label].get_xdata(), range(4))
        np.testing.assert_allclose(drawn[label].get_ydata(), np.median(values[..., a], axis=1))
        (band,) = (
            c
            for c in ax.collections
            if to_hex(c.get_facecolor()[0]) == to_hex(drawn[label].get_color())
        )
        corners = band.get_paths()[0].vertices
        for epoch in range(4):
            ends = np.unique(corners[corners[:, 0] == epoch, 1])
            quartiles = np.quantile(values[epoch, :, a], [0.25, 0.75])
            np.testing.assert_allclose([ends[0], ends[-1]], quartiles)


def test_atoms_draw_the_largest_and_say_how_many_there_are(ax):
    values = np.zeros((3, 5, 19), np.float32)
    values[-1, :, [2, 7, 11, 18]] = np.array([-0.5, 0.25, 0.125, 0.75])[:, None]
    labels = [*lattice(3).labels("FCL"), "H_res"]
    atoms(values, labels, ax, show=3)
    check_drawn(ax.figure)
    shown = [f"H_res  {0.75:.2f}", f"{labels[7]}  0.25", f"{labels[2]}  −0.50"]
    assert legend(ax) == shown
    assert set(lines(ax)) == set(shown)
    assert ax.get_legend().get_title().get_text() == "3 largest of 19"


def test_equal_atoms_are_taken_in_lattice_order(ax):
    atoms(np.zeros((2, 3, 5)), LABELS, ax, show=2)
    assert [text.split()[0] for text in legend(ax)] == LABELS[:2]


def test_all_atoms_need_no_word_about_how_many(ax):
    atoms(recorded(2, 3, 5), LABELS, ax)
    assert ax.get_legend().get_title().get_text() == ""


@pytest.mark.parametrize("shape", [(1, 10, 5), (1, 1, 5), (2, 1, 5)])
def test_atoms_of_one_epoch_or_one_neuron(ax, shape):
    values = recorded(*shape)
    atoms(values, LABELS, ax)
    check_drawn(ax.figure)
    assert title(ax).endswith("10 neurons" if shape[1] == 10 else "1 neuron")
    drawn = {name.split()[0]: line for name, line in lines(ax).items()}
    for a, label in enumerate(LABELS):
        np.testing.assert_allclose(drawn[label].get_ydata(), np.median(values[..., a], axis=1))
        assert (drawn[label].get_marker() == "o") == (shape[0] == 1)
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_atoms_that_diverged_leave_a_gap(ax):
    values = recorded(3, 4, 5)
    values[1, 2, 0], values[2, :, 1] = np.inf, nan
    atoms(values, LABELS, ax)
    check_drawn(ax.figure)
    drawn = {name.split()[0]: line.get_ydata() for name, line in lines(ax).items()}
    np.testing.assert_array_equal(np.isnan(drawn[LABELS[0]]), [False, True, False])
    assert f"{LABELS[1]}  nan" in legend(ax)


def test_atoms_and_labels_must_fit(ax):
    with pytest.raises(ShapeError, match="4 labels"):
        atoms(recorded(2, 3, 5), LABELS[:4], ax)


def test_an_atom_looks_the_same_in_every_plot_and_unlike_its_neighbours():
    labels = [*lattice(3).labels(), "H_res"]
    rng = np.random.default_rng(1)
    plots = [list(rng.permutation(labels)[:6]) for _ in range(4)]
    looks = atom_looks(*plots)
    for plot in plots:
        assert len({str(looks[label]) for label in plot}) == 6
    assert len({looks[label]["color"] for label in plots[0]}) == 6


# -- receptive fields ----------------------------------------------------------------------------


def test_fields_are_scaled_by_their_own_largest_weight_and_not_smoothed(ax):
    weights = np.random.default_rng(0).normal(size=(5, 6)) * [[1], [10], [0.1], [1], [0]]
    assert receptive_fields(weights, (2, 3), ax) is ax
    check_drawn(ax.figure)
    assert title(ax) == "receptive fields: 5 of 5"
    assert len(ax.images) == 5
    for row, image in zip(weights, ax.images, strict=True):
        expected = row.reshape(2, 3) / (np.abs(row).max() or 1)
        np.testing.assert_allclose(image.get_array(), expected)
        assert image.get_clim() == (-1, 1)
        assert image.get_interpolation() == "nearest"
    assert np.abs(ax.images[1].get_array()).max() == 1


def test_fields_lie_apart_row_by_row_upright(ax):
    receptive_fields(np.ones((5, 6)), (2, 3), ax, columns=2)
    boxes = np.array([image.get_extent() for image in ax.images])  # left, right, bottom, top
    np.testing.assert_allclose(boxes[:, 1] - boxes[:, 0], 3)
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 3], 2)
    np.testing.assert_array_equal(boxes[:2, 3], 0)
    assert 3 < boxes[1, 0] < 3.5
    assert 2 < boxes[2, 3] < 2.5
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_the_title_says_how_many_fields_of_how_many(ax):
    receptive_fields(np.ones((100, 4)), (2, 2), ax, most=9, name="hidden")
    assert title(ax) == "receptive fields: hidden, 9 of 100"
    assert len(ax.images) == 9


def test_rows_of_fields_are_numbered_by_their_first_neuron(ax):
    receptive_fields(np.ones((100, 6)), (2, 3), ax, most=17, columns=5)
    check_drawn(ax.figure)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "5", "10", "15"]
    middles = [np.mean(image.get_extent()[2:]) for image in ax.images[::5]]
    np.testing.assert_allclose(ax.get_yticks(), middles)
    assert "number of a row's first neuron" in ax.get_xlabel()


def test_colour_fields_are_rgb_from_0_to_1(ax):
    weights = np.random.default_rng(0).normal(size=(2, 3 * 4 * 5)).astype(np.float32)
    receptive_fields(weights, (3, 4, 5), ax)
    check_drawn(ax.figure)
    for row, image in zip(weights, ax.images, strict=True):
        array = image.get_array()
        assert array.shape == (4, 5, 3)
        expected = 0.5 + 0.5 * row.reshape(3, 4, 5) / np.abs(row).max()
        np.testing.assert_allclose(array, expected.transpose(1, 2, 0), atol=1e-6)
        assert array.min() >= 0
        assert array.max() <= 1


def test_colours_may_come_last(ax):
    weights = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    receptive_fields(weights.reshape(2, -1), (3, 4, 5), ax)
    receptive_fields(weights.transpose(0, 2, 3, 1).reshape(2, -1), (4, 5, 3), ax)
    first, second, *others = (image.get_array() for image in ax.images)
    np.testing.assert_array_equal(others, [first, second])


def test_a_row_of_pixels_is_drawn_as_one(ax):
    receptive_fields(np.array([[0, 1, -2, 0, 2.0]]), (5,), ax)
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 0.5, -1, 0, 1]])


@pytest.mark.parametrize("shape", [(2, 2), (1, 2, 2), (3, 2, 2)])
def test_fields_with_weights_that_are_not_finite(ax, shape):
    receptive_fields(np.full((2, np.prod(shape)), nan), shape, ax)
    check_drawn(ax.figure)


@pytest.mark.parametrize(
    ("weights", "shape"), [((2, 5), (2, 2)), ((2, 8), (2, 2, 2)), ((4,), (2, 2)), ((0, 4), (2, 2))]
)
def test_fields_must_be_images(ax, weights, shape):
    with pytest.raises(ShapeError):
        receptive_fields(np.ones(weights), shape, ax)


# -- confusion -----------------------------------------------------------------------------------


def test_confusion_colours_mistakes_only_and_writes_what_rounds_to_one(ax):
    counts = [[990, 6, 4], [0, 150, 50], [0, 0, 0]]
    assert confusion(counts, ax) is ax
    check_drawn(ax.figure)
    (image,) = ax.images
    shown = image.get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(shown), np.eye(3, dtype=bool))
    np.testing.assert_allclose(shown[0].compressed(), [0.6, 0.4])
    np.testing.assert_array_equal(shown[2].compressed(), 0)
    assert image.get_clim() == (0, 25)
    written = {text.get_position(): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "99", (1, 0): "1", (1, 1): "75", (2, 1): "25"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


@pytest.mark.parametrize(("classes", "numbers"), [(1, 1), (12, 144), (13, 0), (100, 0)])
def test_confusion_of_few_and_many_classes(ax, classes, numbers):
    confusion(np.ones((classes, classes), int), ax)
    check_drawn(ax.figure)
    assert len(ax.texts) == numbers
    assert len(ax.figure.axes) == (1 if numbers else 2)  # a colour bar instead of numbers


def test_confusion_without_mistakes(ax):
    confusion(np.diag([5, 5]), ax)
    check_drawn(ax.figure)
    assert [text.get_text() for text in ax.texts] == ["100", "100"]


def test_confusion_names_classes(ax):
    confusion(np.diag([5, 5]), ax, ["cat", "a $very$ long\nname"])
    check_drawn(ax.figure)
    for axis in (ax.xaxis, ax.yaxis):
        assert [one.get_text() for one in axis.get_ticklabels()] == ["cat", "a $very$ lo…"]


def test_confusion_must_be_square(ax):
    with pytest.raises(ShapeError, match=r"\(2, 3\)"):
        confusion(np.ones((2, 3)), ax)


def test_atoms_stand_at_the_epochs_that_were_recorded(ax):
    values, labels = recorded(3, 5, 5), [*lattice(2).labels("FC"), "H_res"]
    atoms(values, labels, ax, recorded=[0, 10, 40])
    assert ax.get_lines()[0].get_xdata().tolist() == [0, 10, 40]
    assert ax.get_xlim()[1] > 40
    with pytest.raises(ShapeError, match="atoms of 3 epochs, but 2 were recorded"):
        atoms(values, labels, ax, recorded=[0, 10])


# -- summary -------------------------------------------------------------------------------------


def run(layers, epochs=3, neurons=20):
    error = np.linspace(0.9, 0.1, epochs)
    labels = {name: [*lattice(k).labels("FCLR"[:k]), "H_res"] for name, k in layers.items()}
    values = {
        name: list(recorded(epochs, neurons, len(labels[name]), seed))
        for seed, name in enumerate(layers)
    }
    return history(error, [nan] * epochs, error / 2, values), labels


def titles(fig):
    return [title(ax) for ax in fig.findobj(matplotlib.axes.Axes) if title(ax)]


TWO = {"hidden": 3, "output": 2}
FOUR = {"first": 3, "second": 4, "third": 3, "output": 2}
#: What a task draws.
CONFUSION = partial(confusion, np.ones((10, 10)))


@pytest.mark.parametrize("layers", [{"output": 2}, TWO, {**TWO, "more": 3}, FOUR])
@pytest.mark.parametrize(("epochs", "neurons"), [(1, 20), (3, 1), (40, 20)])
def test_summary_of_one_to_four_layers(layers, epochs, neurons):
    results, labels = run(layers, epochs, neurons)
    first = next(iter(layers))
    fields = {first: np.random.default_rng(0).normal(size=(neurons, 64))}
    fig = summary(results, labels, fields, (8, 8), "a $title_", [CONFUSION])
    check_drawn(fig)
    count = f"{neurons} neuron{'s' if neurons > 1 else ''}"
    assert titles(fig) == [
        "error",
        *(f"information atoms: {name}, {count}" for name in layers),
        f"receptive fields: {first}, {neurons} of {neurons}",
        "confusion (% of true class)",
    ]
    assert fig.get_suptitle() == "a $title_"
    assert fig.get_figwidth() == 10
    assert fig.get_figheight() == (7 if len(layers) < 4 else 9.5)
    assert fig.dpi == 150


def test_correlations_are_in_the_order_of_factors(ax):
    found = np.array([[0.1, -0.9], [1.0, 0.0], [0.8, 0.1]])
    assert correlations(found, ax, name="hidden") is ax
    check_drawn(ax.figure)
    np.testing.assert_array_equal(ax.images[0].get_array(), found[[1, 2, 0]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "2", "0"]
    assert title(ax) == "correlation with factors: hidden"
    with pytest.raises(ShapeError, match=r"correlations have shape \(3,\)"):
        correlations(found[:, 0], ax)


def test_recall_draws_means_beside_the_cues(ax):
    overlaps = {"deterministic": np.array([[1.0, 1.0], [1.0, 0.5]]), "stochastic": [0.9, 0.1]}
    assert recall([0.0, 0.25], overlaps, ax) is ax
    check_drawn(ax.figure)
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["deterministic"].get_ydata(), [1, 0.75])
    np.testing.assert_allclose(drawn["stochastic"].get_ydata(), [0.9, 0.1])
    np.testing.assert_allclose(drawn["cue"].get_ydata(), [1, 0.5])


def test_summary_takes_more_panels():
    results, labels = run({"memory": 2})
    more = [lambda ax: ax.set_title("own"), lambda ax: ax.set_title("another")]
    fig = summary(results, labels, {}, None, "", more)
    check_drawn(fig)
    assert titles(fig)[-2:] == ["own", "another"]


def test_summary_leaves_out_what_there_is_not():
    results, labels = run({"memory": 2})
    results.train_error = results.test_error = [nan] * 3
    fig = summary(results, labels, {}, None, "")
    check_drawn(fig)
    assert titles(fig) == ["information atoms: memory, 20 neurons"]
    results, labels = run(TWO)
    fig = summary(results, labels, {"hidden": np.ones((4, 64))}, None, "")
    assert [name.split()[0] for name in titles(fig)] == ["error", "information", "information"]
    fig = summary(history([], [], []), {}, {}, None, "nothing")
    check_drawn(fig)
    assert titles(fig) == []


def test_summary_gives_an_atom_one_colour():
    results, labels = run(TWO)
    fig = summary(results, labels, {}, None, "")
    looks = {}
    for ax in fig.findobj(matplotlib.axes.Axes):
        if title(ax).startswith("information"):
            for name, line in lines(ax).items():
                looks.setdefault(name.split()[0], set()).add(line.get_color())
    assert looks.keys() >= set(LABELS)
    assert all(len(colours) == 1 for colours in looks.values())


def test_summary_fills_its_grid_with_fields():
    results, labels = run(TWO)
    fields = {"hidden": np.ones((100, 64))}
    fig = summary(results, labels, fields, (8, 8), "", [CONFUSION])
    (ax,) = (ax for ax in fig.findobj(matplotlib.axes.Axes) if len(ax.images) > 1)
    assert 36 <= len(ax.images) <= 48
    lefts = {image.get_extent()[0] for image in ax.images}
    assert len(ax.images) % len(lefts) == 0


def test_summary_needs_labels_of_every_layer():
    results, labels = run(TWO)
    del labels["output"]
    with pytest.raises(ConfigError, match="output"):
        summary(results, labels, {}, None, "")


def test_settings_of_matplotlib_are_left_as_they_were(tmp_path):
    before = dict(matplotlib.rcParams)
    results, labels = run(TWO)
    summary(results, labels, {}, None, "", [CONFUSION]).savefig(tmp_path / "summary.png")
    assert dict(matplotlib.rcParams) == before


def test_neither_pyplot_nor_the_engine_is_imported():
    code = "import sys, infosim.plotting as p; print(*sys.modules)"
    names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"matplotlib.pyplot", "numba", "infosim.engine", "tkinter"} & set(names)


def test_fields_of_what_is_no_image_are_left_out():
    fig = summary(history([0.5]), {}, {"hidden": np.ones((4, 8))}, (2, 2, 2), "")
    assert [title(ax) for ax in fig.axes] == ["error"]
    fig = summary(history([0.5]), {}, {"hidden": np.ones((4, 12))}, (2, 2, 3), "")
    assert [title(ax) for ax in fig.axes] == ["error", "receptive fields: hidden, 4 of 4"]


@pytest.mark.parametrize("words", ["bad\udcff", "$a_{", "a$b$c"])
def test_a_title_may_be_any_name_of_a_file(words):
    fig = summary(history([0.5]), {}, {}, None, words)
    assert fig.get_suptitle() == words.replace("\udcff", "?")


@pytest.mark.parametrize("backend", ["nonsense", "module://of.another.notebook"])
def test_a_backend_that_is_not_there_is_not_needed(backend):
    """MPLBACKEND is inherited from notebooks; one that is there stays what pyplot takes."""
    code = (
        "import os, io\n"
        "from infosim.plotting import figure, save\n"
        "save(figure(), io.BytesIO(), 'png')\n"
        f"assert os.environ['MPLBACKEND'] == {backend!r}\n"
    )
    environment = os.environ | {"MPLBACKEND": backend}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
