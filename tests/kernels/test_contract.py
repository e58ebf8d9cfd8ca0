"""The contract says what kernels take: both backends' functions are held against it."""

import inspect
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from infosim.kernels import cpu
from infosim.kernels.contract import KERNELS, NEURONS, STAGES, TILES, Part
from infosim.neuron import Activation
from infosim.pid.measures import MEASURES

#: What factories make a kernel of.
EXAMPLES = {
    "scalar": Activation("trivariate").scalar(3),
    "n_compartments": 3,
    "assignment": "hard",
    "measure": MEASURES["williams-beer"],
}
STAGE_FILES = Path(cpu.__file__).parent


def function(kernels, name):
    """The Python function of a kernel, as a backend has it."""
    entry = KERNELS[name]
    where = kernels.xp if entry.function == "copyto" else kernels
    made = getattr(where, entry.function or name)
    if entry.made_of:
        made = made(*(EXAMPLES[of] for of in entry.made_of))
    return getattr(made, "py_func", made)


@pytest.mark.parametrize("name", [n for n, entry in KERNELS.items() if entry.function is None])
def test_kernels_take_what_the_contract_says(kernels, name):
    if kernels.ON_DEVICE and not KERNELS[name].on_device:
        assert not hasattr(kernels, name)
        return
    taken = tuple(inspect.signature(function(kernels, name)).parameters)
    assert taken == KERNELS[name].arguments


def kernels_of(path):
    """The names of the kernels that a stage's module has for a backend."""
    module = import_module(f"infosim.kernels.{path.parent.name}.{path.stem}")
    own = {n for n, value in vars(module).items() if inspect.getmodule(value) is module}
    return {name for name in own if not name.startswith("_")}


def test_a_backend_has_the_kernels_of_its_stages_which_are_those_of_the_contract(kernels):
    twin = kernels.__name__.rpartition(".")[2]
    made = [kernels_of(path) for path in sorted(STAGE_FILES.glob(f"*/{twin}.py"))]
    there = [one for one in KERNELS.items() if one[1].on_device or not kernels.ON_DEVICE]
    names = {entry.function or name for name, entry in there} - {"copyto"}
    assert set().union(*made) == names
    assert sum(map(len, made)) == len(names)  # each in one stage
    others = {"ON_DEVICE", "Stream", "host", "resident", "scratch", "xp"}
    assert set(kernels.__all__) - others == names


def test_twins_stand_side_by_side(kernels):
    """What a stage has for a backend it has for the CPU, and the other way round."""
    twin = kernels.__name__.rpartition(".")[2]
    for path in STAGE_FILES.glob("*/cpu.py"):
        if path.parent.name == "sparse":  # on a GPU all inputs are dense
            continue
        assert kernels_of(path.with_stem(twin)) == kernels_of(path) != set()


def test_stages_are_those_of_a_step():
    assert {entry.stage for entry in KERNELS.values()} == {*STAGES, None}


def test_a_part_of_several_replicas_is_seen_as_theirs():
    array = np.arange(2 * 3 * 6 * 5).reshape(36, 5)  # 6 replicas of 6 neurons
    part = Part(12, 24, 0, 5, 6, 6)
    assert part.replicas == slice(2, 4)
    np.testing.assert_array_equal(part.of(array), array[12:24].reshape(2, 6, 5))
    assert np.shares_memory(part.of(array), array)
    within = Part(14, 17, 0, 5, 6, 6)
    assert within.replicas == slice(2, 3)
    assert within.of(array).shape == (1, 3, 5)


@pytest.mark.parametrize("part", [Part(0, 4, 0, 7, 4, 3), Part(5, 7, 2, 5, 4, 3),
                                  Part(4, 12, 0, 7, 4, 3)])  # fmt: skip
def test_views_for_products_are_the_parts_of_the_whole(part):
    rng = np.random.default_rng(0)
    weights, delta = rng.normal(size=(12, 6)), rng.normal(size=(12, 7))
    x, u, gradient = rng.normal(size=(3, 6, 7)), np.zeros((12, 7)), np.zeros((12, 6))
    neurons, samples = slice(part.start, part.stop), slice(part.first, part.last)
    of = np.arange(12)[neurons] // 4
    cpu.project(*KERNELS["project"].given(part, {"weights": weights, "x": x, "u": u}))
    expected = np.einsum("ni,nis->ns", weights[neurons], x[of][:, :, samples])
    np.testing.assert_allclose(u[neurons, samples], expected)
    assert np.count_nonzero(u) == expected.size
    arguments = {"delta": delta, "x": x, "gradient": gradient}
    cpu.accumulate(*KERNELS["accumulate"].given(part, arguments))
    np.testing.assert_allclose(gradient[neurons], np.einsum("ns,nis->ni", delta[neurons], x[of]))
    assert np.count_nonzero(gradient) == gradient[neurons].size


def test_the_way_back_reads_the_columns_of_the_part():
    rng = np.random.default_rng(0)
    weights, delta = rng.normal(size=(10, 4)), rng.normal(size=(10, 7))  # 2 replicas of 5 read 4
    product = np.zeros((8, 7))
    for part in (Part(0, 3, 0, 4, 4, 2), Part(3, 4, 0, 7, 4, 2), Part(4, 8, 0, 7, 4, 2)):
        given = {"weights": weights, "delta": delta, "product": product}
        cpu.project(*KERNELS["project_back"].given(part, given))
    first, second = weights[:5].T @ delta[:5], weights[5:].T @ delta[5:]
    np.testing.assert_allclose(product[:3, :4], first[:3, :4])
    assert not product[:3, 4:].any()
    np.testing.assert_allclose(product[3], first[3])
    np.testing.assert_allclose(product[4:], second)


def test_cuts_are_of_neurons_for_what_learns_and_of_tiles_for_what_fires():
    cuts = {name: KERNELS[name].cut for name in ("score", "chain", "adam", "activate", "project")}
    assert cuts == dict.fromkeys(("score", "chain", "adam"), NEURONS) | dict.fromkeys(
        ("activate", "project"), TILES
    )
