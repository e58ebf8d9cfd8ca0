"""What holds for every module of the package."""

import subprocess
import sys
from pathlib import Path

import infosim

# In one process: each module finds none of ours loaded, but all that is not ours.
EACH_FIRST = """
import importlib, pkgutil, sys
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
