import numba
import numpy as np
import pytest

from infosim.errors import ConfigError
from infosim.jit import FLAGS
from infosim.kernels import cpu
from infosim.neuron import ACTIVATIONS, Activation


def sigma(x):
    return 1 / (1 + np.exp(-x))


def published(name, u):
    """θ of potentials u (K, ...), as the papers print it."""
    r, *rest = u
    if name == "trivariate":
        c, l = rest  # noqa: E741
        return sigma(r * ((1 - 0.1 - 0.1) + 0.1 * sigma(2 * r * c) + 0.1 * sigma(2 * r * l)))
    if name == "tetravariate":
        return sigma(r * (0.7 + 0.1 * sum(sigma(2 * r * v) for v in rest)))
    if name == "bivariate":
        return sigma(r * (0.9 + (1 - 0.9) * 2 * sigma(2 * r * rest[0])))
    return sigma(sum(u) if name == "sum" else r)


CASES = [(name, n) for name, form in ACTIVATIONS.items() for n in form.sources]
cases = pytest.mark.parametrize(("name", "n_compartments"), CASES)


def fire(kernels, activation, u, dtype, bias=None, sampled=False, off=-1):
    """(θ, y) of potentials u (K, N, B), by the kernel."""
    u = np.asarray(u, dtype)
    bias = np.zeros(u.shape[:2], dtype) if bias is None else np.asarray(bias, dtype)
    resident, host = kernels.resident, kernels.host
    theta, y = (
        resident(np.full(shape, np.nan, dtype)) for shape in ((2, *u.shape[1:]), u.shape[1:])
    )
    kernels.activate(activation.scalar(len(u)), len(u))(
        resident(u), resident(bias), resident(np.zeros(u.shape[1], dtype)),
        resident(activation.packed(dtype)[None]),
        np.dtype(dtype).type(activation.clamp), np.dtype(dtype).type(off), sampled,
        resident(np.zeros(1, np.uint32)), resident(np.zeros((3, 1), np.uint32)),
        (0, u.shape[1], 0, u.shape[2]), theta, y,
    )  # fmt: skip
    # both are rounded, and a value at the clamp may lie beside that of the other side
    np.testing.assert_allclose(host(theta).sum(axis=0), 1, atol=3 * np.finfo(dtype).eps)
    return host(theta)[0], host(y)


@pytest.mark.parametrize("point", ["random", "extreme"])
@cases
def test_partial_derivatives_are_those_of_the_drive(name, n_compartments, point):
    rng = np.random.default_rng(1)
    points = rng.normal(scale=3, size=(50, n_compartments))
    if point == "extreme":
        grid = [-30.0, -1.0, 0.0, 1e-3, 25.0]
        points = np.array(np.meshgrid(*[grid] * n_compartments)).reshape(n_compartments, -1).T
    # parameters that are all different, so that no two can be swapped unnoticed
    parameters = {
        "trivariate": {"alpha": (0.15, 0.3), "beta": (1.5, 0.7)},
        "tetravariate": {"alpha": (0.15, 0.3, 0.2), "beta": (1.5, 0.7, 2.5)},
        "bivariate": {"k": (0.4, 1.3)},
        "sum": {"beta": (0.6,)},
        "feedforward": {},
    }[name]
    p = Activation(name, parameters).packed(np.float64)
    h = 1e-5
    scalar = numba.njit(Activation(name).scalar(n_compartments))
    for point_ in points:
        drive, slopes = scalar(tuple(point_), p)
        assert len(slopes) == n_compartments
        for k in range(n_compartments):
            step = np.zeros(n_compartments)
            step[k] = h
            up, down = (scalar(tuple(point_ + sign * step), p)[0] for sign in (1, -1))
            # a difference of rounded drives is good to about eps |A| / h
            np.testing.assert_allclose(
                slopes[k], (up - down) / (2 * h), rtol=2e-6, atol=1e-6 + 1e-10 * abs(drive)
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@cases
def test_firing_probabilities_follow_the_published_formulas(kernels, name, n_compartments, dtype):
    rng = np.random.default_rng(2)
    u = rng.normal(scale=2, size=(n_compartments, 3, 40))
    bias = rng.normal(size=(n_compartments, 3))
    theta, y = fire(kernels, Activation(name), u, dtype, bias)
    expected = published(name, u + bias[:, :, None])
    np.testing.assert_allclose(theta, expected, atol=1e-12 if dtype == "float64" else 1e-5)
    sure = abs(expected - 0.5) > 1e-6
    np.testing.assert_array_equal(y[sure], np.sign(expected - 0.5)[sure])


def test_given_parameters_enter_the_trivariate_formula_in_the_order_they_are_named(kernels):
    r, c, l = 1.3, -0.4, 0.9  # noqa: E741
    activation = Activation("trivariate", {"alpha": (0.2, 0.05), "beta": (3, 0.5)})
    theta, _ = fire(kernels, activation, [[[r]], [[c]], [[l]]], "float64")
    drive = r * (0.75 + 0.2 / (1 + np.exp(-3 * r * c)) + 0.05 / (1 + np.exp(-0.5 * r * l)))
    np.testing.assert_allclose(theta, sigma(drive), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@cases
def test_the_chain_rule_is_the_finite_difference_of_the_firing_probability(
    kernels, name, n_compartments, dtype
):
    rng = np.random.default_rng(3)
    u = rng.normal(size=(n_compartments, 2, 25))
    slope = rng.normal(size=(2, 25))
    h, tolerance = 1e-5, 1e-8 if dtype == "float64" else 1e-5
    expected = []
    for k in range(n_compartments):
        step = np.zeros_like(u)
        step[k] = h
        difference = published(name, u + step) - published(name, u - step)
        expected.append(slope * difference / (2 * h))

    activation, resident, host = Activation(name), kernels.resident, kernels.host
    bias = np.full((n_compartments, 2), 0.5, dtype)
    delta = resident(np.full(u.shape, np.nan, dtype))
    gradient = resident(np.full(bias.shape, np.nan, dtype))
    kernels.chain(activation.scalar(n_compartments), n_compartments)(
        resident((u - 0.5).astype(dtype)), resident(bias),
        resident(activation.packed(dtype)[None]), np.dtype(dtype).type(activation.clamp),
        resident(np.stack([published(name, u), 1 - published(name, u)]).astype(dtype)),
        resident(slope.astype(dtype)), 0, 2, delta, gradient,
    )  # fmt: skip
    np.testing.assert_allclose(host(delta), expected, atol=tolerance)
    np.testing.assert_allclose(host(gradient), np.sum(expected, axis=2), atol=10 * tolerance)


@pytest.mark.parametrize("replica", [0, 1])
def test_replicas_have_each_their_own_parameters(kernels, replica):
    activation = [Activation("bivariate", {"k": k}) for k in ((0.4, 1.3), (0.7, 2.5))]
    u = np.random.default_rng(4).normal(size=(2, 2, 9))
    resident, host = kernels.resident, kernels.host
    theta, y = resident(np.full((2, 2, 9), np.nan)), resident(np.full((2, 9), np.nan))
    p = resident(np.array([one.packed("float64") for one in activation]))
    drives = resident(u), resident(np.zeros((2, 2)))
    neurons, current = (p, np.float64(1e-6)), resident(np.zeros(2))
    seeds, place = resident(np.zeros(2, np.uint32)), resident(np.zeros((3, 2), np.uint32))
    numbers = np.float64(-1), False, seeds, place
    spans = [(0, 2)] if kernels.ON_DEVICE else [(0, 1), (1, 2)]
    for start, stop in spans:
        fire_all = kernels.activate(activation[0].scalar(2), 2)
        fire_all(*drives, current, *neurons, *numbers, (start, stop, 0, 9), theta, y)
    own = u[:, replica : replica + 1]
    expected, _ = fire(kernels, activation[replica], own, "float64")
    np.testing.assert_array_equal(host(theta)[0, replica], expected[0])

    slope, delta = resident(np.ones((2, 9))), resident(np.full((2, 2, 9), np.nan))
    gradient = resident(np.full((2, 2), np.nan))
    for start, stop in spans:
        chain = kernels.chain(activation[0].scalar(2), 2)
        chain(*drives, *neurons, theta, slope, start, stop, delta, gradient)
    h = 1e-6
    for k in range(2):
        step = np.zeros_like(own)
        step[k] = h
        up, down = (
            fire(kernels, activation[replica], own + sign * step, "float64")[0] for sign in (1, -1)
        )
        difference = (up - down) / (2 * h)
        np.testing.assert_allclose(host(delta)[k, replica], difference[0], atol=1e-8)
        np.testing.assert_allclose(host(gradient)[k, replica], difference.sum(), atol=1e-7)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="asks the compiler")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@cases
def test_no_activation_promotes_or_demotes_its_precision(name, n_compartments, dtype):
    activation = Activation(name)
    kind = np.dtype(dtype).type
    # compiled for exactly this precision: what Numba infers is what a kernel computes in
    scalar = numba.njit(activation.scalar(n_compartments))
    scalar((kind(1),) * n_compartments, activation.packed(dtype))
    (overload,) = scalar.overloads.values()
    drive, slopes = overload.signature.return_type.types
    assert str(drive) == dtype
    # the constant slope 1 is as good in float32
    assert {str(slope) for slope in slopes.types} <= {dtype, "float32"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "clamp"), [("trivariate", 0), ("bivariate", 1e-6), ("sum", 0)])
def test_huge_potentials_give_sure_outputs_up_to_the_published_clamp(kernels, name, clamp, dtype):
    (n_compartments,) = ACTIVATIONS[name].sources[-1:]
    u = np.ones((n_compartments, 1, 2)) * [-1e6, 1e6]
    theta, y = fire(kernels, Activation(name), u, dtype)
    one, low = np.array([1, clamp], dtype)
    # without a clamp, θ stays above the smallest normal float32
    np.testing.assert_allclose(theta, [[low, one - low]], rtol=1e-15, atol=2e-38)
    np.testing.assert_array_equal(y, [[-1, 1]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("off", [-1.0, 0.0, 0.1])
@pytest.mark.parametrize("sampled", [False, True])
def test_a_neuron_that_does_not_fire_says_so(kernels, sampled, off, dtype):
    u = np.random.default_rng(5).normal(size=(1, 2, 70))
    _, signed = fire(kernels, Activation("sum"), u, dtype, sampled=sampled)
    theta, y = fire(kernels, Activation("sum"), u, dtype, sampled=sampled, off=off)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.where(signed > 0, 1, np.array(off, dtype)))
    if not sampled:
        np.testing.assert_array_equal(y == 1, theta > 0.5)


def test_a_given_clamp_replaces_the_published_one(kernels):
    theta, _ = fire(kernels, Activation("sum", clamp=0.25), [[[-50.0, 0.0, 0.5, 50.0]]], "float64")
    np.testing.assert_allclose(theta, [[0.25, 0.5, sigma(0.5), 0.75]], rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trivarate",), "unknown activation 'trivarate'; did you mean trivariate"),
        (("relu",), "allowed: trivariate, tetravariate, bivariate, sum, feedforward"),
        (("trivariate", {"alfa": (0.1, 0.1)}), "no parameter 'alfa'; allowed: alpha, beta"),
        (("feedforward", {"beta": (1,)}), "no parameter 'beta'; allowed: none"),
        (("trivariate", {"alpha": (0.1,)}), r"alpha needs 2 finite number\(s\), was \[0.1\]"),
        (("bivariate", {"k": (0.9, 2, 3)}), r"k needs 2 finite number\(s\)"),
        (("sum", {"beta": (np.nan,)}), r"beta needs 1 finite number\(s\), was \[nan\]"),
        (("sum", {"beta": (np.inf,)}), "finite"),
        (("tetravariate", {"beta": (2, 2)}), r"beta needs 3 finite number\(s\), was \[2.0, 2.0\]"),
        (("sum", (1.0,)), r"parameters must be by name, were \(1.0,\); allowed: beta"),
        (("sum", {}, -1e-9), r"clamp must be a number in \[0, 0.5\), was -1e-09"),
        (("sum", {}, 0.5), "clamp"),
        (("sum", {}, np.nan), "clamp must be a number in .* was nan"),
    ],
)
def test_what_cannot_be_is_said(arguments, message):
    with pytest.raises(ConfigError, match=message):
        Activation(*arguments)


def test_a_single_parameter_may_be_a_plain_number():
    assert Activation("sum", {"beta": 2}) == Activation("sum", {"beta": (2.0,)})


def test_parameters_may_be_an_array():
    assert Activation("trivariate", {"alpha": np.array([0.2, 0.3])}).parameters["alpha"] == (
        0.2,
        0.3,
    )


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="asks the compiler")
def test_the_longest_formula_is_part_of_its_kernel():
    """Called for each sample it would take thirty times as long."""
    activation = Activation("tetravariate")
    kernel = numba.njit(**FLAGS)(cpu.activate(activation.scalar(4), 4).py_func)
    real = numba.float32
    kernel.compile((
        real[:, :, ::1], real[:, ::1], real[::1], real[:, ::1], real, real, numba.boolean,
        numba.uint32[::1], numba.uint32[:, ::1], numba.types.UniTuple(numba.int64, 4),
        real[:, :, ::1], real[:, ::1],
    ))  # fmt: skip
    (code,) = kernel.inspect_llvm().values()
    named = [line for line in code.splitlines() if "tetravariate" in line]
    assert named
    assert not [line for line in named if " call " in line or line.startswith("define")]
