"""Threads survive a fork: the child has none of its parent's and computes the same bits."""

import multiprocessing
import sys
import threading
import traceback
import warnings
from contextlib import ExitStack, contextmanager

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from infosim.engine import Simulator
from infosim.errors import ConfigError
from infosim.kernels import workers as module
from infosim.kernels.workers import Workers, blocks, tiles
from infosim.network import Compartment, Layer, Network
from infosim.neuron import Activation

# macOS's own BLAS does not survive a fork, Windows does not fork
forks = pytest.mark.skipif(sys.platform != "linux", reason="forks")

N, BATCH = 100, 512
X = np.random.default_rng(0).normal(size=(BATCH, 20))


def used(threads, steps=2):
    """A simulator that has learned, with a layer large enough to be shared out."""
    layer = Layer("h", N, [Compartment("F", "x")], Activation("sum"), goal="{F}")
    simulator = Simulator(Network({"x": X.shape[1]}, [layer]), seed=3, threads=threads)
    for _ in range(steps):
        simulator.step({"x": X})
    return simulator


def learned(simulator, steps=2):
    """The bits of all arrays after further steps."""
    for _ in range(steps):
        simulator.step({"x": X})
    return bits(simulator)


def bits(simulator):
    return {name: np.array(array).tobytes() for name, array in simulator.arrays().items()}


def blas_threads():
    blas = ThreadpoolController().select(user_api="blas")
    return {library["num_threads"] for library in blas.info()}


def in_a_fork(function, seconds=60):
    """What `function` returns in a forked child; one that hangs is a failure."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def run():
        try:
            there.send((function(), None))
        except BaseException:
            there.send((None, traceback.format_exc()))

    child = context.Process(target=run)
    with warnings.catch_warnings():
        # from Python 3.12 on: who forks beside other threads must know what he does
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    try:
        assert here.poll(seconds), f"the child has hung for {seconds} seconds"
        result, error = here.recv()
        assert error is None, error
        child.join(seconds)
        assert child.exitcode == 0
    finally:
        child.kill()
        child.join()
    return result


@contextmanager
def another_thread(inside):
    """A thread that stays in the context `inside` for as long as this one lasts."""
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with inside:
            entered.set()
            leave.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    assert entered.wait(60)
    try:
        yield
    finally:
        leave.set()
        thread.join()


def test_the_layer_is_shared_out():
    assert len(blocks(N, BATCH)) > 1
    assert len(tiles(N, BATCH)) > 1


@forks
@pytest.mark.parametrize("threads", [2, 3])
def test_a_used_simulator_computes_the_same_in_a_child(threads):
    simulator = used(threads)

    def family():
        return learned(simulator), in_a_fork(lambda: learned(simulator))

    begun = bits(simulator)
    child, grandchild = in_a_fork(family)
    assert bits(simulator) == begun
    assert child == learned(simulator) == bits(used(1, 4)) != begun
    assert grandchild == learned(simulator) == bits(used(1, 6)) != child


@forks
def test_a_simulator_that_was_not_used_yet_can_be_forked():
    used(2)  # so that its kernels are compiled
    simulator = used(2, 0)
    assert in_a_fork(lambda: learned(simulator)) == learned(simulator)


@forks
@pytest.mark.parametrize("what", ["the lock", "BLAS", "the simulator's own threads"])
def test_a_child_does_not_wait_for_what_another_thread_held(what):
    simulator = used(2)
    inside = {
        "the lock": module._single_threaded_blas._lock,
        "BLAS": Workers(1).engaged(),
        "the simulator's own threads": simulator.workers.engaged(),
    }[what]
    setting = blas_threads()

    def child():
        with simulator.workers.engaged():
            return blas_threads(), learned(simulator)

    with another_thread(inside):
        held, result = in_a_fork(child)
        left = in_a_fork(lambda: (learned(simulator), blas_threads())[1])
    assert result == bits(used(1, 4))
    assert held <= {1}
    assert left == setting
    assert blas_threads() == setting


@forks
def test_who_forks_inside_leaves_it_in_both_processes():
    workers, setting = Workers(2), blas_threads()
    with ExitStack() as stack:
        stack.enter_context(workers.engaged())

        def inside():
            seen = [blas_threads()]
            with workers.engaged(), Workers(1).engaged():
                seen.append(blas_threads())
            seen.append(blas_threads())
            stack.close()
            return seen, blas_threads()

        seen, left = in_a_fork(inside)
        assert all(threads <= {1} for threads in (*seen, blas_threads()))
        assert left == setting
    assert blas_threads() == setting


@pytest.mark.parametrize("number", [2, np.int64(2), np.uint8(2)])
def test_any_integer_is_a_number_of_threads(number):
    workers = Workers(number)
    assert workers.n_threads == 2
    assert type(workers.n_threads) is int


@pytest.mark.parametrize("number", [0, -1, np.int64(0), True, np.True_, 2.0, np.float64(2), "2"])
def test_what_is_no_number_of_threads(number):
    with pytest.raises(ConfigError, match="threads must be an integer of at least 1, was "):
        Workers(number)
