"""Data that stay on disk, and many neurons: `python -m benchmarks.scale`.

Images of a data set, each shifted by up to two pixels and of a strength of its own, are written to
an .npy file in `--folder`, unless they are there; the seed says which. Every combination of the
listed numbers is trained on them for some batches in a process of its own, in turn with rows read
ahead, not ahead and, with `--in-memory`, from memory; with `--cold` also while none of the file is
in memory. An epoch is as many batches and as much evaluation as it has, at the measured speed.

    python -m benchmarks.scale --folder data --samples 10000,100000,1000000 --in-memory
    python -m benchmarks.scale --folder data --neurons 10000 --sparse 100 --group 3 --rounds 2

Memory is what the process has for itself ("own") and the pages of the file that it has looked at
("file"), which the system takes back when it needs them; the largest of each while it prepares,
trains and evaluates.
"""

import mmap
import os
import threading
import time
from itertools import product
from pathlib import Path

import click
import numpy as np

from benchmarks.step import (
    NATURAL,
    BadInput,
    in_own_process,
    integers,
    markdown,
    names,
    new_file,
    write_numbers,
)
from infosim.bench import timing
from infosim.errors import InfosimError
from infosim.files import atomic
from infosim.machine import mapped
from infosim.machine.randomness import generator

#: Images that are made at once, by random numbers of their own.
_AT_ONCE = 10_000
#: Streams of these beside those of experiments.
_STREAM = 120
_SHIFT = 2
#: Parts that are held out for validation and test, and images that are evaluated to tell the speed.
_HELD_OUT, _EVALUATED = 0.01, 4096


def made(folder, data, n, seed=0):
    """Files of n images (n, h, w) uint8 and of their classes (n,), written unless they are there.

    Raises
    ------
    DataError, ConfigError : as of `datasets.load`
    OSError : the folder cannot be written to
    """
    folder = Path(folder)
    paths = [folder / f"{data}-{n}-{seed}-{part}.npy" for part in ("images", "classes")]
    if all(path.exists() for path in paths):
        return paths
    from infosim.datasets import load

    dataset = load(data)
    images = dataset.train_x[:].reshape(-1, *dataset.image_shape[-2:])
    folder.mkdir(parents=True, exist_ok=True)
    classes = np.empty(n, np.uint8)
    with atomic(paths[0]) as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (n, *images.shape[1:])}
        np.lib.format.write_array_header_1_0(file, header)
        for first in range(0, n, _AT_ONCE):
            rng = generator(seed, _STREAM, first)
            chosen = rng.integers(len(images), size=min(_AT_ONCE, n - first))
            file.write(_varied(images[chosen], rng).tobytes())
            classes[first : first + len(chosen)] = dataset.train_y[chosen]
    with atomic(paths[1]) as file:
        np.save(file, classes)
    return paths


def _varied(images, rng):
    """The images (n, h, w), shifted by up to `_SHIFT` pixels, at 0.6 to 1 times their strength."""
    n, height, width = images.shape
    wide = np.pad(images, ((0, 0), (_SHIFT, _SHIFT), (_SHIFT, _SHIFT)))
    down, right = (rng.integers(2 * _SHIFT + 1, size=(n, 1)) for _ in range(2))
    rows, columns = down + np.arange(height), right + np.arange(width)
    shifted = wide[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return (shifted * rng.uniform(0.6, 1, (n, 1, 1))).astype(images.dtype)


class Passing(timing.Step):
    """Training steps that pass through the samples in random order, as an epoch does."""

    def __init__(self, experiment, dataset, threads=None):
        super().__init__(experiment, dataset, threads)
        order = self._rng.permutation(len(self.samples))
        self._rows, self._at = self.simulator.rows(self.samples, order), 0

    def __call__(self, ahead=True):
        """Train on the next batch; ahead: while rows of the one after it are read."""
        rows, at = self._rows, self._at
        self.simulator._feed.reader.ahead = ahead
        self._at = at = (at + 1) % (rows.shape[1] // self.batch - 1)
        spans = [slice(i * self.batch, (i + 1) * self.batch) for i in (at, at + 1)]
        self.learn(*(rows[:, span] for span in spans))


def measure(neurons, sparse, samples, threads, folder, data, in_memory, cold, group, rounds):
    """One configuration as a row of numbers by column name."""
    from infosim.datasets import Dataset
    from infosim.experiments import Experiment

    overrides = [f"layers.hidden.size={neurons}", f"data.validation={_HELD_OUT}"]
    if sparse != "dense":
        overrides.append(f"layers.hidden.compartments.L.connectivity='sparse({sparse})'")
    images, classes = made(folder, data, samples)
    now, began = time.perf_counter, time.perf_counter()
    with _Peak() as peak:
        x, y = np.load(images, mmap_mode="r"), np.load(classes)
        dataset = Dataset.of(x, y, test=_HELD_OUT)
        experiment = Experiment.load(timing.PRESETS[3], overrides).on(dataset)
        step = Passing(experiment, dataset, threads)
        step()
        prepared = now() - began
        _, validation, test = experiment.samples(dataset)
        shown = test.subset(np.arange(min(_EVALUATED, len(test))))
        began = now()
        step.simulator.evaluate(shown)
        evaluated = (now() - began) / len(shown) * (len(validation) + len(test))
        step()
    calls = {"ahead_ms": step, "waiting_ms": lambda: step(ahead=False)}
    found = _cold(step, images, x, group, rounds) if cold else {}
    if in_memory:
        loaded = Dataset.of(np.load(images), y, test=_HELD_OUT)
        calls["memory_ms"] = Passing(experiment.on(loaded), loaded, threads)
    seconds = timing.alternate(calls, rounds, group)
    found = {name: _median(values) for name, values in seconds.items()} | found
    training = -(-len(step.samples) // step.batch) * min(found["ahead_ms"], found["waiting_ms"])
    return {
        "neurons": neurons, "lateral": sparse, "samples": samples, "batch": step.batch,
        "threads": step.simulator.workers.n_threads, "prepared_s": prepared, **found,
        "evaluated_s": evaluated, "epoch_s": training / 1e3 + evaluated,
        "own_mb": peak.own, "file_mb": peak.file,
    }  # fmt: skip


def _median(seconds):
    return 1e3 * float(np.median(seconds))


def _cold(step, path, x, group, rounds):
    """Times of the step while the rows that it reads are on disk alone.

    That is: with rows read ahead; not ahead; and one after the other as they are touched, where the
    system reads much around each, after which all of the file is in memory.
    """
    now = time.perf_counter
    always, never = (0.0, 0.0), (np.inf, np.inf)  # asked for beforehand, all at once
    ways = {
        "cold_ms": (True, always, 1, group), "cold_waiting_ms": (False, always, 1, group),
        "single_ms": (False, never, 2, 1),
    }  # fmt: skip
    seconds, was = {name: [] for name in ways}, mapped._SLOW

    def forget():
        x._mmap.madvise(mmap.MADV_DONTNEED)
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    try:
        for _, (name, (ahead, slow, n_groups, n)) in product(range(rounds), ways.items()):
            mapped._SLOW = slow
            step(ahead)  # which may have been read already, and looks whether rows are slow to come
            for _ in range(n_groups):
                forget()
                for _ in range(n):
                    began = now()
                    step(ahead)
                    seconds[name].append(now() - began)
    finally:
        mapped._SLOW = was
    return {name: _median(values) for name, values in seconds.items()}


class _Peak:
    """A context in which a thread looks for this process's largest memory.

    own : what it had for itself, MB; file : pages of files
    """

    def __enter__(self):
        self.own = self.file = float("nan")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name="infosim-peak")
        self._thread.start()
        return self

    def _look(self):
        while True:
            own, file = resident()
            self.own, self.file = float(np.fmax(self.own, own)), float(np.fmax(self.file, file))
            if self._end.wait(0.02):
                return

    def __exit__(self, *error):
        self._end.set()
        self._thread.join()


def resident():
    """MB in memory that this process has for itself, and of files; nan where no system tells."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return float("nan"), float("nan")
    table = dict(line.split(":", 1) for line in lines)
    return tuple(int(table[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile"))


@click.command()
@click.option("--folder", default="scale", show_default=True, help="Where the data are, or go.")
@click.option("--data", default="mnist", show_default=True, help="Data set of the images.")
@click.option("--samples", default="1000000", show_default=True, callback=integers)
@click.option("--neurons", default="100", show_default=True, callback=integers)
@click.option("--sparse", default="dense", show_default=True, callback=names,
              help="Lateral connections per neuron, or dense.")  # fmt: skip
@click.option("--threads", default="2", show_default=True, callback=integers)
@click.option("--in-memory", is_flag=True, help="Beside the same data in memory.")
@click.option("--cold", is_flag=True, help="And with nothing of the file in memory (Linux).")
@click.option("--group", default=10, show_default=True, type=NATURAL, help="Batches of a group.")
@click.option("--rounds", default=3, show_default=True, type=NATURAL, help="Groups of each.")
@click.option("--csv", "table", callback=new_file, help="Write all numbers there.")
def main(folder, data, samples, neurons, sparse, threads, in_memory, cold, group, rounds, table):
    """Print time and memory by neurons and samples as a Markdown table."""
    rows = []
    for n in samples:
        if n < 4096:
            raise click.BadParameter(f"samples must be at least 4096, was {n}")
    if cold and not hasattr(os, "posix_fadvise"):
        raise click.BadParameter("--cold needs a system that has posix_fadvise")
    try:
        for settings in product(neurons, sparse, samples, threads):
            given = folder, data, in_memory, cold, group, rounds
            rows.append(in_own_process(measure, *settings, *given))
            click.echo(".", nl=False, err=True)
    except InfosimError as error:
        raise BadInput(str(error)) from None
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to ({error.strerror})") from None
    click.echo(err=True)
    header = ["neurons", "lateral", "samples", "prepared, s", "ahead, ms", "not ahead, ms"]
    header += ["in memory, ms"] * in_memory
    header += ["cold, ahead, ms", "cold, not ahead, ms", "cold, row by row, ms"] * cold
    header += ["epoch, s", "own memory, MB", "file, MB"]
    markdown(header, [_cells(row) for row in rows])
    if table:
        write_numbers(table, rows, 4)


def _cells(row):
    times = [f"{value:.2f}" for name, value in row.items() if name.endswith("_ms")]
    return [
        *(str(row[name]) for name in ("neurons", "lateral", "samples")),
        f"{row['prepared_s']:.1f}", *times,
        *(f"{row[name]:.0f}" for name in ("epoch_s", "own_mb", "file_mb")),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
