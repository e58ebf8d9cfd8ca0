import pytest
from click.testing import CliRunner

from infosim import datasets
from infosim.cli.data import data
from infosim.errors import ConfigError, DataError


def run(*arguments):
    return CliRunner().invoke(data, arguments)


def fields(output):
    """The states by name that a table shows."""
    known = ("in the package", "generated", "present", "absent", "damaged")
    lines = (line for line in output.splitlines() if not line.startswith("cache: "))
    return {
        line.split()[0]: next(state for state in known if f" {state}" in line) for line in lines
    }


def test_list(cache, small_mnist, small_fashion):
    small_mnist.write(cache / "mnist")
    (small_fashion.write(cache / "fashion-mnist") / "train-labels-idx1-ubyte.gz").write_bytes(b"")
    result = run("list")
    assert result.exit_code == 0
    assert fields(result.output) == {
        "digits": "in the package",
        "mnist": "present",
        "fashion-mnist": "damaged",
        "cifar10": "absent",
        "cifar10-jpeg": "absent",
        "bars": "generated",
        "patches": "generated",
        "patterns": "generated",
        "echo": "generated",
    }
    assert str(cache / "mnist") in result.output
    assert f"cache: {cache}" in result.output


def test_fetch(cache, small_mnist, monkeypatch):
    asked = []

    def fetch(name, progress):
        asked.append((name, progress))
        small_mnist.write(cache / "mnist")

    monkeypatch.setattr(datasets, "fetch", fetch)
    result = run("fetch", "mnist", "digits")
    assert result.exit_code == 0
    assert asked == [("mnist", False), ("digits", False)]  # no bar: standard error is no terminal
    assert fields(result.output) == {"mnist": "present", "digits": "in the package"}


def test_fetch_without_network(cache):
    problem = run("fetch", "mnist").exception
    assert isinstance(problem, DataError)
    assert "infosim data import DIR" in str(problem)


@pytest.mark.parametrize("command", ["fetch", "verify"])
def test_unknown_name(cache, command):
    problem = run(command, "mnist1").exception
    assert isinstance(problem, ConfigError)
    assert "did you mean mnist" in str(problem)


def test_fetch_wants_a_name(cache):
    result = run("fetch")
    assert result.exit_code == 2
    assert "NAME..." in result.output


def test_verify(cache, small_mnist, small_fashion):
    folder = small_mnist.write(cache / "mnist")
    assert run("verify").exit_code == 0
    assert run("verify", "mnist", "digits").exit_code == 0
    assert "cifar10 not found" in str(run("verify", "cifar10").exception)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(small_mnist.served[1])
    result = run("verify")
    assert isinstance(result.exception, DataError)
    assert str(folder / "t10k-labels-idx1-ubyte.gz") in str(result.exception)
    assert fields(result.output)["mnist"] == "damaged"


def test_import(cache, tmp_path, small_mnist):
    small_mnist.write(tmp_path / "disk", plain=True)
    result = run("import", str(tmp_path / "disk"))
    assert result.exit_code == 0
    assert fields(result.output) == {"mnist": "present"}
    problem = run("import", str(tmp_path / "nowhere")).exception
    assert isinstance(problem, DataError)
    assert "not a directory" in str(problem)
