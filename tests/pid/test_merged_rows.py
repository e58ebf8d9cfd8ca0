"""Samples as distinct events with weights, what is known of each, and many tables at once."""

import naive
import numpy as np
import pytest

from infosim.errors import ConfigError, DataError, ShapeError
from infosim.network import Compartment, Layer
from infosim.neuron import Activation
from infosim.pid import decompose, decompose_many, evaluation, lattice
from infosim.pid.broja import most_open


def table(n_sources=3, n=60, n_values=3, seed=0):
    """Columns 1, 2, ..., t of which t depends on the others."""
    rng = np.random.default_rng(seed)
    sources = rng.integers(n_values, size=(n_sources, n))
    target = np.where(rng.random(n) < 0.6, sources.sum(axis=0) % 3, rng.integers(3, size=n))
    return {**{str(k + 1): row for k, row in enumerate(sources)}, "t": target}


def pmf_of(columns):
    codes = np.array(list(columns.values()))
    pmf = np.zeros(codes.max(axis=1) + 1)
    np.add.at(pmf, tuple(codes), 1 / codes.shape[1])
    return pmf


@pytest.fixture(scope="module")
def columns():
    return table()


def of(columns, **options):
    *sources, target = columns
    return decompose(sources={n: columns[n] for n in sources}, target=columns[target], **options)


@pytest.mark.parametrize("at_once", [1, 7, 4096])
@pytest.mark.parametrize("measure", ["shared-exclusions", "williams-beer"])
def test_many_distributions_in_pieces_are_each_what_it_is_alone(
    columns, measure, at_once, monkeypatch
):
    """Some of them without some of the events, and pieces that end within a distribution."""
    monkeypatch.setattr(evaluation, "_AT_ONCE", at_once)
    d = of(columns, measure=measure)
    masses = np.random.default_rng(1).multinomial(60, d.events.mass, size=3) / 60
    assert (masses == 0).any()
    found = d.definition.evaluation(d.events.codes).redundancies(masses)
    chains = naive.antichains(3)
    for mass, redundancies in zip(masses, found, strict=True):
        pmf = np.zeros(d.events.codes.max(axis=1) + 1)
        pmf[tuple(d.events.codes)] = mass
        expected = [naive.redundancy_of(measure, pmf, chain) for chain in chains]
        np.testing.assert_allclose(redundancies, expected, atol=1e-12)


def test_rows_that_are_equal_count_as_one_with_a_weight(columns):
    d = of(columns)
    assert d.events.total == 60
    assert len(d.events) == np.unique(np.array(list(columns.values())), axis=1).shape[1]
    np.testing.assert_array_equal(
        d.events.codes[:, d.events.rows], [np.unique(c, return_inverse=True)[1] for c in
                                           columns.values()]
    )  # fmt: skip
    np.testing.assert_array_equal(d.events.rows[d.events.first], np.arange(len(d.events)))
    again = of(columns, weights=np.full(60, 2.5))
    np.testing.assert_allclose(again.atoms, d.atoms, atol=1e-14)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    long = {name: np.repeat(values, weights) for name, values in columns.items()}
    weighted, repeated = of(columns, weights=weights, local=True), of(long, local=True)
    np.testing.assert_allclose(weighted.atoms, repeated.atoms, atol=1e-14)
    np.testing.assert_allclose(weighted.atoms, list(naive.atoms(pmf_of(long)).values()), atol=1e-12)
    assert (np.isnan(weighted.local["{1}"]) == (weights == 0)).all()
    assert (weighted.events.rows[weights == 0] == -1).all()


def test_weights_and_missing_values_leave_out_samples_together():
    d = decompose(
        sources=[["a", None, "b", "a"]], target=[0, 1, 1, 1], weights=[1, 5, 2, 0], missing="drop",
        local=True,
    )  # fmt: skip
    assert d.events.rows.tolist() == [0, -1, 1, -1]
    assert d.events.weights.tolist() == [1, 2]
    assert d.information == pytest.approx(d.entropy)
    assert np.isnan(d.local["{1}"]).tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, -1], DataError, "weights must be 0 or more; index 1 holds -1"),
        ([1, np.nan], DataError, "weights must be finite; index 1 holds nan"),
        ([np.inf, 1], DataError, "weights must be finite; index 0 holds inf"),
        (np.ma.array([1, 2], mask=[0, 1]), DataError, "be finite; index 1 is masked"),
        ([0, 0], DataError, "weights sum to 0, must be above 0"),
        ([1e308, 1e308], DataError, "weights sum to inf"),
        ([1], ShapeError, r"weights have shape \(1,\), must be \(2,\)"),
        ([[1, 2]], ShapeError, r"shape \(1, 2\)"),
        (["1", "2"], ShapeError, "not a flat sequence of numbers"),
        (1, ShapeError, r"shape \(\)"),
    ],
)
def test_weights_that_are_none(weights, error, message):
    with pytest.raises(error, match=message) as caught:
        decompose(sources=[[0, 1]], target=[0, 1], weights=weights)
    assert "\n" not in str(caught.value)


def test_weights_of_what_is_kept_and_of_a_pmf():
    with pytest.raises(DataError, match="every sample that is kept has a weight of 0"):
        decompose(sources=[[0, None]], target=[0, 1], weights=[0, 1], missing="drop")
    with pytest.raises(ConfigError, match="weights are of samples"):
        decompose([[0.5, 0.5]], weights=[1])


AND = np.array([[[1, 0], [1, 0]], [[1, 0], [0, 1]]]) / 4
XOR = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]]]) / 4


def test_pointwise_parts_of_gates_by_hand():
    """{1}{2}: of inputs a, b the event is that a or b agrees, 3/4 of all."""
    third = np.log2(4 / 3)
    p = decompose(XOR).pointwise()
    np.testing.assert_allclose(p.informative[0], third)
    np.testing.assert_allclose(p.misinformative[0], 1)  # of the half with this y one fourth
    d = decompose(AND)
    p = d.pointwise()
    np.testing.assert_allclose(p.informative[0], third)
    # 00: 3/4 of 3/4; 01 and 10: the event holds 00 and itself of y = 0; 11: all of y = 1
    np.testing.assert_allclose(p.misinformative[0], [0, np.log2(3 / 2), np.log2(3 / 2), 0])
    np.testing.assert_allclose(d.informative[0], third)
    np.testing.assert_allclose(d.misinformative[0], np.log2(3 / 2) / 2)
    # {1}, of a alone less that: a = 0 is half of all, and half of 3/4
    np.testing.assert_allclose(p.informative[1], 1 - third)
    alone = np.array([np.log2(3 / 2), np.log2(3 / 2), np.log2(3), 0])
    np.testing.assert_allclose(p.misinformative[1], alone - p.misinformative[0], atol=1e-15)


def test_pointwise_parts_sum_to_atoms_and_average_to_their_parts(columns):
    d = of(columns)
    p = d.pointwise()
    np.testing.assert_allclose(p.informative - p.misinformative, p.atoms, atol=1e-12)
    np.testing.assert_allclose(p.atoms @ d.events.mass, d.atoms, atol=1e-12)
    np.testing.assert_allclose(p.informative @ d.events.mass, d.informative, atol=1e-12)
    np.testing.assert_allclose(p.misinformative @ d.events.mass, d.misinformative, atol=1e-12)
    local = of(columns, local=True).local
    np.testing.assert_allclose(list(local.values()), p.atoms[:, d.events.rows], atol=1e-12)
    with pytest.raises(ConfigError, match="williams-beer has no pointwise atoms"):
        of(columns, measure="williams-beer").pointwise()


@pytest.mark.parametrize("measure", ["shared-exclusions", "minimum-mutual-information"])
def test_informations_beside_the_atoms(columns, measure):
    d, pmf = of(columns, measure=measure), pmf_of(columns)
    assert list(d.informations) == ["{1}", "{2}", "{3}", "{12}", "{13}", "{23}", "{123}"]
    for label, told in d.informations.items():
        others = tuple(k for k in range(3) if str(k + 1) not in label)
        assert told == pytest.approx(naive.mutual_information(pmf.sum(axis=others)), abs=1e-12)
    given = d.information - naive.mutual_information(pmf.sum(axis=0))
    assert d.conditional["1"] == pytest.approx(given, abs=1e-12)

    def entropy(p):
        return -sum(x * np.log2(x) for x in p.ravel() if x > 0)

    axes, signed = (0, 1, 2, 3), 0
    for mask in range(1, 16):
        kept = [k for k in axes if mask >> k & 1]
        h = entropy(pmf.sum(axis=tuple(set(axes) - set(kept))))
        signed -= (-1) ** len(kept) * h
    assert d.co_information == pytest.approx(signed, abs=1e-12)
    alone = sum(entropy(pmf.sum(axis=tuple(set(axes) - {k}))) for k in axes)
    assert d.total_correlation == pytest.approx(alone - entropy(pmf), abs=1e-12)
    one = decompose(pmf.sum(axis=(0, 1)))
    assert one.co_information == pytest.approx(one.information)
    assert one.total_correlation == pytest.approx(one.information)
    assert one.conditional == {"1": pytest.approx(one.information)}
    two = decompose(pmf.sum(axis=0), measure=measure)
    assert two.co_information == pytest.approx(two["{1}{2}"] - two["{12}"])


def test_names_are_any_text_without_braces():
    names = ["sepal length (cm)", "width, cm"]
    d = decompose(XOR, names=names)
    assert d.labels[-1] == "{sepal length (cm),width, cm}"
    for label in ("{width, cm}{sepal length (cm)}", "{width, cm,sepal length (cm)}"):
        assert label in d
    assert d["{sepal length (cm),width, cm}"] == d.atoms[-1]
    with pytest.raises(KeyError, match="no source 'width' to name"):
        d["{width}"]
    with pytest.raises(ConfigError, match="with a comma between"):
        decompose(np.ones((1, 1, 1, 1)), names=["a", "b", "a,b"])
    with pytest.raises(ConfigError, match=r"'a\\nb' must be"):
        decompose(XOR, names=["a\nb", "c"])


def test_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a b": [0, 0, 1, 1], "c": [0, 1, 0, 1], "y": [0, 1, 1, 0]})
    d = decompose(sources=frame[["a b", "c"]], target=frame["y"])
    np.testing.assert_allclose(d.atoms, decompose(XOR).atoms, atol=1e-15)
    assert d.names == ("a b", "c")
    (many,) = decompose_many(frame, [(("a b", "c"), "y")])
    np.testing.assert_array_equal(many.atoms, d.atoms)
    twice = pandas.concat([frame[["c", "c"]]], axis=1)
    with pytest.raises(ConfigError, match="source names must differ"):
        decompose(sources=twice, target=frame["y"])
    with pytest.raises(ConfigError, match="there are 2 columns called 'c'"):
        decompose_many(twice, [("c", "c")])
    moved = pandas.Series([1, 2, 3, 4], index=[3, 2, 1, 0])
    with pytest.raises(DataError, match="weights has another index than source 1"):
        decompose(sources=frame[["c"]], target=frame["y"], weights=moved)


@pytest.mark.parametrize("values", [
    np.array([127, -128, 127], np.int8), np.array([2**64 - 1, 2**64 - 3, 2**64 - 1], np.uint64),
    np.array([-(2**63), -(2**63) + 2, -(2**63)]), np.array([True, False, True]),
    np.array([2**63 - 1, -(2**63), 2**63 - 1]), np.array([0.5, -0.0, 0.5]),
])  # fmt: skip
def test_numbers_at_the_ends_of_their_types_stay_apart(values):
    d = decompose(sources=[values], target=[1, 0, 1])
    assert d.information == pytest.approx(d.entropy)
    assert d.events.codes[0].tolist() == [0, 1]  # in ascending order


@pytest.mark.parametrize("missing", ["error", "drop"])
def test_many_questions_are_answered_as_one_by_one(missing):
    known = table(n=200)
    known["2"] = [None if missing == "drop" and i % 7 == 0 else int(v)
                  for i, v in enumerate(known["2"])]  # fmt: skip
    questions = [(("1", "2"), "t"), (["3"], "1"), ("t", "3"), (("3", "1", "2"), "t")]
    weights = np.arange(200) % 3
    for threads in (1, 3):
        many = decompose_many(known, questions, missing=missing, weights=weights, threads=threads)
        for d, (sources, target) in zip(many, questions, strict=True):
            alone = decompose(
                sources={name: known[name] for name in sources}, target=known[target],
                missing=missing, weights=weights,
            )  # fmt: skip
            assert d.names == alone.names
            np.testing.assert_array_equal(d.atoms, alone.atoms)
            assert d.events.rows is None
            np.testing.assert_array_equal(d.events.first, alone.events.first)
    assert decompose_many(known, []) == []


@pytest.mark.parametrize(
    ("questions", "message"),
    [
        ([(("1", "9"), "t")], "there is no column '9'; allowed: 1, 2, 3, t"),
        ([(("1", "t"), "t")], "'t' is a source and the target"),
        ([(("1", "1"), "t")], "source names must differ"),
        ([((), "t")], "0 sources given"),
        (["1"], "a question is"),
        ([1], "a question is"),
        ([(("1", 2), "t")], "there is no column 2"),
    ],
)
def test_questions_that_are_none(columns, questions, message):
    with pytest.raises(ConfigError, match=message) as caught:
        decompose_many(columns, questions)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="columns must be a mapping"):
        decompose_many([[1], [2]], questions)


GATES = {
    "redundant": ([(0, 0, 0), (1, 1, 1)], [1, 0, 0, 0]),
    "unique": ([(a, b, a) for a in (0, 1) for b in (0, 1)], [0, 1, 0, 0]),
    "and": ([(a, b, a & b) for a in (0, 1) for b in (0, 1)], [0.311278, 0, 0, 0.5]),
    "copy": ([(a, b, 2 * a + b) for a in (0, 1) for b in (0, 1)], [0, 1, 1, 0]),
    "xor": ([(a, b, a ^ b) for a in (0, 1) for b in (0, 1)], [0, 0, 0, 1]),
}


@pytest.mark.parametrize("name", GATES)
def test_broja_of_closed_cases(name):
    events, atoms = GATES[name]
    *sources, target = zip(*events, strict=True)
    d = decompose(sources=sources, target=target, measure="broja")
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-5)
    assert d.measure == "broja"
    assert d.informations == pytest.approx(
        decompose(sources=sources, target=target).informations, abs=1e-9
    )


def entropy(mass, axis):
    return -np.where(mass > 0, mass * np.log2(np.where(mass > 0, mass, 1)), 0).sum(axis=axis)


@pytest.mark.parametrize("seed", range(3))
def test_broja_of_bits_is_the_best_of_all_distributions(seed):
    """With their marginals, bits have one degree of freedom for each y: all are tried."""
    pmf = np.random.default_rng(seed).dirichlet(np.ones(8)).reshape(2, 2, 2)
    first, second = pmf.sum(axis=1), pmf.sum(axis=0)
    free = []
    for y in (0, 1):  # q(0, 0, y), within what the marginals allow
        low, high = max(0, first[0, y] - second[1, y]), min(first[0, y], second[0, y])
        q = np.linspace(low, high, 400)
        free.append(
            np.array([[q, first[0, y] - q], [second[0, y] - q, second[1, y] - first[0, y] + q]])
        )
    q = np.stack(np.broadcast_arrays(free[0][..., None], free[1][:, :, None, :]))
    open_ = entropy(q, (0, 1, 2)) - entropy(q.sum(axis=0), (0, 1))
    d = decompose(pmf, measure="broja")
    both = d.information - d["{12}"]  # what is told without synergy
    assert both == pytest.approx(d.entropy - open_.max(), abs=2e-5)
    assert both <= d.entropy - open_.max() + 2e-6
    assert d.atoms.min() > -1e-6


def most_open_of_distributions(pmf):
    """H_Q(Y | 1, 2) in bits of the best Q found with the marginals of pmf (n_1, n_2, n_y) > 0.

    Newton's method with a barrier, over all that leaves the marginals as they are.
    """
    moves = []
    for x, z, y in np.ndindex(pmf.shape[0] - 1, pmf.shape[1] - 1, pmf.shape[2]):
        move = np.zeros(pmf.shape)
        move[x, z, y] = move[-1, -1, y] = 1
        move[x, -1, y] = move[-1, z, y] = -1
        moves.append(move)
    moves = np.array(moves)
    flat, sums = moves.reshape(len(moves), -1), moves.sum(axis=3).reshape(len(moves), -1)
    v = np.zeros(len(moves))

    def at(v):
        return pmf + np.tensordot(v, moves, 1)

    def value(v, t):
        q = at(v)
        if q.min() <= 0:
            return np.inf
        return (q * np.log(q / q.sum(axis=2, keepdims=True))).sum() - t * np.log(q).sum()

    for t in 10.0 ** -np.arange(1, 10):
        for _ in range(30):
            q = at(v)
            alone = np.log(q / q.sum(axis=2, keepdims=True)).ravel() - t / q.ravel()
            curvature = flat / q.ravel() @ flat.T - sums / q.sum(axis=2).ravel() @ sums.T
            curvature += t * flat / q.ravel() ** 2 @ flat.T
            step = np.linalg.solve(curvature, -flat @ alone)
            while value(v + step, t) > value(v, t) and abs(step).max() > 1e-15:
                step = step / 2
            v = v + step
    return entropy(at(v), (0, 1, 2)) - entropy(at(v).sum(axis=2), (0, 1))


@pytest.mark.parametrize("shape", [(3, 3, 3), (2, 4, 3)])
def test_broja_is_no_less_than_any_distribution_and_one_attains_it(shape):
    """It is found by its dual, which bounds it from above; a distribution, from below."""
    pmf = np.random.default_rng(1).dirichlet(np.ones(np.prod(shape))).reshape(shape)
    least = most_open_of_distributions(pmf)
    assert least - 1e-7 < most_open(pmf.sum(axis=1), pmf.sum(axis=0)) < least + 2e-6


@pytest.mark.parametrize(("seed", "shape"), [(29, (2, 2, 2)), (43, (3, 3, 2))])
def test_broja_of_next_to_nothing_is_that_of_nothing(seed, shape):
    """Steps of the search that are too long overflow, in silence: they are halved."""
    pmf = np.random.default_rng(seed).dirichlet(np.full(np.prod(shape), 0.05)).reshape(shape)
    least = np.where(pmf < 1e-9, 0, pmf)
    found, without = (most_open(p.sum(axis=1), p.sum(axis=0)) for p in (pmf, least))
    assert found == pytest.approx(without, abs=1e-8)


@pytest.mark.parametrize("parts", [(0.8, 0.8, 0.8), (0.9, 1.2, 0.9), (2e-8, 3e-8, 1e-8)])
def test_broja_of_a_target_that_is_next_to_nothing(parts):
    """Whatever part of it is passed over, both sources know the same of it."""
    parts = 1e-12 * np.array(parts)
    one = np.array([[0.5, parts.sum()], [0.5 - parts.sum(), 0]])
    other = np.stack([[0.25, 0.25, 0.5 - parts.sum()], parts], axis=1)
    for first, second in (one, other), (other, one):
        assert most_open(first, second) == pytest.approx(0, abs=2e-6)


def test_broja_of_more_values_is_between_its_bounds():
    pmf = np.random.default_rng(0).dirichlet(np.ones(27)).reshape(3, 3, 3)
    # found by an interior point of 1e-14: a distribution and a bound that are 1.3e-6 bits apart
    assert most_open(pmf.sum(axis=1), pmf.sum(axis=0)) == pytest.approx(1.2900915, abs=2e-6)
    d = decompose(sources=list(np.indices((4, 4)).reshape(2, -1)), target=np.arange(16),
                  measure="broja")  # fmt: skip
    np.testing.assert_allclose(d.atoms, [0, 2, 2, 0], atol=1e-5)  # a copy of two pairs of bits
    one, other = np.divmod(np.arange(400**2), 400)
    with pytest.raises(DataError, match=r"broja has 160000 pairs of values of the sources"):
        decompose(sources=[one, other], target=one % 2, measure="broja")
    many = np.arange(1400)
    d = decompose(sources=[many[:300], many[:300]], target=many[:300], measure="broja")
    np.testing.assert_allclose(d.atoms, [np.log2(300), 0, 0, 0], atol=1e-5)
    many = np.arange(1600)
    with pytest.raises(DataError, match=r"broja has 3200 pairs of values .* cut them into fewer"):
        decompose(sources=[many, many], target=many, measure="broja")


def test_broja_is_of_two_sources_and_no_measure_of_neurons(columns):
    with pytest.raises(ConfigError, match="broja is of 2 sources, given: 3"):
        of(columns, measure="broja")
    with pytest.raises(ConfigError, match="broja has no pointwise atoms"):
        of(columns, measure="broja", local=True)
    with pytest.raises(ConfigError, match="did you mean broja"):
        of(columns, measure="borja")
    with pytest.raises(ConfigError, match="unknown measure 'broja'"):
        Layer("h", 2, [Compartment("F", "x")], Activation("feedforward"), measure="broja")


def test_labels_of_sets_are_those_of_the_lattice():
    d = decompose(np.ones((1, 1, 1, 1, 1)), names="FCLR")
    assert len(d.set_labels) == 15
    assert set(d.set_labels) <= set(lattice(4).labels("FCLR"))
