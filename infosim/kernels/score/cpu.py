"""The score on the CPU: potentials' bins, the goal's gradient, and information to be read."""

import numpy as np

from infosim.jit import kernel
from infosim.kernels.common import ZERO, replica_of, total
from infosim.kernels.score.cells.cpu import cells, clear, union, used_sets
from infosim.kernels.score.scalar import (
    TINY,
    bin_index,
    bin_range,
    bin_scale,
    entropy,
    log2_ratio,
    union_information,
    union_terms,
)


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
    used = used_sets(sets)
    replica, _ = replica_of(start, theta.shape[1], len(weights))
    entropy_weight = entropy_weights[replica]
    weight_sum = entropy_weight
    for a in range(weights.shape[2]):
        weight_sum += weights[replica, 0, a]
    for n in range(start, stop):
        n_cells = cells(bins, n, n_bins, theta, used, work)
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
            union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
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
            clear(one, ids[m], n_cells, one.size)
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
    used = used_sets(sets)
    for n in range(start, stop):
        n_cells = cells(bins, n, n_bins, theta, used, work)
        ones, zeros = mass[0, full, :n_cells], mass[1, full, :n_cells]
        p1, p0 = total(ones), total(zeros)
        inverse1 = mass.dtype.type((p1 + p0) / max(p1, float(TINY)))
        inverse0 = mass.dtype.type((p1 + p0) / max(p0, float(TINY)))
        for a in range(len(starts) - 1):
            union(starts[a], starts[a + 1], sets, signs, mass, n_cells, one, zero)
            for c in range(n_cells):
                addends[c] = union_information(
                    ones[c], zeros[c], one[c], zero[c], inverse1, inverse0
                )
            result[n, a] = total(addends[:n_cells]) / n_samples
        result[n, len(starts) - 1] = entropy(p1 / (p1 + p0), p0 / (p1 + p0))
