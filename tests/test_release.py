"""What a release says of itself, and its recipes: one truth, told the same everywhere."""

import configparser
import os
import re
import shutil
import subprocess
import sys

import pytest
from packaging.requirements import Requirement

from scripts.files import ROOT
from scripts.installed import closure, loaded, size

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg", "utf-8")
EXTRAS = SETUP["options.extras_require"]
#: What conda calls otherwise than PyPI, where ours needs no part that the smaller package lacks.
CONDA = {"matplotlib-base": "matplotlib"}


def lines(text):
    """The requirements that a text of setup.cfg has, a line each."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def bounds(requirements):
    """name -> lower and other bounds of each, as a text that is the same for the same bounds."""
    found = {}
    for line in requirements:
        one = Requirement(line)
        found.setdefault(one.name.lower(), set()).update(map(str, one.specifier))
    return found


def read(name):
    return (ROOT / name).read_text("utf-8")


def section(text, name):
    """The items of a list in YAML that has nothing but plain ones."""
    found = re.search(rf"^( *){name}:\n((?:\1  - .*\n)+)", text, re.M)
    return [line.strip(" -") for line in found[2].splitlines()]


def python_versions():
    """The versions of Python that the package says it is for."""
    lead = "Programming Language :: Python :: 3."
    found = lines(SETUP["metadata"]["classifiers"])
    return [one.removeprefix(lead[:-2]) for one in found if one.startswith(lead)]


def test_condas_recipe_needs_what_the_package_needs():
    recipe = read("conda/meta.yaml")
    run = [re.sub(r"(?<=\w)\s+(?=[<>=])", " ", one) for one in section(recipe, "run")]
    named = [re.sub(r"^[\w-]+", lambda n: CONDA.get(n[0], n[0]), one) for one in run]
    needed = [*lines(SETUP["options"]["install_requires"])]
    needed.append(f"python {SETUP['options']['python_requires']}")
    assert bounds(named) == bounds(needed)
    host = bounds(section(recipe, "host"))
    assert host["python"] == bounds(needed)["python"]
    built = re.search(r'requires = \["(.*?)"\]', read("pyproject.toml"))[1]
    assert host["setuptools"] == bounds([built])["setuptools"]
    assert "matplotlib" in SETUP["options"]["install_requires"]
    assert f"    - {lines(SETUP['options.entry_points']['console_scripts'])[0]}\n" in recipe
    about = SETUP["metadata"]
    assert f"  summary: {about['description']}\n" in recipe
    assert f"  license: {about['license']}\n" in recipe


def test_the_oldest_that_are_tested_are_the_oldest_that_are_allowed():
    pinned = bounds(line for line in lines(read("tests/oldest.txt")))
    known = lines(SETUP["options"]["install_requires"])
    for extra in ("test", "sweep", "cluster", "pandas", "optimize", "sklearn", "report"):
        known += [one for one in lines(EXTRAS[extra]) if not one.startswith("infosim[")]
    for name, said in bounds(known).items():
        least = [one for one in said if one.startswith(">=")]
        if not least or name in ("jsonschema",):  # a tool of the tests
            continue
        pin = next(iter(pinned[name])).removeprefix("==")
        assert re.sub(r"(\.0)+$", "", pin) == re.sub(r"(\.0)+$", "", least[0][2:]), name


def test_versions_of_python_are_the_same_everywhere():
    versions = python_versions()
    assert SETUP["options"]["python_requires"] == f">={versions[0]}"
    minors = [int(one.partition(".")[2]) for one in versions]
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert f'target-version = "py{versions[0].replace(".", "")}"' in read("pyproject.toml")
    asked = re.search(r"python: \[(.*)\]", read(".github/workflows/ci.yml"))[1]
    assert asked == f'"{versions[0]}", "{versions[-1]}"'
    installed = read("docs/installed.md")
    assert all(f"| {one} |" in installed for one in versions)
    assert f"Python {versions[0]} or later" in read("README.md")


def test_the_workflow_does_what_continuous_integration_does_here():
    """Targets of .ci/run, in words that Windows, which has no make, understands as well."""
    here, there = read(".ci/run"), read(".github/workflows/ci.yml")
    targets = re.findall(r"^make ([\w-]+)", here, re.M)
    assert targets == ["test", "docs", "types", "test-oldest"]
    make = read("Makefile")
    for target in targets:
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", make, re.M)[1]
        run = re.findall(r"-m (pytest .*)", recipe)[0].strip() if target == "test" else None
        assert f"make {target}\n" in there or (run and f"python -m {run}\n" in there), target
    assert "NOT YET RUN" in there
    for path in re.findall(r"tests/[\w/.]+", here):
        assert (ROOT / path).exists(), path


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("infosim tr", ["train"]),
        ("infosim p", ["pid", "predict", "presets"]),
        ("infosim presets sh", ["show"]),
        ("infosim train demo/digits --ba", ["--backend"]),
    ],
)
def test_bash_completes(typed, offered, tmp_path):
    """By the line of docs/start.md, as bash itself asks for completions."""
    line = re.search(r'eval "\$\(_INFOSIM_COMPLETE=bash_source infosim\)"', read("docs/start.md"))[
        0
    ]
    bash, command = shutil.which("bash"), tmp_path / "infosim"
    command.write_text(f'#!{bash}\nexec "{sys.executable}" -m infosim "$@"\n', "utf-8")
    command.chmod(0o755)
    words = " ".join(f"'{word}'" for word in typed.split())
    script = f"""
{line}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
how=$(complete -p infosim); how=${{how##*-F }}
${{how%% *}} infosim
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    found = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={
            **os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert found.stdout.split() == offered, found.stderr


# -- lightness -------------------------------------------------------------------------------------


def test_importing_infosim_imports_nothing_else():
    assert loaded("import infosim") == set()
    assert loaded("import infosim.cli") == {"click"}
    heavy = loaded("import infosim; infosim.Simulator; infosim.Network; infosim.decompose")
    assert {"numba", "numpy"} <= heavy
    # (SciPy is Numba's to import, where there is one)
    others = {"PIL", "dask", "distributed", "jinja2", "joblib", "matplotlib", "openpyxl", "optuna"}
    assert not heavy & (others | {"pandas", "requests", "sklearn"})


def test_few_packages_are_needed():
    packages = closure("infosim")
    assert set(packages["infosim"]) == set(bounds(lines(SETUP["options"]["install_requires"])))
    assert len(packages["infosim"]) <= 9
    assert len(packages) - 1 <= 30  # 25 of the newest, 28 of the oldest
    assert "scipy" not in packages
    assert size("tomli-w") < size("click") < 2_000_000
