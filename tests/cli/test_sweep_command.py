"""`infosim sweep` as it is typed."""

import pytest

from infosim.cli import main
from infosim.experiments import engines

pytest.importorskip("filelock", reason="needs the extra sweep")

SMALL = """
preset = "demo/digits"
seeds = 2
[set]
training.epochs = 1
layers.hidden.size = 5
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.toml").write_text(SMALL)
    return tmp_path


def infosim(capfd, *words):
    """Exit code, standard output and standard error of a command."""
    with pytest.raises(SystemExit) as stopped:
        main(list(words))
    return stopped.value.code, *capfd.readouterr()


def test_a_dry_run_lists_the_runs_and_leaves_nothing(folder, capfd):
    code, out, err = infosim(capfd, "sweep", "some.toml", "--dry-run")
    lines = out.splitlines()
    assert (code, err, lines[-1]) == (0, "", "2 runs")
    assert [line.split()[1] for line in lines[:-1]] == ["training.seed=0", "training.seed=1"]
    assert [path.name for path in folder.iterdir()] == ["some.toml"]


def test_a_sweep_and_its_status(folder, capfd):
    code, out, _ = infosim(capfd, "sweep", "some.toml")
    assert code == 0
    assert out.splitlines()[1].startswith("1 of 2 done, 1 running, 0 failed, ")
    assert out.splitlines()[-2:] == [
        "2 of 2 done, 0 running, 0 failed", "results in sweeps/some/results.csv",
    ]  # fmt: skip
    (folder / "sweeps/some/results.csv").unlink()
    assert infosim(capfd, "sweep", "status", "sweeps/some") == (
        0, "2 of 2 done, 0 begun, 0 waiting, 0 failed\n", "",
    )  # fmt: skip
    rows = (folder / "sweeps/some/results.csv").read_text().splitlines()
    assert rows[0].startswith("key,training.seed,epochs,train_error,val_error,test_error,")
    assert len(rows) == 3
    assert infosim(capfd, "sweep", "some.toml", "-q", "--resume") == (0, "", "")


def test_failed_runs_are_listed_with_their_reason(folder, capfd):
    (folder / "some.toml").write_text(SMALL + "training.batch = 5000\n")
    code, _, err = infosim(capfd, "sweep", "some.toml", "-q")
    first, second, last = err.splitlines()
    assert code == 1
    assert first.startswith("failed: ")
    assert first.endswith("batch of 5000 is larger than the 1149 training samples")
    assert (second.startswith("failed: "), last) == (True, "to run them again: --retry")
    code, out, _ = infosim(capfd, "sweep", "status", "sweeps/some")
    assert (code, out) == (0, "0 of 2 done, 0 begun, 0 waiting, 2 failed\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.toml"], "cannot read none.toml: No such file or directory"),
        (["some.toml", "--jobs", "0"], "jobs must be at least 1, was 0"),
        (["some.toml", "--jobs", "two"], "'two' is not a valid integer"),
        (
            ["some.toml", "--scheduler", "tcp://127.0.0.1:1"],
            "no Dask scheduler at tcp://127.0.0.1:1",
        ),
        (["some.toml", "--backend", "abacus"], "unknown backend 'abacus'"),
        (["some.toml", "--out", "some.toml"], "cannot write some.toml: "),
        (["status", "."], ". holds no sweep"),
        (["status"], "Missing argument 'DIRECTORY'"),
        (["some.toml", "--job", "2"], "No such option"),
    ],
)
def test_bad_input_is_one_line(folder, capfd, words, message, monkeypatch):
    monkeypatch.setattr(engines, "ANSWER", 0.5)
    code, out, err = infosim(capfd, "sweep", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not list(folder.glob("sweeps/*/runs/*"))
