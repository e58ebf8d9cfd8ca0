"""How long a figure takes if nothing of it is known: what its script asks for, timed in pieces.

With `--reckon` a script is given a `Reckoning` in place of its `Work`. Nothing is trained for the
figure: networks that take alike long are a group, of which one is timed as `infosim train
--dry-run` does, in as many processes as would train. What was timed on this machine is kept in
reckoned/forms.csv among the runs: what was stopped goes on, and figures share groups.
"""

import csv
import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol

import click
import numpy as np

from infosim.errors import CheckpointError
from infosim.experiments import store
from infosim.experiments.engines import engine
from infosim.experiments.identity import alike
from infosim.experiments.job import execute
from infosim.experiments.rehearsal import rehearse
from infosim.experiments.stopping import stopped_by_signals
from infosim.experiments.sweep import Run
from infosim.kernels.workers import available
from infosim.pid import Goal
from infosim.pid.scheduled import goal_of
from scripts import timing
from scripts.files import table
from scripts.pages import duration
from scripts.work import Errors, Found, Work, goal_of_preset

_COLUMNS = ("form", "machine", "threads", "about", "seconds")


class AllAsked(Exception):
    """A script has asked for all networks and is about to look at results."""


class Piece(Protocol):
    """What a script asks for, as it is timed.

    form : a hash of all that its time depends on; about : what it is, in words
    networks : that are trained for it; weight : how often as long it takes as others of its form
    """

    form: str
    about: str
    networks: int
    weight: float

    def seconds(self, threads):
        """How long one of its form takes, timed now."""


class Training(NamedTuple):
    """A run of `infosim train`, as a `Piece`."""

    run: Run
    networks: int = 1
    weight: float = 1.0

    @property
    def form(self):
        return form(self.run.experiment.config)

    @property
    def about(self):
        return about(self.run)

    def seconds(self, threads):
        """See `Piece`: a run of one epoch with all that belongs to it, and those that are left."""
        experiment = self.run.experiment
        training = experiment.config["training"]
        short = experiment.config | {"training": training | {"epochs": min(1, training["epochs"])}}
        with TemporaryDirectory() as folder:
            times = rehearse(experiment, Path(folder) / "run", threads=threads).times  # compiles
            began = time.perf_counter()
            (why,) = execute([(experiment.name, short)], folder, threads).values()
            took = time.perf_counter() - began
        if why is not None:
            raise CheckpointError(f"{self.about} cannot be timed: {why}")
        return took + max(training["epochs"] - 1, 0) * times.epoch


def form(config, *more):
    """A hash of settings as far as time depends on them: of goals which antichains they are of."""
    goals = [
        _antichains(layer["goal"], tuple(layer["compartments"]))
        for layer in config["layers"].values()
    ]
    said = json.dumps([alike(config), goals, more], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _antichains(goal, sources):
    """Numbers of the antichains that a kernel is given for a goal; the goal if it is scheduled."""
    if not goal or not isinstance(goal, str):
        return goal
    return np.flatnonzero(goal_of(goal, sources).coefficients()[0]).tolist()


def about(run):
    """A run's preset and settings, but for its seed and the γ of goals."""
    told = {
        name: value
        for name, value in run.settings.items()
        if name not in ("preset", "training.seed") and not name.endswith(".goal")
    }
    return ", ".join([run.settings["preset"], *(f"{name}={value}" for name, value in told.items())])


@dataclass(frozen=True)
class Reckoning(Work):
    """A `Work` to which nothing is known and that trains nothing, but reckons how long it takes.

    asked : key -> (about, networks, seconds on all processes together) of all that was asked for
    imagined : ledgers of a paper's own, by name, as they would be filled
    """

    asked: dict = field(default_factory=dict)
    imagined: dict = field(default_factory=dict)

    def errors(self, asked, others=()):
        """All that is asked for, as if every answer were wrong that could be."""
        asked = list(asked)
        self.carry_out(asked)
        return {run.key: Errors(0.5, 0.5, 0.5) for run in asked}

    def carry_out(self, wanted):
        """Reckon these runs."""
        self.ask({run.key: Training(run) for run in wanted})

    def ask(self, pieces):
        """Reckon what was not asked for before; key -> `Piece`."""
        new = {key: piece for key, piece in pieces.items() if key not in self.asked}
        processes = max(1, min(self.jobs, len(new)))
        seconds = self._timed(new.values(), max(1, available() // processes))
        for key, piece in new.items():
            took = piece.weight * seconds[piece.form] / processes
            self.asked[key] = piece.about, piece.networks, took

    def search(self, preset, samplers, trials, epochs, minutes=None, settings=None):
        """Reckon searches side by side, as if no trial were ended early."""
        own = self.settings_of_trials(settings) | {"training.epochs": epochs}
        piece = Training(self.run(preset, own))
        seconds = self._timed([piece], self.threads_of_search(samplers))[piece.form]
        most = trials if minutes is None else min(trials, ceil(60 * minutes / seconds))
        for name in samplers:
            told = f"a trial of {piece.about}", most, most * seconds / len(samplers)
            self.asked[f"search {name}"] = told

    def found(self, sampler, preset):
        """A goal of all atoms, near the one that searches begin with, for each sampler another."""
        start = goal_of_preset(preset)
        searches = [key for key in self.asked if key.startswith("search ")]
        off = 1e-3 * (1 + searches.index(f"search {sampler}"))
        return Found(Goal(start.gamma + off, start.sources), 0, 0.5, 1, 1)

    def clock(self):
        """Seconds that what was asked for takes."""
        return sum(seconds for _, _, seconds in self.asked.values())

    def folder(self, run):
        """There is none, nor a result in it."""
        raise AllAsked

    def save(self, name, figure, rows, caption):
        """There is nothing to be drawn."""
        raise AllAsked

    def _timed(self, pieces, threads):
        """Seconds by form of all that is known or found now."""
        with store.held(self.runs / "reckoned", wait=-1) as (place,):
            timed = _Timed(place.folder / "forms.csv", threads)
            timed.left = {one.form: one for one in pieces if one.form not in timed.seconds}
            if timed.left:
                with (
                    engine(self.jobs if self.jobs > 1 else None) as carry_out,
                    stopped_by_signals(),
                ):
                    carry_out(timed)
            return timed.seconds


class _Timed:
    """What was timed on this machine with so many threads, as `Jobs` that are entered at once.

    seconds : of each form
    """

    def __init__(self, path, threads):
        self.call, self.left = partial(_seconds, threads=threads), {}
        self._path, self._here = path, (timing.machine(), str(threads))
        self._rows = _rows(path)
        self.seconds = {
            row["form"]: float(row["seconds"])
            for row in self._rows
            if (row["machine"], row["threads"]) == self._here
        }

    def tell(self, running, result=None):
        """See `Jobs.tell`."""
        if result is None:
            return
        piece, seconds = result
        self.seconds[piece.form] = seconds
        row = (piece.form, *self._here, piece.about, seconds)
        self._rows.append(dict(zip(_COLUMNS, row, strict=True)))
        store.write_text(self._path, table(self._rows, _COLUMNS))
        click.echo(f"{seconds:.3g} s: {piece.about}", err=True)

    def begun(self, form):
        """See `Jobs.begun`."""
        return False

    def ended(self, form):
        """See `Jobs.ended`."""
        return None

    def failed(self, form, error):
        """See `Jobs.failed`."""
        raise error


def _seconds(piece, threads):
    return piece, piece.seconds(threads)


def _rows(path):
    """Rows of the table of what was timed."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            float(row["seconds"])
    except FileNotFoundError:
        return []
    except (csv.Error, KeyError, TypeError, ValueError):
        raise CheckpointError(f"{path} is damaged; without it all is timed anew") from None
    return rows


def reckon(work, script, ask):
    """Have a script ask for what it needs, enter how long that takes, and tell."""
    with suppress(AllAsked):
        ask()
    networks, seconds = sum(n for _, n, _ in work.asked.values()), work.clock()
    if not networks:
        click.echo("no networks are trained for it")
        return
    timing.record(work.out, script, networks, seconds, work.runs / ".times.lock", timing.RECKONED)
    click.echo(f"{networks} networks, about {duration(seconds)} on {timing.machine()}")
    groups = {}
    for told, *numbers in work.asked.values():
        groups[told] = np.add(groups.get(told, (0, 0)), numbers)
    for told, (n, of_these) in sorted(groups.items(), key=lambda one: -one[1][1]):
        click.echo(f"{n:6.0f} in {duration(of_these)}: {told}")
