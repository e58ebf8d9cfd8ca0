"""How long figures take: what their scripts enter, and what the page says of it."""

import csv
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from infosim.errors import CheckpointError
from scripts import command, reproducing, timing
from scripts.command import figure_script
from scripts.timing import MEASURED, RECKONED, Time, record, times

HERE = timing.machine()


def enter(folder, script="a", networks=1, seconds=2.0, how=MEASURED):
    record(folder, script, networks, seconds, folder / "runs" / "lock", how)


def measured(script, networks, seconds, machine=HERE):
    return Time(script, machine, MEASURED, networks, seconds)


def test_starts_that_train_are_added_up(tmp_path):
    enter(tmp_path, networks=3, seconds=10.0)
    enter(tmp_path, networks=2, seconds=5.5)
    enter(tmp_path, "b", 7, 1.0)
    enter(tmp_path, networks=0, seconds=4.0)  # only drew what is there
    assert times(tmp_path) == [measured("a", 5, 15.5), measured("b", 7, 1.0)]
    assert (
        (tmp_path / "times.csv").read_text().startswith("script,machine,how,networks,seconds\na,")
    )


def test_a_script_that_only_draws_takes_what_it_took_last(tmp_path):
    enter(tmp_path, networks=0, seconds=4.0)
    enter(tmp_path, networks=0, seconds=3.0)
    assert times(tmp_path) == [measured("a", 0, 3.0)]
    enter(tmp_path, networks=1, seconds=9.0)
    assert times(tmp_path) == [measured("a", 1, 9.0)]


def test_other_machines_have_rows_of_their_own(tmp_path, monkeypatch):
    enter(tmp_path)
    monkeypatch.setattr(timing, "machine", lambda: "8 cores of B, C")
    enter(tmp_path, networks=4, seconds=90.0)
    there = measured("a", 4, 90.0, "8 cores of B, C")
    assert set(times(tmp_path)) == {measured("a", 1, 2.0), there}


def test_what_is_reckoned_is_no_start_and_the_last_holds(tmp_path):
    enter(tmp_path, networks=3, seconds=10.0)
    for seconds in (50.0, 60.0):
        enter(tmp_path, networks=8, seconds=seconds, how=RECKONED)
    enter(tmp_path, networks=1, seconds=2.0)
    reckoned = Time("a", HERE, RECKONED, 8, 60.0)
    assert times(tmp_path) == [measured("a", 4, 12.0), reckoned]
    # of all networks, until as many were measured
    assert timing.told(tmp_path, "a") == [reckoned]
    enter(tmp_path, networks=4, seconds=20.0)
    assert timing.told(tmp_path, "a") == [measured("a", 8, 32.0)]


def test_none_is_lost_where_several_enter_at_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: enter(tmp_path, f"s{i % 2}"), range(24)))
    assert [(one.networks, one.seconds) for one in times(tmp_path)] == [(12, 24.0)] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is damaged"),
        ("a,b\n", "its columns are"),
        ("script,machine,how,networks,seconds\na,b,measured,c,d\n", "invalid literal"),
        ("script,machine,how,networks,seconds\na,b,measured,1\n", "it has a row a,b,measured,1"),
        ("script,machine,how,networks,seconds\na,b,measured,1,2,3\n", "it has a row a,b,mea"),
        ("script,machine,how,networks,seconds\na,b,guessed,1,2\n", "it has a row a,b,guessed"),
        ("script,machine,how,networks,seconds\na,b,measured,1,\x00\n", "is damaged"),
    ],
)
def test_a_damaged_table_is_said_and_stays(text, message, tmp_path):
    (tmp_path / "times.csv").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        enter(tmp_path)
    assert (tmp_path / "times.csv").read_text() == text


@figure_script("iclr2025")
def figure(work):
    """A figure of which one network is trained."""
    work.trained.append("key")
    work.trained.append("key")  # twice the same
    if work.scale == "paper":
        raise CheckpointError("stopped")


@figure_script("iclr2025")
def broken(work):
    """A figure that fails before anything is trained."""
    raise CheckpointError("no data")


def start(script, folder, *words):
    words = [*words, "--out", str(folder / "figures"), "--runs", str(folder / "runs")]
    return CliRunner().invoke(script, words).exit_code, times(folder / "figures")


def test_scripts_enter_what_they_took(tmp_path):
    code, (row,) = start(figure, tmp_path)
    assert (code, row.script, row.networks) == (0, __name__, 1)
    assert 0 <= row.seconds < 60
    # one that is stopped has trained what it has
    code, (row,) = start(figure, tmp_path, "--scale", "paper")
    assert (code, row.networks) == (2, 2)
    # to draw is no start, nor is what failed before anything was trained
    assert start(figure, tmp_path, "--draw") == (0, [row])
    assert start(broken, tmp_path) == (2, [row])


def test_time_is_that_of_the_clock(tmp_path, monkeypatch):
    ticks = iter([100.0, 175.0])
    monkeypatch.setattr(command, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    assert start(figure, tmp_path) == (0, [measured(__name__, 1, 75.0)])


def test_the_page_says_what_is_recorded_and_what_is_not(tmp_path, monkeypatch):
    assert reproducing._time(tmp_path, "a") == "not recorded"
    enter(tmp_path, "a", 0, 3.2)
    assert reproducing._time(tmp_path, "a") == f"3 seconds for no networks, {HERE}"
    monkeypatch.setattr(timing, "machine", lambda: "one of another kind")
    enter(tmp_path, "a", 1, 150.0)
    assert reproducing._time(tmp_path, "a").endswith("2 minutes for 1 network, one of another kind")
    assert reproducing._time(tmp_path, "b") == "not recorded"
    enter(tmp_path, "b", 954, 7400.0, RECKONED)
    told = "about 2 hours, reckoned, for 954 networks, one of another kind"
    assert reproducing._time(tmp_path, "b") == told


def test_times_of_the_repository_are_of_its_scripts():
    for folder in (reproducing.ROOT / "figures").iterdir():
        for one in times(folder) if folder.is_dir() else ():
            assert (reproducing.ROOT / f"{one.script.replace('.', '/')}.py").exists()
            assert one.script.split(".")[1] == folder.name


def test_rows_are_read_as_csv(tmp_path):
    enter(tmp_path)
    with open(tmp_path / "times.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row == {
        "script": "a", "machine": HERE, "how": "measured", "networks": "1", "seconds": "2",
    }  # fmt: skip
