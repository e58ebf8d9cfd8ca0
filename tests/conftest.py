"""Fixtures for the tests of every part."""

import os
from pathlib import Path

import pytest

from infosim import datasets


@pytest.fixture(scope="session")
def mnist_dir():
    """A folder in which MNIST lies; without one the test is skipped."""
    # A checkout may have the data beside it.
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = os.environ.get("INFOSIM_DATA") or beside
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOSIM_DATA", str(folder))
        if datasets.status("mnist").state == "absent":
            pytest.skip("needs MNIST: `infosim data fetch mnist`, then set INFOSIM_DATA")
    return Path(folder)


@pytest.fixture(scope="session")
def mnist(mnist_dir):
    """MNIST, loaded once and read-only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOSIM_DATA", str(mnist_dir))
        return datasets.load("mnist")
