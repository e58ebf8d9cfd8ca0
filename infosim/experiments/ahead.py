"""A second process that compiles kernels of a training, while the first is about others of them.

Numba compiles one function at a time in a process. So where no kernels are kept yet, as after
installing, a process of its own is given a training's configuration, finds out what kernels it will
call, with what types, and compiles them into the cache, the long ones and those needed last first.
Each tells the other what it has begun; the training waits only for what is being compiled already.
Nothing depends on it: without a second processor, or a cache that can be written to, or where it
fails, the training compiles everything itself. It ends when the pipe from the training does.
"""

import gc
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from infosim import jit
from infosim.cpus import available
from infosim.datasets.catalogue import is_own

#: Seconds that a kernel is waited for: one that takes longer is compiled here as well.
_PATIENCE = 60


@contextmanager
def compiling(experiment, backend, threads):
    """A context in which kernels of this training may be compiled by a second process, too.

    Data of a user's own are not read twice, which may take longer than kernels do.
    """
    alone = threads == 1 or available() == 1 or is_own(experiment.config["data"]["name"])
    alone = alone or "python" not in Path(sys.executable or "").name.lower()  # within a program
    if alone or backend != "cpu" or jit.another is not None or jit.filled() is not False:
        yield
        return
    # -P: whatever lies in the working folder is not taken for a module
    jit.another = another = Another([sys.executable, "-P", "-W", "ignore", "-m", __name__])
    try:
        another.say(json.dumps(experiment.config))
        yield
    finally:
        jit.another = None
        another.stop()


class Another:
    """The process, from the side of the training; none, if it cannot be started.

    Parameters
    ----------
    command : what to start, with arguments; modules are looked for where they are looked for here
    """

    def __init__(self, command):
        self._changed = threading.Condition()
        #: names of kernels it has begun and not ended, and whether it says nothing any more
        self._begun, self._ended = set(), False
        path = os.pathsep.join(filter(None, sys.path))
        try:
            self._process = subprocess.Popen(
                command, env=os.environ | {"PYTHONPATH": path},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, encoding="utf-8",
            )  # fmt: skip
        except (OSError, ValueError):  # no memory, or no interpreter to be started
            self._process = None
        else:
            threading.Thread(target=self._listen, daemon=True).start()

    def compiles(self, name):
        """Wait until it has compiled the kernel of this name, if it has begun to; whether it had.

        Else it is told to leave that to this process.
        """
        with self._changed:
            if name in self._begun:
                self._changed.wait_for(lambda: name not in self._begun or self._ended, _PATIENCE)
                return True
        self.say(name)
        return False

    def say(self, line):
        """Send it a line."""
        if self._process is not None:
            with suppress(OSError, ValueError):  # it has ended
                self._process.stdin.write(line + "\n")
                self._process.stdin.flush()

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
            for line in told:
                word, _, name = line.strip().partition(" ")
                with self._changed:
                    (self._begun.add if word == "begin" else self._begun.discard)(name)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


# -- the other side -------------------------------------------------------------------------------


def main(commands, answers):
    """Compile what the training of the configuration in the first line of `commands` will call.

    commands : then a line with the name of each kernel that the training compiles itself
    answers : written, "begin NAME" and "end NAME" of each that is compiled here
    """
    gc.disable()  # it ends before there is much
    config = json.loads(commands.readline())
    taken = set()

    def listen():
        for line in commands:
            taken.add(line.strip())
        with jit.writing:  # no file stays half-written
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()

    from infosim.experiments import Experiment
    from infosim.experiments.run import prepared

    experiment = Experiment("", config)
    training, _, _ = prepared([experiment], experiment.dataset(), "cpu", 1)
    for kernel, types in _in_order(*_called(training)):
        name = jit.name_of(kernel, types)
        if name is None or name in taken:
            continue
        print("begin", name, file=answers, flush=True)
        with suppress(Exception):  # the training will say what is wrong
            kernel.compile(types)
        print("end", name, file=answers, flush=True)


def _called(training):
    """The kernels that a batch calls which measures, and the further ones of one that learns.

    Each (compiled function, types of its arguments), in order. None is called.
    """
    called = []

    def take(stage):
        for calls in stage:
            for function, arguments in calls:
                if isinstance(function, Dispatcher):
                    one = function, tuple(map(function.typeof_pyval, arguments))
                    if one not in called:
                        called.append(one)

    training.simulator.workers.run = take
    training.advance()
    measuring = list(called)
    for history in training.histories:  # as if the first epoch, which does not learn, were over
        history.seconds.append(0.0)
    training.position = 0
    training.advance()
    return measuring, called[len(measuring) :]


def _in_order(measuring, learning):
    """What the training needs first and what takes longest first; the rest from the end."""
    for group in measuring, learning:
        backwards = list(reversed(group))
        yield from sorted(backwards, key=lambda one: one[0].__name__ not in _LONGEST)


#: Kernels that take as long to compile as all others of a batch.
_LONGEST = {"information", "score"}

if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
