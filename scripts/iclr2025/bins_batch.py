"""Bins and batch size: how training and the estimate of information depend on them.

Above: test error of networks trained with other numbers of bins per compartment, or other batches.
Below: what the plug-in estimate makes of one trained network, and of the same network with its
firing probabilities shuffled over the samples, where there is nothing to know: that is the
estimate's bias.
"""

import click
import numpy as np

import infosim
from infosim import plotting
from infosim.pid import lattice
from scripts.drawing import seeds_found, spread
from scripts.iclr2025.models import BLUE, GREEN, RED, about, iclr_script, run

MODEL = "Trivariate Optimized"
BINS = (2, 4, 8, 16, 20, 32)
BATCHES = (128, 256, 512, 1024, 2048, 4096)
#: Bins and batches of the estimate.
SHOWN = {5: GREEN, 20: RED, 32: BLUE}
SIZES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)


def estimates(results, samples, bins, size):
    """Mean I(Y:F,C,L) over hidden neurons in bits, as estimated, and with θ shuffled."""
    net = results.simulator([f"layers.hidden.binning.bins={bins}"])
    top, rng = lattice(3).top, np.random.default_rng(0)
    repeats = max(1, 1024 // size)
    found = []
    for i in range(repeats):
        net.present(*net.batch(samples, np.arange(i * size, (i + 1) * size)))
        net.run()
        plain = net.information("hidden")[:, top].mean()
        theta = net["hidden"].firing.theta
        theta[...] = theta[..., rng.permutation(size)]
        found.append((plain, net.information("hidden")[:, top].mean()))
    return np.mean(found, axis=0)


def in_use(results, samples, size):
    """How many bins of each compartment, and how many cells, hold any of so many samples.

    Returns
    -------
    compartment, or "all", -> (N,) of the hidden neurons
    """
    net = results.simulator()
    net.present(*net.batch(samples, np.arange(size)))
    net.run()
    names = [one.name for one in net["hidden"].spec.compartments]
    bins = net.bins("hidden").transpose(1, 0, 2)  # (N, K, size)
    used = {
        name: np.array([len(np.unique(neuron[k])) for neuron in bins])
        for k, name in enumerate(names)
    }
    return used | {"all": np.array([np.unique(neuron, axis=1).shape[1] for neuron in bins])}


@iclr_script
@click.option("--seeds", type=int, help="Seeds (laptop 2, paper 10).")
def main(work, seeds):
    """Run, estimate, draw."""
    smoke = work.scale == "smoke"
    seeds = seeds or work.pick(smoke=1, laptop=2, paper=10)
    hidden = work.pick(smoke=20, laptop=100)
    batches = (96, 288) if smoke else BATCHES
    sizes = (64, 128, 256) if smoke else SIZES
    varied = {("bins", n): {"layers.hidden.binning.bins": n} for n in BINS}
    varied |= {("batch", n): {"training.batch": n} for n in batches}
    runs = {
        (key, seed): run(work, MODEL, hidden, seed, settings)
        for seed in range(10)
        for key, settings in varied.items()
    }
    known = work.errors([one for (_, seed), one in runs.items() if seed < seeds], runs.values())
    rows = []
    for key in varied:
        found = [known[runs[key, s].key] for s in range(10) if runs[key, s].key in known]
        for split in ("train", "test"):
            values = [getattr(one, split) for one in found]
            rows.append(
                {"quantity": f"{split}_error", "varied": key[0], "value": key[1], "bins": ""}
                | {"n": len(found)}
                | spread(values)
            )
    one = run(work, MODEL, hidden, 0)
    work.carry_out([one])
    results = infosim.load_run(work.folder(one))
    train, _, _ = one.experiment.samples(one.experiment.dataset())
    for bins in SHOWN:
        for size in sizes:
            both = estimates(results, train, bins, size)
            for quantity, value in zip(("information", "shuffled"), both, strict=True):
                numbers = dict.fromkeys(("median", "min", "max"), float(value))
                place = {"quantity": quantity, "varied": "batch", "value": size, "bins": bins}
                rows.append(place | {"n": 1} | numbers)
    used = in_use(results, train, 288 if smoke else 1024)
    for name, numbers in used.items():
        place = {"quantity": "bins_in_use", "varied": name, "value": "", "bins": 20}
        rows.append(place | {"n": hidden} | spread(numbers))
    counts = [row["n"] for row in rows if row["quantity"] == "test_error"]
    with plotting.style():
        figure = draw(rows)
    work.save(
        "bins_and_batch",
        figure,
        rows,
        f"""**Bins and batch size.** {MODEL}, {about(work, hidden)}. Above: error (median, range
        over {seeds_found(counts)}) against the bins of each compartment of the hidden layer (range
        −20 to 20, batch 1024) and against the batch (20 bins; with the same number of epochs a
        larger batch means fewer updates). The published values are 20 and 1024. Below: information
        I(Y:F,C,L) of the hidden neurons of one trained network, estimated from batches of training
        images with 5, 20 and 32 bins per compartment (lines), and the same with the firing
        probabilities shuffled over the samples (dashed), which is bias alone. Of its 20 bins a
        compartment of this network uses (median over neurons, one batch) {np.median(used["F"]):g}
        of F, {np.median(used["C"]):g} of C and {np.median(used["L"]):g} of L, so that of the 8000
        cells {np.median(used["all"]):g} hold samples. Scale: {work.scale}.""",
    )


def draw(rows):
    """Errors above, estimates below."""
    figure = plotting.figure(7.0, 4.6)
    (a, b), (c, d) = figure.subplots(2, 2)
    for ax, varied in ((a, "bins"), (b, "batch")):
        for split, color in (("train", BLUE), ("test", RED)):
            own = [r for r in rows if (r["quantity"], r["varied"]) == (f"{split}_error", varied)]
            x = [r["value"] for r in own]
            middle, low, high = (
                100 * np.array([r[name] for r in own]) for name in ("median", "min", "max")
            )
            label = {"train": "training", "test": "test"}[split]
            ends = [middle - low, high - middle]
            ax.errorbar(x, middle, ends, fmt="o-", color=color, label=label)
        ax.set_xscale("log")
        ax.set_xticks(x, [str(value) for value in x])
        ax.set_xticks([], minor=True)
        ax.set(ylim=(0, None), ylabel="error (%)")
    a.set_xlabel("bins per compartment")
    b.set_xlabel("batch (samples)")
    a.legend()
    for bins, color in SHOWN.items():
        for ax, quantity, style in ((c, "information", "o-"), (d, "shuffled", "o--")):
            own = [r for r in rows if (r["quantity"], r["bins"]) == (quantity, bins)]
            x, y = [r["value"] for r in own], [r["median"] for r in own]
            ax.plot(x, y, style, color=color, label=f"{bins} bins")
    for ax, label in ((c, "I(Y:F,C,L) (bits)"), (d, "bias: θ shuffled (bits)")):
        ax.set_xscale("log")
        ax.set_xticks(x[::2], [str(value) for value in x[::2]])
        ax.set_xticks([], minor=True)
        ax.margins(y=0.1)
        ax.set(xlabel="samples in the estimate", ylabel=label, ylim=(0, None))
    c.legend()
    return figure


if __name__ == "__main__":
    main()
