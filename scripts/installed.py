"""What an installation takes: time to import, size on disk, what needs what (docs/installed.md).

    python -m venv clean && clean/bin/pip install dist/*.whl
    clean/bin/python -I scripts/installed.py

measures the environment of the Python that runs it, which needs infosim and nothing else.
"""

import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: Shown by their sizes; of the others only the sum.
LARGEST = 6


def needed(name, asks):
    """The names that the requirements of a package have, those of its extras left out.

    asks : whether what a condition names is asked for on this system, by the name of the package
    """
    for line in distribution(name).requires or ():
        line, _, condition = line.partition(";")
        other = re.sub("[-_.]+", "-", re.match(r"[\w.-]+", line)[0]).lower()
        if "extra" not in condition and (not condition or asks(other)):
            yield other


def there(name):
    """Whether a package is installed; pip has weighed the condition on which it is wanted."""
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def size(name):
    """The bytes of a package's files, with what Python compiled of them."""
    one = distribution(name)
    paths = {Path(one.locate_file(path)).resolve() for path in one.files}
    return sum(path.stat().st_size for path in paths if path.is_file())


def closure(name):
    """Package -> what it needs, of `name` and all that this needs in turn."""
    found, left = {}, [name]
    while left:
        one = left.pop()
        if one not in found:
            found[one] = sorted(needed(one, there))
            left += found[one]
    return found


def told(code):
    """What a Python of its own prints of this code."""
    command = [sys.executable, "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def seconds(code):
    """The seconds that a Python which has just started takes for this code, the least of five."""
    timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
    return min(float(told(timed)) for _ in range(5))


def loaded(code):
    """The packages beside infosim and the standard library that this code imports."""
    new = "{name.partition('.')[0] for name in sys.modules.keys() - before}"
    names = told(f"import sys; before = set(sys.modules); {code}; print(*{new})")
    return set(names.split()) - set(sys.stdlib_module_names) - {"infosim"}


def report():
    """The lines of the page."""
    packages = closure("infosim")
    sizes = {name: size(name) / 1e6 for name in packages if name != "infosim"}
    most = sorted(sizes, key=lambda name: -sizes[name])[:LARGEST]
    light, heavy = "import infosim", "import infosim; infosim.Simulator"
    yield f"| | Python {platform.python_version()}, {platform.system()} |"
    yield "|---|---|"
    yield f"| infosim | {size('infosim') / 1e6:.1f} MB |"
    yield (
        f"| all that it needs | {len(sizes)} packages, {sum(sizes.values()):.0f} MB, of which "
        + ", ".join(f"{name} {sizes[name]:.0f}" for name in most)
        + " |"
    )
    yield f"| `{light}` | {1000 * seconds(light):.1f} ms, {len(loaded(light))} other packages |"
    yield f"| first use of `infosim.Simulator` | {seconds(heavy):.2f} s |"
    yield "\n```text"
    for name in ("infosim", *sorted(packages.keys() - {"infosim"})):
        if packages[name]:
            yield f"{name} {distribution(name).version}: {', '.join(packages[name])}"
    yield "```"


if __name__ == "__main__":
    print("\n".join(report()))
