"""Capacity: the largest load, in patterns per neuron, at which a memory recalls what it learnt.

A directory holds capacity.toml (settings, and how loads are tried), networks/, a file for each
network that was trained, and what is made of these alone: networks.csv, capacity.json and
capacity.png. Whatever is killed, the next start goes on with the networks that are not there. One
process at a time works on a directory; those it starts each search the capacity of other seeds.
"""

import csv
import hashlib
import io
import json
import re
import signal
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from math import isfinite, nan
from pathlib import Path

import numpy as np
import tomli_w

from infosim.errors import CheckpointError, ConfigError, InfosimError, integer
from infosim.experiments import store
from infosim.experiments.engines import engine
from infosim.experiments.experiment import Experiment
from infosim.experiments.identity import differences, key
from infosim.experiments.loads import Bisection, Loads, Steps, loads_of
from infosim.experiments.memories import Tried, experiment_of, prepared, tried
from infosim.experiments.reading import parse
from infosim.experiments.stopping import Interrupted, signals, stopped_by_signals
from infosim.experiments.tables import ALL, DESCRIPTIONS
from infosim.kernels import backend as backends
from infosim.kernels.workers import available
from infosim.tasks import Recall

PLAN, LEDGER, TABLE, RESULT, PICTURE = (
    "capacity.toml", "networks", "networks.csv", "capacity.json", "capacity.png",
)  # fmt: skip
#: Capacities that others are seen beside, by their names (Amit, Gutfreund and Sompolinsky 1985;
#: Gardner 1988). That of errorless storage is no ceiling of ours, which allows wrong bits.
BESIDE = {"Hopfield, α = 0.14": 0.14, "2 N, for errorless storage (Gardner)": 2.0}


def chosen(experiment, sweep=None, of_sweep=(), of_bisection=(), of_both=()):
    """The `Loads` for an experiment, those that are usual but for what is given.

    sweep : the name of a published one, or None
    of_sweep, of_bisection, of_both : fields of `Steps`, of a `Bisection` and of `Loads`, None if
        not given

    Raises
    ------
    ConfigError : an unknown sweep, numbers of a sweep and of a bisection, out of range
    """
    tables = (of_sweep, of_bisection, of_both)
    steps, halves, both = (
        {name: one for name, one in dict(table).items() if one is not None} for table in tables
    )
    if halves and (steps or sweep is not None):
        theirs = "sweep" if sweep is not None else next(iter(steps))
        raise ConfigError(
            f"{next(iter(halves))} is of a bisection, {theirs} of a sweep; give one of them"
        )
    if steps or sweep is not None:
        return replace(Steps() if sweep is None else loads_of(sweep), **steps | both)
    return replace(_Plan.of(experiment, None).loads, **halves | both)


# -- all of them -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Capacity:
    """What is known of a memory's capacity.

    loads : seed -> capacity, in patterns per neuron, of the seeds that are done
    left : seeds that are not; failed : seed -> why
    networks : seed -> list of `Tried`, by number of patterns
    most : whether some capacity may be larger than the largest load that was tried
    out : the directory
    """

    loads: dict
    left: tuple
    failed: dict
    networks: dict = field(repr=False)
    most: bool
    out: Path

    @property
    def mean(self):
        """Over seeds, nan without any."""
        return float(np.mean(list(self.loads.values()))) if self.loads else nan

    @property
    def error(self):
        """The standard error of the mean, nan of fewer than two seeds."""
        values = list(self.loads.values())
        return float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else nan

    def __str__(self):
        n = len(self.loads)
        if not n:
            return "capacity not known yet"
        least = "at least " if self.most else ""
        if n == 1:
            return f"capacity {least}{self.mean:.3f} patterns per neuron (1 seed)"
        return (
            f"capacity {least}{self.mean:.3f} ± {self.error:.3f} patterns per neuron "
            f"(mean ± standard error of {n} seeds)"
        )


def capacity(
    experiment, out=None, *, seeds=5, loads=None, jobs=None, stack=1, threads=None, backend="cpu",
    report=None,
):  # fmt: skip
    """Find out how many patterns per neuron a memory recalls after training, seed by seed.

    What is there in `out` is taken, also of fewer seeds.

    Parameters
    ----------
    experiment : Experiment whose task is recall, on the data set "patterns"
    out : the directory; by default capacities/<name>-<hash of settings and loads>
    seeds : how many, from 0 on; or which, a list
    loads : `Loads` to be tried, or the name of a published sweep; by default a `Bisection` that
        begins at the experiment's own load
    jobs : processes on this machine; by default one for each CPU if joblib is there, else one
    stack : networks of one load, of several seeds, that a process simulates side by side
    threads : of each process; by default the CPUs shared out among the jobs
    backend : "cpu", "cuda", "auto"
    report : called with the `Capacity` so far at the beginning and whenever seeds are done

    Returns
    -------
    Capacity

    Raises
    ------
    ConfigError : another task, no number of patterns to choose, a number out of range
    CheckpointError : the directory is in use, of other settings, or cannot be written
    Interrupted : stopped by the user; the networks that are done are kept
    """
    seeds = _seeds(seeds)
    plan = _Plan.of(experiment, loads)
    stack = integer("stack", stack)
    jobs = _jobs(jobs, -(-len(seeds) // stack))
    threads = max(1, available() // jobs) if threads is None else integer("threads", threads)
    backend = backends.resolve(backend)
    out = plan.directory if out is None else Path(out)
    with engine(jobs if jobs > 1 else None) as carry_out, store.held(out) as (held,):
        plan.prepare(out)
        before = plan.state(out, seeds)
        groups = [before.left[i : i + stack] for i in range(0, len(before.left), stack)]
        options = {"plan": plan, "out": str(out.absolute()), "threads": threads, "backend": backend}
        waiting = _Groups(groups, options, partial(plan.state, out, seeds), report)
        try:
            with stopped_by_signals():
                carry_out(waiting)
        except (Interrupted, KeyboardInterrupt) as error:
            number = getattr(error, "number", signal.SIGINT)
            raise Interrupted(f"stopped; to continue: the same command ({out})", number) from None
        finally:
            held.check()
            found = plan.state(out, seeds, waiting.failures)
            write(found)
    return found


def _seeds(seeds):
    """The seeds asked for, as a tuple."""
    if isinstance(seeds, list | tuple | range | np.ndarray):
        found = tuple(integer("a seed", one, 0, 2**32 - 1) for one in seeds)
        if len(set(found)) < len(found) or not found:
            raise ConfigError(f"seeds must be different ones, and one at least, were {list(seeds)}")
        return found
    return tuple(range(integer("seeds", seeds, 1, 100_000)))


def _jobs(jobs, groups):
    """The number of processes."""
    if jobs is None:
        jobs = min(available(), groups) if find_spec("joblib") else 1
    return min(integer("jobs", jobs), groups)


@dataclass(frozen=True)
class _Plan:
    """A memory and the loads that are tried with it: all that a process needs.

    experiment : with the batch "all" if it learns from all patterns at once
    neurons : of the layer that recalls
    """

    experiment: Experiment
    loads: Loads
    neurons: int

    @classmethod
    def of(cls, experiment, loads):
        """Raise ConfigError unless a capacity of this experiment can be asked for."""
        data, training = experiment.config["data"], experiment.config["training"]
        task = experiment.task(experiment.dataset())
        if not isinstance(task, Recall):
            raise ConfigError(
                f"a capacity is that of an associative memory, a network that recalls; the task of "
                f"{experiment.name} is {task.name!r}"
            )
        if "patterns" not in data["options"]:
            raise ConfigError(
                f"a capacity needs as many patterns as are asked for, of the data set 'patterns'; "
                f"the patterns of {experiment.name} are those of {data['name'] or 'own data'!r}"
            )
        neurons, own = experiment.config["layers"][task.layer]["size"], data["options"]["patterns"]
        if loads is None:
            loads = Bisection(guess=own / neurons)
        elif isinstance(loads, str):
            loads = loads_of(loads)
        elif not isinstance(loads, Loads):
            raise ConfigError(f"loads must be Loads or the name of a sweep, was {loads!r}")
        if isinstance(loads, Steps) and not loads.numbers(neurons):
            numbers = loads.numbers(neurons)
            raise ConfigError(
                f"there is no load to try with {neurons} neurons: start {loads.start:g} and stop "
                f"{loads.stop:g} are {numbers.start} and {numbers.stop} patterns; stop must be more"
            )
        config = deepcopy(experiment.config)
        for name in DESCRIPTIONS:
            del config[name]
        config["training"] = training | {
            "seed": 0, "batch": ALL if training["batch"] >= own else training["batch"],
        }  # fmt: skip
        del config["data"]["options"]["patterns"]
        made = cls(Experiment(experiment.name, config), loads, neurons)
        prepared(made.experiment, 1, [0], 1, "cpu")  # what cannot be is told before it begins
        return made

    def table(self):
        """What the directory's file says."""
        loads = {"kind": type(self.loads).__name__.lower()} | asdict(self.loads)
        return {"experiment": self.experiment.name, "loads": loads} | self.experiment.config

    @property
    def directory(self):
        """Where the results go by default: of its own for other settings and loads."""
        said = json.dumps([key(experiment_of(self.experiment, 1, 0).config), self.table()["loads"]])
        name = self.experiment.name.replace("/", "-")
        return Path("capacities") / f"{name}-{hashlib.sha256(said.encode()).hexdigest()[:6]}"

    def prepare(self, out):
        """Make the directory, or check that what it holds is of this plan."""
        text, path = tomli_w.dumps(self.table()), out / PLAN
        store.tidy(out, [PLAN, TABLE, RESULT, PICTURE])
        try:
            before = parse(store.read_text(path))
        except FileNotFoundError:
            before = None
        except (CheckpointError, ConfigError) as error:
            raise CheckpointError(f"{path} is damaged: {error}; use another --out") from None
        if before is not None:
            was = differences(before, parse(text), {"experiment"})
            if was:
                raise CheckpointError(f"{out} holds another capacity: {was}; use another --out")
        elif any(one.name not in (".lock", ".holder.json") for one in out.iterdir()):
            raise CheckpointError(f"{out} holds something else than a capacity; use another --out")
        if before is None:  # before all else: it says whose the directory is
            store.write_text(path, text)
        try:
            (out / LEDGER).mkdir(exist_ok=True)
        except OSError as error:
            raise CheckpointError(f"cannot write {out}: {error.strerror}") from None
        for left in (out / LEDGER).glob(".*.tmp"):
            left.unlink(missing_ok=True)

    def state(self, out, seeds, failed=()):
        """The `Capacity` by what is in a directory."""
        failed = dict(failed)
        networks = {seed: read_networks(Path(out) / LEDGER, seed, self.neurons) for seed in seeds}
        done, most = {}, False
        for seed, some in networks.items():
            found = {one.patterns: one.overlap for one in some}
            if self.loads.following(found, self.neurons) is None:
                m = self.loads.capacity(found, self.neurons)
                done[seed] = m / self.neurons
                most |= bool(m) and m == max(found)
        left = tuple(seed for seed in seeds if seed not in done and seed not in failed)
        return Capacity(done, left, failed, networks, most, Path(out))


class _Groups:
    """Groups of seeds as `engines.Jobs`, each named by its seeds.

    state : function of the failures so far -> the `Capacity`
    """

    def __init__(self, groups, options, state, report):
        self.call, self.left = partial(_search, **options), {one: one for one in groups}
        self._state, self._report, self._folder = state, report, Path(options["out"]) / LEDGER
        self.failures = {}
        self.tell(())

    def tell(self, running, result=None):
        self.failures |= {seed: why for seed, why in (result or {}).items() if why is not None}
        if self._report is not None:
            self._report(self._state(self.failures))

    def begun(self, seeds):
        return any(any(self._folder.glob(f"seed{seed}-*.json")) for seed in seeds)

    def ended(self, seeds):
        return None

    def failed(self, seeds, error):
        return dict.fromkeys(seeds, " ".join(str(error).split()))


def _search(seeds, plan, out, threads, backend):
    """Try loads until the capacity of these seeds is known; seed -> None, or why it failed.

    Seeds that come to the same load are simulated side by side.
    """
    folder, failed = Path(out) / LEDGER, {}
    with signals() as arrived:
        while True:
            asked = {}
            for seed in seeds:
                some = read_networks(folder, seed, plan.neurons)
                found = {one.patterns: one.overlap for one in some}
                m = None if seed in failed else plan.loads.following(found, plan.neurons)
                if m is not None:
                    asked.setdefault(m, []).append(seed)
            if not asked:
                return dict.fromkeys(seeds) | failed
            m, together = max(asked.items(), key=lambda one: len(one[1]))
            options = {"until": plan.loads.until, "threads": threads, "backend": backend}
            failed |= _try(folder, plan.experiment, m, together, **options, stopped=arrived)


def _try(folder, experiment, patterns, seeds, **options):
    """Try networks of these seeds, and write down what became of each; seed -> why it failed."""
    try:
        for one in tried(experiment, patterns, seeds, **options):
            store.write_json(folder / f"seed{one.seed}-{patterns}.json", asdict(one))
        return {}
    except Interrupted:
        raise
    except InfosimError as error:
        if len(seeds) == 1:
            return {seeds[0]: f"{patterns} patterns: {' '.join(str(error).split())}"}
    failed = {}
    for seed in seeds:  # what is wrong with one must not stop the others
        failed |= _try(folder, experiment, patterns, [seed], **options)
    return failed


# -- results ---------------------------------------------------------------------------------------


def read_networks(folder, seed, neurons):
    """The networks of a seed that were tried, by number of patterns.

    A file that is damaged, or of another network than its name says, is none: it is to be tried
    again.
    """
    found = []
    for path in Path(folder).glob(f"seed{seed}-*.json"):
        name = re.fullmatch(r"seed\d+-([1-9]\d{0,8})\.json", path.name)
        try:
            one = store.read_json(path)
        except (FileNotFoundError, CheckpointError):
            continue
        if name and _fits(one, seed, int(name[1]), neurons):
            found.append(Tried(**one))
    return sorted(found, key=lambda one: one.patterns)


def _fits(one, seed, patterns, neurons):
    """Whether what was read is what `_search` wrote of such a network."""
    kinds = Tried.__annotations__
    return (
        isinstance(one, dict)
        and one.keys() == kinds.keys()
        and all(type(one[name]) in (int, kind) for name, kind in kinds.items())
        and all(isfinite(float(value)) for value in one.values())
        and (one["seed"], one["patterns"]) == (seed, patterns)
        and one["load"] == patterns / neurons
        and -1 <= one["overlap"] <= 1
    )


def write(found):
    """Write networks.csv, capacity.json and capacity.png, of a `Capacity`."""
    rows = [asdict(one) for some in found.networks.values() for one in some]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Tried.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    store.write_text(found.out / TABLE, text.getvalue())
    store.write_json(found.out / RESULT, {
        "capacity": found.mean, "standard_error": found.error, "at_least": found.most,
        "seeds": {str(seed): load for seed, load in found.loads.items()},
        "failed": {str(seed): why for seed, why in found.failed.items()},
    })  # fmt: skip
    if rows:
        draw(found)


def draw(found):
    """Write capacity.png, of a `Capacity`; what goes wrong with it is an InfosimWarning."""
    with store.picture(found.out / PICTURE):
        from infosim.plotting import save
        from infosim.plotting.capacity import capacity as picture

        plan = parse(store.read_text(found.out / PLAN))
        networks = {
            seed: [(one.load, one.overlap) for one in some] for seed, some in found.networks.items()
        }
        figure = picture(
            networks, found.loads, found.mean, found.error, BESIDE, plan["loads"]["recalled"],
            title=f"{plan['experiment']}: {found}",
        )  # fmt: skip
        with store.atomic(found.out / PICTURE) as file:
            save(figure, file, "png", dpi=200)
