"""Images that are mostly a background, for tests of how these are kept and learnt from."""

import numpy as np

N, D = 600, 210
_RNG = np.random.default_rng(0)
LABELS = _RNG.integers(0, 2, N)
#: Images of a background that is not 0, and some of whose pixels tell the class.
IMAGES = np.where(
    _RNG.random((N, D)) < 0.1 + 0.15 * (LABELS[:, None] == np.arange(D) % 2),
    _RNG.integers(1, 256, (N, D)), 7,
).astype(np.uint8)  # fmt: skip
SCALING = {"image": (30.0, 1 / 60)}
