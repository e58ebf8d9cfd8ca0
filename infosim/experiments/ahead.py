"""A second process that compiles kernels of a training, while the first is about others of them,
and draws the picture of what was trained.

Numba compiles one function at a time in a process. So where no kernels are kept yet, as after
installing, a process of its own is given a training's configuration, finds out what kernels it
will call, with what types, and compiles them into the cache. Of those that the next batch needs
the training takes the longest, and then both the longest that neither has begun, of which they tell
each other; either waits only for what the other is compiling already. Nothing depends on it:
without a second processor, or a cache that can be written to, or where it fails, the training
compiles everything itself. It ends when the pipe from the training does.

While the training goes on it imports what pictures take, which is half of the time that one takes.
"""

import gc
import json
import os
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue

from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

from infosim import jit, standby
from infosim.datasets.catalogue import is_own

#: Seconds that a kernel is waited for: one that takes longer is compiled here as well.
_PATIENCE = 60


@contextmanager
def compiling(experiment, backend, threads):
    """A context in which kernels of this training may be compiled by a second process, too.

    Data of a user's own are not read twice, which may take longer than kernels do.
    """
    own = is_own(experiment.config["data"]["name"])
    of_use = standby.is_of_use(backend, threads) and not own and jit.another is None
    if not of_use or jit.filled() is not False:
        standby.end()
        yield
        return
    jit.another = another = Another(standby.taken())
    try:
        another.say(json.dumps(experiment.config))
        yield
    finally:
        jit.another = None
        another.stop()


def share(experiment, dataset):
    """Let this process know as well what its training is about to call, if there is a second."""
    if jit.another is not None:
        with suppress(Exception):  # then kernels are compiled when they are called
            jit.another.groups = _groups(experiment, dataset)


def draws(folders):
    """Let the second process draw the pictures of runs; whether there is one, and has drawn them.

    Where matplotlib is known here already its settings may be a user's own, which pictures follow.
    """
    there = jit.another is not None and "matplotlib" not in sys.modules
    return there and jit.another.draws(folders)


class Peer:
    """The other of the two processes, from the side of either.

    Attributes
    ----------
    groups : `_groups` of the training, empty where they are not known
    """

    def __init__(self):
        self.groups, self._sharing = [], False
        self._changed = threading.Condition()
        #: names of kernels that it has begun, and ended, and whether it says nothing any more
        self.begun, self._ended, self._silent = set(), set(), False
        #: names of those that this process has begun, and not ended
        self._own = set()

    def compiles(self, name):
        """Wait until it has compiled the kernel of this name, if it has begun to; whether it had.

        Else it is told to leave that to this process. Others of the same batch that it has not
        begun are compiled before, as long as there is something to wait for, or they take longer.
        """
        if not self._sharing:
            self._sharing = True  # of these none is asked for twice
            try:
                self._compile_before(name)
            finally:
                self._sharing = False
        with self._changed:
            if name in self.begun:
                self._changed.wait_for(lambda: name in self._ended or self._silent, _PATIENCE)
                return True
        self._own.add(name)
        self.say(f"begin {name}")
        return False

    def _compile_before(self, name):
        group = next((group for group in self.groups if name in group), {})
        for other, (kernel, types) in group.items():
            if other not in self._own | (self.begun - self._ended):
                if other == name:
                    return
                self.compile(kernel, types)

    def compile(self, kernel, types):
        """Compile a kernel before it is called; that will say what is wrong, if it cannot be."""
        before = set(self._own)
        with suppress(Exception):
            kernel.compile(types)
        for name in self._own - before:  # that could not be
            self.has(name)

    def has(self, name):
        """Tell it that this process has compiled the kernel of this name, and kept it if it can."""
        self._own.discard(name)
        self.say(f"end {name}")

    def listen(self, lines):
        """Take note of what it says, until it ends."""
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            with self._changed:
                self._heard(word, rest)
                self._changed.notify_all()
        with self._changed:
            self._silent = True
            self._changed.notify_all()

    def _heard(self, word, rest):
        (self.begun if word == "begin" else self._ended).add(rest)


class Another(Peer):
    """The process, from the side of the training; none, if it cannot be started.

    Parameters
    ----------
    process : of `standby.start`
    """

    def __init__(self, process):
        super().__init__()
        self._process, self._drawn = process, None
        if process is not None:
            threading.Thread(target=self._listen, daemon=True).start()

    def say(self, line):
        """Send it a line."""
        if self._process is not None:
            with suppress(OSError, ValueError):  # it has ended
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()

    def draws(self, folders):
        """Let it draw the pictures of runs; whether it has, without any warning."""
        self.say("draw " + json.dumps([str(Path(folder).absolute()) for folder in folders]))
        with self._changed:
            self._changed.wait_for(lambda: self._drawn is not None or self._silent, _PATIENCE)
        return self._drawn == "well"

    def _heard(self, word, rest):
        if word == "drawn":
            self._drawn = rest
        else:
            super()._heard(word, rest)

    def stop(self):
        """Let it end, at once but for a file that it is writing."""
        if self._process is not None:
            with suppress(OSError):
                self._process.stdin.close()
            try:
                self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _listen(self):
        with self._process.stdout as told:
            self.listen(told)


# -- the other side -------------------------------------------------------------------------------


class _Training(Peer):
    """The training, from the side of the process that compiles beside it."""

    def __init__(self, answers):
        super().__init__()
        self._answers, self._folders = answers, SimpleQueue()

    def say(self, line):
        print(line, file=self._answers, flush=True)

    def _heard(self, word, rest):
        if word == "draw":
            self._folders.put(json.loads(rest))
        else:
            super()._heard(word, rest)

    def draw(self):
        """Draw the pictures that are asked for, when they are."""
        from infosim.experiments import picture

        import_module("infosim.plotting")  # while there is time
        folders = self._folders.get()
        with jit.writing, warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            picture.write_summaries(folders)
        self.say("drawn " + ("badly" if told else "well"))  # then the training does, and tells


def main(commands, answers):
    """Compile what the training of the configuration in the first line of `commands` will call.

    commands, answers : then lines, "begin NAME" and "end NAME" of each kernel that is compiled by
        the training and here; "draw FOLDERS" of the training, "drawn well" or "drawn badly" of this
    """
    gc.disable()  # it ends before there is much
    from infosim.experiments import Experiment

    # all that can be done before there is a training
    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    line = commands.readline()
    if not line:  # there is no training
        return
    jit.another = training = _Training(answers)

    def listen():
        training.listen(commands)
        with jit.writing:  # no file stays half-written
            os._exit(0)

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    experiment = Experiment("", json.loads(line))
    for group in _groups(experiment, experiment.dataset()):
        # what the training begins with calls what comes next here
        for name in sorted(group, key=lambda name: group[name][0].__name__ in _OF_TRAINING):
            if name not in training.begun:
                training.compile(*group[name])
    training.draw()
    listening.join()  # which ends the process at once: to take all down takes a third of a second


def _groups(experiment, dataset):
    """What a training will call: `_called`, and what that calls by name, as it is best compiled.

    Each is {name of the kernel's file: (compiled function, types of its arguments)}, of those that
    are kept.
    """
    from infosim.experiments.run import prepared

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are the training's own
        training, _, _ = prepared([experiment], dataset, "cpu", 1)
        called = _called(training)
    whole = ([part for one in group for part in (*jit.calls(*one), one)] for group in called)
    return [
        {name: one for one in _in_order(group) if (name := jit.name_of(*one)) is not None}
        for group in whole
    ]


def _called(training):
    """The kernels that a batch calls which measures, the further ones of one that learns, and of
    what is found out about bins when the first epoch that learns is over (`analysis.health`).

    Each (compiled function, types of its arguments), in order. None is called.
    """
    called, simulator = [], training.simulator

    def take(stage):
        for calls in stage:
            for function, arguments in calls:
                if isinstance(function, Dispatcher):
                    one = function, tuple(map(function.typeof_pyval, arguments))
                    if one not in called:
                        called.append(one)

    simulator.workers.run = take
    training.advance()
    measuring = len(called)
    for history in training.histories:  # as if the first epoch, which does not learn, were over
        history.seconds.append(0.0)
    training.position = 0
    training.advance()
    learning = len(called)
    for layer in simulator.network.layers:
        if layer.has_goal:
            simulator.bins(layer.name)
    return called[:measuring], called[measuring:learning], called[learning:]


def _in_order(kernels):
    """What takes longest first, so that both processes end at about the same time."""
    rank = {name: i for i, name in enumerate(_LONGEST)}
    return sorted(kernels, key=lambda one: rank.get(one[0].__name__, len(rank)))


#: Kernels that the training begins with, and what they call that takes long; then others that do,
#: from more than a second down to a quarter.
_OF_TRAINING = "tabulate", "information", "score"
_LONGEST = (
    *_OF_TRAINING, "hard", "soft", "price", "informations",
    "activate", "_draw", "chain", "accumulate_remainder", "project_remainder", "project_sparse",
    "classify", "adam",
)  # fmt: skip

if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
