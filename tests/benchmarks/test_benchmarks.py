"""The benchmark commands run and write what they promise; the numbers themselves are not tested."""

import csv
from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from benchmarks import epoch, functions, pid, step


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_step_prints_tables_and_writes_all_numbers_and_a_figure(tmp_path):
    table, plot = tmp_path / "step.csv", tmp_path / "growth.png"
    out = run(
        step.main, "--neurons", "20,40", "--sparse", "dense,5", "--batch", 64, "--bins", 5,
        "--threads", 1, "--rounds", 1, "--warm-up", 2, "--csv", table, "--plot", plot,
    )  # fmt: skip
    assert out.count("| 40 | 3 | 64 | 5 | 5 |") == 2  # one line each of steps and of their parts
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["neurons"], row["lateral"]) for row in rows] == [
        ("20", "dense"), ("20", "5"), ("40", "dense"), ("40", "5"),
    ]  # fmt: skip
    for row in rows:
        assert float(row["low_ms"]) <= float(row["step_ms"]) <= float(row["high_ms"])
        assert 1 <= float(row["cells"]) <= 64
        ratio = float(row["step_ms"]) / float(row["products_ms"])
        assert float(row["ratio"]) == pytest.approx(ratio, rel=1e-3)
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_pid_writes_all_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(pid, "in_own_process", lambda function, *given: function(*given))
    monkeypatch.setattr(pid, "TABLES", [(500, 2, 2)])
    monkeypatch.setattr(pid, "of_dit", lambda *given: 0.5)  # which tests of measures compare with
    others = {
        "command": lambda repeats: [(pid.command, 200, 2, 3, repeats)],
        "statistics": lambda repeats: [
            (pid.statistics, what, 2, 2, "williams-beer", 1, repeats, 3, 50)
            for what in ("bootstrap", "permutations")
        ],
        "pairs": lambda repeats: [(pid.pairs, 2, repeats, 4, 50)],
    }
    monkeypatch.setattr(pid, "PARTS", {"tables": pid.PARTS["tables"]} | others)
    out = run(pid.main, "--repeats", 1, "--csv", tmp_path / "pid.csv")
    assert "| 6 pairs of 4 | 50 | 2 | 5 |" in out
    with open(tmp_path / "pid.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["cells"] for row in rows[:2]] == ["8", "27"]
    assert [bool(row["dit"]) for row in rows] == [True] + 4 * [False]
    assert all(float(row["seconds"]) > 0 for row in rows)


def test_exponent_is_that_of_a_power_law_between_100_and_2000_neurons():
    rows = [{"neurons": n, "gflop": n**1.5, "step_ms": 3 * n**1.2} for n in (100, 500, 2000)]
    rows.append({"neurons": 10, "gflop": 1.0, "step_ms": 1e6})
    assert step.exponent(rows) == pytest.approx(1.2 / 1.5)


def test_epoch_prints_both_tables():
    out = run(epoch.main, "--neurons", 20, "--data", "digits", "--epochs", 1, "--seconds", 0.2)
    assert "| 20 |" in out
    assert "1 x 2" in out


def test_functions_are_each_timed():
    lines = run(functions.main).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| exp", "| log2", "| random output"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--neurons", "a"], "needs whole numbers between commas, was 'a'"),
        (["--neurons", "0"], "must be an integer of at least 1, was 0"),
        (["--bins", "1", "--neurons", "5"], "from 2 to 255, was 1"),
        (["--data", "minst"], "did you mean mnist"),
        (["--sources", "5"], "needs 2, 3 or 4, was 5"),
        (["--peer", "fast"], "unknown peer 'fast'; allowed: plain, tuned"),
        (["--rounds", "0"], "0 is not in the range"),
        (["--sparse", "few"], "unknown connectivity 'sparse(few)'"),
        (["--csv", "no/such/folder/a.csv"], "cannot write no/such/folder/a.csv"),
    ],
)
def test_bad_input_is_said_before_anything_is_measured(arguments, message):
    result = CliRunner().invoke(step.main, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_a_peer_without_pytorch_names_the_extra():
    arguments = ["--neurons", "5", "--batch", "64", "--rounds", "1", "--peer", "tuned"]
    result = CliRunner().invoke(step.main, arguments)
    assert result.exit_code == 2
    assert "pip install 'infosim[bench]'" in result.output
