"""Measures of redundancy beside dit's, and what is known of them."""

import warnings

import numpy as np
import pytest

from infosim.cli import main
from infosim.errors import ConfigError
from infosim.network import Compartment, Layer
from infosim.neuron import Activation
from infosim.pid import decompose
from infosim.pid.decomposition import measure_for
from infosim.pid.measures import MEASURES

THEIRS = {
    "shared-exclusions": "PID_SX",
    "minimum-mutual-information": "PID_MMI",
    "williams-beer": "PID_WB",
    "specificity-ambiguity": "PID_PM",
}
GATES = {
    "xor": lambda a, b: a ^ b,
    "and": lambda a, b: a & b,
    "copy": lambda a, b: 2 * a + b,
    "first": lambda a, b: a,
}


def gate(function):
    pmf = np.zeros((2, 2, 4))
    for a, b in np.ndindex(2, 2):
        pmf[a, b, function(a, b)] = 0.25
    return pmf


def of_dit(measure, pmf):
    """dit's atoms by our labels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dit = pytest.importorskip("dit")
        pid = pytest.importorskip("dit.pid")
        events = ["".join(map(str, index)) for index in np.argwhere(pmf)]
        theirs = getattr(pid, THEIRS[measure])(dit.Distribution(events, list(pmf[pmf > 0])))
        return {
            "".join("{" + "".join(str(k + 1) for k in s) + "}" for s in node): theirs[node]
            for node in theirs._lattice
        }


@pytest.mark.parametrize("measure", THEIRS)
@pytest.mark.parametrize("shape", [(2, 3, 2), (2, 2, 3), (2, 2, 2, 2)])
def test_atoms_are_those_of_dit(measure, shape):
    rng = np.random.default_rng(len(shape))
    for trial in range(2):
        pmf = rng.dirichlet(np.ones(np.prod(shape))).reshape(shape)
        if trial == 1:  # with cells that are empty
            pmf[rng.random(shape) < 0.3] = 0
            pmf /= pmf.sum()
        ours, theirs = decompose(pmf, measure=measure), of_dit(measure, pmf)
        assert len(theirs) == len(ours)
        for label, atom in theirs.items():
            assert ours[label] == pytest.approx(atom, abs=1e-8), (measure, label)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("n_sources", [1, 2, 3, 4])
def test_atoms_add_up_to_the_informations(measure, n_sources):
    rng = np.random.default_rng(n_sources)
    pmf = rng.dirichlet(np.ones(2**n_sources * 3)).reshape(*[2] * n_sources, 3)
    d = decompose(pmf, measure=measure)
    assert d.measure == measure
    for k in range(n_sources):
        joint = pmf.sum(axis=tuple(i for i in range(n_sources) if i != k))
        p, q = joint.sum(axis=1, keepdims=True), joint.sum(axis=0)
        information = np.sum(joint * np.log2(joint / (p * q)))
        index = list(d).index(f"{{{k + 1}}}")
        assert d.redundancies[index] == pytest.approx(information, abs=1e-12)
    assert sum(d.values()) == pytest.approx(d.information, abs=1e-12)
    if measure != "shared-exclusions":  # that alone has misinformation
        assert min(d.redundancies) >= -1e-12
        assert d.informative is d.misinformative is None


def test_gates_as_published():
    """Of two independent bits I_min calls a bit redundant in a copy, which tells them apart."""
    found = {
        name: {m: decompose(gate(f), measure=m)["{1}{2}"] for m in MEASURES}
        for name, f in GATES.items()
    }
    assert found["copy"]["williams-beer"] == pytest.approx(1)
    assert found["copy"]["minimum-mutual-information"] == pytest.approx(1)
    and_ = 3 / 4 * np.log2(4 / 3) * 1  # 0.3113 bits
    assert found["and"]["williams-beer"] == pytest.approx(and_, abs=1e-4)
    assert found["and"]["minimum-mutual-information"] == pytest.approx(and_, abs=1e-4)
    for measure in ("williams-beer", "minimum-mutual-information"):
        assert found["xor"][measure] == pytest.approx(0, abs=1e-12)
        assert found["first"][measure] == pytest.approx(0, abs=1e-12)
    assert found["xor"]["shared-exclusions"] == pytest.approx(np.log2(2 / 3))


def test_shared_exclusions_come_in_two_parts_of_which_none_is_negative():
    rng = np.random.default_rng(0)
    for shape in ((2, 3, 2), (2, 2, 2, 3)):
        d = decompose(rng.dirichlet(np.ones(np.prod(shape))).reshape(shape))
        np.testing.assert_allclose(d.informative - d.misinformative, d.atoms, atol=1e-12)
        assert min(d.informative.min(), d.misinformative.min()) > -1e-12  # Makkeh et al. 2021
    xor = decompose(gate(GATES["xor"]))
    assert xor.informative[0] == pytest.approx(np.log2(4 / 3))
    assert xor.misinformative[0] == pytest.approx(1)  # of a target that is wrong half the time
    assert xor["{1}{2}"] == pytest.approx(np.log2(4 / 3) - 1)


#: Events with how often they occur, and atoms {1}{2}, {1}, {2}, {12} by specificity and ambiguity.
#: In AND all values specify 1 bit, and where the target is 0 the less ambiguous one keeps log2 3/2.
#: A bit that is the target is not ambiguous: redundant with any other bit, which then misinforms.
#: The last two are the examples of Finn & Lizier 2018: sources that tell in turn, one that errs.
BY_EVENT = {
    "xor": ([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)], [1, 1, 1, 1], [0, 0, 0, 1]),
    "and": (
        [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 1)], [1, 1, 1, 1],
        [1 - 0.75 * np.log2(1.5), -0.25, -0.25, 0.75],
    ),
    "first": ([(0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1)], [1, 1, 1, 1], [1, 0, -1, 1]),
    "copy": ([(0, 0, 0), (0, 1, 1), (1, 0, 2), (1, 1, 3)], [1, 1, 1, 1], [1, 0, 0, 1]),
    "in turn": ([(0, 1, 1), (1, 0, 1), (0, 2, 2), (2, 0, 2)], [1, 1, 1, 1], [0, 0.5, 0.5, 0]),
    "errs": (
        [(0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 1)], [3, 3, 1, 1], [1, 0, -0.811278, 0.811278],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_EVENT)
def test_specificity_and_ambiguity_by_hand(name):
    events, weights, atoms = BY_EVENT[name]
    *sources, target = zip(*events, strict=True)
    d = decompose(sources=sources, target=target, weights=weights, measure="specificity-ambiguity")
    np.testing.assert_allclose(d.atoms, atoms, atol=1e-6)
    np.testing.assert_allclose(d.informative - d.misinformative, d.atoms, atol=1e-12)
    assert min(d.informative.min(), d.misinformative.min()) > -1e-12  # on either lattice


def test_specificity_and_ambiguity_of_each_event():
    """Of AND the event (0, 1, 0): both specify 1 bit, log2 3/2 and log2 3 of it are ambiguous."""
    d = decompose(gate(GATES["and"]), measure="specificity-ambiguity", local=True)
    assert d.local["{1}{2}"][0, 1, 0] == pytest.approx(1 - np.log2(1.5))
    assert d.local["{1}"][0, 1, 0] == pytest.approx(0)
    assert d.local["{2}"][0, 1, 0] == pytest.approx(np.log2(1.5) - np.log2(3))
    assert d.local["{12}"][0, 1, 0] == pytest.approx(1)
    assert sum(one[0, 1, 0] for one in d.local.values()) == pytest.approx(np.log2(4 / 3))


def test_specificity_and_ambiguity_of_many_distributions_with_empty_events():
    rng = np.random.default_rng(3)
    codes = np.array(np.nonzero(np.ones((2, 3, 2, 3))))
    masses = rng.dirichlet(np.ones(36), size=3) * (rng.random((3, 36)) < 0.6)
    masses /= masses.sum(axis=1, keepdims=True)
    found = measure_for("specificity-ambiguity").evaluation(codes).redundancies(masses)
    for mass, own in zip(masses, found, strict=True):
        d = decompose(mass.reshape(2, 3, 2, 3), measure="specificity-ambiguity")
        np.testing.assert_allclose(own, d.redundancies, atol=1e-12)


def test_neurons_do_not_learn_by_specificity_and_ambiguity():
    with pytest.raises(ConfigError, match="unknown measure 'specificity-ambiguity'"):
        Layer(
            "h", 2, [Compartment("F", "x")], Activation("feedforward"),
            measure="specificity-ambiguity",
        )  # fmt: skip


def test_what_cannot_be(capsys, tmp_path):
    pmf = gate(GATES["and"])
    with pytest.raises(ConfigError, match=r"unknown measure 'wiliams-beer'; did you mean will"):
        decompose(pmf, measure="wiliams-beer")
    with pytest.raises(ConfigError, match="minimum-mutual-information has no pointwise atoms"):
        decompose(pmf, measure="minimum-mutual-information", local=True)
    (tmp_path / "t.csv").write_text("a,b,y\n0,0,0\n0,1,0\n1,0,0\n1,1,1\n")
    command = ["pid", str(tmp_path / "t.csv"), "--sources", "a,b", "--target", "y"]
    with pytest.raises(SystemExit) as ended:
        main([*command, "--measure", "none"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("infosim: unknown measure 'none'; allowed: shared")
    with pytest.raises(SystemExit) as ended:
        main([*command, "--measure", "williams-beer"])
    assert ended.value.code == 0
    assert "\n{a}{b}  0.3113\n" in capsys.readouterr().out
