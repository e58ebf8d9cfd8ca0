"""What holds for every module of the package."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import infosim
from infosim.machine.compartment import CompartmentState
from infosim.machine.layer import LayerState

# In one process: each module finds none of ours loaded, but all that is not ours. To import one
# is to import its package before; where that brings it along, both are the same, and done already.
EACH_FIRST = """
import importlib, pkgutil, sys
import pytest

import infosim

names = [module.name for module in pkgutil.walk_packages(infosim.__path__, "infosim.")]
brought = {}  # a package that could be imported -> all that was loaded then
for name in names:
    if name in brought.get(name.rpartition(".")[0], ()):
        continue
    for loaded in [m for m in sys.modules if m.partition(".")[0] == "infosim"]:
        del sys.modules[loaded]
    try:
        importlib.import_module(name)
        brought[name] = set(sys.modules)
    except Exception as error:
        if "pip install " not in str(error):  # an extra's, or on macOS numba-cuda's
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


def test_nothing_public_is_without_a_docstring():
    shown = [getattr(infosim, name) for name in infosim.__all__ if name != "__version__"]
    shown += [LayerState, CompartmentState]
    bare = [one.__name__ for one in shown if callable(one) and not inspect.getdoc(one)]
    for kind in filter(inspect.isclass, shown):
        for name, member in inspect.getmembers(kind):
            if name.startswith("_") or not (callable(member) or isinstance(member, property)):
                continue
            home = next(one for one in kind.__mro__ if name in vars(one))
            if home.__module__.startswith("infosim") and not inspect.getdoc(member):
                bare.append(f"{kind.__name__}.{name}")
    assert not bare


#: What is asked of a network in one call; its methods alone may ask what stands above it.
FACE = Path("engine", "simulator.py")

#: From the bottom up, as docs/architecture.md has them.
LAYERS = (
    "errors", "cpus", "extras", "files", "standby", "cells", "fingerprint", "jit", "elementary",
    "markup", "schedule", "settings", "pid", "neuron", "network", "kernels", "machine", "rules",
    "engine", "datasets", "analysis", "plotting", "tasks", "bench", "experiments", "estimators",
    "report", "cli",
)  # fmt: skip


def test_imports_point_down():
    place = {name: i for i, name in enumerate(LAYERS)}
    root, up = Path(infosim.__file__).parent, []
    for path in root.rglob("*.py"):
        own = path.relative_to(root).parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if path.relative_to(root) == FACE and names and node.col_offset:
                continue
            for name in names:
                parts = name.split(".")
                if parts[0] == "infosim" and len(parts) > 1 and place[parts[1]] > place[own]:
                    up.append(f"{path.relative_to(root)} imports {name}")
    assert not up
