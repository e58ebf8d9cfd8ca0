"""The picture of a memory's capacity: how well loads are recalled, and what follows, by seed."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from infosim.plotting.style import figure, style

_SEED, _MEAN, _BESIDE = "#56B4E9", "#1A1A1A", "#777777"


def capacity(networks, loads, mean, error, beside, recalled=0.95, title=""):
    """Mean overlap after recall against the load, and capacities by seed beside known ones.

    networks : seed -> (load, overlap) of each network; loads : seed -> capacity
    mean, error : of these, the standard error nan of fewer than two
    beside : name -> capacity, drawn as lines
    recalled : the overlap that counts as recall

    Returns
    -------
    matplotlib Figure, 7 inches wide
    """
    with style():
        page = figure(7.0, 2.8)
        page.suptitle(title, x=0.01, ha="left", fontsize=8, color="#555555")
        left, right = page.subplots(1, 2, width_ratios=[1, 1])
        for some in networks.values():
            left.plot(*np.transpose(some or np.empty((0, 2))), "o-", color=_SEED, markersize=2.5,
                      linewidth=0.8, alpha=0.7)  # fmt: skip
        left.axhline(recalled, color=_BESIDE, linestyle=":", linewidth=1)
        left.set(xlabel="patterns per neuron", ylabel="overlap after recall",
                 title=f"networks, recalled from {recalled:g} on")  # fmt: skip
        _seeds(right, loads, mean, error, beside)
        page.draw_without_rendering()
    return page


def _seeds(ax, loads, mean, error, beside):
    """Capacities of seeds, their mean with its error, and known ones."""
    places = range(len(loads))
    ax.plot(list(loads.values()), places, "o", color=_SEED, markersize=4, label="seed")
    if loads and np.isfinite(error):
        ax.axvspan(mean - error, mean + error, color=_MEAN, alpha=0.15, linewidth=0)
    if loads:
        label = f"mean {mean:.3f}" + (f" ± {error:.3f}" if np.isfinite(error) else "")
        ax.axvline(mean, color=_MEAN, linewidth=1, label=label)
    for (name, value), style_ in zip(beside.items(), ("--", ":"), strict=False):
        ax.axvline(value, color=_BESIDE, linestyle=style_, linewidth=1, label=name)
    ax.set(xlabel="capacity, patterns per neuron", ylabel="seed", xlim=(0, None))
    ax.margins(y=0.1)
    ax.set_title("capacity")
    if len(loads) <= 10:
        ax.set_yticks(list(places), list(loads))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
