"""Runs that figures are made of, each made once, and the files of a figure, written together.

A run is known by the key of its settings. What it came to is kept in a ledger, runs.csv, beside the
figures of its paper, so that a figure needs only the runs that no figure before it needed, here or
on the machine where the ledger was filled.
"""

import csv
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import click

from infosim import plotting
from infosim.datasets import load
from infosim.errors import CheckpointError
from infosim.experiments import Experiment, store
from infosim.experiments.directory import read_result
from infosim.experiments.sweep import Run, Sweep, run_sweep
from infosim.extras import need
from infosim.pid import Goal
from scripts.files import table

_COLUMNS = ("key", "preset", "settings", "epochs", "train_error", "val_error", "test_error")

#: Of trials that count.
_ENDED = ("complete", "pruned")


class Errors(NamedTuple):
    """What a run came to: errors after the last epoch, fractions."""

    train: float
    val: float
    test: float


class Found(NamedTuple):
    """The best goal of a search: its trial, that trial's validation error, numbers of trials."""

    goal: Goal
    trial: int
    val_error: float
    complete: int
    trials: int


@dataclass(frozen=True)
class Work:
    """One figure at one scale: where its runs come from and where its files go.

    paper : folder of the paper's figures; command : what the user typed
    out : folder of the figures and the ledger; runs : folder of run directories
    jobs : processes; draw : whether to draw what is in the ledger and run nothing
    settings : of every run at this scale, key path -> value
    trained : keys of the networks that were trained for it (`scripts.timing`)
    """

    paper: str
    scale: str
    command: str
    out: Path
    runs: Path
    jobs: int
    draw: bool
    settings: dict
    trained: list = field(default_factory=list)

    def pick(self, **choices):
        """The value for this scale; laptop's where paper's is not given."""
        return choices.get(self.scale, choices.get("laptop"))

    def run(self, preset, settings=None):
        """The Run of a preset with these settings (key path -> value) over those of the scale."""
        settings = settings or {}
        pairs = self.settings | settings
        return Run(Experiment.load(preset, list(pairs.items())), {"preset": preset, **settings})

    def clock(self):
        """Seconds, of which differences count: for figures that end after some time."""
        return time.monotonic()

    def folder(self, run):
        """The directory of a run that was made here."""
        return self.runs / "runs" / run.key

    def errors(self, asked, others=()):
        """`Errors` by key of the runs asked for, made unless in the ledger, and of others known.

        With `draw` none is made. What the figure does not find here it leaves out.
        """
        runs = [*asked, *others]
        missing = {run.key: run for run in asked if run.key not in self._ledger()}
        try:
            if missing and not self.draw:
                self.carry_out(missing.values())
        finally:
            known = self._enter(runs)
        found = {run.key: known[run.key] for run in runs if run.key in known}
        if not found:
            raise CheckpointError(f"{self.out / 'runs.csv'} holds no run of this figure")
        return found

    def carry_out(self, wanted):
        """Have these runs made, or finished, in their directories."""
        wanted = tuple(run for run in wanted if read_result(self.folder(run)) is None)
        if not wanted:
            return
        for name in {run.experiment.config["data"]["name"] for run in wanted}:
            load(name)  # one line if it is not there, in place of one for each run
        plan = Sweep(self.paper, wanted, f"# the runs of: {self.command}\n")
        with click.progressbar(length=len(wanted), label="runs", file=sys.stderr) as bar:

            def report(done, running, failed, n):
                bar.update(done + failed - bar.pos)

            try:
                found = run_sweep(
                    plan, self.runs, jobs=self.jobs, resume=True, retry=True, report=report
                )
            finally:
                self.trained.extend(one.key for one in wanted if read_result(self.folder(one)))
        if found.failed:
            key, reason = next(iter(found.failed.items()))
            raise CheckpointError(f"{len(found.failed)} runs failed; the first, {key}: {reason}")

    def search(self, preset, samplers, trials, epochs, minutes=None, settings=None):
        """Carry out, or continue, a search for goals with each sampler, in processes of their own.

        trials, minutes : of each search, whichever is over first; epochs : of each trial
        """
        need("optuna", "optimize", "a search for goals needs Optuna")
        given = self.settings_of_trials(settings)
        pairs = [part for k, v in given.items() for part in ("--set", f"{k}={v}")]
        threads = self.threads_of_search(samplers)
        numbers = {"trials": trials, "epochs": epochs, "seed": 0, "threads": threads}
        if minutes is not None:
            numbers["minutes"] = minutes
        pairs += [part for k, v in numbers.items() for part in (f"--{k}", str(v))]
        command = [sys.executable, "-m", "infosim", "optimize", preset, *pairs]
        before = {name: len(self._trials(name)) for name in samplers}
        started = [
            subprocess.Popen([*command, "--sampler", name, "--out", str(self._searched(name))])
            for name in samplers
        ]
        codes = [one.wait() for one in started]  # both, whatever becomes of the first
        for name, n in before.items():
            self.trained.extend(f"{name} {row['number']}" for row in self._trials(name)[n:])
        if any(codes):
            raise CheckpointError("a search did not end; the same command continues it")

    def settings_of_trials(self, settings):
        """Settings of a search's trials but their epochs: these over those of the scale."""
        every = self.settings | {"training.evaluate_every": 1} | (settings or {})
        every.pop("training.epochs", None)
        return every

    def threads_of_search(self, samplers):
        """Threads of each of the searches that are carried out side by side."""
        return max(1, self.jobs // len(samplers))

    def found(self, sampler, preset):
        """The `Found` of the search with this sampler that `search` has carried out.

        Raises
        ------
        CheckpointError : it has not
        """
        labels, rows = goal_of_preset(preset).labels, self._trials(sampler)
        if not rows:
            folder = self._searched(sampler)
            raise CheckpointError(f"{folder} holds no search; run without --draw")
        complete = [row for row in rows if row["state"] == "complete"]
        best = min(complete, key=lambda row: float(row["value"]))
        gammas = Goal(
            {label: float(best[label]) for label in labels}, goal_of_preset(preset).sources
        )
        return Found(gammas, int(best["number"]), float(best["value"]), len(complete), len(rows))

    def _trials(self, sampler):
        """The rows of the trials of a search that have ended."""
        try:
            path = self._searched(sampler) / "trials.csv"
            with open(path, encoding="utf-8", newline="") as file:
                return [row for row in csv.DictReader(file) if row["state"] in _ENDED]
        except FileNotFoundError:
            return []

    def _searched(self, sampler):
        return self.runs / f"search-{sampler}"

    # -- the ledger --------------------------------------------------------------------------------

    def _rows(self):
        try:
            with open(self.out / "runs.csv", encoding="utf-8", newline="") as file:
                return {row["key"]: row for row in csv.DictReader(file)}
        except FileNotFoundError:
            return {}
        except KeyError:
            raise CheckpointError(f"{self.out / 'runs.csv'} has no column key") from None

    def _ledger(self):
        try:
            return {
                key: Errors(*(float(row[f"{name}_error"] or "nan") for name in Errors._fields))
                for key, row in self._rows().items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.out / 'runs.csv'} is damaged: {error}") from None

    def _enter(self, runs):
        """Enter what these runs came to, where they are complete; returns the ledger."""
        rows = self._rows()
        before = len(rows)
        for run in runs:
            result = None if run.key in rows else read_result(self.folder(run))
            if result is None:
                continue
            settings = "; ".join(f"{k}={v}" for k, v in run.settings.items() if k != "preset")
            errors = [result[f"{name}_error"] for name in Errors._fields]
            values = (run.key, run.settings["preset"], settings, result["epochs"], *errors)
            rows[run.key] = dict(zip(_COLUMNS, values, strict=True))
        if len(rows) > before:
            ordered = sorted(rows.values(), key=lambda row: (row["preset"], row["settings"]))
            self.out.mkdir(parents=True, exist_ok=True)
            store.write_text(self.out / "runs.csv", table(ordered, _COLUMNS))
        return self._ledger()

    # -- files -------------------------------------------------------------------------------------

    def save(self, name, figure, rows, caption):
        """Write a figure as PNG and PDF, what it shows as CSV, and its caption.

        rows : dicts, all with the same keys
        """
        self.out.mkdir(parents=True, exist_ok=True)
        for kind in ("png", "pdf"):
            with plotting.style(), store.atomic(self.out / f"{name}.{kind}") as file:
                plotting.save(figure, file, kind, dpi=200)
        store.write_text(self.out / f"{name}.csv", table(rows, list(rows[0])))
        made = f"Made by `{self.command}`."
        store.write_text(self.out / f"{name}.md", f"{' '.join(caption.split())}\n\n{made}\n")
        click.echo(self.out / f"{name}.png")


def goal_of_preset(preset):
    """The goal of a preset's first layer that has one."""
    layers = Experiment.load(preset).config["layers"].values()
    first = next(layer for layer in layers if layer["goal"])
    return Goal.of(first["goal"], tuple(first["compartments"]))
