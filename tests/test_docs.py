"""The code in README and docs runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
XOR = """
import numpy as np
pmf = np.zeros((2, 2, 2))
for a in 0, 1:
    for b in 0, 1:
        pmf[a, b, a ^ b] = 0.25
"""


@pytest.mark.parametrize("page", ["README.md", "docs/networks.md", "docs/gpu.md"])
def test_page(page, tmp_path):
    """All Python blocks of a page, one after another; what they print makes sense."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    code = XOR + "\n".join(blocks) + "\nprint('done')"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("done\n")
    if page == "docs/networks.md":
        overlap = float(re.search(r"overlap (\S+)", result.stdout)[1])
        assert overlap >= 0.95


def test_pages_that_are_linked_exist():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
