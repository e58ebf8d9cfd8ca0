"""Associative memories that the figures of Memory 2025 are made of, each trained once.

What they came to is kept in ledgers beside the figures: networks.csv, a row for every network,
capacities.csv, a row for every capacity of a seed, and measures.csv, networks decomposed by several
measures. Whatever is stopped, the next start goes on with those that are not there.
"""

import csv
import hashlib
import sys
import time
from dataclasses import asdict
from functools import partial, wraps
from typing import NamedTuple

import click
import numpy as np
from scipy.optimize import linprog

from infosim.analysis.memory import accuracy, overlap, recall
from infosim.datasets.generated import flip
from infosim.errors import CheckpointError, InfosimError
from infosim.experiments import Experiment, store
from infosim.experiments.engines import engine
from infosim.experiments.loads import Bisection, Loads
from infosim.experiments.memories import Checked, checked, prepared, tried
from infosim.experiments.rehearsal import times_of
from infosim.experiments.stopping import Interrupted, signals, stopped_by_signals
from infosim.experiments.sweep import Run
from infosim.kernels.workers import available
from infosim.machine.randomness import Purpose, generator
from infosim.pid import Goal, decompose
from scripts import reckoning
from scripts.command import figure_script
from scripts.drawing import curve, spread
from scripts.files import table
from scripts.reckoning import Reckoning

#: Atoms of a neuron's output, with the residual entropy, as they are ordered in results.
ATOMS = ("{R}{C}", "{R}", "{C}", "{RC}", "H_res")
#: The same as the paper orders the γ of goals.
GAMMAS = ("{R}", "{C}", "{R}{C}", "{RC}", "H_res")
#: Colours as published.
LOOKS = dict(zip(ATOMS, ("#9a26c8", "#ea535a", "#0066ac", "#eebbee", "#cadce0"), strict=True))
#: Loads that the paper names: above the first the Hebbian memory forgets, the second is the
#: capacity of the goal redundancy.
HEBBIAN_LOAD, CAPACITY = 0.14, 1.59
#: From where capacities of the goals are looked for, by most figures, which so share networks.
BEGIN = Bisection(guess=1.65)
#: Mean overlap that counts as recall.
RECALLED = 0.95
#: How the comparison of noise stability asks: flipped bits at most (part of all), steps, and how
#: many numbers of flipped bits are averaged.
_FLIPPED, _STEPS, _AVERAGED = 0.5, 50, 5
#: Measures of redundancy that atoms are shown by, and how many neurons are decomposed.
MEASURES = (
    "shared-exclusions", "williams-beer", "minimum-mutual-information", "specificity-ambiguity",
    "broja",
)  # fmt: skip
MEASURING = 20
#: Steps of the published test in which outputs are drawn.
_DRAWN = 20
#: Epochs of a network whose time is reckoned, beside those that are timed by themselves; the part
#: of its epochs after which, about, one recalls its patterns that does at all.
_FEW, _RECALLING = 20, 0.1
#: Fields below this are 0 but for what `linprog` tolerates.
_ROUNDED = 1e-6
#: At smoke scale.
SMOKE = {"smoke": {"data.options.units": 20}}
_SMOKE_EPOCHS = 30


def figure(settings=SMOKE, laptop=5, paper=20):
    """Turn a function of a `Work` and a number of seeds into a command of this paper.

    settings : as of `figure_script`; laptop, paper : seeds at these scales unless others are given
    """

    def decorate(function):
        @figure_script("memory2025", settings)
        @click.option(
            "--seeds", type=click.IntRange(1), help=f"Seeds (laptop {laptop}, paper {paper})."
        )
        @wraps(function)
        def command(work, seeds, **own):
            function(work, seeds or work.pick(smoke=1, laptop=laptop, paper=paper), **own)

        return command

    return decorate


class Kind(NamedTuple):
    """A memory of the figures: a preset and what is changed in it (key path -> value).

    closed : whether its epochs are a matter of the rule
    test : what its capacities are of, "recall", "drawn" (outputs that are, `overlaps_drawn`) or
        "separable" (what any weights could do, `separable`)
    """

    preset: str
    settings: dict = {}  # noqa: RUF012
    closed: bool = False
    test: str = "recall"


def _classical(preset):
    """A memory with one of the classical rules, whose neurons keep their states at ties."""
    return Kind(preset, {"layers.memory.size": "pixels", "recall.ties": "keep"}, closed=True)


HEBB = _classical("pnas/memory-hopfield")
DESCENT = _classical("memory/descent-l2")
FLOW = _classical("memory/minimum-probability-flow")
SOFT = Kind("memory/redundancy")
HARD = Kind("memory/redundancy-hard")
INFORMATION = Kind("memory/information")
COINFORMATION = Kind("memory/coinformation")
OPTIMISED_1 = Kind("memory/optimized-1")
OPTIMISED_2 = Kind("memory/optimized-2")


def changed(kind, **settings):
    """The kind with more settings; the dots of key paths as double underscores."""
    more = {name.replace("__", "."): value for name, value in settings.items()}
    return kind._replace(settings=kind.settings | more)


def with_goal(kind, gammas):
    """The kind with the goal of these γ, in the order of `GAMMAS`."""
    goal = Goal(dict(zip(GAMMAS, gammas, strict=True)), "RC")
    return changed(kind, layers__memory__goal=str(goal))


class Memory(NamedTuple):
    """What a network came to.

    patterns, load, seed : of it; epochs : at which it was asked, (E,)
    overlap : mean over patterns, (E,); accuracy : part of them with an overlap of 0.95, (E,)
    atoms : after the last epoch, mean over neurons, bits, `ATOMS`; nan without a goal
    stability : the largest part of flipped bits from which a pattern is recalled (`stability`)
    """

    patterns: int
    load: float
    seed: int
    epochs: np.ndarray
    overlap: np.ndarray
    accuracy: np.ndarray
    atoms: dict
    stability: float

    @classmethod
    def read(cls, run, row):
        """Of a row of the ledger."""
        options = run.experiment.config["data"]["options"]
        lists = (
            np.array([float(v) for v in row[k].split()]) for k in ("epochs", "overlap", "accuracy")
        )
        atoms = {name: float(row[name]) for name in ATOMS}
        return cls(
            options["patterns"], options["patterns"] / options["units"],
            run.experiment.config["training"]["seed"], *lists, atoms, float(row["stability"]),
        )  # fmt: skip

    def when(self, until):
        """Where training would have stopped that goes on until an overlap is reached."""
        reached = np.flatnonzero(self.overlap >= until)
        return reached[0] if len(reached) else len(self.overlap) - 1


class Capacity(NamedTuple):
    """A seed's capacity, patterns per neuron; `most`: whether no larger load was tried."""

    seed: int
    load: float
    most: bool

    @classmethod
    def read(cls, seed, row):
        """Of a row of the ledger."""
        return cls(seed, float(row["capacity"]), row["most"] == "1")


def overlap_at_end(memory):
    """Its mean overlap, had training stopped as in the paper: where all patterns are recalled."""
    return float(memory.overlap[memory.when(1.0)])


def accuracy_at_end(memory):
    """The part of its patterns that are recalled then."""
    return float(memory.accuracy[memory.when(1.0)])


def measured(found, **quantities):
    """Rows of a figure's table: median, range and mean over seeds of quantities of memories.

    found : name -> load -> list of `Memory`; quantities : name -> function of a Memory
    """
    return [
        {"memory": name, "load": load, "quantity": quantity}
        | spread([of(one) for one in several])
        | {"mean": float(np.mean([of(one) for one in several])), "n_seeds": len(several)}
        for name, by_load in found.items()
        for load, several in by_load.items()
        for quantity, of in quantities.items()
        if several
    ]


def capacity_rows(found):
    """Rows of a figure's table: capacities by name, their spread, mean and its standard error."""
    rows = []
    for name, several in found.items():
        values = [one.load for one in several]
        if values:
            n = len(values)
            error = float(np.std(values, ddof=1) / n**0.5) if n > 1 else float("nan")
            rows.append(
                {"memory": name} | spread(values)
                | {"mean": float(np.mean(values)), "standard_error": error, "n_seeds": n}
            )  # fmt: skip
    return rows


def curves(ax, rows, quantity, looks, **more):
    """Draw a quantity of memories against load, of each that has a look, in their order."""
    for name, look in looks.items():
        own = [row for row in rows if (row["memory"], row["quantity"]) == (name, quantity)]
        curve(ax, [row["load"] for row in own], own, name, **look, **more)


def mark(ax, *loads):
    """Dashed vertical lines at loads that are published."""
    for load, color in zip(loads, ("#000000", "#d62728"), strict=False):
        ax.axvline(load, color=color, linestyle="--", linewidth=0.8, zorder=0)


def loads(work, start=0.01, step=0.1, stop=2.02):
    """Loads of a figure: as published where the scale is the paper's, else half as many; smoke two.

    The defaults are 21 of the 41 published ones.
    """
    if work.scale == "smoke":
        return (0.1, 0.5)
    step = step / 2 if work.scale == "paper" else step
    return tuple(np.arange(start, stop, step).round(6).tolist())


def _settings(work, kind, seed):
    """All that is set of a network of this kind but its load, key path -> value."""
    settings = work.settings | {"training.batch": "all", "training.seed": seed} | kind.settings
    if work.scale == "smoke" and not kind.closed:
        settings |= {"training.epochs": _SMOKE_EPOCHS, "training.evaluate_every": _SMOKE_EPOCHS}
    return settings


def memories(work, kinds, at, seeds):
    """What the networks of these kinds came to, trained unless in the ledger.

    kinds : name -> Kind; at : loads; seeds : how many

    Returns
    -------
    name -> load -> list of `Memory`, one for each seed that is known
    """
    runs = {
        (name, load, seed): _run(work, kind, {"data.options.load": load}, seed)
        for seed in range(seeds)  # all points of a figure before more seeds
        for name, kind in kinds.items()
        for load in at
    }
    ledger = _ledger(work, "networks", ("epochs", "overlap", "accuracy", *ATOMS, "stability"))
    rows = ledger.complete({run.key: run for run in runs.values()}, _train)
    found = {name: {load: [] for load in at} for name in kinds}
    for (name, load, _), run in runs.items():
        if run.key in rows:
            found[name][load].append(ledger.of(rows[run.key], partial(Memory.read, run)))
    return found


def decompositions(work, kind, at, seeds):
    """What neurons of networks of this kind tell after training, by measure of redundancy.

    Returns
    -------
    load -> list of {(measure, atom): bits}, one for each seed that is known
    """
    columns = [(measure, atom) for measure in MEASURES for atom in ATOMS[:-1]]

    def bits(row):
        return {column: float(row[" ".join(column)]) for column in columns}

    ledger = _ledger(work, "measures", map(" ".join, columns))
    runs = {
        (load, seed): _run(work, kind, {"data.options.load": load}, seed)
        for seed in range(seeds)
        for load in at
    }
    rows = ledger.complete({run.key: run for run in runs.values()}, _decompose)
    found = {load: [] for load in at}
    for (load, _), run in runs.items():
        if run.key in rows:
            found[load].append(ledger.of(rows[run.key], bits))
    return found


def capacities(work, kinds, seeds, tries, make=True):
    """The capacities of memories of these kinds, found unless in the ledger.

    kinds : name -> Kind; tries : `Loads`, or name -> Loads
    make : whether those are found that are not there

    Returns
    -------
    name -> list of `Capacity`, one for each seed that is known
    """
    jobs = {}
    for seed in range(seeds):
        for name, kind in kinds.items():
            own = tries[name] if isinstance(tries, dict) else tries
            run = _run(work, kind, {"data.options.load": 1.0}, seed)
            jobs[name, seed] = _Tries(run, own, kind.test)
    ledger = _ledger(work, "capacities", ("loads", "capacity", "most", "tried"))
    asked = {one.key: one for one in jobs.values()}
    rows = ledger.complete(asked, _search) if make else ledger.rows()
    found = {name: [] for name in kinds}
    for (name, seed), job in jobs.items():
        if job.key in rows:
            found[name].append(ledger.of(rows[job.key], partial(Capacity.read, seed)))
    return found


def of_same_seeds(found):
    """Capacities by name of the seeds alone that are known of all that have some.

    Seeds differ in their patterns, and so by more than kinds that are alike do.
    """
    seeds = [{one.seed for one in own} for own in found.values() if own]
    common = set.intersection(*seeds) if seeds else set()
    return {name: [one for one in own if one.seed in common] for name, own in found.items()}


def _run(work, kind, settings, seed):
    return work.run(kind.preset, _settings(work, kind, seed) | settings)


class _Tries(NamedTuple):
    """The capacity of one seed: its network, the loads that are tried, and `Kind.test`."""

    run: Run
    loads: Loads
    test: str

    @property
    def key(self):
        said = f"{self.run.key} {self.loads}{self.suffix}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @property
    def suffix(self):
        """The test, where it is not the usual one."""
        return "" if self.test == "recall" else f" {self.test}"

    @property
    def settings(self):
        return {k: v for k, v in self.run.settings.items() if k != "data.options.load"}

    def experiment(self, load):
        """The network with this load."""
        preset, *pairs = (self.settings | {"data.options.load": load}).items()
        return Experiment.load(preset[1], pairs)

    def course(self, capacity):
        """The numbers of patterns that are tried if it is so many, and whether each is recalled."""
        n, found = self.run.experiment.config["data"]["options"]["units"], {}
        while (m := self.loads.following(found, n)) is not None:
            found[m] = float(m <= capacity)
        return found


def _ledger(work, name, columns):
    """The table of this name, or what stands for it where time is only reckoned."""
    return (_Imagined if isinstance(work, Reckoning) else _Ledger)(work, name, columns)


class _Ledger:
    """A table of results beside the figures, a row by key for each, and how those are made.

    As `infosim.experiments.engines.Jobs` it enters every result at once.
    """

    def __init__(self, work, name, columns):
        self._work, self._path = work, work.out / f"{name}.csv"
        self._columns = ("key", "preset", "settings", *columns)

    def rows(self):
        """All that is known, by key."""
        try:
            with open(self._path, newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                rows, columns = list(reader), reader.fieldnames
        except FileNotFoundError:
            return {}
        except (csv.Error, ValueError) as error:
            raise CheckpointError(f"{self._path} is damaged: {error}") from None
        if columns != list(self._columns):
            raise CheckpointError(f"{self._path} is damaged: its columns are {columns}")
        if any(None in row or None in row.values() for row in rows):
            raise CheckpointError(f"{self._path} is damaged: rows have more or fewer columns")
        return {row["key"]: row for row in rows}

    def of(self, row, read):
        """What a row says, by `read`."""
        try:
            return read(row)
        except ValueError as error:
            raise CheckpointError(f"{self._path} is damaged: {error}") from None

    def complete(self, jobs, make):
        """Make what is asked for (key -> job) and not known, unless only to be drawn; the rows."""
        rows = self.rows()
        self.left = {key: job for key, job in jobs.items() if key not in rows}
        if self.left and not self._work.draw:
            processes = min(self._work.jobs, len(self.left))
            threads = max(1, available() // processes)
            self.call, self._why = partial(_made, make=make, threads=threads), {}
            self._work.out.mkdir(parents=True, exist_ok=True)
            with (
                engine(processes if processes > 1 else None) as carry_out,
                store.held(self._work.runs / "ledgers"),
                click.progressbar(length=len(self.left), label="networks", file=sys.stderr) as bar,
                stopped_by_signals(),
            ):
                self._bar = bar
                carry_out(self)
            if self._why:
                key, why = next(iter(self._why.items()))
                raise CheckpointError(f"{len(self._why)} networks failed; the first, {key}: {why}")
            rows = self.rows()
        if not jobs.keys() & rows.keys():
            raise CheckpointError(f"{self._path} holds nothing of this figure")
        return rows

    def tell(self, running, result=None):
        """See `Jobs.tell`."""
        if result is None:
            return
        job, row, why = result
        self._bar.update(1)
        if why is not None:
            self._why[job.key] = why
            return
        usual = self._work.settings
        told = {k: v for k, v in job.settings.items() if k != "preset" and usual.get(k) != v}
        said = "; ".join(f"{k}={v}" for k, v in told.items())
        preset = (job.run if isinstance(job, _Tries) else job).settings["preset"]
        rows = self.rows()
        rows[job.key] = {"key": job.key, "preset": preset, "settings": said} | row
        self._work.trained.extend(f"{job.key} {i}" for i in range(row.get("tried", 1)))
        ordered = sorted(rows.values(), key=lambda one: (one["preset"], one["settings"]))
        store.write_text(self._path, table(ordered, self._columns))

    def begun(self, key):
        """See `Jobs.begun`."""
        return False

    def ended(self, key):
        """See `Jobs.ended`."""
        return None

    def failed(self, key, error):
        """See `Jobs.failed`."""
        return self.left[key], None, str(error)


class _Imagined(_Ledger):
    """The ledger of a figure that is only reckoned: all that was asked for is there, and is 1.

    From the table itself it is known how many networks a capacity took.
    """

    def rows(self):
        """See `_Ledger.rows`."""
        return self._work.imagined.setdefault(self._path.name, {})

    def complete(self, jobs, make):
        """See `_Ledger.complete`."""
        known = super().rows()
        self._work.ask({key: _piece(job, make, known.get(key)) for key, job in jobs.items()})
        rows = self.rows()
        rows |= {key: dict.fromkeys(self._columns, "1") for key in jobs}
        return rows


class _Piece(NamedTuple):
    """Networks as `scripts.reckoning` times them.

    made : what is done with one, a key of `_MADE`; run, networks, weight : see `reckoning.Piece`
    """

    made: str
    run: Run
    networks: int = 1
    weight: float = 1.0

    @property
    def form(self):
        return reckoning.form(self.run.experiment.config, self.made)

    @property
    def about(self):
        return reckoning.about(self.run)

    def seconds(self, threads):
        """Seconds of few epochs with all that is asked, and of the epochs that are left."""
        config = self.run.experiment.config
        epochs = config["training"]["epochs"]
        few = min(epochs, _FEW)
        short = config | {"training": config["training"] | {"epochs": few}}
        run = Run(Experiment(self.run.experiment.name, short), self.run.settings)
        for _ in range(2):  # the first compiles
            began = time.perf_counter()
            _MADE[self.made](run, threads)
            took = time.perf_counter() - began
        if few < epochs and self.made != "separable":
            which = _which(self.run.experiment)
            training, *_ = prepared(self.run.experiment, *which, threads, "cpu")
            took += times_of(training, epochs - few).total
        return took


def _piece(job, make, row):
    """A job as a `Piece`; of a capacity with those networks that lead to it, or to the guess."""
    if not isinstance(job, _Tries):
        return _Piece(make.__name__, job)
    n = job.run.experiment.config["data"]["options"]["units"]
    tried = job.course(job.loads.guess * n if row is None else float(row["capacity"]) * n)
    # about half of a network's time grows with its patterns
    weight = sum(
        (_RECALLING if recalled else 1.0) * (1 + m / n / job.loads.guess) / 2
        for m, recalled in tried.items()
    )
    run = Run(
        job.experiment(job.loads.guess), job.settings | {"preset": job.run.settings["preset"]}
    )
    return _Piece(job.test, run, len(tried), weight)


# -- what is done in other processes ---------------------------------------------------------------


def _which(experiment):
    """How many patterns a memory is to learn, and the seed of each network: of one."""
    config = experiment.config
    return config["data"]["options"]["patterns"], [config["training"]["seed"]]


def _checked(run, threads, arrived):
    """A network at its checkpoints."""
    which = _which(run.experiment)
    return checked(run.experiment, *which, threads=threads, stopped=arrived)


def _train(run, threads):
    """Train a network to its end; its row of the ledger."""
    epochs, overlaps, accuracies = [], [], []
    with signals() as arrived:
        for at in _checked(run, threads, arrived):
            own = at.overlaps()[0]
            epochs.append(at.epoch)
            overlaps.append(own.mean())
            accuracies.append(accuracy(own, RECALLED))
    simulator, layer, atoms = at.simulator, at.task.layer, [np.nan] * len(ATOMS)
    if simulator[layer].spec.has_goal:
        simulator.step(at.training.samples, learn=False)
        atoms = simulator.atoms(layer).mean(axis=0, dtype=np.float64).tolist()
    return dict(zip(ATOMS, atoms, strict=True)) | {
        "epochs": _joined(epochs), "overlap": _joined(overlaps), "accuracy": _joined(accuracies),
        "stability": stability(simulator, at.stored[0], simulator.seed, layer),
    }  # fmt: skip


def _decompose(run, threads):
    """Train a network, and decompose what its first neurons tell by every measure; its row."""
    with signals() as arrived:
        *_, at = _checked(run, threads, arrived)
    simulator, layer = at.simulator, at.task.layer
    simulator.step(at.training.samples, learn=False)
    bins, fires = simulator.bins(layer), simulator[layer].probabilities
    found, size = dict.fromkeys(MEASURES, 0.0), bins.max(axis=(1, 2)) + 1
    neurons = range(min(MEASURING, bins.shape[1]))
    for n in neurons:
        pmf = np.zeros((*size, 2))
        for output, chance in enumerate((1 - fires[n], fires[n])):
            np.add.at(pmf, (*bins[:, n], output), chance)
        for measure in MEASURES:
            found[measure] += decompose(pmf / pmf.sum(), measure=measure).atoms / len(neurons)
    return {
        f"{measure} {atom}": float(value)
        for measure, atoms in found.items()
        for atom, value in zip(ATOMS[:-1], atoms, strict=True)
    }


def overlaps_drawn(at):
    """Overlaps (R, P) of 20 steps in which neurons draw their outputs, with the state before them.

    That state is drawn, too, after the stored pattern: the published test of the first memory.
    """
    layer, steps = at.task.layer, []
    at.simulator.time = 0  # outputs are drawn by it
    states = first = recall(at.simulator, at.stored, layer, max_steps=1, sampled=True)
    for _ in range(_DRAWN):
        states = recall(at.simulator, states, layer, max_steps=1, sampled=True)
        steps.append(overlap(states, first))
    return np.mean(steps, axis=0)


def separable(patterns):
    """Whether there are weights by which every neuron has its bit of all patterns (M, N) ±1.

    Of the other neurons' bits alone, without a bias.
    """
    return all(separates(bits, np.delete(patterns, n, axis=1)) for n, bits in enumerate(patterns.T))


def separates(bits, others):
    """Whether some sum of others (M, D) has the sign of bits (M,) ±1 in each row.

    By a linear program, whose value is the least field in its bit's direction that weights within
    ±1 can have.

    Raises
    ------
    InfosimError : the program is not solved
    """
    against = np.column_stack([-others * bits[:, None], np.ones(len(bits))])
    value, bounds = np.zeros(against.shape[1]), [(-1, 1)] * others.shape[1] + [(0, None)]
    value[-1] = -1
    found = linprog(value, A_ub=against, b_ub=np.zeros(len(bits)), bounds=bounds)
    if not found.success:
        raise InfosimError(f"whether patterns are separable is not known: {found.message}")
    return bool(-found.fun > _ROUNDED)


def stability(simulator, stored, seed, layer=None):
    """The largest part of the bits of a pattern that may be flipped for it to be recalled.

    For every number of bits up to half of them a stored pattern is drawn, as many of its bits are
    flipped, and the overlap is taken after 50 synchronous steps. The largest number is the first
    whose overlap is above 0.95 while the mean of it and the next four is not, less 1; 0 if a single
    flipped bit is too much (the protocol of arXiv 2511.02584, figure 5 C).
    """
    n, rng = stored.shape[1], generator(seed, Purpose.NOISE, 0)
    most = int(_FLIPPED * n)
    drawn = stored[rng.integers(len(stored), size=most)]
    flipped = [flip(one[None], (i + 1) / n, rng)[0] for i, one in enumerate(drawn)]
    how = {"ties": "zero", "max_steps": _STEPS}
    return boundary(overlap(recall(simulator, np.stack(flipped), layer, **how)[0], drawn)) / n


def boundary(overlaps):
    """The index at which overlaps by number of flipped bits, from 1 on, fall below 0.95."""
    if overlaps[0] < RECALLED:
        return 0
    for j, own in enumerate(overlaps):
        if own > RECALLED and overlaps[j : j + _AVERAGED].mean() < RECALLED:
            return j
    return len(overlaps) - 1


def _search(job, threads):
    """Find the capacity of one seed; its row of the ledger."""
    tries, found = job.loads, {}
    n = job.run.experiment.config["data"]["options"]["units"]
    with signals() as arrived:
        while (m := tries.following(found, n)) is not None:
            options = {"until": tries.until, "threads": threads, "stopped": arrived}
            found[m] = _TESTS[job.test](job.experiment(m / n), **options)
    m = tries.capacity(found, n)
    return {
        "loads": _said(tries) + job.suffix, "capacity": m / n,
        "most": int(m == max(found)), "tried": len(found),
    }  # fmt: skip


def _recalls(experiment, ask=Checked.overlaps, **options):
    """The mean overlap of a memory after training."""
    return tried(experiment, *_which(experiment), ask=ask, **options)[0].overlap


def _separates(experiment, **options):
    """1 if the patterns of a memory are `separable`, else 0."""
    m, _ = _which(experiment)
    return float(separable(experiment.dataset().train_x.reshape(m, -1)))


#: What a capacity is of -> how a memory does in it, by `Kind.test`.
_TESTS = {
    "recall": _recalls, "drawn": partial(_recalls, ask=overlaps_drawn), "separable": _separates,
}  # fmt: skip
#: What is done with networks, by name.
_MADE = {one.__name__: one for one in (_train, _decompose)} | {
    name: lambda run, threads, test=test: test(run.experiment, threads=threads)
    for name, test in _TESTS.items()
}


def _made(job, make, threads):
    """(job, its row, None), or (job, None, why there is none)."""
    try:
        return job, make(job, threads), None
    except Interrupted:
        raise
    except InfosimError as error:
        return job, None, " ".join(str(error).split())


def _said(tries):
    """Which loads are tried, as one cell of a table."""
    numbers = " ".join(f"{name}={value}" for name, value in asdict(tries).items())
    return f"{type(tries).__name__.lower()} {numbers}"


def _joined(values):
    """Numbers as one cell of a table."""
    return " ".join(f"{value:.7g}" for value in values)
