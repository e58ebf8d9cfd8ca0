"""How work is stopped by signals, so that nothing of it is lost."""

import signal
import threading
from contextlib import contextmanager

from infosim.errors import InfosimError

#: Signals that end a training after it has saved; SIGHUP is of POSIX, SIGBREAK of Windows.
STOPPING = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


class Interrupted(InfosimError):
    """Training was stopped by the user or the system after saving a checkpoint.

    number : of the signal that stopped it
    """

    def __init__(self, message, number=signal.SIGINT):
        super().__init__(message, number)
        self.number = number

    def __str__(self):
        return self.args[0]

    @property
    def exit_code(self):
        return 128 + self.number


@contextmanager
def signals():
    """Collect the signals that stop instead of dying of them.

    A second one of a kind acts as usual. SIGHUP that is ignored (nohup) stays so.
    """
    arrived = []
    if threading.current_thread() is not threading.main_thread():
        yield arrived
        return
    before = {}

    def note(number, frame):
        if number in arrived:
            signal.signal(number, before[number])
            signal.raise_signal(number)  # os.kill would end the process at once on Windows
        arrived.append(number)

    for number in STOPPING:
        before[number] = signal.getsignal(number)
        if number == signal.SIGINT or before[number] != signal.SIG_IGN:
            signal.signal(number, note)
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stopped_by_signals():
    """All but SIGINT raise Interrupted, as Ctrl-C raises KeyboardInterrupt."""
    before = {}

    def stop(number, frame):
        raise Interrupted("stopped", number)

    if threading.current_thread() is threading.main_thread():
        for number in STOPPING:
            if number != signal.SIGINT and signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
