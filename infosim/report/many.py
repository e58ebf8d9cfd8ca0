"""What a page says of several runs together: of those it was given, or of a sweep."""

from functools import partial

import numpy as np

from infosim.experiments.results import read_metrics
from infosim.markup import percent, table
from infosim.plotting import plots
from infosim.report.again import differing, text
from infosim.report.pictures import picture
from infosim.report.run import errors

#: Curves in one picture, and rows of a table.
MOST_CURVES, MOST_ROWS = 12, 1000
#: A sweep's runs whose course is read.
MOST_READ = 500
_SEED = "training.seed"
#: Errors as files call them, and in words: the first that was measured is drawn.
_WORDS = {
    "test_error": "test error", "val_error": "validation error", "train_error": "training error",
}  # fmt: skip
#: Errors of a table.
_ERRORS = ("training", "validation", "test")


def comparison(named):
    """What several runs have in common and where they differ; named : name -> RunResults."""
    runs = list(named.values())
    keys = differing([one.config for one in runs])
    rows = []
    for i, (name, one) in enumerate(named.items()):
        last = {what: shown for what, shown, _ in errors(one.history)}
        state = "complete" if one.complete else "not complete"
        seen = one.examination.layers.values() if one.examination is not None else ()
        probes = ", ".join(percent(layer.probe, 2) for layer in seen) or "–"
        own = [text(values[i]) for values in keys.values()]
        rows.append((name, state, *(last.get(w, "–") for w in _ERRORS), probes, *own))
    head = ("run", "state", *(f"{w} error" for w in _ERRORS), "linear probes", *keys)
    return {
        "table": table(rows, head, "Errors at the end, and the settings that differ"),
        "curves": _curves({name: one.metrics for name, one in named.items()}),
    }


def sweep(results):
    """What a sweep came to; results : SweepResults."""
    columns, n = results.columns, len(results)
    varied = [name for name in columns if "." in name and name != _SEED]
    groups = {}
    for i in range(n):
        groups.setdefault(tuple(text(columns[name][i]) for name in varied), []).append(i)
    what = next((w for w in _WORDS if any(v is not None for v in columns.get(w, ()))), None)
    found = {
        "done": n, "failed": list(results.failed.items())[:MOST_ROWS], "left": len(results.left),
        "groups": None, "curves": None, "runs": _rows(results), "what": what,
    }  # fmt: skip
    if what is None:
        return found
    scores = np.array([np.nan if v is None else float(v) for v in columns[what]])
    order = sorted(groups.items(), key=lambda one: np.nanmean([*scores[one[1]], 2.0]))
    head = (*(varied or ["settings"]), "runs", f"{_WORDS[what]}, mean", "lowest", "highest")
    found["groups"] = table(
        [(*(of or ("all the same",)), len(own), *_spread(scores[own])) for of, own in order],
        head, "By settings, over seeds, the best first",
    )  # fmt: skip
    names = {of: ", ".join(map(" = ".join, zip(varied, of, strict=True))) or "all" for of in groups}
    curves = {}
    for of, own in order[:MOST_CURVES]:
        read = [results.path / "runs" / columns["key"][i] / "metrics.csv" for i in own]
        values = [read_metrics(path).get(what, np.array([])) for path in read[:MOST_READ]]
        longest = max(map(len, values))
        padded = [np.pad(one, (0, longest - len(one)), constant_values=np.nan) for one in values]
        known = np.isfinite(padded).any(axis=0)
        mean = np.full(longest, np.nan)
        mean[known] = np.nanmean(np.array(padded)[:, known], axis=0)
        curves[names[of]] = mean
    draw = partial(plots.comparison, curves, what=f"{_WORDS[what]}, mean over seeds")
    found["curves"] = picture(draw, _alt(curves), 7.5, 3.2)
    return found


def _spread(scores):
    known = scores[np.isfinite(scores)]
    return [percent(f(known), 2) if len(known) else "–" for f in (np.mean, np.min, np.max)]


def _rows(results):
    """The rows of results.csv, tab-separated, to copy."""
    names = list(results.columns)
    rows = list(zip(*results.columns.values(), strict=True))[:MOST_ROWS]
    lines = ["\t".join(names)]
    lines += ["\t".join(" ".join(_cell(one).split()) for one in row) for row in rows]
    return "\n".join(lines)


def _cell(value):
    return f"{value:.10g}" if isinstance(value, float) else text(value)


def _curves(metrics):
    """Pictures of the runs' courses, of what was measured."""
    for what, words in _WORDS.items():
        curves = {name: one[what] for name, one in metrics.items() if what in one}
        if any(np.isfinite(one).any() for one in curves.values()):
            return picture(partial(plots.comparison, curves, what=words), _alt(curves), 7.5, 3.2)
    return None


def _alt(curves):
    last = {
        name: values[np.isfinite(values)][-1]
        for name, values in curves.items()
        if np.isfinite(values).any()
    }
    words = ", ".join(f"{name} {percent(value, 2)}" for name, value in last.items())
    return f"Errors by epoch; at the end {words}"
