"""What holds for every module of the package."""

import subprocess
import sys
from pathlib import Path

import pytest

import infosim

# In one process: each module finds none of ours loaded, but all that is not ours.
EACH_FIRST = """
import importlib, pkgutil, sys
import pytest

import infosim

names = [module.name for module in pkgutil.walk_packages(infosim.__path__, "infosim.")]
for name in names:
    for loaded in [m for m in sys.modules if m.partition(".")[0] == "infosim"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"import {name}: {error}")
print(len(names), "modules")
"""


def test_every_module_can_be_imported_first():
    result = subprocess.run([sys.executable, "-c", EACH_FIRST], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    *problems, number = result.stdout.splitlines()
    assert not problems
    files = list(Path(infosim.__file__).parent.rglob("*.py"))
    assert number == f"{len(files) - 1} modules"  # all but infosim/__init__.py


def test_errors_are_what_python_users_catch():
    """What a user gives wrongly is a ValueError too, as NumPy's and scikit-learn's are."""
    for error in (infosim.ConfigError, infosim.ShapeError, infosim.DataError):
        assert issubclass(error, ValueError)
    with pytest.raises(ValueError, match="at least 1, was 0"):
        infosim.Network({"x": 0}, [])
    for error in (infosim.BackendError, infosim.CheckpointError):
        assert not issubclass(error, ValueError)
