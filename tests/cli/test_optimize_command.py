"""`infosim optimize` as a newcomer types it, and what it answers to what cannot be."""

import shlex
import signal
import sys

import pytest

from infosim.cli import main
from infosim.engine import Training
from infosim.experiments import engines

pytest.importorskip("optuna", reason="needs Optuna: pip install 'infosim[optimize]'")

PRESET = ["optimize", "demo/digits"]
FAST = ["--epochs", 1, "--set", "layers.hidden.size=5", "--set", "training.batch=500"]
TINY = [*PRESET, *FAST, "--threads", 1]


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ends(arguments, code, capsys):
    """Run the command, require this exit code; returns standard output and standard error."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert stop.value.code == code, captured
    return captured.out, captured.err


def fails(arguments, capsys, code=2):
    """Require one line on standard error, and nothing on standard output; returns that line."""
    out, line = ends(arguments, code, capsys)
    assert out == ""
    assert line.startswith("infosim: ")
    assert line.count("\n") == 1
    return line


def test_search_tells_of_every_trial_and_where_the_results_are(capsys, tmp_path):
    out, err = ends([*TINY, "--trials", 2, "--out", "mine"], 0, capsys)
    lines = out.splitlines()
    assert lines[0] == "0 of 2: 0 complete, 0 pruned"
    assert lines[1].startswith("1 of 2: 1 complete, 0 pruned, best ")
    assert lines[2].startswith("2 of 2: 2 complete, 0 pruned, best ")
    assert lines[3].startswith("best: val_error ")
    assert "% in trial " in lines[3]
    assert "; the search began at " in lines[3]
    assert lines[4].startswith("results in mine; next: infosim train mine/best.toml --out mine/")
    assert err == ""
    out, _ = ends([*TINY, "--trials", 2, "--out", "mine"], 0, capsys)
    assert len(out.splitlines()) == 3


def test_what_is_said_to_be_next_can_be_done_after_every_study(capsys):
    for out in ("mine", "my other"):
        said, _ = ends([*TINY, "--trials", 1, "--out", out], 0, capsys)
        program, *following = shlex.split(said.splitlines()[-1].partition("; next: ")[2])
        assert program == "infosim"
        ends([*following, "--epochs", 0, "-q"], 0, capsys)


def test_a_search_whose_time_is_over_says_how_to_go_on(capsys):
    out, _ = ends([*TINY, "--trials", 3, "--minutes", 1e-6], 0, capsys)
    lines = out.splitlines()
    assert lines[-2] == "1 of 3 trials; to continue: the same command"
    assert lines[-1].startswith("results in studies/demo-digits-digits; next: infosim train ")


def test_quiet_and_with_a_bar(capsys, tmp_path, monkeypatch):
    assert ends([*TINY, "--trials", 1, "-q"], 0, capsys) == ("", "")
    assert (tmp_path / "studies" / "demo-digits-digits" / "search.png").exists()
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    out, err = ends([*TINY, "--trials", 2], 0, capsys)
    assert out.startswith("best: ")
    assert "2 complete, 0 pruned, best " in err


def test_a_file_with_another_data_set(capsys, tmp_path):
    (tmp_path / "mine.toml").write_text("extends = 'iclr/trivariate-heuristic'\n")
    arguments = ["optimize", "mine.toml", "--dataset", "digits", "--trials", 1, "-q"]
    ends([*arguments, *FAST], 0, capsys)
    best = (tmp_path / "studies" / "mine-digits" / "best.toml").read_text()
    assert f'extends = "{tmp_path}/mine.toml"' in best
    assert 'name = "digits"' in best
    assert 'goal = "{F}{C}"' in best


def test_interruption(capsys, tmp_path, monkeypatch):
    advance = Training.advance

    def interrupted(self, *given):
        signal.raise_signal(signal.SIGTERM)
        advance(self, *given)

    monkeypatch.setattr(Training, "advance", interrupted)
    line = fails([*TINY, "-q"], capsys, 128 + signal.SIGTERM)
    assert line == "infosim: stopped with 0 of 100 trials; to continue: the same command\n"


BAD = {
    "no trials": (["--trials", 0], "trials must be an integer of at least 1, was 0"),
    "trials are text": (["--trials", "many"], "not a valid integer"),
    "no minutes": (["--minutes", 0], "minutes must be a number above 0, was 0.0"),
    "minutes are no number": (["--minutes", "nan"], "minutes must be a number above 0, was nan"),
    "no epochs": (["--epochs", 0], "training.epochs must be at least 1, was 0"),
    "negative seed": (["--seed", -1], "seed must be an integer from 0 to 2**32 - 1, was -1"),
    "zero threads": (["--threads", 0], "threads must be an integer of at least 1, was 0"),
    "unknown layer": (["--layer", "hiden"], "no layer 'hiden'; did you mean hidden?"),
    "frozen layer": (
        [a for k in "FCL" for a in ("--set", f"layers.hidden.compartments.{k}.trainable=false")]
        + ["--layer", "hidden"],
        "layer 'hidden' does not learn",
    ),
    "unknown metric": (["--metric", "test_error"], "unknown metric 'test_error'; did you mean"),
    "unknown sampler": (["--sampler", "random"], "'random'; allowed: tpe, cmaes"),
    "unknown backend": (["--backend", "gpu"], "unknown backend 'gpu'"),
    "unknown setting": (["--set", "layers.hidden.siz=3"], "did you mean size"),
    "no validation": (["--set", "data.validation=0"], "val_error needs samples held out"),
    "no target": (["--set", "network.target="], "needs a network with a readout layer"),
    "batch too large": (["--set", "data.validation=0.9"], "larger than the 143 training"),
    "not a URL": (["--storage", "study.db"], "storage must be the URL of a database such as"),
    "no such database": (["--storage", "orakel://x"], "there is no database 'orakel'"),
    "no such directory": (["--storage", "sqlite:///none/x.db"], "unable to open database file"),
    "no text": (["--name", "\udcff"], "a study needs names in UTF-8, was '\\udcff'"),
    "in memory": (["--storage", "sqlite://"], "would end with this process; name a file"),
    "no scheduler": (
        ["--scheduler", "tcp://127.0.0.1:9"],
        "no Dask scheduler at tcp://127.0.0.1:9",
    ),
    "scheduler of what": (["--scheduler", "x://y"], "no Dask scheduler at x://y"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, capsys, tmp_path, monkeypatch):
    options, expected = BAD[case]
    monkeypatch.setattr(engines, "ANSWER", 0.5)
    if "--scheduler" in options:
        pytest.importorskip("distributed", reason="needs Dask: pip install 'infosim[cluster]'")
    arguments = [*TINY, "--out", "a/b"]
    if options[0] in ("--epochs", "--threads"):  # once only
        at = arguments.index(options[0])
        del arguments[at : at + 2]
    assert expected in fails([*arguments, *options], capsys)
    assert not list(tmp_path.iterdir())


def test_password_is_not_told(capsys):
    pytest.importorskip("sqlalchemy")
    line = fails([*TINY, "--storage", "mssql+none://me:secret@host/x"], capsys)
    assert "mssql+none://me:***@host/x" in line


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 99, b"SQLite format 3\0damaged" * 99]
)
def test_damaged_database(content, capsys, tmp_path):
    (tmp_path / "study.db").write_bytes(content)
    line = fails([*TINY, "--storage", "sqlite:///study.db", "--out", "mine"], capsys)
    assert f"storage sqlite:///{tmp_path}/study.db cannot be used: " in line
    assert (tmp_path / "study.db").read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["study.db"]


def test_unwritable_directory(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot write file/study" in fails([*TINY, "--out", "file/study"], capsys)


def test_another_configuration(capsys, tmp_path):
    ends([*TINY, "--trials", 1, "-q"], 0, capsys)
    line = fails([*TINY, "--set", "training.seed=7"], capsys)
    assert "is of another configuration: training.seed was 0, now 7; use another name" in line


@pytest.mark.parametrize(
    ("package", "options", "expected"),
    [
        ("optuna", [], "optimize needs Optuna: pip install 'infosim[optimize]'"),
        ("cmaes", ["--sampler", "cmaes"], "needs cmaes: pip install 'infosim[optimize]'"),
        (
            "distributed",
            ["--scheduler", "tcp://host:1"],
            "--scheduler needs Dask: pip install 'infosim[cluster]'",
        ),
    ],
)
def test_missing_package(package, options, expected, capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    assert expected in fails([*TINY, *options], capsys)
    assert not list(tmp_path.iterdir())
