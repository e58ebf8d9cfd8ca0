"""The training of an associative memory as one writes it in NumPy: the peer of small networks.

Each of N neurons reads its own bit of a pattern, through a frozen weight, and all other neurons'
bits; it climbs the redundancy of both (arXiv 2511.02584) by Adam, on all M patterns at once. Every
quantity is an array over neurons, and the probabilities of all tuples of bins are one einsum of
one-hot bins. It shares no formula with infosim's kernels
(tests/benchmarks/test_memory_benchmarks.py).
"""

import numpy as np

BINS = 60
#: Of soft bins, in units of the potential; the pattern's bit has two bins and is in one of them.
SOFTNESS, PADDING = 0.5, 1.0
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
_TINY = 1e-30


class NumpyMemory:
    """Trains a memory on patterns, beginning with these weights.

    Parameters
    ----------
    patterns : (M, N) of +1 and -1; weights : (N, N), without self-connections
    soft : whether samples have shares of bins over the range of all neurons, as published but for
        probabilities of unions that move with them; else each neuron has bins of its own range
    strength : of the pattern's weight; rate : Adam's; dtype : of all arrays
    """

    def __init__(self, patterns, weights, soft=False, strength=2.3, rate=0.05, dtype=np.float32):
        self.x = np.ascontiguousarray(patterns.T, dtype)
        self.weights = np.array(weights, dtype)
        self.soft, self.strength, self.rate, self.steps = soft, strength, rate, 0
        self.moments = np.zeros_like(self.weights), np.zeros_like(self.weights)
        # of the pattern's bit: which of its two bins, (N, M, 2)
        self.bit = np.stack((self.x < 0, self.x > 0), axis=2).astype(dtype)

    def step(self):
        """One ascending step of Adam (Kingma & Ba 2015)."""
        gradient = self.gradient()
        self.steps += 1
        m, v = self.moments
        m += (1 - BETA1) * (gradient - m)
        v += (1 - BETA2) * (gradient**2 - v)
        mean, square = m / (1 - BETA1**self.steps), v / (1 - BETA2**self.steps)
        self.weights += self.rate * mean / (np.sqrt(square) + EPSILON)

    def gradient(self):
        """∂G/∂W in bits, (N, N), of the sum of all neurons' goals; 0 for self-connections."""
        potential = self.weights @ self.x
        theta = 1 / (1 + np.exp(-(self.strength * self.x + potential)))
        both = np.stack((theta, 1 - theta))  # P(y | pattern), (2, N, M)
        if self.soft:
            share, slope = soft_shares(potential)
        else:
            share = hard_bins(potential)
        n_patterns = self.x.shape[1]
        p = np.einsum("ynm,nme,nmb->yneb", both, self.bit, share, optimize=True) / n_patterns
        value = prices(p, moving=self.soft)
        seen = np.einsum("nme,yneb->ynmb", self.bit, value) / n_patterns
        delta = np.einsum("nmb,nmb->nm", share, seen[0] - seen[1]) * theta * (1 - theta)
        if self.soft:
            delta += np.einsum("ynm,ynmb,nmb->nm", both, seen, slope, optimize=True)
        gradient = delta @ self.x.T
        np.fill_diagonal(gradient, 0)
        return gradient


def hard_bins(potential):
    """One-hot bins of each neuron's range over the patterns, closed on the right, (N, M, BINS)."""
    low, high = (f(axis=1, keepdims=True) for f in (potential.min, potential.max))
    number = np.ceil((potential - low) * (BINS / (high - low))).clip(1, BINS) - 1
    return (number[..., None] == np.arange(BINS)).astype(potential.dtype)


def soft_shares(potential):
    """Shares of bins over the range of all neurons, and their slopes, (N, M, BINS) each."""
    low, high = potential.min() - PADDING, potential.max() + PADDING
    width = (high - low) / BINS
    centres = low + width * (np.arange(BINS, dtype=potential.dtype) + 0.5)
    distance = potential[..., None] - centres
    kernel = 1 / (1 + np.exp(np.minimum((abs(distance) - width / 2) / SOFTNESS, 80)))
    slope = -np.sign(distance) * kernel * (1 - kernel) / SOFTNESS
    total, total_slope = (a.sum(axis=2, keepdims=True) for a in (kernel, slope))
    share = kernel / total
    return share, (slope - share * total_slope) / total


def prices(p, moving):
    """∂G/∂p(y,e,b) of the redundancy, of p and of the shape (2, N, 2, BINS); y = +1 comes first.

    G = Σ p(y,e,b) log2 [p(y,e∪b) / (p(e∪b) p(y))]; moving : whether p(e∪b) moves with p. With hard
    bins it stays as it is, as numbers of patterns do.
    """
    e, b = p.sum(axis=3, keepdims=True), p.sum(axis=2, keepdims=True)
    union = np.maximum(e + b - p, _TINY)
    event = np.maximum(union.sum(axis=0), _TINY)
    py = p.sum(axis=(2, 3), keepdims=True)

    def spread(part):
        """Σ of those parts of cells that a cell is in the union of."""
        return part.sum(axis=3, keepdims=True) + part.sum(axis=2, keepdims=True) - part

    own = np.log2(union / (event * py)) * np.log(2) + spread(p / union) - 1
    if moving:
        own -= spread((p.sum(axis=0) / event)[None])
    return own / np.log(2)
