"""Bad input is one clear line on stderr and exit code 2; nothing half-written is left behind."""

import gzip
import os

import click
import numpy as np
import pytest

from infosim.cli import commands, main
from infosim.errors import ConfigError
from infosim.experiments import Experiment

HIDDEN = "layers.hidden"
OUTPUT = "layers.output"
PRESET = "iclr/trivariate-optimized"


def fails(arguments, capsys):
    """Run the command, require exit code 2 and one line on stderr; returns that line."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == 2, captured
    assert captured.err.startswith("infosim: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


SETTINGS = {
    "unknown key": ("layers.hidden.siz=3", "did you mean size"),
    "unknown top key": ("trainin.epochs=3", "did you mean training"),
    "unknown nested key": (f"{HIDDEN}.optimizer.momentum=0.9", "unknown key"),
    "unknown compartment key": (f"{HIDDEN}.compartments.F.delai=1", "did you mean delay"),
    "not an assignment": ("layers.hidden.size", "key=value"),
    "empty key": ("=3", "key=value"),
    "wrong type": (
        f"{HIDDEN}.size=large",
        "must be 'classes' or 'pixels' or an integer, was 'large'",
    ),
    "float size": (f"{HIDDEN}.size=10.5", "must be an integer"),
    "bool size": (f"{HIDDEN}.size=true", "must be an integer"),
    "zero size": (f"{HIDDEN}.size=0", "at least 1, was 0"),
    "negative size": (f"{HIDDEN}.size=-5", "at least 1, was -5"),
    "zero batch": ("training.batch=0", "at least 1, was 0"),
    "negative batch": ("training.batch=-1", "at least 1, was -1"),
    "batch larger than data": ("training.batch=5000", "larger than the 1149 training samples"),
    "negative epochs": ("training.epochs=-1", "at least 0, was -1"),
    "zero steps": ("network.steps=0", "steps must be an integer of at least 1"),
    "one bin": (f"{HIDDEN}.binning.bins=1", "from 2 to 255, was 1"),
    "too many bins": (f"{HIDDEN}.binning.bins=256", "from 2 to 255, was 256"),
    "bins of wrong length": (f"{HIDDEN}.binning.bins=[2, 3]", "2 numbers were given for 3"),
    "empty bin range": (f"{HIDDEN}.binning.low=30", "low < high"),
    "unknown binning": (
        f"{HIDDEN}.binning.kind=normalized",
        "must be 'fixed' or 'adaptive' or 'normalised' or 'soft', was 'normalized'",
    ),
    "soft bins of no softness": (
        f'{HIDDEN}.binning={{kind="soft",softness=0}}',
        "binning.softness must be a number in [1e-06, 1e+06], was 0.0",
    ),
    "softness of other bins": (
        f"{HIDDEN}.binning.softness=0.5",
        "binning softness is read of 'soft' bins alone, kind was 'fixed'",
    ),
    "soft bins with a range": (
        f'{HIDDEN}.binning={{kind="soft",low=-3}}',
        "binning low is read of 'fixed' bins alone, kind was 'soft'",
    ),
    "unknown activation": (f"{HIDDEN}.activation.name=trivariat", "did you mean trivariate"),
    "unknown activation parameter": (f"{HIDDEN}.activation.gamma=2", "no parameter 'gamma'"),
    "activation parameter length": (f"{HIDDEN}.activation.alpha=[0.1]", "needs 2 finite number"),
    "activation parameter text": (f"{HIDDEN}.activation.alpha=abc", "finite number(s), was 'abc'"),
    "activation parameter ragged": (f"{HIDDEN}.activation.alpha=[[1], [2, 3]]", "finite number"),
    "activation name a list": (f"{HIDDEN}.activation.name=[1]", "name [1] is unknown"),
    "optimizer name a list": (f"{HIDDEN}.optimizer.name=[1]", "name [1] is unknown"),
    "clamp text": (
        f"{HIDDEN}.activation.clamp=abc",
        "a number in [0, 0.5), was 'abc'",
    ),
    "clamp too large": (
        f"{HIDDEN}.activation.clamp=0.5",
        "a number in [0, 0.5), was 0.5",
    ),
    "absurd size": (f"{HIDDEN}.size=1000000000000000000", "of at most 2147483647"),
    "activation for two": (f"{HIDDEN}.activation={{name='bivariate'}}", "takes 2 compartments"),
    "wrong gamma label": (f"{HIDDEN}.goal={{'{{F}}{{D}}'=1.0}}", "{F}{D}"),
    "wrong gamma label in formula": (f"{HIDDEN}.goal='{{F}}{{X}} - 0.1 H'", "{F}{X}"),
    "gamma of wrong length": (f"{HIDDEN}.goal=[1.0, 2.0]", "2"),
    "gamma not a number": (f"{HIDDEN}.goal=[{', '.join(['nan'] * 19)}]", "finite"),
    "unknown goal": (f"{HIDDEN}.goal=iclr/trivariate-optimised", "did you mean iclr/trivariate"),
    "unreadable formula": (f"{HIDDEN}.goal='{{F}} ** 2 {{C}}'", "cannot read"),
    "goal for two sources": (f"{HIDDEN}.goal=iclr/context-heuristic", "is for 2 sources"),
    "missing source": (f"{HIDDEN}.compartments.C.source=lable", "did you mean label"),
    "misspelt layer": ("layers.hiden.size=2", "unknown layer 'hiden'; did you mean hidden?"),
    "misspelt compartment": (
        f"{HIDDEN}.compartments.X.delay=1",
        "unknown compartment 'X'; allowed",
    ),
    "misspelt input": ("network.inputs.imag=images", "no compartment reads it; did you mean image"),
    "missing source of a connection": (
        f"{HIDDEN}.compartments.C.connections.lable={{}}",
        "did you mean label",
    ),
    "unknown key of a connection": (
        f"{HIDDEN}.compartments.C.connections.label.delai=1",
        "unknown key layers.hidden.compartments.C.connections.label.delai; did you mean delay?",
    ),
    "bias of a connection": (
        f"{HIDDEN}.compartments.C.connections.label.bias=false",
        "unknown key",
    ),
    "connections that are none": (
        f"{HIDDEN}.compartments.C.connections=[]",
        "C.connections must be a table, was []",
    ),
    "no connections": (
        f"{HIDDEN}.compartments.C.connections={{}}",
        "'C': needs at least one connection",
    ),
    "a connection that is no table": (
        f"{HIDDEN}.compartments.C.connections.label=1",
        "C.connections.label must be a table",
    ),
    "a setting beside connections": (
        f"{HIDDEN}.compartments.C={{connections={{label={{}}}}, delay=1}}",
        "C.delay: beside connections there is none, it is said of each of them: "
        "layers.hidden.compartments.C.connections.NAME.delay",
    ),
    "two connections alike": (
        f"{HIDDEN}.compartments.C.connections={{a={{source='label'}}, label={{}}}}",
        "layer 'hidden': compartment 'C': two connections read 'label' with delay 0",
    ),
    "delay of a connection": (
        f"{HIDDEN}.compartments.L.connections.hidden.delay=-3",
        "layers.hidden.compartments.L.connections.hidden.delay must be an integer from 0 to 1000, "
        "was -3",
    ),
    "missing layer": (f"{OUTPUT}.compartments.F.source=hiden", "did you mean hidden"),
    "delay-0 cycle": (f"{HIDDEN}.compartments.L.delay=0", "a cycle"),
    "delay of an input": (
        f"{HIDDEN}.compartments.C.delay=2",
        "heard from step 2 on with delay 2, there are 2 step(s)",
    ),
    "delay too long": (f"{HIDDEN}.compartments.L.delay=1001", "from 0 to 1000, was 1001"),
    "learn at a step twice": ("network.learn_at=[1, -1]", "learn_at names a step twice"),
    "learn at no step": ("network.learn_at=[]", "learn_at must be 'last', 'every' or a list of"),
    "learn at a number": ("network.learn_at=1", "network.learn_at must be text or a list, was 1"),
    "carry with shuffling": ("network.carry=true", "needs shuffle to be false, was true"),
    "rows that are not steps": (
        "network.inputs.image=rows",
        "have 8 rows, one is shown at each step, but network.steps was 2",
    ),
    "unknown connectivity": (f"{HIDDEN}.compartments.L.connectivity=sparse", "unknown connect"),
    "sparse without inputs": (f"{HIDDEN}.compartments.L.connectivity=sparse(0)", "at least 1"),
    "one-to-one of unequal": (f"{HIDDEN}.compartments.F.connectivity=one-to-one", "64 units"),
    "schedule until 0": (
        f"{HIDDEN}.optimizer.rate={{from=0.1, to=0.01, until=0}}",
        "layers.hidden.optimizer.rate: until must be an integer of at least 1, was 0",
    ),
    "schedule without an end": (
        f"{HIDDEN}.optimizer.rate={{from=0.1, to=0.01}}",
        "rate: 'until' of a schedule is missing",
    ),
    "unknown shape of a schedule": (
        f"{HIDDEN}.binning.bins={{from=9, to=5, until=3, shape='cos'}}",
        "did you mean cosine?",
    ),
    "unknown key of a schedule": (
        f"{HIDDEN}.optimizer.weight_decay={{from=0.1, too=0.01, until=2}}",
        "weight_decay: unknown key 'too' of a schedule; did you mean to?",
    ),
    "negative rate in a schedule": (
        f"{HIDDEN}.optimizer.rate={{from=0.1, to=-0.1, until=2}}",
        "rate must be a number in",
    ),
    "schedule through 0": (
        f"{HIDDEN}.goal={{'{{F}}'={{from=0.1, to=0, until=2, shape='exponential'}}}}",
        "layers.hidden.goal: an exponential schedule needs values of one sign and not 0",
    ),
    "schedule of two kinds": (
        f"{HIDDEN}.goal={{from='{{F}}', to=2, until=2}}",
        "from number to number or from goal to",
    ),
    "schedule of too many bins": (
        f"{HIDDEN}.binning.bins={{from=20, to=300, until=2}}",
        "from 2 to 255, was 300",
    ),
    "schedule of half a bin": (
        f"{HIDDEN}.binning.bins=[5, 5, {{from=20, to=2.5, until=2}}]",
        "an integer from 2 to 255",
    ),
    "no schedule of a size": (
        f"{HIDDEN}.size={{from=20, to=30, until=2}}",
        "layers.hidden.size must be an integer or text, was",
    ),
    "no schedule of a parameter": (
        f"{HIDDEN}.activation.alpha={{from=0, to=1, until=2}}",
        "needs 2 finite number(s), was {",
    ),
    "no schedule of epsilon": (
        f"{HIDDEN}.optimizer.epsilon={{from=0, to=1, until=2}}",
        "epsilon must be a number, was {",
    ),
    "unknown optimizer": (f"{HIDDEN}.optimizer.name=adamw", "did you mean adam"),
    "negative rate": (f"{HIDDEN}.optimizer.rate=-0.1", "rate must be a number"),
    "readout missing": ("network.readout=outputs", "did you mean output"),
    "target missing": ("network.target=labels", "did you mean label"),
    "readout size": (f"{OUTPUT}.size=9", "9"),
    "unknown input kind": (
        "network.inputs.image=pixels",
        "must be 'images' or 'rows' or 'labels' or",
    ),
    "clamped layer missing": ("network.clamped.hiden=images", "no layer 'hiden'; did you mean"),
    "clamped to what": ("network.clamped.hidden=labels", "must be 'images', was 'labels'"),
    "clamped layer of another size": ("network.clamped.hidden=images", "64 units"),
    "option of published data": ("data.options.size=8", "'digits' has no option 'size'; it has"),
    "unknown scaling": ("data.scaling=standart", "must be 'standard' or 'none'"),
    "unknown data set": ("data.name=mnits", "mnits"),
    "validation of all": ("data.validation=1.0", "in [0, 1), was 1.0"),
    "unknown precision": (
        "training.dtype=float16",
        "must be 'float32' or 'float64', was 'float16'",
    ),
    "negative seed": ("training.seed=-1", "seed must be"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_setting(case, capsys, tmp_path):
    setting, expected = SETTINGS[case]
    dataset = [] if setting.startswith("data.name") else ["--dataset", "digits"]
    batch = [] if "batch" in setting else ["--set", "training.batch=288"]
    line = fails(["train", PRESET, *dataset, *batch, "--set", setting, "-q"], capsys)
    assert expected in line
    assert not list(tmp_path.iterdir())


ARGUMENTS = {
    "unknown command": (["trian"], "did you mean train"),
    "unknown option": (["train", PRESET, "--epoch", "3"], "--epoch"),
    "no preset": (["train"], "PRESET_OR_FILE"),
    "unknown preset": (["train", "iclr/trivariate-optimised"], "iclr/trivariate-optimized"),
    "unknown preset to show": (["presets", "show", "iclr/readuot"], "did you mean iclr/readout"),
    "missing file": (["train", "mine.toml"], "cannot read mine.toml"),
    "unknown backend": (["train", "demo/digits", "--backend", "gpu"], "unknown backend 'gpu'"),
    "zero threads": (["train", "demo/digits", "--threads", "0"], "at least 1, was 0"),
    "seed is text": (["train", "demo/digits", "--seed", "one"], "--seed"),
    "no directory": (["train", "demo/digits", "--out", ""], "a directory has a name, was ''"),
    "no directory of a sweep": (["sweep", "x.toml", "--out", ""], "a directory has a name, was ''"),
    "no directory of a search": (
        ["optimize", "demo/digits", "--out", ""],
        "a directory has a name, was ''",
    ),
    "a digit of thousands": (
        ["train", "demo/digits", "--set", f"training.epochs={'9' * 5000}"],
        "training.epochs must be an integer, was '9",
    ),
    "a number of thousands": (
        ["train", "demo/digits", "--set", f"training.epochs=0x{'f' * 5000}"],
        "training.epochs must be an integer, was '0xf",
    ),
    "too large for a float": (
        ["train", "demo/digits", "--set", f"data.validation={'9' * 400}"],
        "data.validation must be a number, was '9",
    ),
    "brackets without end": (
        ["train", "demo/digits", "--set", f"training.epochs={'[' * 5000}"],
        "training.epochs must be an integer, was '[[",
    ),
    "no text": (["train", "demo/digits", "--set", "title=\udcff"], "needs text in UTF-8, was"),
    "a key without end": (
        ["train", "demo/digits", "--set", f"{'a.' * 5000}a=1"],
        "is a key of more than 32 parts",
    ),
    "unknown data set": (["train", "demo/digits", "--dataset", "minst"], "minst"),
    "resumed by force": (["demo", "--resume", "--force"], "--resume and --force contradict"),
    "processes and cluster": (
        ["sweep", "x.toml", "--jobs", "2", "--scheduler", "tcp://a:1"],
        "--jobs and --scheduler contradict each other",
    ),
    "pruned and not": (
        ["optimize", "demo/digits", "--prune", "--no-prune"],
        "--prune/--no-prune is given 2 times",
    ),
}
SETTINGS_TWICE = {
    "setting": (
        "--set training.seed=1 --set training.seed=2",
        "training.seed is given twice, as 1",
    ),
    "option": ("--set training.seed=1 --seed 2", "training.seed is given twice, as 1 and 2"),
    "table": (
        "--set layers.hidden={size=1} --set layers.hidden.size=2",
        "layers.hidden.size is given twice, as 1 and 2",
    ),
    "above": (
        "--set layers.hidden.goal.a=1 --set layers.hidden.goal={F}",
        "layers.hidden.goal is given twice, as 1 and '{F}'",
    ),
}


@pytest.mark.parametrize("case", SETTINGS_TWICE)
def test_a_setting_is_given_once(case, capsys, tmp_path):
    options, expected = SETTINGS_TWICE[case]
    assert expected in fails(["train", "demo/digits", *options.split()], capsys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(case, capsys, tmp_path):
    arguments, expected = ARGUMENTS[case]
    assert expected in fails(arguments, capsys)
    assert not list(tmp_path.iterdir())


FILES = {
    "not TOML": ("size = = 3", "not valid TOML"),
    "no layers": ("[network]\nsteps = 1", "layers is missing"),
    "extends itself": ("extends = 'mine.toml'", "a cycle"),
    "extends nothing": ("extends = 'iclr/nothing'", "unknown preset"),
    "misspelt layer": ("extends = 'demo/digits'\nlayers.outpt.size = 3", "did you mean output"),
    "layer is a number": ("extends = 'demo/digits'\nlayers.extra = 3", "must be a table"),
}


@pytest.mark.parametrize("case", FILES)
def test_experiment_file(case, capsys, tmp_path):
    text, expected = FILES[case]
    (tmp_path / "mine.toml").write_text(text)
    assert expected in fails(["train", "mine.toml"], capsys)


def test_unwritable_output(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    line = fails(["demo", "--out", "file/run", "-q"], capsys)
    assert "cannot write file/run" in line


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_read_only_output(capsys, tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert "cannot write" in fails(["demo", "-q"], capsys)
    finally:
        tmp_path.chmod(0o700)


CSV = {
    "missing file": (None, "a,b", "y", [], "cannot read"),
    "missing column": ("a,b,y\n1,2,3\n", "a,c", "y", [], "no column 'c'"),
    "missing target": ("a,b,y\n1,2,3\n", "a,b", "z", [], "no column 'z'"),
    "no rows": ("a,b,y\n", "a,b", "y", [], "no rows"),
    "empty file": ("", "a,b", "y", [], "no column 'a'"),
    "ragged": ("a,b,y\n1,2,3\n1,2\n", "a,b", "y", [], "line 3: 2 cells"),
    "empty cell": ("a,b,y\n1,,3\n", "a,b", "y", [], "line 2: column 'b' is empty"),
    "one bin": ("a,b,y\n1,2,3\n", "a,b", "y", ["--bins", "1"], "at least 2, was 1"),
    "text to bin": ("a,y\n1,x\n2,y\n3,z\n", "a", "y", ["--target-bins", "2"], "not a number"),
    "infinite": ("a,y\n1,1\n2,2\ninf,1\n", "a", "y", ["--bins", "2"], "not finite"),
    "five sources": ("a,b,c,d,e,y\n1,2,3,4,5,6\n", "a,b,c,d,e", "y", [], "5"),
    "named twice": ("a,b,y\n1,2,3\n", "a,a", "y", [], "named twice"),
    "column twice in the header": ("a,b, a\n1,2,3\n", "a", "b", [], "has 2 columns called 'a'"),
    "target twice in the header": ("a,y,y\n1,2,3\n", "a", "y", [], "has 2 columns called 'y'"),
    "column without a name": ("a,,y\n1,2,3\n", "a,", "y", [], "'' must be a non-empty string"),
    "target is a source": ("a,y\n1,2\n", "a,y", " y", [], "'y' is named twice among sources and"),
    "all dropped": ("a,b,y\n,2,3\n1,na,3\n", "a,b", "y", ["--missing", "drop"], "one of a, b, y"),
    "not text": (b"a,y\n\xff\xfe,1\n", "a", "y", [], "UTF-8"),
}


@pytest.mark.parametrize("case", CSV)
def test_pid(case, capsys, tmp_path):
    content, sources, target, options, expected = CSV[case]
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "data.csv").write_bytes(data)
    arguments = ["pid", "data.csv", "--sources", sources, "--target", target, *options]
    assert expected in fails(arguments, capsys)


CELLS = {  # rows of a and y, options, what is said about them
    "missing source": ("1,3 NaN,3", "", "data.csv, line 3: column 'a' is 'NaN', which counts as"),
    "missing target": (
        "1,3 1,",
        "",
        "line 3: column 'y' is empty; see --missing and --missing-tok",
    ),
    "own token": (
        "1,3 -9,3",
        "--missing-tokens x,-9.0",
        "line 3: column 'a' is '-9', which counts",
    ),
    "unknown missing": ("1,3", "--missing skip", "'skip' is not one of 'error', 'drop', 'value'"),
    "one target bin": ("1,3", "--target-bins 1", "target bins must be at least 2, was 1"),
    "text in bins": (
        "1,1 2,2 x,1",
        "--bins 2",
        "line 4: column 'a' is to be cut into bins, but 'x'",
    ),
    "underscore": (
        "1,1 1_0,2 2,1",
        "--bins 2",
        "line 3: column 'a' is to be cut into bins, but '1_0'",
    ),
    "text in target bins": ("1,1 2,2 x,y", "--target-bins 2", "line 4: column 'y' is to be cut"),
    "infinite": (
        "1,1 2,2 -Inf,1",
        "--bins 2",
        "line 4: column 'a' is to be cut into bins, but '-Inf'",
    ),
    "beyond floats": (
        "1,1 1e400,2 2,1",
        "--bins 2",
        "line 3: column 'a' is to be cut into bins, but",
    ),
    "nan once told": ("1,1 nan,2 2,1", "--bins 2 --missing-tokens -", "but 'nan' is not a number"),
    "text after a quote": ('"1" ,2', "", "is not a CSV file"),
}


@pytest.mark.parametrize("case", CELLS)
def test_pid_names_the_cell(case, capsys, tmp_path):
    rows, options, expected = CELLS[case]
    rows = rows if '"' in rows else rows.replace(" ", "\n")
    (tmp_path / "data.csv").write_text(f"a,y\n{rows}\n")
    arguments = ["pid", "data.csv", "--sources", "a", "--target", "y", *options.split()]
    assert expected in fails(arguments, capsys)


def one_value_options(command, path=()):
    """The arguments that name each option that takes one value, in the command and below it."""
    found = []
    for option in command.params:
        if isinstance(option, click.Option) and not option.multiple and not option.is_flag:
            found.append([*path, max(option.opts, key=len)])
    for name in command.list_commands(None) if isinstance(command, click.Group) else ():
        found += one_value_options(command.get_command(None, name), (*path, name))
    return found


@pytest.mark.parametrize("arguments", one_value_options(commands), ids=" ".join)
def test_an_option_is_given_once(arguments, capsys, tmp_path):
    """click takes the last value in silence, while the first may be the one that is believed."""
    *command, option = arguments
    line = fails([*command, "x", option, "1", f"{option}=1"], capsys)
    assert line == f"infosim: {option} is given 2 times, but takes one value\n"
    assert "is given 3 times" in fails([*command, *[option, "1"] * 3], capsys)
    assert not list(tmp_path.iterdir())


def test_flags_and_options_of_many_values_may_be_repeated(capsys):
    settings = ["--set", "layers.hidden.size=10", "--set", "layers.hidden.siz=10"]
    assert "did you mean size" in fails(["train", "demo/digits", "-q", "-q", *settings], capsys)


def test_damaged_data_stops_training(capsys, tmp_path, monkeypatch):
    """A file of the right name with other contents is neither used nor deleted."""
    monkeypatch.setenv("INFOSIM_DATA", str(tmp_path / "data"))
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 28, 28))
    names = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k")
             for kind in ("images-idx3", "labels-idx1")]  # fmt: skip
    for name in names:
        content = gzip.compress(header + np.zeros(2 * 784, np.uint8).tobytes())
        (tmp_path / "data" / "mnist" / name).write_bytes(content)
    line = fails(["train", PRESET, "-q"], capsys)
    assert "train-images-idx3-ubyte" in line
    assert all((tmp_path / "data" / "mnist" / name).exists() for name in names)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--neurons", 0], "at least 1, was 0"),
        (["--batch", -3], "training.batch must be an integer of at least 1, was -3"),
        (["--threads", 0], "threads must be an integer of at least 1, was 0"),
        (["--sources", 5], "'5' is not one of '2', '3', '4'"),
        (["--neurons", "many"], "not a valid integer"),
    ],
)
def test_bench_refuses_what_it_cannot_time(options, message, capsys):
    assert message in fails(["bench", *options], capsys)


LONG = {
    "integer": ["--set", f"layers.hidden.size={'9' * 5000}"],
    "nesting": ["--set", f"layers.hidden.size={'[' * 5000}"],
    "connectivity": ["--set", f"layers.hidden.compartments.L.connectivity=sparse({'9' * 5000})"],
    "goal": ["--set", f"layers.hidden.goal={'{F}' * 5000}"],
    "no setting": ["--set", "x" * 5000],
    "data set": ["--dataset", "x" * 5000],
    "key": ["--set", f"{'x' * 5000}=1"],
}


@pytest.mark.parametrize("case", LONG)
def test_what_is_long_is_cut(case, capsys):
    assert len(fails(["train", "demo/digits", *LONG[case]], capsys)) < 2100


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"x = {'[' * 100_000}", "brackets in brackets, too deep"),
        (f"x = {'9' * 5000}", "a number of thousands of digits"),
    ],
)
def test_toml_that_no_parser_takes(text, why, capsys, tmp_path):
    (tmp_path / "mine.toml").write_text(text)
    for command in ("train", "sweep"):
        line = fails([command, "mine.toml"], capsys)
        assert f"mine.toml is not valid TOML: {why}" in line


@pytest.mark.parametrize("key", ["la\nyers", "1e999\x0cx"])
def test_a_key_with_a_line_break_is_told_in_one_line(key):
    with pytest.raises(ConfigError) as told:
        Experiment.load("demo/digits", [(key, 1)])
    assert str(told.value).startswith(f"unknown key {key!r}; ")
    assert len(str(told.value).splitlines()) == 1
