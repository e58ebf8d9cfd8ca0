"""The GPU check, on Numba's simulator: its program runs and says what it should."""

import importlib.util
import re
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import gpu
from infosim.bench import timing
from infosim.datasets import Dataset
from infosim.errors import BackendError
from infosim.kernels import backend

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="needs numba-cuda"
)
MEDIAN_TIME = gpu.median_time


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Images of four pixels in two classes, and each function timed once."""

    def noise(n, seed=0):
        rng = np.random.default_rng(seed)
        x, y = rng.integers(0, 256, (n, 4), dtype=np.uint8), rng.integers(0, 2, n)
        return Dataset("noise", x, y, x, y, 2, (2, 2), "")

    def experiment(*arguments):
        return original(*arguments, "layers.output.size=2")

    original = gpu.experiment
    monkeypatch.setattr(gpu, "experiment", experiment)
    monkeypatch.setattr(timing, "noise", noise)
    monkeypatch.setattr(gpu, "median_time", lambda simulator, function, **rest: function() or 1e-3)
    monkeypatch.setattr(gpu, "STEPS", 2)


SETTINGS = gpu.Settings([2, 3], 6, [2], 0, "mnist")


def test_two_runs_agree_to_the_bit_and_the_cpu_to_rounding():
    again, to_cpu, as_one = gpu.agreement(SETTINGS, 2)
    assert float(again) == 0
    assert 0 < float(to_cpu) < 1e-5
    assert re.fullmatch(r"0 of \d+", as_one)  # the simulator records nothing


def test_rows_have_a_number_in_every_column():
    rows = {}
    for name, part in gpu.PARTS.items():
        if name not in ("tests", "errors", "replicas", "agreement"):
            key = part.keys(SETTINGS)[0]
            rows[name] = part.measure(SETTINGS, key)
            assert len(rows[name]) == len(part.header) - 1, name
    row = rows["steps"]
    assert row[:3] == ["1.000", "1.000", "1.00"]
    assert row[4] == "1.0 (1.0)"
    assert gpu.replicas(SETTINGS, 2, neurons=2) == ["1.000", "0.500", "2.0"]
    # two neurons of six samples: three bins, θ and 1 - θ and the slope, a float each
    assert rows["score"][1:3] == ["1.000", f"{2 * 6 * 15 / 1e-3 / 1e9:.0f}"]


class Clocked:
    """A simulator, a function that takes a while, and a clock that only it and waiting move."""

    def __init__(self):
        self.now, self.calls, self.waits, self.unfinished = 100.0, 0, 0, 0.0
        self.workers = SimpleNamespace(engaged=nullcontext)
        stream = SimpleNamespace(synchronize=self.wait)
        xp = SimpleNamespace(cuda=SimpleNamespace(get_current_stream=lambda: stream))
        self.kernels = SimpleNamespace(ON_DEVICE=True, xp=xp)

    def wait(self):
        self.waits += 1
        self.now += self.unfinished
        self.unfinished = 0.0

    def __call__(self):
        """The first twelve calls compile and record, which takes a second each."""
        self.calls += 1
        self.now += 1.0 if self.calls <= 12 else 1e-4
        self.unfinished += 9e-4


def test_a_time_is_that_of_the_work_after_all_was_compiled_and_recorded(monkeypatch):
    clocked = Clocked()
    monkeypatch.setattr(gpu.backend, "simulated", lambda: False)
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: clocked.now)
    found = MEDIAN_TIME(clocked, clocked, seconds=0.5)
    assert found == pytest.approx(1e-3)
    assert 500 <= clocked.calls - 20 <= 510  # of which the first twenty do not count
    assert clocked.waits == 20 + (clocked.calls - 20) // 10


def test_what_is_recorded_is_carried_out_like_a_layers_plan(monkeypatch):
    """Timed beside a step that is launched as one, products must be too."""
    step, made = gpu.Step(2, 4, "cuda"), []
    from infosim.kernels.device import _Plan

    monkeypatch.setattr(_Plan, "_record", lambda plan: made.append(plan.calls) or False)
    calls = [(made.append, ("call",))]
    again = gpu.recorded(step.simulator, calls)
    for _ in range(3):
        again()
    assert made == ["call", calls, "call", "call"]


@pytest.fixture
def on_a_gpu(monkeypatch):
    """Stand-ins for what of the cuda backend asks a GPU, whose memory pool is told."""
    from infosim.kernels import device
    from infosim.kernels.score import cuda

    pool = SimpleNamespace(used_bytes=lambda: 5e6, free_all_blocks=lambda: told.append("free"))
    told = []
    kernel = SimpleNamespace(
        occupancy=SimpleNamespace(max_active_blocks_per_multiprocessor=lambda threads, more: 5)
    )
    definition = SimpleNamespace(
        regs_per_thread=64,
        shared_mem_per_block=43 * 1024,
        _codelibrary=SimpleNamespace(get_cufunc=lambda: SimpleNamespace(kernel=kernel)),
    )

    def score(assignment, measure, n_sources, n_terms, real):
        return SimpleNamespace(overloads={(n_sources, n_terms, real): definition})

    xp = SimpleNamespace(get_default_memory_pool=lambda: pool)
    monkeypatch.setattr(device, "THREADS", 128)
    monkeypatch.setattr(device, "lanes", lambda: told.append("lanes"))
    monkeypatch.setattr(device, "xp", xp)
    monkeypatch.setattr(cuda, "_score", score)
    monkeypatch.setattr(gpu.backend, "simulated", lambda: False)
    monkeypatch.setattr(gpu.backend, "load", lambda name: SimpleNamespace(xp=xp))
    return definition, told


def test_what_the_driver_tells_of_the_score_kernel(on_a_gpu, capsys):
    definition, _ = on_a_gpu
    layer = SimpleNamespace(
        compartments=[0, 1, 2], dtype=np.dtype("float32"), bins=SimpleNamespace(assignment="hard"),
        aim=SimpleNamespace(arrays=[{"measure": None, "terms": ([0, 1, 2],)}]),
    )  # fmt: skip
    assert gpu._resources(layer) == ("64", "43.0 KB", "20")
    del definition._codelibrary  # another version's: the time that was measured stays
    assert gpu._resources(layer) == ("-", "-", "-")
    assert "_codelibrary" in capsys.readouterr().err


def test_memory_is_read_beside_what_stays_for_good(on_a_gpu):
    _, told = on_a_gpu
    gpu._clear()
    assert told == ["lanes", "free"]
    assert gpu._used_bytes() == 5e6


# -- the page ----------------------------------------------------------------------------------


def test_a_page_is_whole_after_every_row_and_keeps_those_of_earlier_runs(tmp_path, monkeypatch):
    path, seen = tmp_path / "page.md", []
    monkeypatch.setattr(gpu.environment, "commit", lambda: "0123456789")

    def measured(settings, key):
        seen.append(path.read_text() if path.exists() else None)
        if key == 20:
            raise BackendError("the GPU's memory | does not suffice")
        return [f"{key}.5", "x"]

    part = gpu.Part("Times of {0.batch}", ["neurons", "ms", "other"], lambda s: s.neurons, measured)
    settings = gpu.Settings([100, 20], 6, [2], 0, "mnist")
    lines = list(gpu.measure(gpu.Page(path, ["# Title"]), [part], settings))
    assert lines == [
        "| 100 | 100.5 | x | 0123456 |",
        "| 20 | - (the GPU's memory / does not suffice) | - | 0123456 |",
    ]
    assert seen[0] is None
    assert lines[0] in seen[1]  # written before the next is measured
    part = gpu.Part(part.title, part.header, part.keys, lambda settings, key: ["1.0", "y"])
    again = gpu.Settings([20], 6, [2], 0, "mnist")
    list(gpu.measure(gpu.Page(path, ["# Other title"]), [part], again))
    list(gpu.measure(gpu.Page(path, ["# Other title"]), [part], SETTINGS))
    assert path.read_text().splitlines() == [
        "# Other title",
        "",
        "## Times of 6",
        "",
        "| neurons | ms | other | commit |",
        "|---|---|---|---|",
        "| 2 | 1.0 | y | 0123456 |",
        "| 3 | 1.0 | y | 0123456 |",
        "| 20 | 1.0 | y | 0123456 |",
        lines[0],
    ]
    wider = gpu.Part(part.title, ["neurons", "s"], part.keys, lambda settings, key: ["1"])
    list(gpu.measure(gpu.Page(path, ["# Title"]), [wider], again))
    assert path.read_text().splitlines()[-1] == "| 20 | 1 | 0123456 |"  # columns are others
    assert "| 100 |" not in path.read_text()


def test_the_program_measures_the_parts_that_are_asked_for(tmp_path):
    out = tmp_path / "gpu.md"
    arguments = ["--neurons", "2", "--batch", "6", "--out", str(out), "--replicas", "1"]
    result = CliRunner().invoke(gpu.main, [*arguments, "--parts", "tests,score", "--no-tests"])
    assert result.exit_code == 0, result.output
    titles = [line for line in out.read_text().splitlines() if line.startswith("#")]
    assert titles == [
        "# GPU check: Numba's simulator",
        "## The score kernel, batch 6",
    ]


def test_the_kernel_tests_are_run_in_the_checkout(monkeypatch):
    ran = {}

    def run(command, **options):
        ran.update(options, command=command)
        return SimpleNamespace(stdout="....\n== 4 passed in 1s ==\n", stderr="", returncode=0)

    monkeypatch.setattr(gpu.subprocess, "run", run)
    assert gpu.parity(SETTINGS, "tests/kernels") == ["4 passed in 1s"]
    assert ran["command"][1:5] == ["-m", "pytest", "-k", "cuda"]
    assert (ran["cwd"] / "tests" / "kernels").is_dir()
    assert ran["env"]["INFOSIM_TEST_GPU"] == "1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--neurons", "0"], "needs numbers of at least 1, was '0'"),
        (["--neurons", ""], "needs numbers of at least 1, was ''"),
        (["--replicas", "1,x"], "needs whole numbers between commas, was '1,x'"),
        (["--parts", "step"], "unknown part 'step'; did you mean steps"),
        (["--out", "absent/page.md"], "cannot write absent/page.md"),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gpu.main, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert not list(tmp_path.iterdir())


def test_once_makes_three_steps_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gpu.main, ["--once", "--neurons", "2", "--batch", "4"])
    assert (result.exit_code, result.output) == (0, "")
    assert not list(tmp_path.iterdir())


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM")
    monkeypatch.setattr(backend, "_ask_driver", lambda found: None)
    backend.gpu.cache_clear()
    result = CliRunner().invoke(gpu.main, [])
    backend.gpu.cache_clear()
    assert result.exit_code == 2
    assert "the cuda backend is not ready: no NVIDIA driver was found" in result.output
