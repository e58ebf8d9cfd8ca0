"""Sweeps: what a file means, and that nothing is lost or done twice, whatever is killed."""

import gc
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import infosim
from infosim.errors import BackendError, CheckpointError, ConfigError, DataError
from infosim.experiments import Experiment, Interrupted, engines, plan, store, train
from infosim.experiments import job as jobs
from infosim.experiments import sweep as sweeps
from infosim.experiments.sweep import Sweep, run_sweep

SMALL = """
preset = "demo/digits"
seeds = 2
[set]
training.epochs = 2
training.record_every = 100
[grid]
layers.hidden.size = [5, 8]
"""


def written(folder, text=SMALL, name="some.toml"):
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The sweep SMALL and its directory, run one after the other."""
    folder = tmp_path_factory.mktemp("undisturbed")
    sweep = Sweep.load(written(folder))
    found = run_sweep(sweep, folder / "out")
    assert (len(found.done), found.failed, found.left) == (4, {}, [])
    return sweep, folder / "out"


def table(out):
    return (out / "results.csv").read_bytes()


# -- files -----------------------------------------------------------------------------------------


def test_a_file_is_every_combination_in_its_order(tmp_path):
    text = """
    preset = "demo/digits"
    seeds = [3, 1]
    [set]
    training.epochs = 1
    [grid]
    "layers.hidden.size" = [4, 6]
    layers.hidden.goal = ["{F}", "{F}{C}"]
    [[runs]]
    [[runs]]
    layers.hidden.compartments.L.connectivity = "sparse(2)"
    """
    sweep = Sweep.load(written(tmp_path, text))
    assert sweep.name == "some"
    assert len(sweep.runs) == len({run.key for run in sweep.runs}) == 16
    lateral = "layers.hidden.compartments.L.connectivity"
    assert [run.settings.get(lateral) for run in sweep.runs] == [None] * 8 + ["sparse(2)"] * 8
    first, second, third = (run.settings for run in sweep.runs[:3])
    assert first == {
        "layers.hidden.size": 4, "layers.hidden.goal": "{F}", "training.seed": 3,
    }  # fmt: skip
    assert second == first | {"training.seed": 1}
    assert third == first | {"layers.hidden.goal": "{F}{C}"}
    config = sweep.runs[-1].experiment.config
    assert config["layers"]["hidden"]["size"] == 6
    assert config["layers"]["hidden"]["compartments"]["L"]["connectivity"] == "sparse(2)"
    assert (config["training"]["seed"], config["training"]["epochs"]) == (1, 1)


def test_the_same_settings_have_one_key_however_they_are_written(tmp_path):
    one = Sweep.load(written(tmp_path, 'preset = "demo/digits"\n[set]\ntraining.batch = 288'))
    other = Experiment.load("demo/digits", ["training.batch=288", "title='Another title'"])
    assert one.runs[0].key == other.key
    assert other.key != Experiment.load("demo/digits", ["training.batch=287"]).key
    twice = 'preset = "demo/digits"\nseeds = [0, 0]\n[[runs]]\n[[runs]]\ntraining.seed = 0'
    assert len(Sweep.load(written(tmp_path, twice)).runs) == 1


def test_a_preset_beside_the_sweep_file(tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "demo/digits"\n[layers.hidden]\nsize = 7\n')
    sweep = Sweep.load(written(tmp_path, 'preset = "mine.toml"'))
    assert sweep.runs[0].experiment.config["layers"]["hidden"]["size"] == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "preset must name a preset or a .toml file, was None"),
        ('preset = "iclr/trivariat"', "unknown preset 'iclr/trivariat'; did you mean"),
        ('preset = "none.toml"', r"cannot read .*none\.toml: No such file"),
        ('preset = "demo/digits"\nseed = 3', "unknown key seed; did you mean seeds?"),
        ('preset = "demo/digits"\nseeds = []', "seeds is empty; leave it out or name one"),
        ('preset = "demo/digits"\nseeds = 0', "seeds must be a list of integers .* was 0"),
        ('preset = "demo/digits"\nseeds = ["a"]', r"seeds must be a list .* was \['a'\]"),
        ('preset = "demo/digits"\nseeds = [-1]\n[grid]\na = 1', "grid.a must be a list of values"),
        ('preset = "demo/digits"\n[grid]', "grid is empty; leave it out or name a setting"),
        ('preset = "demo/digits"\n[grid]\n"training.batch" = []', "grid.training.batch is empty"),
        (
            'preset = "demo/digits"\n[set]\ntraining.epoch = 1',
            "unknown key training.epoch; did you",
        ),
        ('preset = "demo/digits"\n[grid]\nlayers.hiden.size = [1]', r"layers\.hiden"),
        ('preset = "demo/digits"\nruns = 3', r"runs must be a list of tables \[\[runs\]\], was 3"),
        ('preset = "demo/digits"\nset = 3', "set must be a table, was 3"),
        ("preset = ", "is not valid TOML"),
        (f'preset = "demo/digits"\nseeds = {10**8}', "asks for 100000000 runs, at most 20000 are"),
        (
            'preset = "demo/digits"\n[grid]\n'
            + "".join(f'"layers.l{i}.size" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n' for i in range(9)),
            "asks for 1000000000 runs",
        ),
        (f"seeds = {'9' * 5000}", "is not valid TOML: a number of thousands of digits"),
        (f"seeds = 0x{'f' * 5000}", "is not valid TOML: an integer of more than 64 bits"),
        (f"seeds = {'[' * 5000}", "is not valid TOML: brackets in brackets, too deep"),
        (f"seeds = {'[' * 50}{']' * 50}", "more than 32 tables or lists in each other"),
        (f"{'a.' * 40}a = 1", "is not valid TOML: a key of 32 parts or more"),
        ("#" * 2**20 + "\n", "larger than 1 MiB"),
    ],
)
def test_files_that_cannot_be(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as told:
        Sweep.load(written(tmp_path, text))
    assert "some.toml" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    path = written(tmp_path, "\ufeff" + 'preset = "demo/digits"\nseeds = 2')
    assert len(Sweep.load(path).runs) == 2


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "some.toml")
    with pytest.raises(ConfigError, match=r"cannot read .*some\.toml: not a regular file"):
        Sweep.load(tmp_path / "some.toml")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*none\.toml: No such file"):
        Sweep.load(tmp_path / "none.toml")


# -- results ---------------------------------------------------------------------------------------


def test_each_run_is_what_it_would_be_alone(undisturbed, tmp_path):
    sweep, out = undisturbed
    for run in sweep.runs:
        alone = train(run.experiment, tmp_path / run.key)
        folder = out / "runs" / run.key
        for name in ("weights.npz", "atoms.npz"):
            one, other = store.read_arrays(folder / name), store.read_arrays(alone / name)
            assert one.keys() == other.keys()
            assert all(np.array_equal(one[key], other[key]) for key in one)
        assert (folder / "result.json").read_text() == (alone / "result.json").read_text()


@pytest.mark.parametrize(
    "options", [{"stack": 2}, {"stack": 9, "threads": 2}, {"jobs": 2}, {"jobs": 2, "stack": 2}]
)
def test_the_table_does_not_depend_on_how_runs_are_carried_out(undisturbed, tmp_path, options):
    if "jobs" in options:
        pytest.importorskip("joblib")
    sweep, out = undisturbed
    reports = []
    run_sweep(sweep, tmp_path / "out", report=lambda *n: reports.append(n), **options)
    assert table(tmp_path / "out") == table(out)
    assert reports[0] == (0, 0, 0, 4)
    assert reports[-1] == (4, 0, 0, 4)
    environments = [
        json.loads((tmp_path / "out" / "runs" / run.key / "environment.json").read_text())
        for run in sweep.runs
    ]
    assert {e["replicas"] for e in environments} == {2 if "stack" in options else 1}
    assert [e["seed"] for e in environments] == [0, 1, 0, 1]


def test_what_is_complete_is_not_run_again(undisturbed, tmp_path, monkeypatch):
    sweep, _ = undisturbed
    run_sweep(sweep, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/result.json")}
    with pytest.raises(CheckpointError, match="already holds a sweep; use --resume"):
        run_sweep(sweep, tmp_path)
    run_sweep(sweep, tmp_path, resume=True)
    assert times == {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/result.json")}
    # the table is made from the directories alone
    before = table(tmp_path)
    (tmp_path / "results.csv").unlink()
    plan.write_table(plan.load_plan(tmp_path), tmp_path)
    assert table(tmp_path) == before


def test_a_failed_run_is_listed_and_does_not_stop_the_rest(tmp_path):
    text = SMALL.replace("[5, 8]", "[5, 8]\ntraining.batch = [288, 1000000]")
    sweep = Sweep.load(written(tmp_path, text))
    found = run_sweep(sweep, tmp_path / "out")
    assert len(found.done) == len(found.failed) == 4
    assert set(found.failed.values()) == {
        "batch of 1000000 is larger than the 1149 training samples"
    }
    assert table(tmp_path / "out").count(b"\n") == 5
    again = run_sweep(sweep, tmp_path / "out", resume=True)  # what failed is left alone
    assert again == found
    reports = []
    run_sweep(sweep, tmp_path / "out", resume=True, retry=True, report=lambda *n: reports.append(n))
    assert reports[0] == (4, 0, 0, 8)
    assert reports[-1] == (4, 0, 4, 8)


def test_what_the_user_stops_says_how_it_goes_on(tmp_path, monkeypatch):
    sweep = Sweep.load(written(tmp_path))

    def stopping(experiments, outs, **options):
        raise Interrupted("stopped in epoch 1 of 2")

    monkeypatch.setattr(jobs, "train_together", stopping)
    out = tmp_path / "out"
    begun, again = rf"the same command with --resume \({out}\)$", rf"the same command \({out}\)$"
    with pytest.raises(Interrupted, match=f"^stopped; to continue: {begun}"):
        run_sweep(sweep, out)
    with pytest.raises(Interrupted, match=f"^stopped; to continue: {again}"):
        run_sweep(sweep, out, resume=True)
    assert plan.status(sweep.plan, out).left == [run.key for run in sweep.runs]


def test_a_stack_with_a_bad_run_in_it_loses_only_that(tmp_path, monkeypatch):
    sweep = Sweep.load(written(tmp_path))
    original, bad = jobs.train_together, sweep.runs[1].key

    def failing(experiments, outs, **options):
        if any(one.key == bad for one in experiments):
            raise DataError("a bad run")
        original(experiments, outs, **options)

    monkeypatch.setattr(jobs, "train_together", failing)
    found = run_sweep(sweep, tmp_path / "out", stack=4)
    assert found.failed == {bad: "a bad run"}
    assert len(found.done) == 3


def test_a_sweep_may_grow(undisturbed, tmp_path):
    sweep, out = undisturbed
    run_sweep(sweep, tmp_path / "out")
    larger = Sweep.load(written(tmp_path, SMALL.replace("[5, 8]", "[5, 8, 3]")))
    reports = []
    run_sweep(larger, tmp_path / "out", resume=True, report=lambda *n: reports.append(n))
    assert reports[0] == (4, 0, 0, 6)
    assert table(tmp_path / "out").startswith(table(out))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, "timeout must be a number of seconds above 0, was 0"),
        ({"timeout": float("nan")}, "timeout must be a number of seconds above 0, was nan"),
        ({"jobs": 0}, "jobs must be at least 1, was 0"),
        ({"stack": 0}, "stack must be at least 1, was 0"),
        ({"threads": 0}, "threads must be at least 1, was 0"),
    ],
)
def test_numbers_out_of_range(undisturbed, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        run_sweep(undisturbed[0], tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("package", "options", "extra"),
    [("joblib", {"jobs": 2}, "sweep"), ("distributed", {"scheduler": "tcp://a:1"}, "cluster")],
)
def test_a_missing_engine_is_named_with_its_extra(
    undisturbed, tmp_path, monkeypatch, package, options, extra
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=rf"needs ({package}|Dask).*.*'infosim\[{extra}\]'"):
        run_sweep(undisturbed[0], tmp_path / "out", **options)
    assert not list(tmp_path.iterdir())


def test_reading_runs_and_sweeps(undisturbed, tmp_path):
    _, out = undisturbed
    results = infosim.load_sweep(out)
    assert len(results) == 4
    np.testing.assert_array_equal(results.array("layers.hidden.size"), [5, 5, 8, 8])
    np.testing.assert_array_equal(results.array("training.seed"), [0, 1, 0, 1])
    run = results.run(results.array("key")[3])
    assert run.complete
    assert run.config["layers"]["hidden"]["size"] == 8
    assert run.metrics["test_error"][-1] == results.array("test_error")[3]
    assert run.atoms["hidden"].shape == (3, 8, 19)
    assert run.labels["hidden"][-1] == "H_res"
    assert run.weights["hidden/F/weights"].shape == (8, 64)
    assert run.environment["seed"] == 1
    with pytest.raises(CheckpointError, match="no column 'error'; allowed: key, "):
        results.array("error")
    with pytest.raises(CheckpointError, match="holds no sweep"):
        infosim.load_sweep(tmp_path)
    with pytest.raises(CheckpointError, match=r"holds no run: config\.toml is missing"):
        infosim.load_run(tmp_path)
    pandas = pytest.importorskip("pandas")
    frame = results.dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["layers.hidden.size"]) == [5, 5, 8, 8]
    assert len(run.dataframe()) == 3


def test_a_damaged_run_is_told(undisturbed, tmp_path):
    sweep, out = undisturbed
    for name, damage in (("metrics.csv", "epoch\nx\n"), ("config.toml", "= 3"), ("atoms.npz", "")):
        folder = tmp_path / name
        folder.mkdir()
        for path in (out / "runs" / sweep.runs[0].key).iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / name).write_text(damage)
        with pytest.raises(CheckpointError, match="is damaged: "):
            infosim.load_run(folder)


def copied(folder, to):
    """A copy of a sweep's directory."""
    return Path(shutil.copytree(folder, to))


@pytest.mark.parametrize("content", ["", "[]", "null", "{}", "{", '{"key": 3}', "[" * 99999])
def test_a_damaged_result_is_none_and_the_run_is_finished_again(undisturbed, tmp_path, content):
    sweep, out = undisturbed
    damaged = copied(out, tmp_path / "out")
    path = damaged / "runs" / sweep.runs[1].key / "result.json"
    path.write_text(content)
    found = plan.status(sweep.plan, damaged)
    assert (len(found.done), found.failed, found.left) == (3, {}, [sweep.runs[1].key])
    assert len(infosim.load_sweep(damaged)) == 3
    assert not infosim.load_run(path.parent).complete
    assert len(run_sweep(sweep, damaged, resume=True).done) == 4
    assert table(damaged) == table(out)


def test_earlier_results_with_nan_are_read(undisturbed, tmp_path):
    sweep, out = undisturbed
    earlier = copied(out, tmp_path / "out")
    path = earlier / "runs" / sweep.runs[0].key / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps(result | {"mean_goal_hidden": float("nan")}))
    assert plan.status(sweep.plan, earlier).done == [run.key for run in sweep.runs]
    assert np.isnan(infosim.load_sweep(earlier).array("mean_goal_hidden")[0])
    store.write_json(path, {"a": [float("nan"), 1.5, np.float64("inf")]})
    assert json.loads(path.read_text()) == {"a": [None, 1.5, None]}


@pytest.mark.parametrize(
    "content", ["", "null", "{}", "[1]", '[{"key": "../../x", "settings": {}}]', "[" * 99999]
)
def test_a_damaged_plan_is_told(undisturbed, tmp_path, content):
    damaged = copied(undisturbed[1], tmp_path / "out")
    (damaged / "runs.json").write_text(content)
    with pytest.raises(CheckpointError, match=r"holds no sweep: .*runs\.json is damaged") as told:
        infosim.load_sweep(damaged)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", ["", "[]", "null", '{"reason": 3}'])
def test_a_damaged_reason_is_told(undisturbed, tmp_path, content):
    sweep, out = undisturbed
    damaged = copied(out, tmp_path / "out")
    folder = damaged / "runs" / sweep.runs[1].key
    (folder / "result.json").unlink()
    (folder / "error.json").write_text(content)
    failed = plan.status(sweep.plan, damaged).failed
    assert failed == {sweep.runs[1].key: "error.json cannot be read"}


def test_a_sweep_in_use_is_refused(undisturbed):
    sweep, out = undisturbed
    with store.held(out), pytest.raises(CheckpointError, match=f"in use by process {os.getpid()}"):
        run_sweep(sweep, out, resume=True)


def test_a_run_that_takes_too_long_fails(undisturbed, tmp_path):
    job = [(run.experiment.name, run.experiment.config) for run in undisturbed[0].runs[:2]]
    reason = "took longer than --timeout, 1e-06 s"
    keys = [run.key for run in undisturbed[0].runs[:2]]
    assert sweeps.execute(job, tmp_path, timeout=1e-6) == dict.fromkeys(keys, reason)
    assert json.loads((tmp_path / keys[1] / "error.json").read_text()) == {"reason": reason}


def test_a_run_that_is_stuck_ends_with_its_process_and_the_rest_goes_on(tmp_path):
    pytest.importorskip("joblib")
    sweep = Sweep.load(written(tmp_path, SMALL.replace("[5, 8]", "[5]")))
    stuck = sweep.runs[0].key
    program = f"""
import sys, time
import infosim.experiments.sweep as sweeps
def meddled(job, **options):
    module = sys.modules["infosim.experiments.job"]
    module.LAST, together = 0.1, module.train_together
    def meddling(experiments, outs, **rest):
        if experiments[0].key == {stuck!r}:
            time.sleep(60)
        together(experiments, outs, **rest)
    module.train_together = meddling
    try:
        return original(job, **options)
    finally:
        module.train_together = together
original, sweeps.execute = sweeps.execute, meddled
found = sweeps.run_sweep(sweeps.Sweep.load(sys.argv[1]), sys.argv[2], timeout=4, threads=1)
assert len(found.done) == 1, found
assert found.failed == {{{stuck!r}: "took longer than --timeout, 4 s"}}, found
"""
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, tmp_path / "program.py", tmp_path / "some.toml", tmp_path / "out"]
    subprocess.run(command, check=True, timeout=120)


# -- whatever is killed ----------------------------------------------------------------------------

LONGER = (
    SMALL.replace("epochs = 2", "epochs = 30")
    .replace("[5, 8]", "[30, 40]")
    .replace("seeds = 2", "seeds = 3")
)


def started(path, out, *options):
    """A sweep in a process group of its own."""
    command = [sys.executable, "-m", "infosim", "sweep", path, "--out", out, "-q", *options]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)


def children(pid):
    """The processes that a process has made, and those of these."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *children(child)]
    return found


def kill(process):
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")
@pytest.mark.parametrize("whom", ["parent", "workers", "all"])
def test_killed_at_random_moments_and_resumed(tmp_path, monkeypatch, whom):
    pytest.importorskip("joblib")
    path = written(tmp_path, LONGER)
    sweep = Sweep.load(path)
    run_sweep(sweep, tmp_path / "whole", stack=3)
    out, rng = tmp_path / "out", random.Random(whom)
    for _ in range(3):
        process = started(path, out, "--jobs", "2", "--resume")
        time.sleep(1.0 + 1.2 * rng.random())
        workers = children(process.pid)
        if whom != "parent":
            for worker in rng.sample(workers, min(1 if whom == "workers" else 99, len(workers))):
                kill(worker)
        if whom == "workers":
            process.wait(60)  # goes on by itself
            break
        kill(process.pid)
        process.wait()
        complete = {p: p.stat().st_mtime_ns for p in out.glob("runs/*/result.json")}
    if whom != "workers":
        process = started(path, out, "--jobs", "2", "--resume")
        process.wait(60)
        for result, when in complete.items():
            assert result.stat().st_mtime_ns == when  # never run again
    assert process.returncode == 0
    assert table(out) == table(tmp_path / "whole")
    assert not list(out.glob("runs/*/*.tmp"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes through /proc")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_workers_end_with_the_sweep_and_save(tmp_path, name):
    """A pipe that all of them inherit closes when the last is gone."""
    pytest.importorskip("joblib")
    out = tmp_path / "out"
    path = written(tmp_path, LONGER.replace("epochs = 30", "epochs = 3000"))
    command = [sys.executable, "-m", "infosim", "sweep", path, "--out", out, "-q", "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    limit = time.monotonic() + 60
    while len(list(out.glob("runs/*/environment.json"))) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(getattr(signal, name))
    told, _ = process.communicate(timeout=15)
    assert len(list(out.glob("runs/*/environment.json"))) == 2  # no further ones
    assert len(list(out.glob("runs/*/checkpoint.npz"))) == 2
    assert not list(out.glob("runs/*/started.json"))
    if name != "SIGKILL":
        assert process.returncode == 128 + getattr(signal, name)
        assert told == f"infosim: stopped; to continue: the same command with --resume ({out})\n"


def test_a_run_whose_process_always_dies_is_given_up(tmp_path):
    pytest.importorskip("joblib")
    sweep = Sweep.load(written(tmp_path))
    deadly = sweep.runs[2].key
    program = f"""
import os, sys
import infosim.experiments.sweep as sweeps
def deadly(job, **options):
    keys = [sweeps.Experiment(*one).key for one in job]
    if {deadly!r} in keys:
        folder = sweeps.Path(options["folder"]) / keys[0]
        folder.mkdir(parents=True, exist_ok=True)
        sweeps.store.write_json(folder / "started.json", {{}})
        os._exit(1)
    return original(job, **options)
original, sweeps.execute = sweeps.execute, deadly
found = sweeps.run_sweep(sweeps.Sweep.load(sys.argv[1]), sys.argv[2], jobs=2)
assert len(found.done) == 3, found
assert found.failed == {{{deadly!r}: "its process died 3 times (killed, or out of memory)"}}, found
"""
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, tmp_path / "program.py", tmp_path / "some.toml", tmp_path / "out"]
    subprocess.run(command, check=True, timeout=120)


def test_a_run_directory_deleted_under_the_sweep(tmp_path, monkeypatch):
    sweep = Sweep.load(written(tmp_path))
    original, victim = jobs.train_together, sweep.runs[1].key

    def deleted(experiments, outs, **options):
        if experiments[0].key == victim:

            def delete(training, epochs):
                if training.epoch == 1 and outs[0].exists():
                    shutil.rmtree(outs[0])

            options["report"] = delete
        original(experiments, outs, **options)

    monkeypatch.setattr(jobs, "train_together", deleted)
    found = run_sweep(sweep, tmp_path / "out")
    assert len(found.done) == 3
    assert found.failed.keys() == {victim}
    assert "cannot write" in found.failed[victim]
    monkeypatch.setattr(jobs, "train_together", original)
    assert len(run_sweep(sweep, tmp_path / "out", resume=True, retry=True).done) == 4


# -- Dask ------------------------------------------------------------------------------------------


@pytest.fixture
def cluster():
    """The address of a real Dask scheduler, with two real worker processes."""
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster")

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs="CRITICAL",
    ) as cluster:  # fmt: skip
        yield cluster


@pytest.mark.filterwarnings("ignore")
def test_dask_workers_do_a_sweep_and_one_may_be_killed(undisturbed, tmp_path, cluster):
    sweep, out = undisturbed
    run_sweep(sweep, tmp_path / "plain", scheduler=cluster.scheduler_address)
    assert table(tmp_path / "plain") == table(out)
    longer = Sweep.load(written(tmp_path, LONGER))
    run_sweep(longer, tmp_path / "whole")
    victim, killed = next(iter(cluster.workers.values())), []

    def report(done, running, failed, n):
        if done == 1 and not killed:
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)

    found = run_sweep(longer, tmp_path / "out", scheduler=cluster.scheduler_address, report=report)
    assert killed
    assert (len(found.done), found.failed) == (6, {})
    assert table(tmp_path / "out") == table(tmp_path / "whole")


@pytest.mark.parametrize(
    "address",
    ["tcp://127.0.0.1:1", "nonsense", "", "tcp://", "x://a:1", "tcp://a:99999", "tls://a:1"],
)
def test_a_scheduler_that_is_not_there(undisturbed, tmp_path, address, monkeypatch):
    """Nor does a client that was not made complain later: that would be a warning, so an error."""
    pytest.importorskip("distributed", reason="needs the extra cluster")
    monkeypatch.setattr(engines, "ANSWER", 0.5)
    with pytest.raises(BackendError, match=f"no Dask scheduler at {address}: ") as told:
        run_sweep(undisturbed[0], tmp_path / "out", scheduler=address)
    gc.collect()
    assert "\n" not in str(told.value)
    assert not list(tmp_path.iterdir())
