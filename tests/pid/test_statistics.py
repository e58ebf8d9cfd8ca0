"""Intervals, tests and bias of decompositions of samples, against what they must come to."""

from itertools import permutations

import naive
import numpy as np
import pytest

from infosim.errors import ConfigError, DataError, ShapeError
from infosim.pid import decompose, decompose_many
from infosim.pid.statistics import bias, bootstrap, cautions, permutation_test
from infosim.pid.statistics.bootstrap import drawing
from infosim.pid.statistics.permutation import permuting
from infosim.pid.statistics.samples import Samples
from scripts.calibration import copies, coverage, distance, gate, p_values


def noisy_and(n=300, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(2, size=(2, n))
    return {"a": a, "b": b}, (a & b) ^ (rng.random(n) < 0.1)


@pytest.fixture(scope="module")
def d():
    sources, target = noisy_and()
    return decompose(sources=sources, target=target)


ROWS = {"sources": [np.arange(12)], "target": np.arange(12) % 2}


def test_intervals_hold_the_truth_as_often_as_they_say():
    far, near, n_far, n_atoms = coverage(gate(2, lambda a, b: a ^ b), 1000, 200, 100)
    assert (n_far, n_atoms) == (4, 4)
    assert 0.93 <= far <= 0.97  # 800 intervals: three standard errors are 2.3 %
    far, near, n_far, _ = coverage(copies(), 1000, 100, 100)
    assert n_far == 2
    assert min(far, near) > 0.9


def test_p_is_uniform_where_nothing_tells_of_the_target():
    sets, conditional = p_values(n_tables=100, permutations=99, n_rows=100)
    for p in (*sets.T, *conditional.T):
        assert distance(p) < 1.63 / np.sqrt(100)  # 1 % of Kolmogorov's distribution
        assert p.min() >= 1 / 100
        assert p.max() <= 1


def test_the_same_seed_is_the_same_result_on_any_number_of_threads(d):
    for threads in (1, 2, 5):
        found = (
            bootstrap(d, 60, seed=3, threads=threads).replicates.tolist(),
            permutation_test(d, 40, seed=3, threads=threads).informations,
            bias(d, n=10, seed=3, threads=threads).atoms,
            bias(d, "extrapolation", n=10, seed=3, threads=threads).atoms,
        )
        if threads == 1:
            first = found
        assert found == first
    assert bootstrap(d, 60, seed=4).replicates.tolist() != first[0]
    # a replicate is what it is however many there are
    longer = bootstrap(d, 70, seed=3).replicates
    np.testing.assert_array_equal(longer[:60], first[0])


def test_replicates_are_decompositions_of_samples_drawn_anew(d):
    b = bootstrap(d, 50, level=0.9)
    assert b.replicates.shape == (50, 4)
    rng = np.random.default_rng([0, 1, 0])  # of the first replicate
    counts = rng.multinomial(300, d.events.mass)
    pmf = np.zeros((2, 2, 2))
    pmf[tuple(d.events.codes)] = counts / 300
    np.testing.assert_allclose(b.replicates[0], list(naive.atoms(pmf).values()), atol=1e-12)
    error = b.replicates.std(axis=0, ddof=1)
    low, high = np.array(list(b.atoms.values())).T
    np.testing.assert_allclose(high - low, 2 * 1.6448536 * error, rtol=1e-6)
    np.testing.assert_allclose((low + high) / 2, 2 * d.atoms - b.replicates.mean(axis=0))
    assert list(b.standard_errors.values()) == pytest.approx(error.tolist())
    assert list(b.informations) == ["{a}", "{b}", "{ab}"]
    assert list(b.conditional) == ["a", "b"]
    for name in "ab":
        assert b.conditional[name][0] < d.conditional[name] < b.conditional[name][1]


@pytest.mark.parametrize("measure", ["williams-beer", "minimum-mutual-information"])
def test_intervals_of_other_measures(measure):
    sources, target = noisy_and()
    d = decompose(sources=sources, target=target, measure=measure)
    b = bootstrap(d, 40)
    for value, (low, high) in zip(d.atoms, b.atoms.values(), strict=True):
        assert low < value + 1e-9
        assert value - 1e-9 < high


def test_weights_are_so_many_samples(d):
    codes, weights = d.events.codes, d.events.weights
    short = decompose(sources=list(codes[:-1]), target=codes[-1], weights=weights, names="ab")
    (many,) = decompose_many(
        {"a": codes[0], "b": codes[1], "t": codes[2]}, [(("a", "b"), "t")], weights=weights
    )
    for other in (short, many):
        np.testing.assert_array_equal(bootstrap(other, 20).replicates, bootstrap(d, 20).replicates)
        assert bias(other, "miller-madow").atoms == {}
        # permuted is another order of samples, so that p is only about the same
        p = permutation_test(other, 200).informations
        assert p == pytest.approx(permutation_test(d, 200).informations, abs=0.1)


def test_whole_trials_are_drawn():
    """Each trial has an event of its own, three times: counts are multiples of 3."""
    d = decompose(sources=[np.repeat(np.arange(6), 3)], target=np.repeat([0, 1], 9))
    draw = drawing(d, None, np.repeat(list("fedcba"), 3))
    counts = np.array([draw(np.random.default_rng(i)) for i in range(20)])
    assert (counts.sum(axis=1) == 18).all()
    assert (counts % 3 == 0).all()
    assert len({tuple(c) for c in counts}) > 10


@pytest.mark.parametrize("by", [None, np.repeat([0, 1], [7, 5])])
def test_blocks_are_successive_samples_of_one_trial(by):
    d = decompose(**ROWS)  # each sample is an event of its own
    draw = drawing(d, 3, by)
    for i in range(50):
        counts = draw(np.random.default_rng(i))
        assert counts.sum() == 12
        if by is not None:
            assert counts[:7].sum() == 7
    seen = sum(draw(np.random.default_rng(i)) for i in range(2000)) / 2000
    assert seen[5] == pytest.approx(1, abs=0.5)


def test_blocks_of_a_slow_series_leave_more_open():
    rng = np.random.default_rng(0)
    slow = np.repeat(rng.integers(2, size=40), 25)
    d = decompose(sources=[slow], target=slow ^ (rng.random(1000) < 0.2))
    d = decompose(sources=[slow], target=np.repeat(rng.integers(2, size=40), 25))
    alone, blocks = (bootstrap(d, 200, block=block).standard_errors["{1}"] for block in (None, 50))
    assert blocks > 2 * alone


def test_p_of_few_samples_is_that_of_all_permutations():
    x, t = [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 1, 1]
    d = decompose(sources=[x], target=t)

    def told(target):
        return decompose(sources=[x], target=target).information

    every = np.mean([told(p) >= told(t) - 1e-9 for p in permutations(t)])
    test = permutation_test(d, 1500)
    assert test.informations["{1}"] == pytest.approx(every, abs=0.05)
    assert test.conditional == {}
    assert permutation_test(d, 9).informations["{1}"] >= 0.1


def test_what_another_source_tells_is_no_evidence_of_a_source():
    """b copies a, which tells of t: b tells of t, but nothing beside a."""
    rng = np.random.default_rng(1)
    a = rng.integers(3, size=400)
    b = np.where(rng.random(400) < 0.8, a, rng.integers(3, size=400))
    t = np.where(rng.random(400) < 0.5, a, rng.integers(3, size=400))
    test = permutation_test(decompose(sources={"a": a, "b": b}, target=t), 199)
    assert test.informations["{b}"] == 1 / 200
    assert test.conditional["a"] == 1 / 200
    assert test.conditional["b"] > 0.05


def test_values_are_permuted_where_they_may_be():
    d = decompose(**ROWS)
    by, strata = np.repeat([0, 1, 2], 4), np.arange(12) % 2
    trials = Samples.of(d, by)
    rng = np.random.default_rng(0)
    for moved in (permuting(trials, "rows")(rng, strata) for _ in range(20)):
        assert sorted(moved) == list(range(12))
        assert (by[moved] == by).all()
        assert (strata[moved] == strata).all()
    for moved in (permuting(trials, "shift")(rng, None) for _ in range(20)):
        assert (by[moved] == by).all()
        assert all(len(set((moved[by == g] - np.arange(4)) % 4)) == 1 for g in range(3))
    for moved in (permuting(trials, "trials")(rng, None) for _ in range(20)):
        assert (moved % 4 == np.arange(12) % 4).all()
        assert all(len(set(by[moved[by == g]])) == 1 for g in range(3))
    free = permuting(Samples.of(d), "rows")(rng, None)
    assert sorted(free) == list(range(12))


def test_series_are_tested_by_shifts():
    """Slow series look alike by chance: rows that are permuted do not know, shifts do."""
    rng = np.random.default_rng(2)
    slow, other = (np.repeat(rng.integers(2, size=20), 20) for _ in range(2))
    d = decompose(sources=[slow, rng.integers(2, size=400)], target=other)
    rows, shift = (permutation_test(d, 199, how=how) for how in ("rows", "shift"))
    assert rows.informations["{1}"] < 0.05 < shift.informations["{1}"]
    assert rows.conditional["1"] < 0.05 < shift.conditional["1"]
    same = decompose(sources=[slow], target=np.roll(slow, 1))
    assert permutation_test(same, 199, how="shift").informations["{1}"] < 0.02
    trials = permutation_test(same, 199, how="trials", by=np.repeat(np.arange(20), 20))
    assert trials.informations["{1}"] < 0.02


def test_bias_where_nothing_is_told():
    rng = np.random.default_rng(0)
    d = decompose(sources=list(rng.integers(4, size=(2, 500))), target=rng.integers(4, size=500))
    theory = {label: (4 ** (len(label) - 2) - 1) * 3 / (1000 * np.log(2)) for label in
              d.informations}  # fmt: skip
    found = {method: bias(d, method, n=40) for method in
             ("shuffle", "extrapolation", "miller-madow")}  # fmt: skip
    for method, b in found.items():
        assert b.informations == pytest.approx(theory, rel=0.3), method
        assert b.conditional["1"] == pytest.approx(b.informations["{12}"] - b.informations["{2}"])
        assert b.corrected_informations["{1}"] == pytest.approx(
            d.informations["{1}"] - b.informations["{1}"]
        )
    for method in ("shuffle", "extrapolation"):
        atoms = found[method].atoms
        assert sum(atoms.values()) == pytest.approx(found[method].informations["{12}"])
        assert atoms["{12}"] == pytest.approx(theory["{12}"] - 2 * theory["{1}"], rel=0.5)
    assert found["miller-madow"].corrected_atoms == {}


def test_bias_of_trials_keeps_them_whole():
    """Trials of one value each: within them nothing is permuted; as wholes they are few."""
    x = np.repeat(np.random.default_rng(0).integers(2, size=16), 10)
    d, by = decompose(sources=[x], target=x), np.repeat(np.arange(16), 10)
    assert bias(d, n=3, by=by).informations["{1}"] == pytest.approx(d.information)
    rows, trials = (bias(d, "extrapolation", n=20, by=b).informations["{1}"] for b in (None, by))
    assert abs(trials) > 3 * abs(rows)
    with pytest.raises(DataError, match="or trials, are needed, were 2"):
        bias(d, "extrapolation", by=by // 8)


def test_large_alphabets_seem_to_tell_what_they_do_not():
    x, t = np.random.default_rng(0).poisson(200, size=(2, 300))
    d = decompose(sources={"x": x}, target=t)
    assert d.information == pytest.approx(3.2, abs=0.1)
    assert bias(d, n=20).corrected_informations["{x}"] == pytest.approx(0, abs=0.1)
    assert permutation_test(d, 99).informations["{x}"] > 0.05
    lines = cautions(d)
    assert len(lines) == 3
    assert "each cell that occurs, 300 for 281: at least 0.37 of 3.25 bits" in lines[-1]
    assert "owed to chance" in lines[-1]


def test_cautions_are_in_words(d):
    assert cautions(d) == []
    rng = np.random.default_rng(0)
    lines = cautions(decompose(sources={"age": rng.random(50)}, target=rng.integers(2, size=50)))
    assert lines[0] == (
        "age has 50 distinct values in 50 samples and looks continuous: cut it into a few bins"
    )
    assert lines[1] == (
        "1.0 samples for each cell that occurs, 50 for 50: what they tell may be owed to chance; "
        "take fewer bins or more samples"
    )
    assert cautions(decompose(sources=[[0]], target=[0]))[0].startswith("1.0 samples for each cell")


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_constant_and_tiny_tables(rows):
    d = decompose(sources=[[0] * rows, list(range(rows))], target=[1] * rows)
    b = bootstrap(d, 5)
    assert set(b.atoms.values()) == {(0.0, 0.0)}
    assert permutation_test(d, 5).informations == {"{1}": 1, "{2}": 1, "{12}": 1}
    assert bias(d, n=2).atoms == pytest.approx(dict.fromkeys(d, 0), abs=1e-15)
    assert bias(d, "miller-madow").informations["{12}"] == 0


PMF = decompose([[0.5, 0], [0, 0.5]])
FEW = decompose(**ROWS)
HALF = decompose(sources=[[0, 1]], target=[0, 1], weights=[0.5, 1])
TWICE = decompose(sources=[[0, 1]], target=[0, 1], weights=[2, 1])
HUGE = decompose(sources=[[0, 1]], target=[0, 1], weights=[10**9, 10**9])
(MANY,) = decompose_many({"a": [0, 1], "t": [0, 1]}, [("a", "t")])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bootstrap(PMF), ConfigError, "this decomposition is of no samples"),
        (lambda: permutation_test(PMF), ConfigError, "of no samples"),
        (lambda: bias(PMF), ConfigError, "of no samples"),
        (lambda: cautions(PMF), ConfigError, "of no samples"),
        (lambda: bootstrap(HALF), DataError, "weights that are counts, one event has 0.5"),
        (lambda: bootstrap(FEW, 1), ConfigError, "bootstrap must be an integer from 2 to 1000000"),
        (lambda: bootstrap(FEW, 9, seed=-1), ConfigError, "seed must be an integer"),
        (lambda: bootstrap(FEW, 9, seed=0.5), ConfigError, "seed must be an integer"),
        (lambda: bootstrap(FEW, 9, level=95), ConfigError, "level must be between 0 and 1, was 95"),
        (lambda: bootstrap(FEW, 9, level="a"), ConfigError, "level must be between 0 and 1"),
        (lambda: bootstrap(FEW, 9, block=0), ConfigError, "block must be an integer of at least 1"),
        (lambda: bootstrap(FEW, 9, block=12), ConfigError, "block must be below the 12 samples"),
        (
            lambda: bootstrap(FEW, 9, block=3, by=[0] * 3 + [1] * 9), ConfigError,
            "block must be below the 3 samples of the shortest trial, was 3",
        ),
        (lambda: bootstrap(FEW, 9, by=[1] * 11), ShapeError, "by has 11 values for 12 samples"),
        (lambda: bootstrap(FEW, 9, by=[1] * 12), DataError, "by names 1 trial"),
        (lambda: bootstrap(FEW, 9, by=[None] * 12), DataError, "by has missing values"),
        (lambda: bootstrap(FEW, 9, threads=0), ConfigError, "threads must be an integer"),
        (lambda: bootstrap(TWICE, 9, block=1), DataError, "samples with weights have no order"),
        (lambda: bootstrap(MANY, 9, block=1), ConfigError, "decompose_many does not keep it"),
        (lambda: permutation_test(FEW, 0), ConfigError, "permutations must be an integer from 1"),
        (lambda: permutation_test(FEW, 9, how="row"), ConfigError, "how must be 'rows' or"),
        (lambda: permutation_test(FEW, 9, how="trials"), ConfigError, "needs to know them: by="),
        (
            lambda: permutation_test(FEW, 9, how="trials", by=[0] * 5 + [1] * 7), DataError,
            "to permute trials all must be equally long, theirs are 5 to 7 samples",
        ),
        (
            lambda: permutation_test(FEW, 9, how="trials", by=[1] * 12), DataError,
            "by names 1 trial; to permute trials at least 2 are needed",
        ),
        *[
            (lambda how=how: permutation_test(FEW, 9, how=how, by=range(12)), DataError,
             "each trial has 1 sample, within it there is nothing to permute")
            for how in ("rows", "shift")
        ],
        (lambda: bias(FEW, by=range(12)), DataError, "within it there is nothing to permute"),
        (lambda: bias(FEW, "jackknife"), ConfigError, "method must be 'shuffle' or"),
        (lambda: bias(HUGE), DataError, r"2e\+09 samples are too many to be permuted"),
        (lambda: bias(HALF), DataError, "weights that are counts"),
        (lambda: bias(TWICE, "extrapolation"), DataError, "at least 4 samples, .* were 3"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_bar_says_how_far_it_is(d, capsys):
    bootstrap(d, 30, progress=True)
    assert "/30 [" in capsys.readouterr().err
    bootstrap(d, 30)
    assert capsys.readouterr().err == ""
