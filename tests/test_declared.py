"""Nothing is imported that is not declared, and what an extra brings only where it is asked for."""

import ast
import configparser
import re
import sys
from importlib.metadata import packages_distributions

import pytest

from scripts.files import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", "utf-8")
EXTRAS = SETUP["options.extras_require"]
#: Extras that a folder's files may need, beyond what is always installed.
FOLDERS = {
    "infosim": set(EXTRAS) - {"test", "docs", "bench", "figures", "dev"},
    "scripts": {"figures", "report"},
    "tests": {"test", "bench"},
    "benchmarks": {"bench", "cluster", "cuda13", "sweep"},
    "docs": {"docs"},
}
#: What comes with a distribution that is declared, by its own declaration.
WITH = {
    "numba": {"llvmlite"},
    "numba-cuda": {"cuda-bindings", "cuda-core", "cuda-pathfinder"},
    "optuna": {"sqlalchemy"},
    "pooch": {"platformdirs", "requests"},
    "scikit-learn": {"scipy"},
    "distributed": {"dask"},
    "matplotlib": {"pillow"},
    "pytest": {"packaging"},
}
#: Of names that no installed distribution may claim here: module -> distribution.
NAMES = {"cuda": "cuda-bindings", "cupy": "cupy-cuda13x", "numba_cuda": "numba-cuda"}
OURS = {"infosim", "scripts", "tests", "benchmarks"}


def normal(name):
    return re.sub("[-_.]+", "-", name).lower()


def needed(text):
    """The distributions of lines of requirements, those of our own extras with theirs."""
    for line in text.split("\n"):
        line = re.sub(r"\s*[#;].*", "", line).strip()
        own = re.match(r"infosim\[(.*)\]", line)
        if own:
            for extra in own[1].split(","):
                yield from needed(EXTRAS[extra])
        elif line:
            name = normal(re.match(r"[\w.-]+", line)[0])
            yield name
            yield from WITH.get(name, ())


CORE = set(needed(SETUP["options"]["install_requires"]))


def imports(path):
    """(top-level module, whether the file needs it to be imported at all) of a file's imports."""
    tree = ast.parse(path.read_text("utf-8"))
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("need", "import_module"):
            names = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
        for name in names:
            yield name.partition(".")[0], id(node) in top


def foreign(folder):
    """(file, module, whether at its top) of imports from outside the standard library and us."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    there = {part for path in paths for part in (path.stem, path.parent.name)}
    ours = OURS | there if folder == "tests" else OURS
    for path in paths:
        for name, top in imports(path):
            if name not in sys.stdlib_module_names | ours:
                yield path.relative_to(ROOT).as_posix(), name, top


def distributions(name, known=packages_distributions()):
    """The distributions that may bring a module."""
    return {normal(one) for one in known.get(name, [NAMES.get(name, name)])}


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_imported_is_declared(folder):
    allowed = CORE.union(*(needed(EXTRAS[extra]) for extra in FOLDERS[folder]))
    wrong = [
        f"{path} imports {name}"
        for path, name, _ in foreign(folder)
        if not distributions(name) & allowed
    ]
    assert not wrong


def test_without_extras_all_but_their_own_files_can_be_imported():
    """A file that needs an extra to be imported is imported by others where they use it alone."""
    seams = {path for path, name, top in foreign("infosim") if top and not core(name)}
    assert "infosim/experiments/study.py" in seams
    wrong = []
    for path in sorted((ROOT / "infosim").rglob("*.py")):
        where = path.relative_to(ROOT).as_posix()
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ImportFrom):
                home = node.module.replace(".", "/")
                read = {f"{home}.py", *(f"{home}/{one.name}.py" for one in node.names)}
                wrong += [f"{where} imports {one}" for one in read & seams if where not in seams]
    assert not wrong


def core(name):
    return bool(distributions(name) & CORE)


def test_a_stranger_would_be_found(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import os, strange.sub\ndef f():\n    from other import x\n    need('third')\n"
    )
    assert list(imports(path)) == [
        ("os", True), ("strange", True), ("other", False), ("third", False),
    ]  # fmt: skip
    assert distributions("strange") == {"strange"}
    assert "numpy" in CORE
    assert "llvmlite" in CORE
    assert "optuna" not in CORE
