"""Eight neurons, each with the others as context, find the eight bars that images are made of.

Left: images, what the neurons look for under the published goal with and without weight decay, and
what decides success. A second figure shows the atoms, a third other images: horizontal and vertical
bars, and patches of dead leaves.
"""

import click
import matplotlib
import numpy as np

import infosim
from infosim import plotting
from infosim.plotting.plots import atom_looks, atoms
from scripts.command import figure_script
from scripts.drawing import seeds_of

PLAIN, RELIABLE = "pnas/bars", "pnas/bars-reliable"
_GOAL, _OPTIMIZER = "layers.hidden.goal", "layers.hidden.optimizer"
_BINS = "layers.hidden.binning"
DECAY, UNTIL = f"{_OPTIMIZER}.weight_decay", f"{_OPTIMIZER}.decay_until"
#: name -> settings over the reliable preset; the first two are the presets.
VARIANTS = {
    "published goal {F}": {DECAY: 0.0, UNTIL: 0},
    "and early weight decay": {},
    "decay 0.1 at first": {DECAY: 0.1},
    "decay 0.2 at first": {DECAY: 0.2},
    "decay for 500 updates": {UNTIL: 500},
    "decay for 1500 updates": {UNTIL: 1500},
    "decay 0.05 throughout": {DECAY: 0.05, UNTIL: 0},
    "decay 0.15 throughout": {UNTIL: 0},
    "{F} + {FC} = I(Y:F|C)": {_GOAL: "{F} + {FC}"},
    "{F} + {FC}, no decay": {_GOAL: "{F} + {FC}", DECAY: 0.0, UNTIL: 0},
    "{F} − 0.3 {F}{C}, no decay": {_GOAL: "{F} - 0.3 {F}{C}", DECAY: 0.0, UNTIL: 0},
    "10 bins": {f"{_BINS}.bins": 10},
    "40 bins": {f"{_BINS}.bins": 40},
    "fixed bins, −20 to 20": {f"{_BINS}.kind": "fixed"},
    "batch 250": {"training.batch": 250, "training.epochs": 45},
    "batch 4000": {"training.batch": 4000, "training.epochs": 600},
    "half the rate": {f"{_OPTIMIZER}.rate": 0.1},
    "twice the rate": {f"{_OPTIMIZER}.rate": 0.4},
    "activation r + c": {"layers.hidden.activation.name": "sum"},
    "context weights frozen": {"layers.hidden.compartments.C.trainable": False},
}
SHOWN = ("{F}", "{C}", "{F}{C}", "{FC}", "H_res")
OTHERS = {"pnas/bars-crossed": "16 neurons, crossed bars", "pnas/patches": "dead leaves"}


def run(work, variant, seed):
    """The Run of a variant."""
    return work.run(RELIABLE, {"training.seed": seed} | VARIANTS[variant] | SMOKE[work.scale])


#: Shorter at smoke scale.
SMOKE = {
    "smoke": {
        "training.epochs": 150,
        "training.evaluate_every": 150,
        "data.options.train": 5000,
        UNTIL: 200,
    },
    "laptop": {},
    "paper": {},
}


@figure_script("pnas2025")
@click.option("--seeds", type=int, help="Seeds of each variant (laptop 10, paper 50).")
def main(work, seeds):
    """Run, look into the networks, draw."""
    smoke = work.scale == "smoke"
    seeds = seeds or work.pick(smoke=2, laptop=10, paper=50)
    chosen = list(VARIANTS)[:2] if smoke else list(VARIANTS)
    runs = {(name, seed): run(work, name, seed) for seed in range(seeds) for name in chosen}
    known = work.errors(runs.values())
    rows, found = [], {}
    for name in chosen:
        errors = [known[runs[name, s].key].test for s in range(seeds) if runs[name, s].key in known]
        found[name] = np.round(8 * (1 - np.array(errors))).astype(int)
        all_found = int((found[name] == 8).sum())
        listed = " ".join(map(str, found[name]))
        rows.append(
            {"variant": name, "n_seeds": len(errors), "all_8_found": all_found, "bars": listed}
        )
    looked_at = [runs[name, seed] for name in chosen[:2] for seed in range(seeds)]
    others = {
        name: [work.run(name, {"training.seed": s} | SMOKE[work.scale]) for s in range(seeds)]
        for name in OTHERS
    }
    work.carry_out([*looked_at, *(one for some in others.values() for one in some)])
    results = {
        name: [infosim.load_run(work.folder(runs[name, s])) for s in range(seeds)]
        for name in chosen[:2]
    }
    with plotting.style():
        figure = draw(results, found)
    about = f"{seeds_of(seeds)}. Scale: {work.scale}."
    work.save(
        "unsupervised",
        figure,
        rows,
        f"""**Eight neurons, eight bars.** Left: images of independent bars, and what each neuron
        looks for after training (weights on the image; with the published goal alone of the seed
        that found fewest). A neuron that fires for the majority of three bars is worth as many bits
        as one that fires for one; after weights were held small by decay, networks end in the
        latter. Right: networks by the number of bars that the output of some neuron tells
        (correlation at least 0.9), for the goal as published, for the same with a weight decay of
        0.15 that falls to 0 over the first 1000 of 3060 updates, and for one change from the latter
        each. The paper's bins, batch, rate, decay and number of updates are not known: all are our
        choice. {about}""",
    )
    with plotting.style():
        figure, atom_rows = draw_atoms(results)
    work.save(
        "unsupervised_atoms",
        figure,
        atom_rows,
        f"""**Atoms of the eight neurons over training.** Median and middle half over the neurons of
        all seeds; above the published goal {{F}} alone, below with weight decay. With 20 bins for
        the context, which takes one of 128 values, redundancy {{F}}{{C}} and the negative unique
        information {{C}} are large even where every neuron tells another bar: most contexts are
        seen a few times only. {about}""",
    )
    with plotting.style():
        figure, other_rows = draw_others(work, others)
    work.save(
        "unsupervised_others",
        figure,
        other_rows,
        f"""**Other images.** Above each images or patches, below what neurons look for (seed 0),
        with the early weight decay of the figure before. Left: crossed bars, which hide each other,
        and 16 neurons; bars that some neuron tells, of 16, by seed:
        {other_rows[0]["factors_found"]}. Right: patches of dead leaves, which have the edges of
        photographs, and 32 neurons. Scale: {work.scale}.""",
    )


def _images(ax, images, n, title):
    """The first n images side by side."""
    plotting.receptive_fields(images[:n], (8, 8), ax, most=n, columns=4)
    ax.set_title(title)
    ax.set(xlabel="", yticks=[])  # these are no neurons


def draw(results, found):
    """Images and fields on the left, success of all variants on the right."""
    figure = plotting.figure(7.0, 4.4)
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15))
    rows = left.subplots(3, 1)
    plain, reliable = results
    first = results[reliable][0]
    _images(rows[0], _data(first).test_x, 8, "images")
    for ax, name in zip(rows[1:], results, strict=True):
        seed = int(found[name].argmin()) if name == plain else 0
        fields = _sorted(results[name][seed].weights["hidden/F/weights"])
        _images(ax, fields, 8, f"{name}: seed {seed}, {found[name][seed]} of 8")
    ax = right.subplots()
    names = list(found)
    shades = plotting_shades()
    for y, name in enumerate(names):
        counts = np.bincount(found[name], minlength=9)
        edge = 0.0
        for bars in range(8, -1, -1):
            width = counts[bars] / max(counts.sum(), 1)
            ax.barh(y, width, left=edge, color=shades[bars], height=0.7)
            edge += width
        ax.text(1.02, y, f"{counts[8]}/{counts.sum()}", va="center", size=7)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), xlabel="fraction of networks")
    for bars in (8, 7, 6, 5, 3, 0):
        ax.barh(-9, 0, color=shades[bars], label=f"{bars}")
    ax.legend(
        title="bars found", ncol=6, loc="lower right", bbox_to_anchor=(1.0, 1.0), handlelength=1
    )
    return figure


def plotting_shades():
    """A colour for each number of bars found, 0 to 8."""
    return [*matplotlib.colormaps["Oranges"](np.linspace(0.75, 0.15, 8)), "#009E73"]


def _told(result):
    """Whether the images of a run are made of factors that could be found."""
    return bool(np.isfinite(result.metrics["test_error"][-1]))


def _sorted(fields):
    """Fields by the row that they weigh most."""
    rows = fields.reshape(len(fields), 8, 8).mean(axis=2)
    return fields[np.argsort(np.abs(rows).argmax(axis=1), kind="stable")]


def _data(result):
    """The data of a run."""
    return infosim.Experiment(result.path.name, result.config).dataset()


def draw_atoms(results):
    """Atoms over training of both presets, and their table."""
    figure = plotting.figure(7.0, 4.6)
    rows = []
    for ax, (name, some) in zip(figure.subplots(2, 1, sharex=True), results.items(), strict=True):
        values = np.concatenate([one.atoms["hidden"] for one in some], axis=1)
        labels = some[0].labels["hidden"]
        atoms(values, labels, ax, SHOWN, "", atom_looks(SHOWN))
        ax.set_title(name)
        for a, label in enumerate(labels):
            low, median, high = map(float, np.quantile(values[-1, :, a], [0.25, 0.5, 0.75]))
            rows.append(
                {
                    "variant": name, "atom": label, "median_bits": median,
                    "lower_quartile_bits": low, "upper_quartile_bits": high,
                }
            )  # fmt: skip
    return figure, rows


def draw_others(work, others):
    """Crossed bars and patches, and how many factors were found."""
    figure = plotting.figure(7.0, 3.4)
    rows = []
    for (top, bottom), (name, some) in zip(
        figure.subplots(2, 2, height_ratios=(1, 2)).T, others.items(), strict=True
    ):
        ended = [infosim.load_run(work.folder(one)) for one in some]
        result = ended[0]
        _images(top, _data(result).test_x, 8, OTHERS[name])
        fields = result.weights["hidden/F/weights"]
        plotting.receptive_fields(fields, (8, 8), bottom, most=32, columns=8)
        bottom.set_title("")
        found = [round(16 * (1 - one.metrics["test_error"][-1])) for one in ended if _told(one)]
        listed = " ".join(map(str, found))
        rows.append({"preset": name, "neurons": len(fields), "factors_found": listed})
    return figure, rows


if __name__ == "__main__":
    main()
