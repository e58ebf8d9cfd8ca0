"""Every command as a newcomer types it."""

import re
import subprocess
import sys
import tomllib

import pytest

import infosim
from infosim.bench import timing
from infosim.cells import MISSING_CELLS
from infosim.cli import main
from infosim.experiments import Experiment, preset_names
from infosim.experiments.picture import draw


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def says(arguments, capsys):
    """Run the command, require success; returns its standard output."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == 0, captured
    return captured.out


def python(code):
    """Run Python code in a process of its own, require success; returns its standard output."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_version_loads_nothing_heavy():
    """`infosim --version` and `import infosim` must be immediate: no Numba, no NumPy."""
    out = python(
        "import sys, infosim\n"
        "from infosim.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "heavy = {'numpy', 'numba', 'matplotlib', 'pooch'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    assert out == f"infosim, version {infosim.__version__}\n"


def test_importing_everything_compiles_nothing():
    python(
        "import infosim\n"
        "for name in infosim.__all__: getattr(infosim, name)\n"
        "from infosim.kernels import cpu\n"
        "from numba.core.dispatcher import Dispatcher\n"
        "kernels = [v for v in vars(cpu).values() if isinstance(v, Dispatcher)]\n"
        "assert len(kernels) > 5\n"
        "assert not any(k.signatures for k in kernels)\n"
    )


def test_public_names():
    assert set(infosim.__all__) <= set(dir(infosim))
    with pytest.raises(AttributeError, match="no attribute 'Goall'"):
        infosim.Goall  # noqa: B018


@pytest.mark.parametrize("name", preset_names())
def test_preset_builds_a_network_and_takes_a_step(name):
    """Every preset for one epoch: classifiers on the bundled digits with 20 neurons, the others on
    the data made for them."""
    layers = Experiment.load(name).config["layers"]
    changes = ["training.seed=1"]
    if "output" in layers:
        sizes = [f"layers.{layer}.size=20" for layer in layers if layer != "output"]
        changes += ["data.name=digits", "training.batch=500", *sizes]
    experiment = Experiment.load(name, changes)
    dataset = experiment.dataset()
    network = experiment.network(dataset)
    train, _, test = experiment.samples(dataset)
    simulator = infosim.Simulator(network, seed=1, threads=1)
    before = {k: v.copy() for k, v in simulator.arrays().items() if k.endswith("weights")}
    simulator.fit(train, epochs=1, batch=experiment.config["training"]["batch"])
    for layer in network.layers:
        for c in layer.compartments:
            key = f"{layer.name}/{c.name}/weights"
            moved = (simulator.arrays()[key] != before[key]).any()
            assert moved == c.trainable, key
    if network.readout:
        assert 0 < simulator.evaluate(test).error < 1


def test_preset_settings_are_those_published():
    """ICLR 2025: rates, decays, bins, steps, and which model sees what."""
    config = Experiment.load("iclr/trivariate-optimized").config
    assert config["training"] == {
        "epochs": 100, "batch": 1024, "seed": 0, "dtype": "float32", "record_every": 10,
        "evaluate_every": 1, "measure_first": True, "shuffle": True,
    }  # fmt: skip
    hidden, output = config["layers"]["hidden"], config["layers"]["output"]
    assert (hidden["optimizer"]["rate"], hidden["optimizer"]["weight_decay"]) == (0.002, 0.00035)
    assert (output["optimizer"]["rate"], output["optimizer"]["weight_decay"]) == (0.003, 0.00015)
    assert hidden["binning"] == {"kind": "fixed", "bins": 20, "low": -20.0, "high": 20.0}
    assert config["network"]["steps"] == 2
    feedback = Experiment.load("iclr/trivariate-feedback").config["layers"]["hidden"]
    assert feedback["compartments"]["C"]["source"] == "output"
    assert feedback["compartments"]["L"]["connectivity"] == "sparse(100)"
    lateral = Experiment.load("iclr/bivariate-lateral-heuristic").config["layers"]["hidden"]
    assert lateral["goal"] == "{F}" or lateral["goal"] == "1.0 {F}"


def test_presets_lists_all(capsys):
    out = says(["presets"], capsys)
    assert [line.split()[0] for line in out.splitlines()] == preset_names()


def test_shown_preset_can_be_trained(capsys, tmp_path):
    text = says(["presets", "show", "demo/digits"], capsys)
    (tmp_path / "mine.toml").write_text(text)
    assert Experiment.load("mine.toml").config == tomllib.loads(text)


def test_train_prints_plain_lines_where_there_is_no_terminal(capsys, tmp_path):
    out = says(
        ["train", "demo/digits", "--epochs", 2, "--seed", 3, "--threads", 1,
         "--set", "layers.hidden.size=10"],
        capsys,
    )  # fmt: skip
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines[:3]] == ["epoch 0/2", "epoch 1/2", "epoch 2/2"]
    assert "test" in lines[0]
    assert "goal in bits: hidden" in lines[0]
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch("demo-digits-digits-seed3-[0-9a-f]{6}", folder.name)
    assert lines[3] == f"results in runs/{folder.name}"
    assert (folder / "summary.png").exists()


def test_of_many_epochs_those_with_errors_and_some_others_are_told(capsys, tmp_path):
    """By the names that the task has for its errors."""
    settings = ["data.options.units=6", "data.options.load=0.5", "training.evaluate_every=100"]
    arguments = ["train", "memory/redundancy-hard", "--epochs", 1000, "--threads", 1]
    out = says([*arguments, *(f"--set={one}" for one in settings)], capsys)
    lines = [line for line in out.splitlines() if line.startswith("epoch")]
    assert [line.split()[1] for line in lines] == [f"{i}/1000" for i in range(0, 1001, 10)]
    assert "error: noisy cues " in lines[10]
    assert re.search(r", recall \d+\.\d\d%; goal in bits: memory", lines[10])
    assert "error" not in lines[11]
    (folder,) = (tmp_path / "runs").iterdir()
    (legend, *_) = draw(infosim.load_run(folder)).axes[0].get_legend().get_texts()
    assert re.fullmatch(r"recall [\d.]+ %", legend.get_text())
    says(["report", folder, "--out", tmp_path / "page.html"], capsys)
    assert "<li>noisy cues error <strong>" in (tmp_path / "page.html").read_text()


def test_a_warning_is_a_line(capsys, tmp_path):
    arguments = ["train", "demo/digits", "--resume", "--out", tmp_path / "x", "--epochs", 0, "-q"]
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 0
    told = f"infosim: warning: {tmp_path}/x holds no run to resume, begins one\n"
    assert capsys.readouterr().err == told


def test_quiet(capsys):
    assert says(["demo", "--epochs", 1, "-q"], capsys) == ""


def test_demo_says_where_the_picture_is(capsys, tmp_path):
    out = says(["demo", "--epochs", 1, "--out", "here"], capsys)
    assert "here/summary.png" in out
    assert (tmp_path / "here" / "summary.png").exists()


def test_pid_of_xor(capsys, tmp_path):
    rows = [f"{a},{b},{a ^ b}" for a in (0, 1) for b in (0, 1)]
    (tmp_path / "xor.csv").write_text("\n".join(["a,b,y", *rows]))
    out = says(["pid", "xor.csv", "--sources", "a,b", "--target", "y"], capsys)
    values = dict(line.split()[:2] for line in out.splitlines() if line.startswith("{"))
    assert values == {"{a}{b}": "-0.5850", "{a}": "0.5850", "{b}": "0.5850", "{ab}": "0.4150"}


def test_pid_bins_numbers(capsys, tmp_path):
    """y says whether a is above the middle: one bit, all of it in two bins."""
    rows = [f"{i / 10},{int(i >= 10)}" for i in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["a,y", *rows]))
    out = says(["pid", "table.csv", "--sources", "a", "--target", "y", "--bins", "2"], capsys)
    assert any(line.split()[:2] == ["{a}", "1.0000"] for line in out.splitlines())


def of_digits(options, target, capsys, tmp_path):
    """I and H(target | sources) of labels 0 to 9 as numbers x and text t, by `infosim pid`."""
    rows = [f"{i},class {i}" for i in range(10)] * 3
    (tmp_path / "table.csv").write_text("\n".join(["x,t", *rows]))
    source = "t" if target == "x" else "x"
    out = says(["pid", "table.csv", "--sources", source, "--target", target, *options], capsys)
    found = dict(line.rsplit(None, 1) for line in out.splitlines() if "  " in line)
    wanted = f"I({target} : {source})", f"H({target} | sources)"
    return [float(found[what]) for what in wanted]


@pytest.mark.parametrize("target", ["x", "t"])
def test_pid_bins_the_target_only_when_asked(target, capsys, tmp_path):
    whole = 3.3219  # log2 10
    assert of_digits([], target, capsys, tmp_path) == [whole, 0]
    if target == "x":  # ten classes tell which of ten labels it is
        assert of_digits(["--bins", 5], target, capsys, tmp_path) == [whole, 0]
        assert of_digits(["--target-bins", 5], target, capsys, tmp_path) == [2.3219, 0]
    else:  # five bins of two labels each leave a bit open
        assert of_digits(["--bins", 5], target, capsys, tmp_path) == [2.3219, 1]
        assert of_digits(["--target-bins", 10], target, capsys, tmp_path) == [whole, 0]


def test_pid_of_missing_cells(capsys, tmp_path):
    """y copies a where both are known; where y is missing a is 2."""
    rows = ["0,0", "1,1", "0.0,-0", "1.0,+1", "2,", "2,NA", "2,n/a", "2,-9"]
    (tmp_path / "table.csv").write_text("\n".join(["a,y", *rows]))
    arguments = ["pid", "table.csv", "--sources", "a", "--target", "y"]
    arguments += ["--missing-tokens", "NA, n/a,-9.0"]
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--missing", "drop"])
    dropped = capsys.readouterr()
    assert stop.value.code == 0
    assert dropped.err == ""
    assert "note     4 of 8 rows dropped: a cell is missing\n" in dropped.out
    assert "I(y : a)           1.0000\n" in dropped.out
    counted = says([*arguments, "--missing", "value"], capsys)
    assert "note     4 missing cells counted as a value\n" in counted
    assert "I(y : a)           1.5000\n" in counted


def test_pid_says_what_counts_as_missing(capsys):
    said = " ".join(says(["pid", "--help"], capsys).split())
    assert f"{', '.join(MISSING_CELLS)}, in capitals or not" in said


def test_help_names_the_commands(capsys):
    out = says(["--help"], capsys)
    for command in ("data", "demo", "pid", "presets", "train"):
        assert f"\n  {command}" in out


def test_mnist_preset_trains(mnist_dir, capsys, monkeypatch):
    """One epoch on real MNIST takes the ten-way error from chance to below 0.45."""
    monkeypatch.setenv("INFOSIM_DATA", str(mnist_dir))
    out = says(["train", "iclr/trivariate-heuristic", "--epochs", "1", "--out", "run"], capsys)
    last = out.splitlines()[1]
    assert float(last.split("test ")[1].split("%")[0]) < 45


def test_bench_says_what_a_step_takes_and_leaves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(timing, "load", lambda: 1000.0)
    with pytest.raises(SystemExit) as stop:
        main(["bench", "--neurons", "20", "--batch", "64", "--threads", "1", "--sources", "2"])
    out, warning = capsys.readouterr()
    assert stop.value.code == 0
    assert warning.startswith("warning: other work wants 1000.0 of ")
    assert "iclr/bivariate-lateral-optimized, 20 neurons, batch 64" in out
    for part in ("gather", "project", "activate", "score", "accumulate", "event loop", "memory"):
        assert part in out
    assert not list(tmp_path.iterdir())
