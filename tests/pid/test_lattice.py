import naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infosim.errors import ConfigError
from infosim.pid import lattice

sizes = pytest.mark.parametrize("n", [1, 2, 3, 4])


@sizes
def test_antichains_order_and_labels_match_the_naive_enumeration(n):
    chains = naive.antichains(n)
    assert len(lattice(n)) == {1: 1, 2: 4, 3: 18, 4: 166}[n]
    assert lattice(n).labels() == tuple(naive.label(a) for a in chains)
    below = [[naive.below(a, b) for b in chains] for a in chains]
    np.testing.assert_array_equal(lattice(n).order, below)


def test_three_sources_are_in_the_published_order():
    published = (
        "{1}{2}{3} {1}{2} {1}{3} {2}{3} {1}{23} {2}{13} {3}{12} {1} {2} {3} "
        "{12}{13}{23} {12}{13} {12}{23} {13}{23} {12} {13} {23} {123}"
    )
    assert lattice(3).labels() == tuple(published.split())
    assert lattice(2).labels() == ("{1}{2}", "{1}", "{2}", "{12}")


@sizes
def test_moebius_is_the_integer_inverse_of_summing_what_lies_below(n):
    grid = lattice(n)
    identity = np.eye(len(grid), dtype=int)
    np.testing.assert_array_equal(grid.moebius @ grid.order.T, identity)
    assert grid.moebius.dtype.kind == "i"


@sizes
def test_inclusion_exclusion_counts_every_agreement_pattern_once(n):
    # An event that agrees exactly on the sources in `agreed` lies in U_α if a set of α does.
    grid = lattice(n)
    for agreed in range(2**n):
        marginals = [(m & agreed) == m for m in range(1, 2**n)]
        union = [any(s & agreed == s for s in a) for a in grid.antichains]
        np.testing.assert_array_equal(grid.inclusion_exclusion @ marginals, union)


def test_published_examples():
    grid = lattice(3)
    row = grid.inclusion_exclusion[grid.index("{F}{CL}", "FCL")]
    assert dict(zip(range(1, 8), row, strict=True)) == {1: 1, 6: 1, 7: -1, 2: 0, 3: 0, 4: 0, 5: 0}
    assert grid.labels()[grid.top] == "{123}"


@given(st.sampled_from(range(166)), st.randoms())
def test_index_takes_sets_and_sources_in_any_order(a, random):
    names = ("age", "b", "sex", "height")
    sets = [[names[k] for k in range(4) if mask >> k & 1] for mask in lattice(4).antichains[a]]
    for members in sets:
        random.shuffle(members)
    random.shuffle(sets)
    label = " ".join("{" + ", ".join(members) + "}" for members in sets)
    assert lattice(4).index(label, names) == a


def test_labels_use_commas_only_for_long_names():
    assert "{height}{age,sex}" in lattice(3).labels(["age", "sex", "height"])
    assert lattice(2).labels("FC")[-1] == "{FC}"
    assert lattice(3).index("{L, C}{F}", "FCL") == lattice(3).index("{F}{CL}", "FCL")


@pytest.mark.parametrize("n", [0, 5, -1, "two"])
def test_other_numbers_of_sources_are_refused(n):
    with pytest.raises(ConfigError, match=f"{n} sources given, a decomposition takes 1 to 4"):
        lattice(n)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("{F}{X}", r"'\{F\}\{X\}' has no source 'X' to name; allowed: F, C, L"),
        ("{F}{FC}", r"'\{F\}\{FC\}' is not an antichain.*did you mean \{F\}\{C\}"),
        ("{F}{}", "one of its sets is empty"),
        ("{F}{F}", "lies within another"),
        ("{F}C", "not source sets in braces, such as "),
        ("F", "not source sets in braces"),
        ("", "not source sets in braces"),
        (7, "atom 7 is not source sets"),
    ],
)
def test_bad_labels_are_named(label, message):
    with pytest.raises(ConfigError, match=message) as error:
        lattice(3).index(label, "FCL")
    assert "\n" not in str(error.value)


def test_a_misspelt_name_gets_its_near_match():
    with pytest.raises(ConfigError, match="no source 'hight' to name; did you mean height"):
        lattice(2).index("{hight}", ["age", "height"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("FF", "source names must differ, given: F, F"),
        ("F", "1 source names given for 2 sources"),
        (["a ", "c"], "'a ' must be a non-empty string without braces"),
        (["a{", "c"], "'a{' must be"),
        (["", "c"], "'' must be"),
        ([1, 2], "1 must be a non-empty string"),
    ],
)
def test_bad_names_are_named(names, message):
    with pytest.raises(ConfigError, match=message):
        lattice(2).labels(names)


def test_the_shared_lattice_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        lattice(2).moebius[0, 0] = 5
    with pytest.raises(AttributeError):
        lattice(2).order = None
