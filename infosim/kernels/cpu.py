"""CPU kernels: one call computes neurons start to stop of a layer, one after the other.

Arrays have the neuron first and the sample last, so that one neuron's samples are contiguous.
Loop letters: n neuron, s sample, k compartment, a antichain, c cell (an occupied tuple of bins),
m non-empty set of sources as a bitmask. A kernel trusts its arguments (the engine checks them),
draws no randomness beyond its counters and writes into its last arguments.
"""

import math
from functools import cache

import numpy as np

from infosim.jit import inline, kernel
from infosim.kernels.scalar import ONE, TINY, ZERO, bin_index, entropy, log2_ratio, philox, unit
from infosim.neuron.activation import sigmoid

#: Samples are numbered in blocks of 64, 16 Philox counters with four words each, so that the inner
#: loop over counters runs in vector lanes and writes contiguously.
_LANES = 16
_BLOCK = 4 * _LANES


@inline
def _random_row(key, neuron, counter, row):
    """Fill `row`, uint32 (B rounded up to 64,), with the random words of a neuron's samples."""
    for block in range(len(row) // _BLOCK):
        start = block * _BLOCK
        for lane in range(_LANES):
            c0 = np.uint32(block * _LANES + lane)
            x0, x1, x2, x3 = philox(c0, neuron, counter[0], counter[1], key[0], key[1])
            row[start + lane] = x0
            row[start + _LANES + lane] = x1
            row[start + 2 * _LANES + lane] = x2
            row[start + 3 * _LANES + lane] = x3


@inline
def _potentials(u, bias, n, s):
    """The potentials of neuron n for sample s with their biases, 0 for compartments it lacks."""
    r = u[0, n, s] + bias[0, n]
    second = u[1, n, s] + bias[1, n] if u.shape[0] > 1 else bias[0, n] * ZERO
    third = u[2, n, s] + bias[2, n] if u.shape[0] > 2 else bias[0, n] * ZERO
    return r, second, third


@cache
def activate(scalar):
    """An activation's kernel (u, bias, p, clamp, sampled, key, counter, start, stop, theta, y).

    u : potentials without bias, (K, N, B); bias : (K, N); p : packed parameters
    clamp : θ stays in [clamp, 1 - clamp]; sampled : draw y ~ Bernoulli(θ), else y = +1 iff θ > ½
    key, counter : uint32 (2,) each, the random numbers' place beside neuron and sample
    theta, y : written, (N, B); y is +1 or -1
    """

    @kernel
    def activate(u, bias, p, clamp, sampled, key, counter, start, stop, theta, y):
        n_samples = u.shape[2]
        words = np.empty((n_samples + _BLOCK - 1) // _BLOCK * _BLOCK, np.uint32)
        for n in range(start, stop):
            for s in range(n_samples):
                r, c, l = _potentials(u, bias, n, s)  # noqa: E741
                drive, _, _, _ = scalar(r, c, l, p)
                theta[n, s] = min(max(sigmoid(drive), clamp), ONE - clamp)
            if sampled:
                _random_row(key, np.uint32(n), counter, words)
                for s in range(n_samples):
                    y[n, s] = ONE if unit(words[s]) < theta[n, s] else -ONE
            else:
                for s in range(n_samples):
                    y[n, s] = ONE if theta[n, s] > np.float32(0.5) else -ONE

    return activate


@cache
def chain(scalar):
    """An activation's kernel (u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient).

    slope : ∂G/∂θ, (N, B)
    delta : written, ∂G/∂u_k = ∂G/∂θ θ(1-θ) ∂A/∂u_k, (K, N, B)
    bias_gradient : written, its sum over samples, (K, N)
    """

    @kernel
    def chain(u, bias, p, clamp, theta, slope, start, stop, delta, bias_gradient):
        n_compartments, _, n_samples = u.shape
        for n in range(start, stop):
            sum0 = sum1 = sum2 = bias[0, n] * ZERO
            for s in range(n_samples):
                t = theta[n, s]
                r, c, l = _potentials(u, bias, n, s)  # noqa: E741
                _, d0, d1, d2 = scalar(r, c, l, p)
                # where θ is held at its clamp it no longer follows the potentials
                moves = ONE if clamp < t < ONE - clamp else ZERO
                g = slope[n, s] * t * (ONE - t) * moves
                d0, d1, d2 = g * d0, g * d1, g * d2
                delta[0, n, s] = d0
                if n_compartments > 1:
                    delta[1, n, s] = d1
                if n_compartments > 2:
                    delta[2, n, s] = d2
                sum0 += d0
                sum1 += d1
                sum2 += d2
            bias_gradient[0, n] = sum0
            if n_compartments > 1:
                bias_gradient[1, n] = sum1
            if n_compartments > 2:
                bias_gradient[2, n] = sum2

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
            if kind == 2:
                hi = max(abs(lo), abs(hi))
                lo = -hi
            # a neuron whose potential does not vary has all its samples in one bin
            scale = np.float32(n_bins[k]) / (hi - lo) if hi > lo else ZERO
            for s in range(n_samples):
                bins[k, n, s] = bin_index(u[k, n, s] + b, lo, scale, n_bins[k])


def scratch(n_bins, n_samples, dtype):
    """Work space of `score` and `information`, for one block of neurons at a time.

    Returns (table, seen, cell_of, members, ids, mass, share, line): int32 (keys,), int32 (B,),
    int32 (B,), uint8 (K, B), int32 (2**K, B), and of `dtype` (2, 2**K, B), (2**K, B), (3, B).
    """
    n_sources = len(n_bins)
    # a key pairs a bin with the number of a cell of K-1 sources, of which at most B are occupied
    keys = max(n_bins) * min(n_samples, max(n_bins) ** (n_sources - 1))
    return (
        np.zeros(keys, np.int32),
        np.empty(n_samples, np.int32),
        np.empty(n_samples, np.int32),
        np.empty((n_sources, n_samples), np.uint8),
        np.empty((2**n_sources, n_samples), np.int32),
        np.empty((2, 2**n_sources, n_samples), dtype),
        np.empty((2**n_sources, n_samples), dtype),
        np.empty((3, n_samples), dtype),
    )


@inline
def _number(prefix, last, width, n_items, table, seen, ids):
    """Number the distinct pairs (prefix, last) in order of appearance; returns how many there are.

    prefix : int32 (n_items,); last : uint8 (n_items,), below `width`
    table : all zero before and after; seen : overwritten; ids : written, may be `prefix` itself
    """
    count = 0
    for i in range(n_items):
        key = prefix[i] * width + last[i]
        number = table[key]
        if number == 0:
            seen[count] = key
            count += 1
            number = count
            table[key] = number
        ids[i] = number - 1
    for i in range(count):
        table[seen[i]] = 0
    return count


@inline
def _cells(bins, n, n_bins, theta, work):
    """Sort neuron n's samples into cells and sum both outputs' masses over every marginal.

    Cells are the occupied tuples of bins. Returns their number C and leaves in `work`
    cell_of[s], the cell of each sample; ids[m, :C], the number of each cell's marginal on the
    sources in m (0 for all cells when m is empty); mass[0, m, :C] and mass[1, m, :C], that
    marginal's Σθ and Σ(1-θ). Both are sums of positive numbers: nothing cancels in float32.
    """
    table, seen, cell_of, members, ids, mass, _, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    for s in range(n_samples):
        cell_of[s] = 0
    n_cells = 0
    for k in range(n_sources):
        n_cells = _number(cell_of, bins[k, n], n_bins[k], n_samples, table, seen, cell_of)
    for c in range(n_cells):
        ids[0, c] = 0
        ids[full, c] = c
        mass[0, full, c] = ZERO
        mass[1, full, c] = ZERO
    for s in range(n_samples):
        c = cell_of[s]
        mass[0, full, c] += theta[n, s]
        mass[1, full, c] += ONE - theta[n, s]
        for k in range(n_sources):
            members[k, c] = bins[k, n, s]
    for m in range(1, full):
        last = 0
        while m >> (last + 1):
            last += 1
        prefix = m ^ (1 << last)
        count = _number(ids[prefix], members[last], n_bins[last], n_cells, table, seen, ids[m])
        for i in range(count):
            line[0, i] = ZERO
            line[1, i] = ZERO
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
def score(bins, n_bins, theta, terms, weights, entropy_weight, start, stop, work, slope):
    """The exact gradient of each neuron's goal with respect to its firing probabilities.

    G = Σ_a w_a I_∩(a) + h H(Y) with the plug-in joint p(b, y=+1) = 1/B Σ_s θ_s [b_s = b]. A sample
    acts through its cell alone, so all work beyond sorting is done once per occupied cell:

        B ∂G/∂θ = Σ_a w_a log2(U_a1/U_a0) - (Σ_a w_a + h) log2(p_1/p_0)
                + 1/ln2 Σ_m Σ_{c' agreeing on m} Σ_a w_a v_am (p_c'1/U_a1(c') - p_c'0/U_a0(c'))

    with U_ay(c) the mass of output y in the union of a's agreements with cell c, Σ_m v_am p_m by
    inclusion-exclusion (Makkeh, Gutknecht, Wibral 2021; docs/theory.md).

    bins : uint8 (K, N, B); n_bins : (K,); theta : (N, B)
    terms : (starts, sets, signs), the non-zero v_am of antichain a at starts[a]:starts[a+1]
    weights : w_a and w_a/ln2, (2, A); entropy_weight : h, in the same precision
    work : `scratch`; slope : written, ∂G/∂θ in bits, (N, B)
    """
    starts, sets, signs = terms
    _, _, cell_of, _, ids, mass, share, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    one, zero, total = line[0], line[1], line[2]
    weight_sum = entropy_weight
    for a in range(weights.shape[1]):
        weight_sum += weights[0, a]
    for n in range(start, stop):
        n_cells = _cells(bins, n, n_bins, theta, work)
        p1 = p0 = entropy_weight * ZERO
        for c in range(n_cells):
            p1 += mass[0, full, c]
            p0 += mass[1, full, c]
        base = -weight_sum * log2_ratio(p1, p0)
        for c in range(n_cells):
            total[c] = base
        for m in range(1, full + 1):
            for c in range(n_cells):
                share[m, c] = ZERO
        for a in range(weights.shape[1]):
            _union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
            for c in range(n_cells):
                u1 = max(one[c], TINY)
                u0 = max(zero[c], TINY)
                total[c] += weights[0, a] * math.log2(u1 / u0)
                one[c] = weights[1, a] * (mass[0, full, c] / u1 - mass[1, full, c] / u0)
            for i in range(starts[a], starts[a + 1]):
                m = sets[i]
                sign = signs[i]
                for c in range(n_cells):
                    share[m, c] += sign * one[c]
        for c in range(n_cells):
            total[c] += share[full, c]
        for m in range(1, full):
            for c in range(n_cells):
                one[c] = ZERO
            for c in range(n_cells):
                one[ids[m, c]] += share[m, c]
            for c in range(n_cells):
                total[c] += one[ids[m, c]]
        for s in range(n_samples):
            slope[n, s] = total[cell_of[s]] / np.float32(n_samples)


@kernel
def information(bins, n_bins, theta, terms, start, stop, work, result):
    """The redundancy I_∩ of every antichain, and the entropy, of each neuron's output, in bits.

    bins, n_bins, theta, terms, work : as for `score`, with all A antichains in `terms`
    result : written, float64 (N, A + 1): I_∩ by antichain, then H(Y)
    """
    starts, sets, signs = terms
    _, _, _, _, _, mass, _, line = work
    n_sources, _, n_samples = bins.shape
    full = (1 << n_sources) - 1
    one, zero = line[0], line[1]
    for n in range(start, stop):
        n_cells = _cells(bins, n, n_bins, theta, work)
        p1 = p0 = 0.0
        for c in range(n_cells):
            p1 += mass[0, full, c]
            p0 += mass[1, full, c]
        for a in range(len(starts) - 1):
            _union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
            bits = 0.0
            for c in range(n_cells):
                union = float(one[c]) + float(zero[c])
                t1 = mass[0, full, c]
                t0 = mass[1, full, c]
                if t1 > ZERO:
                    bits += t1 * log2_ratio(one[c] * (p1 + p0), union * p1)
                if t0 > ZERO:
                    bits += t0 * log2_ratio(zero[c] * (p1 + p0), union * p0)
            result[n, a] = bits / n_samples
        result[n, len(starts) - 1] = entropy(p1 / (p1 + p0))


def project(weights, x, u):
    """Potentials of densely connected neurons, u = W x, by BLAS.

    weights : (n, I); x : (I, B), any memory order; u : written, (n, B) contiguous
    """
    np.dot(weights, x, out=u)


def accumulate(delta, x, gradient):
    """Gradient of the weights of densely connected neurons, δ xᵀ, by BLAS.

    delta : (n, B); x : (I, B), any memory order; gradient : written, (n, I) contiguous
    """
    np.dot(delta, x.T, out=gradient)


@kernel
def project_sparse(weights, index, x, u):
    """Potentials of neurons with few inputs: u_n = Σ_j weights[n, j] x[index[n, j]].

    weights, index : (N, k), int32; x : (n_in, B); u : written, (N, B)
    """
    n_neurons, n_inputs = weights.shape
    for n in range(n_neurons):
        for s in range(u.shape[1]):
            u[n, s] = ZERO
        for j in range(n_inputs):
            source = index[n, j]
            w = weights[n, j]
            for s in range(u.shape[1]):
                u[n, s] += w * x[source, s]


@kernel
def accumulate_sparse(delta, index, x, gradient):
    """Gradient of the weights of neurons with few inputs: Σ_s delta[n, s] x[index[n, j], s].

    delta : (N, B); index : int32 (N, k); x : (n_in, B); gradient : written, (N, k)
    """
    n_neurons, n_inputs = gradient.shape
    for n in range(n_neurons):
        for j in range(n_inputs):
            source = index[n, j]
            total = delta[n, 0] * ZERO
            for s in range(delta.shape[1]):
                total += delta[n, s] * x[source, s]
            gradient[n, j] = total


@kernel
def adam(weights, gradient, mask, first, second, rates):
    """One ascending Adam step (Kingma & Ba 2015), with L2 decay added to the gradient, in place.

    weights, gradient : (N, I); mask : uint8, (N, I), or (0, 0) for none
    first, second : running moments, (N, I)
    rates : [rate / (1 - β₁ᵗ), 1/√(1 - β₂ᵗ), β₁, 1-β₁, β₂, 1-β₂, ε, decay]
    """
    rate, correction, beta1, rest1, beta2, rest2, epsilon, decay = rates
    masked = mask.shape[0] > 0
    for n in range(weights.shape[0]):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            m = beta1 * first[n, i] + rest1 * g
            v = beta2 * second[n, i] + rest2 * g * g
            first[n, i] = m
            second[n, i] = v
            weights[n, i] += rate * m / (math.sqrt(v) * correction + epsilon)


@kernel
def sgd(weights, gradient, mask, rate, decay):
    """One ascending gradient step with L2 decay, in place; arguments as for `adam`."""
    masked = mask.shape[0] > 0
    for n in range(weights.shape[0]):
        for i in range(weights.shape[1]):
            g = gradient[n, i] - decay * weights[n, i]
            if masked:
                g *= np.float32(mask[n, i])
            weights[n, i] += rate * g


@kernel
def take_scaled(data, index, shift, scale, out):
    """Gather a batch of rows: out[b] = (data[index[b]] - shift) * scale.

    data : (n, d), any number type; index : int64 (B,); out : written, (B, d)
    """
    for b in range(len(index)):
        row = index[b]
        for i in range(data.shape[1]):
            out[b, i] = (np.float32(data[row, i]) - shift) * scale
