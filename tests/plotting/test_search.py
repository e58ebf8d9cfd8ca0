"""The picture of a search shows its numbers and stays legible."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest

from infosim.errors import ShapeError
from infosim.pid import lattice
from infosim.plotting.search import course, goals, importance, search
from infosim.plotting.style import figure, style

LABELS = {k: [*lattice(k).labels("FCL"[:k]), "H_res"] for k in (2, 3)}


@pytest.fixture
def ax():
    with style():
        yield figure(5, 4).subplots()


def title(ax):
    return ax.get_title(loc="left")


def test_course_has_the_best_complete_trial_so_far(ax):
    values, complete = [0.2, 0.3, 0.05, 0.1, 0.15], [True, True, False, True, True]
    assert course([0, 1, 2, 4, 5], values, complete, ax, start=0.2, metric="val_error") is ax
    ax.figure.canvas.draw()
    assert title(ax) == "validation error of 4 complete and 1 pruned trials"
    shown = {line.get_label(): line for line in ax.get_lines()}
    assert list(shown) == ["pruned", "complete", "best 10.0 %", "start 20.0 %"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(shown)
    np.testing.assert_allclose(shown["pruned"].get_xydata(), [[2, 5]])
    np.testing.assert_allclose(shown["best 10.0 %"].get_ydata(), [20, 20, 20, 10, 10])
    assert ax.get_yscale() == "log"


def test_course_of_nothing_and_of_unequal_lengths(ax):
    course([], [], [], ax)
    with pytest.raises(ShapeError, match="must be equally long"):
        course([1], [0.1, 0.2], [True], ax)


def test_goals_write_every_gamma(ax):
    gammas = [[1, 0, -0.5, -0.004, 0], [0.25, -1, 0, 0.999, 0.1]]
    assert goals(gammas, ["start", "7"], LABELS[2], ax) is ax
    ax.figure.canvas.draw()
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert [texts[0, row] for row in range(5)] == ["1.00", "0", "−0.50", "0.00", "0"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == LABELS[2]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["start", "7"]
    assert ax.images[0].get_clim() == (-1, 1)
    with pytest.raises(ShapeError, match=r"need \(1, 5\)"):
        goals(gammas, ["start"], LABELS[2], ax)


def test_importance_in_percent(ax):
    assert importance([0.5, 0.2, 0.1, 0.1, 0.1], LABELS[2], ax) is ax
    assert [bar.get_width() for bar in ax.patches] == [50, 20, 10, 10, 10]
    assert ax.get_ylim() == (4.5, -0.5)
    with pytest.raises(ShapeError, match="5 labels need as many"):
        importance([1.0], LABELS[2], ax)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("n", [1, 60])
def test_search_shows_all_of_it_on_the_page(k, n):
    rng = np.random.default_rng(0)
    labels, shown = LABELS[k], min(n, 11)
    page = search(
        numbers=range(n),
        values=rng.uniform(0.01, 0.9, n),
        complete=[True, *rng.choice([True, False], n - 1)],
        start=0.2,
        gammas=rng.uniform(-1, 1, (shown, len(labels))),
        names=["start", *map(str, range(90, 90 + shown - 1))],
        labels=labels,
        importances=None if n == 1 else rng.dirichlet(np.ones(len(labels))),
        metric="val_error",
        title="title",
    )
    page.canvas.draw()
    axes = page.findobj(matplotlib.axes.Axes)
    boxes = [ax.get_tightbbox() for ax in axes]
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= page.bbox.x1
        assert box.y1 <= page.bbox.y1
    for left, right in pairwise(boxes):
        assert left.x1 <= right.x0
    assert axes[0].get_legend().get_window_extent().x1 <= boxes[1].x0
