"""The picture of a run: errors, atoms, receptive fields and what its task shows on one page."""

from contextlib import suppress
from functools import partial

import numpy as np
from matplotlib import rc_context

from infosim.errors import ConfigError, ShapeError
from infosim.plotting import plots
from infosim.plotting.style import figure, style

WIDTH = 10.0
_HEIGHTS = {1: 4.0, 2: 7.0, 3: 9.5}


def summary(history, labels, fields, image_shape, title, more=(), names=None):
    """The summary of a run, 10 x 7 inches at 150 dots per inch for up to six panels.

    Panels without anything to show are left out: errors that are all nan, no `image_shape`, ...

    history : as returned by `Simulator.fit`
    labels : layer -> the A + 1 labels of its atoms and H_res; panels come in this order
    fields : layer -> (n, d) weights that read the image
    image_shape : of the image, as of `plots.receptive_fields`, or None; without a panel if it is
        that of no image
    title : one line
    names : attribute of history -> what the error is called
    more : functions that each draw one more panel on the Axes they are given, as a task's

    Returns
    -------
    matplotlib Figure, to be saved with its `savefig`

    Raises
    ------
    ConfigError : a layer with atoms but no labels
    ShapeError : labels or fields of the wrong shape
    """
    missing = [layer for layer in history.atoms if layer not in labels]
    if missing:
        raise ConfigError(f"labels lack the layers {', '.join(missing)}, which have atoms")
    with style():
        panels = list(_panels(history, labels, fields, image_shape, names))
        panels += map(partial, more)
        rows = _rows(panels)
        page = figure(WIDTH, _HEIGHTS[max(len(rows), 1)])
        title = title.encode("utf-8", "replace").decode()  # a file's name may be no text
        page.suptitle(title, x=0.01, ha="left", fontsize=8, color="#555555", parse_math=False)
        bands = page.subfigures(max(len(rows), 1), 1, squeeze=False)[:, 0]
        layout, placed, later = page.get_layout_engine(), [], []
        for band, row in zip(bands, rows, strict=False):
            ratios = [1.7 if draw.func is _fields else 1 for draw in row]
            axes = band.subplots(1, len(row), squeeze=False, width_ratios=ratios)[0]
            placed += axes.tolist()
            fields_of_row = [one for one in zip(axes, row, strict=True) if one[1].func is _fields]
            later += fields_of_row
            for ax, draw in zip(axes, row, strict=True):
                ax.set_in_layout(bool(fields_of_row))
                if draw.func is not _fields:
                    draw(ax)
        if later:
            layout.execute(page)  # fields are arranged by the shape of what is left for them
        for ax, draw in later:
            draw(ax)
        for ax in placed:
            ax.set_in_layout(True)
        if not panels:
            page.text(0.5, 0.5, "nothing was recorded", ha="center", va="center")
        layout.execute(page)  # it makes ticks as well, in the style of now
    with rc_context({"figure.constrained_layout.use": False}):
        page.set_layout_engine(None)  # to save it is to draw it, and once
    return page


def _panels(history, labels, fields, image_shape, names):
    """Functions that each draw one panel on the Axes they are given."""
    measured = [getattr(history, name) for name in plots.ERRORS]
    if np.isfinite(np.concatenate([[], *measured])).any():
        yield partial(plots.errors, history, names=names)
    recorded = {name: np.asarray(history.atoms[name]) for name in labels if name in history.atoms}
    recorded = {name: values for name, values in recorded.items() if values.size}
    shown = [plots.largest_atoms(values, labels[name]) for name, values in recorded.items()]
    looks = plots.atom_looks(*shown)
    for name, values in recorded.items():
        epochs = history.recorded(name)[: len(values)]
        yield partial(_atoms, name, values, labels[name], looks, epochs)
    with suppress(ShapeError):
        plots.image_planes(() if image_shape is None else image_shape)
        for name, weights in fields.items():
            yield partial(_fields, name, weights, image_shape)


def _atoms(name, values, labels, looks, recorded, ax):
    plots.atoms(values, labels, ax, name=name, looks=looks, recorded=recorded)


def _fields(name, weights, image_shape, ax):
    """Some 36 receptive fields, in the grid in which they are largest on this panel."""
    (_, height, width), _ = plots.image_planes(image_shape)
    panel = ax.get_window_extent()
    n = min(len(weights), 36)

    def size(columns):
        return min(panel.width / (columns * width), panel.height / (-(-n // columns) * height))

    columns = max(range(1, n + 1), key=size)
    most = columns * -(-n // columns)  # no gap in the last row
    plots.receptive_fields(weights, image_shape, ax, most=most, name=name, columns=columns)


def _rows(panels):
    """Panels in at most three rows, the upper ones no shorter."""
    n_rows = 1 if len(panels) <= 2 else 2 if len(panels) <= 6 else 3
    return [list(row) for row in _split(panels, n_rows) if len(row)]


def _split(items, parts):
    short, longer = divmod(len(items), parts)
    first = 0
    for part in range(parts):
        last = first + short + (part < longer)
        yield items[first:last]
        first = last
