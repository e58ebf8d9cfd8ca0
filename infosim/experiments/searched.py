"""What a search for goals has come to, from its database alone, and the files made of that."""

import csv
import io
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import tomli_w

from infosim.experiments import store
from infosim.experiments.experiment import Experiment
from infosim.experiments.search import Search, study_module
from infosim.pid import Goal

FILES = ("best.toml", "trials.csv", "search.png")
#: Seconds to wait for another process that writes the files of the study.
_TURN = 60


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    complete, pruned, failed : numbers of trials; wanted : of complete and pruned ones
    best : number of the best trial and its value; start : value of the goal it began with; None
        before there is one
    """

    complete: int
    pruned: int
    failed: int
    wanted: int
    best: tuple[int, float] | None
    start: float | None

    @property
    def finished(self):
        return self.complete + self.pruned


@dataclass(frozen=True)
class OptimizeResult:
    """What a search found.

    goal : the best trial's; trial : its number; value : its metric, a fraction
    start : the metric of the goal the search began with, None if that trial is not complete
    complete, pruned, failed : numbers of trials
    out : the directory with best.toml, trials.csv and search.png
    """

    goal: Goal
    trial: int
    value: float
    start: float | None
    complete: int
    pruned: int
    failed: int
    out: Path


@dataclass(frozen=True)
class Results:
    """What a study has come to, from its database alone, and the files made from that."""

    search: Search
    study: object
    out: Path
    source: str | None

    def trials(self):
        """All trials that were begun, by number."""
        states = study_module().STATES
        return [trial for trial in self.study.get_trials(deepcopy=False) if trial.state in states]

    def count(self):
        """State -> number of trials."""
        states = study_module().STATES
        counts = dict.fromkeys(states.values(), 0)
        for trial in self.trials():
            counts[states[trial.state]] += 1
        return counts

    def ranked(self):
        """The complete trials, best first."""
        trials = self.study.get_trials(deepcopy=False, states=study_module().FINISHED[:1])
        return sorted(trials, key=lambda trial: (trial.value, trial.number))

    def started(self, ranked):
        """The value of the goal the search began with, or None."""
        values = [trial.value for trial in ranked if trial.user_attrs.get("start")]
        return values[0] if values else None

    def progress(self, wanted):
        counts, ranked = self.count(), self.ranked()
        best = (ranked[0].number, ranked[0].value) if ranked else None
        numbers = counts["complete"], counts["pruned"], counts["failed"]
        return Progress(*numbers, wanted, best, self.started(ranked))

    def goal(self, trial):
        return Goal(trial.params, self.search.start.sources)

    def found(self):
        counts, ranked = self.count(), self.ranked()
        best = ranked[0]
        return OptimizeResult(
            self.goal(best), best.number, best.value, self.started(ranked), counts["complete"],
            counts["pruned"], counts["failed"], self.out,
        )  # fmt: skip

    def tidy(self):
        """Remove what a killed process left unfinished."""
        with self._held():
            store.tidy(self.out, FILES)

    def _held(self):
        """A context in which no other process of the study writes its files."""
        return store.held(self.out, wait=_TURN)

    def write(self, picture=False):
        """Write trials.csv, best.toml if there is a best trial, and search.png if wanted.

        What goes wrong with the picture is an InfosimWarning.
        """
        with self._held():
            ranked = self.ranked()
            store.write_text(self.out / "trials.csv", self.table())
            if ranked:
                store.write_text(self.out / "best.toml", self.best(ranked))
            if ranked and picture:
                with store.picture(self.out / "search.png"):
                    self._write_picture(ranked)

    def _write_picture(self, ranked):
        from infosim.plotting import save

        figure = self.draw(ranked)
        with store.atomic(self.out / "search.png") as file:
            save(figure, file, "png")

    def table(self):
        """The text of trials.csv: a row for each trial, with the value it had last."""
        labels, states = self.search.start.labels, study_module().STATES
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["number", "state", "value", "epochs", *labels])
        for trial in self.trials():
            epochs = trial.last_step or 0
            value = trial.intermediate_values[epochs] if epochs else ""
            gammas = [trial.params.get(label, "") for label in labels]
            writer.writerow([trial.number, states[trial.state], value, epochs, *gammas])
        return text.getvalue()

    def best(self, ranked):
        """The text of best.toml."""
        search, trial, counts = self.search, ranked[0], self.count()
        base = {} if self.source is None else Experiment.load(self.source).config
        config = search.with_goal(self.goal(trial)).config
        config["title"] = f"{search.experiment.name}, goal of layer {search.layer} found by search"
        changes = _changes(base, config)
        *tables, key = search.place.keys
        table = reduce(lambda table, one: table.setdefault(one, {}), tables, changes)
        table[key] = str(self.goal(trial))
        samplers = {one.user_attrs["sampler"] for one in ranked}
        start = self.started(ranked)
        began = "" if start is None else f"; the search began at {start:.6g}"
        header = (
            f"# Trial {trial.number}, the best of {counts['complete']} complete and "
            f"{counts['pruned']} pruned trials ({' and '.join(sorted(samplers))}):\n"
            f"# {search.metric} {trial.value:.6g} after epoch {search.epochs}{began}.\n"
        )
        extends = {} if self.source is None else {"extends": str(self.source)}
        return header + tomli_w.dumps(extends | changes)

    def draw(self, ranked):
        """The picture of the search."""
        from infosim.plotting.search import search as picture

        search, labels, states = self.search, self.search.start.labels, study_module().STATES
        seen = [trial for trial in self.trials() if trial.last_step]
        best = [trial for trial in ranked if not trial.user_attrs.get("start")][:10]
        start = [trial for trial in ranked if trial.user_attrs.get("start")][:1]
        return picture(
            numbers=[trial.number for trial in seen],
            values=[trial.intermediate_values[trial.last_step] for trial in seen],
            complete=[states[trial.state] == "complete" for trial in seen],
            start=self.started(ranked),
            gammas=[[trial.params[label] for label in labels] for trial in [*start, *best]],
            names=["start"] * len(start) + [str(trial.number) for trial in best],
            labels=labels,
            importances=study_module().importances(self.study, labels),
            metric=search.metric,
            title=f"{search.name}: {search.experiment.name}, layer {search.layer}, "
            f"{search.epochs} epochs, seed {search.experiment.config['training']['seed']}",
        )


def _changes(base, config):
    """What must be laid over `base` to make it `config`."""
    changes = {}
    for key, value in config.items():
        before = base.get(key)
        if value == before:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            # another activation or optimizer replaces the whole table, see `reading.merge`
            other = value.get("name") != before.get("name")
            value = value if other else _changes(before, value)
        changes[key] = value
    return changes
