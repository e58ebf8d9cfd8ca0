"""CPU kernels: one call computes neurons start to stop of a layer, one after the other.

Arrays have the neuron first and the sample last, so that one neuron's samples are contiguous. A
layer may hold several replicas of itself side by side: with N neurons in R replicas, replica r has
the rows from r N/R on. Loop letters: n neuron, s sample, k compartment, r replica, a antichain,
c cell (an occupied tuple of bins), m non-empty set of sources as a bitmask. A kernel trusts its
arguments (the engine checks them), draws no randomness beyond its counters and writes into its
last arguments. One call stays within one replica.
"""

import math
from functools import cache

import numpy as np
import numpy as xp

from infosim.elementary import exp, number
from infosim.jit import inline, kernel, reduction
from infosim.kernels.scalar import (
    ONE,
    TINY,
    ZERO,
    adam_step,
    bin_index,
    bin_range,
    bin_scale,
    climb,
    entropy,
    log2_ratio,
    philox,
    probabilities,
    pull,
    surer,
    union_information,
    union_terms,
    unit,
    wrong_rather,
)

#: Samples are numbered in blocks of 64, 16 Philox counters with four words each, so that the inner
#: loop over counters runs in vector lanes and writes contiguously.
_LANES = 16
_BLOCK = 4 * _LANES


#: Whether arrays live on a device of their own, to be moved there and back.
ON_DEVICE = False


def resident(array, dtype=None):
    """`array` where the kernels can read it: here, the array itself."""
    return xp.asarray(array, dtype)


def host(array):
    """A kernel's array for the user to read and write: here, the array itself."""
    return array


@reduction
def total(row):
    """The sum of `row`, in float64."""
    result = 0.0
    for i in range(len(row)):
        result += row[i]
    return result


@inline
def _replica(start, n_neurons, n_replicas):
    """The replica that neuron `start` belongs to, and its first neuron."""
    size = n_neurons // n_replicas
    return start // size, start // size * size


@inline
def _random_row(seed, place, neuron, block, row):
    """Fill `row`, uint32 (a multiple of 64,), with a neuron's random words from `block` on."""
    c1 = np.uint64(neuron)
    c2, c3 = np.uint64(place[1]), np.uint64(place[2])
    k0, k1 = seed, place[0]
    for i in range(len(row) // _BLOCK):
        start = i * _BLOCK
        c0 = (block + i) * _LANES
        for lane in range(_LANES):
            x0, x1, x2, x3 = philox(np.uint64(c0 + lane), c1, c2, c3, k0, k1)
            row[start + lane] = np.uint32(x0)
            row[start + _LANES + lane] = np.uint32(x1)
            row[start + 2 * _LANES + lane] = np.uint32(x2)
            row[start + 3 * _LANES + lane] = np.uint32(x3)


@inline
def _one_potential(u, bias, n, s):
    """The potentials of neuron n for sample s with their biases, 0 for compartments it lacks."""
    r = u[0, n, s] + bias[0, n]
    return r, r * ZERO, r * ZERO


@inline
def _two_potentials(u, bias, n, s):
    """The same for neurons with two compartments."""
    r = u[0, n, s] + bias[0, n]
    return r, u[1, n, s] + bias[1, n], r * ZERO


@inline
def _three_potentials(u, bias, n, s):
    """The same for neurons with three compartments."""
    return u[0, n, s] + bias[0, n], u[1, n, s] + bias[1, n], u[2, n, s] + bias[2, n]


#: By number of compartments, which is fixed when a kernel is compiled: its loops have no branches.
_POTENTIALS = {1: _one_potential, 2: _two_potentials, 3: _three_potentials}


@cache
def activate(scalar, n_compartments):
    """An activation's kernel (u, bias, p, clamp, off, sampled, seeds, place, tile, theta, y).

    u : potentials without bias, (K, N, B); bias : (K, N); p : packed parameters, (R, P)
    clamp : θ stays in [clamp, 1 - clamp]; off : the output of a neuron that does not fire, of the
        same precision; sampled : fire with probability θ, else iff θ > ½
    seeds : uint32 (R,); place : uint32 (3,), stream, layer and step, and batch. With the neuron's
        number in its replica and the sample's they say which random numbers are meant
    tile : (start, stop, first, last), neurons and samples to compute; first is a multiple of 64
    theta : written, (2, N, B), the firing probability θ, then 1 - θ with digits of its own
    y : written, (N, B), 1 or `off`
    """
    potentials = _POTENTIALS[n_compartments]

    @kernel
    def activate(u, bias, p, clamp, off, sampled, seeds, place, tile, theta, y):
        start, stop = tile[0], tile[1]
        first, last = np.uint64(tile[2]), np.uint64(tile[3])  # unsigned: an index is never negative
        replica, origin = _replica(start, u.shape[1], len(seeds))
        parameters = p[replica]
        for n in range(start, stop):
            for s in range(first, last):
                r, c, l = potentials(u, bias, n, s)  # noqa: E741
                drive, _, _, _ = scalar(r, c, l, parameters)
                theta[0, n, s], theta[1, n, s] = probabilities(drive, clamp)
        if sampled:
            words = np.empty((tile[3] - tile[2] + _BLOCK - 1) // _BLOCK * _BLOCK, np.uint32)
            for n in range(start, stop):
                _random_row(seeds[replica], place, n - origin, tile[2] // _BLOCK, words)
                for s in range(first, last):
                    y[n, s] = ONE if unit(words[s - first]) < theta[0, n, s] else off
        else:
            for n in range(start, stop):
                for s in range(first, last):
                    y[n, s] = ONE if theta[0, n, s] > np.float32(0.5) else off

    return activate


@cache
def chain(scalar, n_compartments):
    """An activation's kernel (u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient).

    p : (R, P); theta : as `activate` leaves it, (2, N, B); slope : ∂G/∂θ, (N, B)
    delta : written, ∂G/∂u_k = ∂G/∂θ θ(1-θ) ∂A/∂u_k, (K, N, B)
    bias_gradient : written, its sum over samples, (K, N)
    """
    potentials = _POTENTIALS[n_compartments]

    @kernel
    def chain(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        n_samples = u.shape[2]
        replica, _ = _replica(start, u.shape[1], len(p))
        parameters = p[replica]
        for n in range(start, stop):
            for s in range(n_samples):
                r, c, l = potentials(u, bias, n, s)  # noqa: E741
                _, d0, d1, d2 = scalar(r, c, l, parameters)
                g = pull(slope[n, s], theta[0, n, s], theta[1, n, s], clamp)
                delta[0, n, s] = g * d0
                if n_compartments > 1:
                    delta[1, n, s] = g * d1
                if n_compartments > 2:
                    delta[2, n, s] = g * d2
            for k in range(n_compartments):
                bias_gradient[k, n] = total(delta[k, n])

    return chain


@kernel
def bin_potentials(u, bias, kind, n_bins, low, high, start, stop, bins):
    """Bin the potentials of each neuron.

    u : potentials without bias, (K, N, B); bias : (K, N)
    kind : 0 fixed, 1 adaptive, 2 normalised (`neuron.binning`); n_bins : (K,)
    bins : written, uint8 (K, N, B)
    """
    n_compartments, _, n_samples = u.shape
    for k in range(n_compartments):
        for n in range(start, stop):
            b = bias[k, n]
            lo = low
            hi = high
            if kind != 0:
                lo = u[k, n, 0]
                hi = u[k, n, 0]
                for s in range(n_samples):
                    lo = min(lo, u[k, n, s])
                    hi = max(hi, u[k, n, s])
                lo += b
                hi += b
            lo, hi = bin_range(kind, lo, hi)
            scale = bin_scale(lo, hi, n_bins[k])
            for s in range(n_samples):
                bins[k, n, s] = bin_index(u[k, n, s] + b, lo, scale, n_bins[k])


def scratch(n_neurons, n_bins, n_samples, dtype):
    """Work space of `score` and `information`, for one block of neurons (however many) at a time.

    Returns (table, keys, cell_of, first, members, ids, mass, share, lanes, line): uint32 (T,),
    three uint32 (B,), uint8 (K, 1, B), uint32 (2**K, B), and of `dtype` (2, 2**K, B), (2**K, B),
    (8, B), (3, T'). T, T' bound the keys that tuples of bins have, of all sources and of all but
    one. Indices are unsigned: Numba asks of every signed one whether it is negative.
    """
    n_sources = len(n_bins)
    # a key that outgrows this is replaced by its number before the next source's bin is put to it
    limit = max(n_bins) * max(n_samples, 4096)
    widest = sorted(n_bins)[1:]
    return (
        np.zeros(min(math.prod(n_bins), limit), np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty(n_samples, np.uint32),
        np.empty((n_sources, 1, n_samples), np.uint8),
        np.empty((2**n_sources, n_samples), np.uint32),
        np.empty((2, 2**n_sources, n_samples), dtype),
        np.empty((2**n_sources, n_samples), dtype),
        np.empty((8, n_samples), dtype),
        np.empty((3, max(n_samples, min(math.prod(widest), limit))), dtype),
    )


@inline
def _number(keys, n_items, table, first, numbers):
    """Number the distinct keys in order of appearance; returns how many there are.

    table : all zero before and after; first : written, the first item of each number
    """
    count = 0
    for i in range(n_items):
        number = table[keys[i]]
        if number == 0:
            first[count] = i
            count += 1
            number = np.uint32(count)
            table[keys[i]] = number
        numbers[i] = number - np.uint32(1)
    for i in range(count):
        table[keys[first[i]]] = 0
    return count


@inline
def _keys(m, bins, n, n_bins, n_items, limit, table, first, numbers, keys):
    """Give items the same key, below `limit`, if and only if their bins of all sources in m agree.

    bins : uint8 (K, ., n_items), of which row n is meant; numbers : overwritten; keys : written

    Returns a bound on the keys.
    """
    bound = 1
    for i in range(n_items):
        keys[i] = 0
    for k in range(bins.shape[0]):
        if (m >> k) & 1:
            if bound * n_bins[k] > limit:
                bound = _number(keys, n_items, table, first, numbers)
                for i in range(n_items):
                    keys[i] = numbers[i]
            width = np.uint32(n_bins[k])
            for i in range(n_items):
                keys[i] = np.uint32(keys[i] * width + np.uint32(bins[k, n, i]))
            bound *= n_bins[k]
    return bound


@inline
def _clear(row, keys, n_items, bound):
    """Zero the entries of `row` that keys (all below `bound`) point to, and maybe others."""
    if bound <= n_items:
        for i in range(bound):
            row[i] = ZERO
    else:
        for i in range(n_items):
            row[keys[i]] = ZERO


@inline
def _used(sets):
    """The sets of sources that occur in some antichain's inclusion-exclusion, as bits 1 << m."""
    used = 0
    for i in range(len(sets)):
        used |= 1 << sets[i]
    return used


@inline
def _cells(bins, n, n_bins, theta, used, work):
    """Sort neuron n's samples into cells and sum both outputs' masses over the used marginals.

    Cells are the occupied tuples of bins. Returns their number C and leaves in `work`
    cell_of[s], the cell of each sample; ids[m, :C], a key of each cell's marginal on the sources
    in m; mass[0, m, :C] and mass[1, m, :C], that marginal's Σθ and Σ(1-θ). Both are sums of
    positive numbers, neither of them a difference: nothing cancels in float32, and firing and
    silence are alike.
    """
    table, keys, cell_of, first, members, ids, mass, _, lanes, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    _keys(full, bins, n, n_bins, n_samples, len(table), table, first, cell_of, keys)
    n_cells = _number(keys, n_samples, table, first, cell_of)
    for k in range(n_sources):
        for c in range(n_cells):
            members[k, 0, c] = bins[k, n, first[c]]
    # samples in turn go to four sums, so that an addition need not wait for the one before
    for i in range(8):
        for c in range(n_cells):
            lanes[i, c] = ZERO
    in_fours = n_samples // 4 * 4
    for s in range(0, in_fours, 4):
        for i in range(4):
            c = cell_of[s + i]
            lanes[2 * i, c] += theta[0, n, s + i]
            lanes[2 * i + 1, c] += theta[1, n, s + i]
    for s in range(in_fours, n_samples):
        lanes[0, cell_of[s]] += theta[0, n, s]
        lanes[1, cell_of[s]] += theta[1, n, s]
    for y in range(2):
        for c in range(n_cells):
            mass[y, full, c] = (lanes[y, c] + lanes[y + 2, c]) + (lanes[y + 4, c] + lanes[y + 6, c])
    limit = line.shape[1]
    for m in range(1, full):
        if not (used >> m) & 1:
            continue
        bound = _keys(m, members, 0, n_bins, n_cells, limit, table, first, keys, ids[m])
        _clear(line[0], ids[m], n_cells, bound)
        _clear(line[1], ids[m], n_cells, bound)
        for c in range(n_cells):
            line[0, ids[m, c]] += mass[0, full, c]
            line[1, ids[m, c]] += mass[1, full, c]
        for c in range(n_cells):
            mass[0, m, c] = line[0, ids[m, c]]
            mass[1, m, c] = line[1, ids[m, c]]
    return n_cells


@inline
def _union(start, stop, sets, signs, mass, n_cells, one, zero):
    """Masses of the union of an antichain's agreements, by inclusion-exclusion over marginals."""
    for c in range(n_cells):
        one[c] = ZERO
        zero[c] = ZERO
    for i in range(start, stop):
        m = sets[i]
        sign = signs[i]
        for c in range(n_cells):
            one[c] += sign * mass[0, m, c]
            zero[c] += sign * mass[1, m, c]


@kernel
def score(bins, n_bins, theta, terms, weights, entropy_weights, start, stop, work, slope):
    """The exact gradient of each neuron's goal with respect to its firing probabilities.

    G = Σ_a w_a I_∩(a) + h H(Y) with the plug-in joint p(b, y=+1) = 1/B Σ_s θ_s [b_s = b]. A sample
    acts through its cell alone, so all work beyond sorting is done once per occupied cell:

        B ∂G/∂θ = Σ_a w_a log2(U_a1/U_a0) - (Σ_a w_a + h) log2(p_1/p_0)
                + 1/ln2 Σ_m Σ_{c' agreeing on m} Σ_a w_a v_am (p_c'1/U_a1(c') - p_c'0/U_a0(c'))

    with U_ay(c) the mass of output y in the union of a's agreements with cell c, Σ_m v_am p_m by
    inclusion-exclusion (Makkeh, Gutknecht, Wibral 2021; docs/theory.md).

    bins : uint8 (K, N, B); n_bins : (K,); theta : θ and 1 - θ, (2, N, B)
    terms : (starts, sets, signs), the non-zero v_am of antichain a at starts[a]:starts[a+1]
    weights : w_a and w_a/ln2, (R, 2, A); entropy_weights : h, in the same precision, (R,)
    work : `scratch`; slope : written, ∂G/∂θ in bits, (N, B)
    """
    starts, sets, signs = terms
    _, _, cell_of, _, _, ids, mass, share, _, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    one, zero, sums = line[0], line[1], line[2]
    used = _used(sets)
    replica, _ = _replica(start, theta.shape[1], len(weights))
    entropy_weight = entropy_weights[replica]
    weight_sum = entropy_weight
    for a in range(weights.shape[2]):
        weight_sum += weights[replica, 0, a]
    for n in range(start, stop):
        n_cells = _cells(bins, n, n_bins, theta, used, work)
        p1 = p0 = entropy_weight * ZERO
        for c in range(n_cells):
            p1 += mass[0, full, c]
            p0 += mass[1, full, c]
        base = -weight_sum * log2_ratio(p1, p0)
        for c in range(n_cells):
            sums[c] = base
        for m in range(1, full + 1):
            for c in range(n_cells):
                share[m, c] = ZERO
        for a in range(weights.shape[2]):
            _union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
            w, w_ln2 = weights[replica, 0, a], weights[replica, 1, a]
            for c in range(n_cells):
                ratio, inverse, difference = union_terms(
                    mass[0, full, c], mass[1, full, c], one[c], zero[c]
                )
                sums[c] += w * ratio
                one[c] = w_ln2 * inverse * difference
            for i in range(starts[a], starts[a + 1]):
                m = sets[i]
                sign = signs[i]
                for c in range(n_cells):
                    share[m, c] += sign * one[c]
        for c in range(n_cells):
            sums[c] += share[full, c]
        for m in range(1, full):
            if not (used >> m) & 1:
                continue
            _clear(one, ids[m], n_cells, one.size)
            for c in range(n_cells):
                one[ids[m, c]] += share[m, c]
            for c in range(n_cells):
                sums[c] += one[ids[m, c]]
        for c in range(n_cells):
            sums[c] /= np.float32(n_samples)
        for s in range(n_samples):
            slope[n, s] = sums[cell_of[s]]


@kernel
def information(bins, n_bins, theta, terms, start, stop, work, result):
    """The redundancy I_∩ of every antichain, and the entropy, of each neuron's output, in bits.

    bins, n_bins, theta, terms, work : as for `score`, with all A antichains in `terms`
    result : written, float64 (N, A + 1): I_∩ by antichain, then H(Y)
    """
    starts, sets, signs = terms
    _, _, _, _, _, _, mass, _, _, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    one, zero, addends = line[0], line[1], line[2]
    used = _used(sets)
    for n in range(start, stop):
        n_cells = _cells(bins, n, n_bins, theta, used, work)
        ones, zeros = mass[0, full, :n_cells], mass[1, full, :n_cells]
        p1, p0 = total(ones), total(zeros)
        inverse1 = mass.dtype.type((p1 + p0) / max(p1, float(TINY)))
        inverse0 = mass.dtype.type((p1 + p0) / max(p0, float(TINY)))
        for a in range(len(starts) - 1):
            _union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
            for c in range(n_cells):
                addends[c] = union_information(
                    ones[c], zeros[c], one[c], zero[c], inverse1, inverse0
                )
            result[n, a] = total(addends[:n_cells]) / n_samples
        result[n, len(starts) - 1] = entropy(p1 / (p1 + p0), p0 / (p1 + p0))


def project(weights, x, u):
    """Potentials of densely connected neurons, u = W x, by BLAS.

    weights : (r, n, I); x : (r, I, b), any memory order; u : written, (r, n, b), rows contiguous
    """
    np.matmul(weights, x, out=u)


def accumulate(delta, x, gradient):
    """Gradient of the weights of densely connected neurons, δ xᵀ, by BLAS.

    delta : (r, n, B); x : (r, I, B), any memory order; gradient : written, (r, n, I)
    """
    np.matmul(delta, x.transpose(0, 2, 1), out=gradient)


@kernel
def silence(tile, u):
    """Potentials of neurons whose source is silent: zero. tile : as for `activate`; u : (N, B)"""
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(tile[0], tile[1]):
        for s in range(first, last):
            u[n, s] = ZERO


@kernel
def project_sparse(weights, index, x, tile, u):
    """Potentials of neurons with few inputs: u_n = Σ_j weights[n, j] x[index[n, j]].

    weights, index : (N, k), int32; x : (R, n_in, B); tile : as for `activate`
    u : written, (N, B)
    """
    start, stop = tile[0], tile[1]
    r, _ = _replica(start, weights.shape[0], len(x))
    first, last = np.uint64(tile[2]), np.uint64(tile[3])
    for n in range(start, stop):
        for s in range(first, last):
            u[n, s] = ZERO
        in_fours = weights.shape[1] // 4 * 4
        for j in range(0, in_fours, 4):  # four inputs for one look at the sum
            x0, x1, x2, x3 = index[n, j], index[n, j + 1], index[n, j + 2], index[n, j + 3]
            w0, w1, w2, w3 = weights[n, j], weights[n, j + 1], weights[n, j + 2], weights[n, j + 3]
            for s in range(first, last):
                u[n, s] += w0 * x[r, x0, s] + w1 * x[r, x1, s] + w2 * x[r, x2, s] + w3 * x[r, x3, s]
        for j in range(in_fours, weights.shape[1]):
            source, w = index[n, j], weights[n, j]
            for s in range(first, last):
                u[n, s] += w * x[r, source, s]


@reduction
def _dot(a, b):
    """The sum of the products of two rows."""
    result = a[0] * ZERO
    for i in range(len(a)):
        result += a[i] * b[i]
    return result


@kernel
def accumulate_sparse(delta, index, x, start, stop, gradient):
    """Gradient of the weights of neurons with few inputs: Σ_s delta[n, s] x[index[n, j], s].

    delta : (N, B); index : int32 (N, k); x : (R, n_in, B); gradient : written, (N, k)
    """
    replica, _ = _replica(start, delta.shape[0], len(x))
    inputs = x[replica]
    for n in range(start, stop):
        for j in range(gradient.shape[1]):
            gradient[n, j] = _dot(delta[n], inputs[index[n, j]])


@kernel
def spread(weights, index, start, stop, dense):
    """The matrix that sparse weights stand for.

    weights, index : (N, k), int32; dense : written, (N, n_in), 0 where there is no connection
    """
    for n in range(start, stop):
        for i in range(dense.shape[1]):
            dense[n, i] = ZERO
        for j in range(weights.shape[1]):
            dense[n, index[n, j]] = weights[n, j]


@kernel
def add(values, factor, tile, total):
    """Add `factor` times `values` to `total`, both (N, M), in tile (start, stop, first, last)."""
    for n in range(tile[0], tile[1]):
        for m in range(tile[2], tile[3]):
            total[n, m] += factor * values[n, m]


@kernel
def cross_entropy(theta, target, tile, slope, loss):
    """Each sample's loss, log Σ_n exp θ_n - Σ_n target_n θ_n: firing probabilities as logits.

    theta : (N, B); target : one-hot, (R, N/R, B), any memory order
    tile : (start, stop, first, last), replicas and samples to compute
    slope : written, -∂/∂θ of its mean over samples, (N, B); loss : written, in nats, (R, B)
    """
    size, n_samples = theta.shape[0] // len(target), theta.shape[1]
    first, last = tile[2], tile[3]
    for r in range(tile[0], tile[1]):
        for s in range(first, last):
            loss[r, s] = ZERO
        for i in range(size):
            n = r * size + i
            for s in range(first, last):
                slope[n, s] = exp(theta[n, s])
                loss[r, s] += slope[n, s]
        for i in range(size):
            n = r * size + i
            for s in range(first, last):
                slope[n, s] = climb(slope[n, s] / loss[r, s], target[r, i, s], n_samples)
        for s in range(first, last):
            loss[r, s] = math.log(loss[r, s])
        for i in range(size):
            for s in range(first, last):
                loss[r, s] -= target[r, i, s] * theta[r * size + i, s]


@kernel
def adam(weights, gradient, mask, moments, rates, start, stop):
    """One ascending Adam step (Kingma & Ba 2015), with L2 decay added to the gradient, in place.

    weights, gradient : (N, I); mask : uint8, (N, I), or (0, 0) for none
    moments : running first and second moments, (2, N, I)
    rates : [rate / (1 - β₁ᵗ), 1/√(1 - β₂ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε, decay] of each replica, (R, 8)
    """
    replica, _ = _replica(start, weights.shape[0], len(rates))
    rate, correction, beta1, rest1, beta2, rest2, epsilon, decay = rates[replica]
    numbers = rate, correction, beta1, rest1, beta2, rest2, epsilon
    masked = mask.shape[0] > 0
    for n in range(start, stop):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            weights[n, i], moments[0, n, i], moments[1, n, i] = adam_step(
                weights[n, i], g, moments[0, n, i], moments[1, n, i], numbers
            )


@kernel
def sgd(weights, gradient, mask, moments, rates, start, stop):
    """One ascending gradient step with L2 decay, in place.

    Arguments as for `adam`; moments : unused; rates : [rate, decay] of each replica, (R, 2)
    """
    replica, _ = _replica(start, weights.shape[0], len(rates))
    rate, decay = rates[replica]
    masked = mask.shape[0] > 0
    for n in range(start, stop):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            weights[n, i] += rate * g


@kernel
def take_scaled(data, index, shift, scale, first, last, out):
    """Gather a batch of rows: out[b] = (data[index[b]] - shift) * scale for first <= b < last.

    data : (n, d), any number type; shift, scale : in `number`'s precision for it, or in `out`'s
    index : int64 (B,); out : written, (B, d)
    """
    for b in range(first, last):
        row = index[b]
        for i in range(data.shape[1]):
            out[b, i] = (number(data[row, i]) - shift) * scale


@kernel
def take_one_hot(labels, index, off, on, out):
    """Gather a batch of labels as one-hot rows: out[b, labels[index[b]]] = on, otherwise off.

    labels : (n,), any integer type; index : int64 (B,); out : written, (B, n_classes)
    """
    for b in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[b, i] = off
        out[b, labels[index[b]]] = on


@kernel
def classify(theta, inverted, predictions):
    """The class of each sample: the neuron that says "mine" most surely.

    theta : θ and 1 - θ, (2, N, B); inverted : uint8 (N,), neurons that say it by being silent
    predictions : written, int64 (R, B); of neurons that are equally sure the first
    """
    _, n_neurons, n_samples = theta.shape
    n_replicas = len(predictions)
    size = n_neurons // n_replicas
    best, least = np.empty(n_samples, theta.dtype), np.empty(n_samples, theta.dtype)
    for r in range(n_replicas):
        for i in range(size):
            says = inverted[r * size + i]
            mine, other = theta[says, r * size + i], theta[1 - says, r * size + i]
            for s in range(n_samples):
                if i == 0 or surer(mine[s], other[s], best[s], least[s]):
                    best[s], least[s] = mine[s], other[s]
                    predictions[r, s] = i


@kernel
def mostly_firing(theta, inverted):
    """Let neurons be inverted that fire in half of this batch or more (ICLR 2025).

    theta : (2, N, B); inverted : written, uint8 (N,)
    """
    n_samples = theta.shape[2]
    for n in range(len(inverted)):
        inverted[n] = np.uint8(total(theta[0, n]) >= 0.5 * n_samples)


@kernel
def tally(theta, labels, rows, agreement):
    """Count how often each neuron is expected to say rightly whether a sample is of its class.

    theta : (2, N, B); labels : any integers; rows : of them, int64 (R, B)
    agreement : float64 (N, 2), to whose columns Σ (θ if it is, else 1 - θ) and B are added
    """
    n_samples = theta.shape[2]
    size = len(agreement) // len(rows)
    for n in range(len(agreement)):
        replica, own = n // size, n % size
        right = 0.0
        for s in range(n_samples):
            right += theta[0 if labels[rows[replica, s]] == own else 1, n, s]
        agreement[n, 0] += right
        agreement[n, 1] += n_samples


@kernel
def invert(agreement, otherwise, inverted):
    """Let neurons be inverted that are wrong more often than right.

    agreement : as `tally` leaves it; otherwise : uint8 (N,), what to write of a neuron that is as
    often wrong as right; inverted : written, uint8 (N,)
    """
    for n in range(len(inverted)):
        inverted[n] = wrong_rather(agreement[n, 0], agreement[n, 1], otherwise[n])


@kernel
def count_wrong(predictions, labels, rows, wrong):
    """Add to `wrong`, int64 (R,), how many predictions (R, B) differ from labels[rows], (R, B)."""
    for r in range(predictions.shape[0]):
        for s in range(predictions.shape[1]):
            wrong[r] += predictions[r, s] != labels[rows[r, s]]
