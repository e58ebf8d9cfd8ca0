"""A small slice of the torture: python -m tests.torture does as much of it as wanted."""

import os
import random

import pytest
import torture

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends processes by signals")


def test_killed_and_damaged_at_random_moments_a_run_ends_in_the_same_bits(tmp_path):
    whole = torture.undisturbed(tmp_path / "whole")
    assert torture.killed(tmp_path / "run", random.Random(4), 6, damaged=0.5) <= 6
    torture.same_results(tmp_path / "run", whole)
    assert [path.name for path in (tmp_path / "run").glob(".*")] == [".lock"]


def test_whatever_is_damaged_ends_in_one_line(tmp_path, monkeypatch):
    pytest.importorskip("optuna", reason="needs the extra optimize")
    monkeypatch.setenv("INFOSIM_DATA", str(tmp_path / "data"))
    kinds = set()
    failures = torture.fuzz(tmp_path / "fuzz", 90, 0, lambda kind, *_: kinds.add(kind))
    assert not failures
    assert len(kinds) >= 25
