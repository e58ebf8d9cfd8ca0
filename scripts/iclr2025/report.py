"""Ours against the published values, point by point: writes docs/reproduction/iclr2025.md.

Reads the tables of the figures, which the other scripts have made, and fills report.in.md.
"""

import click

from scripts import pages
from scripts.drawing import seeds_found
from scripts.iclr2025.cumulative import ORDER
from scripts.iclr2025.models import MODELS
from scripts.iclr2025.sensitivity import CHANGES, PUBLISHED_FIVE, importance
from scripts.pages import listing, percent, table

#: Columns of test errors, head -> key.
TESTED = {"test error, %": "test_median", "min": "test_min", "max": "test_max", "seeds": "n_seeds"}


def read(name):
    """The rows of a figure's table."""
    return pages.read("iclr2025", name)


def performance(split):
    """Error in % by model and size, with its deviation in units of the published range."""
    rows = [row for row in read("fig3_performance") if row["split"] == split]
    sizes = sorted({int(row["n_hidden"]) for row in rows} - {0})
    by = {(row["model"], int(row["n_hidden"])): row for row in rows}
    lines = []
    for model in MODELS:
        cells = [_cell(by[model, n]) if (model, n) in by else "" for n in sizes]
        if model == "Readout Only":
            cells[0] = _cell(by[model, 0])
        lines.append([model, *cells])
    return table(["model", *sizes], lines)


def _cell(row):
    if not row["n_seeds"]:
        return "–"
    text = f"{percent(row['median'])} ({row['deviation']:+.2f})"
    return f"**{text}**" if row["inside"] == "no" else text


def seeds():
    """How many seeds each size has, by model, in words."""
    rows = [r for r in read("fig3_performance") if r["split"] == "test" and r["n_seeds"]]
    lines = []
    for model in MODELS:
        own = {int(r["n_hidden"]): int(r["n_seeds"]) for r in rows if r["model"] == model}
        if own:
            lines.append([model, ", ".join(f"{n}: {count}" for n, count in own.items())])
    return table(["model", "hidden neurons: seeds"], lines)


def verdict():
    """How many medians lie within the published range, and the misses."""
    rows = [r for r in read("fig3_performance") if r["n_seeds"]]
    counts = {k: sum(r["inside"] == k for r in rows) for k in ("yes", "widened", "no")}
    text = (
        f"Of {len(rows)} medians (training and test) {counts['yes']} lie within the published "
        f"range, {counts['widened']} more within that range widened by a quarter on each side, "
        f"{counts['no']} outside."
    )
    misses = [
        [
            r["model"], int(r["n_hidden"]), r["split"], int(r["n_seeds"]), percent(r["median"]),
            f"{percent(r['published_median'])} [{percent(r['published_min'])}, "
            f"{percent(r['published_max'])}]",
            f"{r['deviation']:+.2f}",
        ]
        for r in rows
        if r["inside"] == "no"
    ]  # fmt: skip
    head = ["model", "hidden", "split", "seeds", "ours", "published [min, max]", "deviation"]
    return text + ("\n\n" + table(head, misses) if misses else "")


def sensitivity():
    """The cost of setting each parameter to 0, most first, ours beside the published."""
    zero = {row["atom"]: row for row in read("fig4_importance")}
    ours = importance(list(zero.values()))
    theirs = sorted(zero, key=lambda atom: -zero[atom]["published_loss"])
    lines = [
        [
            rank, atom, f"{100 * loss:+.2f}",
            f"{100 * zero[atom]['loss_min']:+.2f} to {100 * zero[atom]['loss_max']:+.2f}",
            f"{100 * published:+.2f}", theirs.index(atom) + 1,
        ]
        for rank, (atom, loss, published) in enumerate(ours, 1)
    ]  # fmt: skip
    first = [atom for atom, _, _ in ours[:5]]
    same = set(first) == set(PUBLISHED_FIVE)
    counts = [int(row["n_seeds"]) for row in zero.values()]
    text = (
        f"The five that cost most are {', '.join(first)}: "
        + ("the same five" if same else f"{len(set(first) & set(PUBLISHED_FIVE))} of the five")
        + f" as published ({', '.join(theirs[:5])}). Here {seeds_found(counts)}."
    )
    for atom in first:
        if atom not in PUBLISHED_FIVE:
            row = zero[atom]
            q1, q3 = row["published_q1"], row["published_q3"]
            inside = "within" if q1 <= row["median"] <= q3 else "outside"
            text += (
                f" {atom} is not among those: without it the median accuracy is here "
                f"{percent(row['median'])} %, {inside} the published quartiles, {percent(q1)} to "
                f"{percent(q3)} %."
            )
    head = ["rank", "γ set to 0", "loss, points", "range", "published", "published rank"]
    return text + "\n\n" + table(head, lines)


def changes():
    """Validation accuracy in % when a parameter is changed, with its deviation."""
    by = {(row["atom"], row["change"]): row for row in read("fig9_sensitivity")}
    atoms = dict.fromkeys(atom for atom, _ in by)
    lines = [[atom, *(_accuracy(by[atom, change]) for change in CHANGES)] for atom in atoms]
    small = [row for row in by.values() if row["change"] != "Set 0" and row["n_seeds"]]
    ours, theirs = (_worst(small, key) for key in ("median", "published_median"))
    told = ", ".join(f"{atom} ({CHANGES[change][2]})" for atom, change in theirs)
    text = (
        f"Of the {len(small)} changes by 10 % and by 0.1, the published five that cost most are "
        f"{told}; {len(set(ours) & set(theirs))} of them are among our five. "
        f"Here {seeds_found([int(row['n_seeds']) for row in small])}."
    )
    return text + "\n\n" + table(["parameter", *(short for _, _, short in CHANGES.values())], lines)


def _worst(rows, key, n=5):
    """The n changes with the lowest accuracy, as (atom, change)."""
    return [(row["atom"], row["change"]) for row in sorted(rows, key=lambda row: row[key])[:n]]


def _accuracy(row):
    return f"{percent(row['median'])} ({row['deviation']:+.2f})" if row["n_seeds"] else "–"


def cumulative():
    """Test error as parameters are removed."""
    rows = [row for row in read("cumulative_removal") if row["split"] == "test"]
    lines = []
    for row in rows:
        width = row["published_max"] - row["published_min"]
        deviation = (row["median"] - row["published_median"]) / width
        ends = f"[{percent(row['published_min'])}, {percent(row['published_max'])}]"
        lines.append(
            [
                int(row["n_removed"]), row["removed_last"] or "none", percent(row["median"]),
                f"{percent(row['published_median'])} {ends}", f"{deviation:+.2f}",
            ]
        )  # fmt: skip
    left = len(ORDER) - 4
    before, after = (rows[k]["median"] for k in (0, left))
    text = (
        f"With all parameters the test error is {percent(before)} %, with four left "
        f"{percent(after)} %, with three {percent(rows[left + 1]['median'])} %. "
        f"Here {seeds_found([int(row['n_seeds']) for row in rows])}."
    )
    head = ["removed", "last one", "test error, %", "published [min, max]", "deviation"]
    return text + "\n\n" + table(head, lines)


def goals():
    """What the searches found, in words, and the errors of all goals."""
    rows = read("optimised_goals")
    text = "Validation errors are those of the trial, of the one seed it was chosen by."
    for row in rows:
        if row["trial"] != "":
            sampler = row["goal"].removeprefix("ours, ")
            text += (
                f" {sampler}: trial {row['trial']:g} of {row['n_trials']:g} "
                f"({row['n_complete']:g} complete, the others pruned) was the best, with "
                f"{percent(row['search_val_error'])} %."
            )
    return text + "\n\n" + listing(rows, {"goal": "goal"} | TESTED)


def inversion():
    """Test errors of the same networks read by default and as published."""
    rows = read("inversion")
    by = {(row["model"], row["inversion"] == "batch"): row for row in rows}
    lines, apart = [], []
    for model in dict.fromkeys(row["model"] for row in rows):
        own, published = by[model, False], by[model, True]
        apart.append(abs(own["median"] - published["median"]))
        cells = [_ranged(row) for row in (published, own)]
        lines.append([model, *cells, own["inversion"], int(own["n_seeds"])])
    text = f"The medians are at most {100 * max(apart):.2f} points apart."
    head = ["model", "as published, %", "by default, %", "default", "seeds"]
    return text + "\n\n" + table(head, lines)


def _ranged(row):
    return f"{percent(row['median'])} [{percent(row['min'])}, {percent(row['max'])}]"


def used():
    """How many bins of each compartment are in use, in words."""
    rows = {row["varied"]: row for row in chosen("bins_and_batch", quantity="bins_in_use")}

    def told(name):
        return f"{rows[name]['median']:g} ({rows[name]['min']:g} to {rows[name]['max']:g})"

    return (
        f"**Of the 8000 cells {told('all')} are in use** in a batch of 1024 (median and range over "
        f"the neurons of a trained network): F falls into {told('F')} of its 20 bins, C into "
        f"{told('C')} and L into {told('L')}."
    )


def chosen(name, **where):
    """The rows of a figure's table in which these columns have these values."""
    return [row for row in read(name) if all(row[key] == value for key, value in where.items())]


def fill():
    """What stands for each name in braces in report.in.md."""
    errors = {"test error, %": "median", "min": "min", "max": "max", "seeds": "n_seeds"}
    reading = {"model": "model", "reading": "reading"}
    published = {"published": "published_median", "inside": "inside"}
    depth = {
        "goal": "model", "hidden layers": "hidden_layers", "neurons in each": "neurons_each",
    }  # fmt: skip
    validated = {
        "validation error, %": "val_median", "min": "val_min", "max": "val_max", "seeds": "n_seeds",
    }  # fmt: skip
    ablated = [row for row in read("cifar10") if row["removed"]]
    one = {"test error, %": "median", "seeds": "n"}
    return {
        "performance_test": performance("test"),
        "performance_train": performance("train"),
        "performance_seeds": seeds(),
        "performance_verdict": verdict(),
        "sensitivity": sensitivity(),
        "changes": changes(),
        "cumulative": cumulative(),
        "readings": listing(chosen("readings", split="test"), reading | errors | published),
        "inversion": inversion(),
        "goals": goals(),
        "deeper": listing(chosen("deeper_networks", split="test"), depth | errors),
        "cifar10": listing(
            chosen("cifar10", removed=""),
            {"model": "model", "validation error, %": "val_median"} | TESTED,
        ),
        "cifar10_ablation": listing(ablated, {"γ set to 0": "removed"} | validated),
        "steps": listing(
            chosen("presentation_steps", quantity="test_error"), {"steps": "steps"} | one
        ),
        "bins_in_use": used(),
        "bins": listing(
            chosen("bins_and_batch", quantity="test_error"),
            {"varied": "varied", "value": "value"} | one,
        ),
    }


@click.command(help=__doc__)
def main():
    """Fill the page."""
    pages.page("iclr2025", fill())


if __name__ == "__main__":
    main()
