"""Data sets that are made, not published: bars, dead-leaves patches, random patterns, sequences.

The same name, options and seed give the same arrays; nothing is read or downloaded.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from infosim.datasets.dataset import Dataset
from infosim.errors import ConfigError, brief, integer, near

#: What random numbers are drawn for; with the seed, each an independent stream.
_TRAIN, _TEST, _CUES, _REPEATS = 100, 101, 102, 103
#: Dead leaves: pixels of an image's side, its smallest and largest radius, and how often its area
#: is covered by leaves, so that one pixel in a thousand is left bare.
_SIDE, _RADII, _COVERED = 128, (1.5, 48.0), 7.0


class Option(NamedTuple):
    """What a generator takes: its default, which says its type, and its range, both ends in it."""

    default: bool | int | float
    low: float = 0
    high: float = 1


class Generator(NamedTuple):
    """A data set that is made by `make(seed, **options)`.

    shape : function of the options by name, the shape of an image; None if only the data set tells
    settled : function of the options that were given and of all, which are what it returns
    """

    make: Callable
    options: Mapping[str, Option]
    shape: Callable | None = None
    settled: Callable = lambda given, options: options


def complete(name, options):
    """All options of the data set `name`, those given and the others' defaults, checked.

    Raises
    ------
    ConfigError : an option it does not have, of another type, out of range; two that contradict
    """
    known = GENERATED[name].options if name in GENERATED else {}
    for key in options:
        if key not in known:
            way = near(key, known) if known else "it has none"
            raise ConfigError(f"data set {name!r} has no option {key!r}; {way}")
    found = {key: _value(name, key, option, options) for key, option in known.items()}
    return GENERATED[name].settled(options, found) if name in GENERATED else found


def _value(name, key, option, options):
    """The value of one option, of the type of its default."""
    value, kind = options.get(key, option.default), type(option.default)
    value = value.item() if isinstance(value, np.generic) else value
    value = float(value) if kind is float and type(value) is int else value
    if type(value) is not kind or not option.low <= value <= option.high:
        wanted = {
            bool: "true or false",
            int: f"an integer from {option.low} to {option.high}",
            float: f"a number from {option.low} to {option.high}",
        }[kind]
        raise ConfigError(f"data set {name!r}: option {key} must be {wanted}, was {value!r}")
    return value


def chosen(name, options):
    """The options that are not defaults."""
    known = GENERATED[name].options if name in GENERATED else {}
    return {key: value for key, value in options.items() if value != known[key].default}


def generate(name, options, seed):
    """The data set `name` with these options, made from the seed.

    Raises
    ------
    ConfigError : as `complete`; a seed that is not an integer from 0 to 2**32 - 1
    """
    seed = integer("seed", seed, 0, 2**32 - 1)
    made = GENERATED[name].make(seed, **complete(name, options))
    if not isinstance(made, Dataset):
        raise ConfigError(f"data set {name!r}: a Dataset was to be made, not {brief(made)}")
    return made


# Shapes of images, by options of their data set.


def _square(size, **_):
    return size, size


def _row(units, **_):
    return 1, units


def _rows(length, symbols, **_):
    return length, symbols


def _rng(seed, purpose):
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, purpose])))


def _unlabelled(train_x, test_x, **arrays):
    """Images of a single class."""
    zeros = [np.zeros(len(x), np.int64) for x in (train_x, test_x)]
    return Dataset(
        train_x=train_x, train_y=zeros[0], test_x=test_x, test_y=zeros[1], n_classes=1, **arrays
    )


def _bars(seed, size, train, test, vertical, probability):
    """Images of horizontal (and vertical) bars, each there or not, as PNAS 2025, section 4.2.

    Pixels are +1 where there is a bar and -1 elsewhere, float32. The factors are the bars', +1 or
    -1: rows from the top, then columns from the left.
    """
    parts = []
    for n, purpose in ((train, _TRAIN), (test, _TEST)):
        there = _rng(seed, purpose).random((n, (1 + vertical) * size)) < probability
        images = np.repeat(there[:, :size, None], size, axis=2)
        if vertical:
            images |= there[:, None, size:]
        parts.append([np.where(a, 1, -1).astype(np.float32) for a in (images, there)])
    (train_x, train_factors), (test_x, test_factors) = parts
    return _unlabelled(
        train_x.reshape(train, -1),
        test_x.reshape(test, -1),
        name="bars",
        image_shape=_square(size),
        source="generated",
        train_factors=train_factors,
        test_factors=test_factors,
    )


def _patches(seed, size, train, test, whiten):
    """Patches of dead-leaves images: discs that hide each other, as things do in photographs.

    Radii have density ~ 1/r³, so that the images look alike at every scale (Lee, Mumford and Huang
    2001, Int. J. Comput. Vis. 41, 35-59); greys are uniform from -1 to 1. Training and
    test patches come from different images. whiten : decorrelate pixels by the training patches
    """
    train_x, test_x = (
        _cut(_rng(seed, purpose), n, size) for n, purpose in ((train, _TRAIN), (test, _TEST))
    )
    if whiten:
        mean = train_x.mean(axis=0)
        variances, axes = np.linalg.eigh(np.cov(train_x - mean, rowvar=False))
        # a direction without variance would be divided by zero
        scales = 1 / np.sqrt(np.maximum(variances, 1e-6 * variances[-1]))
        train_x, test_x = ((x - mean) @ (axes * scales) @ axes.T for x in (train_x, test_x))
    return _unlabelled(
        train_x.astype(np.float32),
        test_x.astype(np.float32),
        name="patches",
        image_shape=_square(size),
        source="generated, after Lee, Mumford and Huang (2001)",
    )


def _cut(rng, n, size):
    """`n` patches from as many images as keep patches from overlapping much, (n, size²)."""
    n_images = max(2, -(-n * size**2 // (4 * _SIDE**2)))
    images = np.stack([_dead_leaves(rng) for _ in range(n_images)])
    image = rng.integers(n_images, size=n)
    row, column = rng.integers(_SIDE - size + 1, size=(2, n))
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    return windows[image, row, column].reshape(n, -1)


def _dead_leaves(rng):
    """An image (_SIDE, _SIDE) of discs, the later ones on top."""
    low, high = _RADII
    width = _SIDE + 2 * high  # leaves that lie over the edge are seen, too
    mean_area = 2 * np.pi * np.log(high / low) / (low**-2 - high**-2)
    n = int(_COVERED * width**2 / mean_area)
    radii = (low**-2 - rng.random(n) * (low**-2 - high**-2)) ** -0.5
    centres = rng.uniform(-high, _SIDE + high, (n, 2))
    greys = rng.uniform(-1, 1, n)
    image, pixels = np.zeros((_SIDE, _SIDE)), np.arange(_SIDE)
    first = np.clip(np.ceil(centres - radii[:, None]), 0, _SIDE).astype(int)
    last = np.clip(np.floor(centres + radii[:, None]) + 1, 0, _SIDE).astype(int)
    for i in np.flatnonzero((first < last).all(axis=1)):
        rows, columns = (slice(a, b) for a, b in zip(first[i], last[i], strict=True))
        squares = [(pixels[s] - c) ** 2 for s, c in zip((rows, columns), centres[i], strict=True)]
        image[rows, columns][squares[0][:, None] + squares[1] <= radii[i] ** 2] = greys[i]
    return image


def _patterns(seed, units, patterns, noise, repeat=0.5):
    """Random patterns of +1 and -1 for an associative memory; the test patterns are the same.

    noise : fraction of the bits of each cue that are flipped
    repeat : probability that a bit is that of the unit before it, so that the bits of a pattern are
        a Markov chain; 0.5 for independent ones (arXiv 2511.02584, appendix on correlations)
    """
    stored = _rng(seed, _TRAIN).choice(np.array([-1, 1], np.float32), (patterns, units))
    tied = _rng(seed, _REPEATS).random((patterns, units)) < abs(2 * repeat - 1)
    for i in range(1, units):  # a bit that is not tied to the one before is a fair coin
        before = stored[:, i - 1] if repeat > 0.5 else -stored[:, i - 1]
        stored[:, i] = np.where(tied[:, i], before, stored[:, i])
    return _unlabelled(
        stored,
        stored,
        name="patterns",
        image_shape=_row(units),
        source="generated",
        cues=flip(stored, noise, _rng(seed, _CUES)),
    )


def _number_of_patterns(given, options):
    """Options of patterns as the data set is made of them: how many there are, not at which load.

    What is left out is as in runs made before there was another choice.

    Raises
    ------
    ConfigError : patterns and load given; a load of no pattern, or of too many
    """
    options, load = dict(options), options["load"]
    del options["load"]
    if options["repeat"] == 0.5:
        del options["repeat"]
    if load:
        if "patterns" in given:
            raise ConfigError(
                f"data set 'patterns': options patterns and load say the same, were "
                f"{options['patterns']} and {load:g}; give one of them"
            )
        n, most = round(load * options["units"]), GENERATED["patterns"].options["patterns"].high
        if not 1 <= n <= most:
            raise ConfigError(
                f"data set 'patterns': a load of {load:g} is {n} patterns of {options['units']} "
                f"units, allowed are 1 to {most}"
            )
        options["patterns"] = n
    return options


def _echo(seed, symbols, length, ago, train, test):
    """Sequences of random symbols, each a row of an image; the class is that of `ago` rows before
    the last.
    """
    if ago >= length:
        raise ConfigError(
            f"data set 'echo': option ago must be below the length of {length}, was {ago}"
        )
    parts = []
    for n, purpose in ((train, _TRAIN), (test, _TEST)):
        shown = _rng(seed, purpose).integers(symbols, size=(n, length))
        rows = np.eye(symbols, dtype=np.float32)[shown]
        parts += [rows.reshape(n, -1), shown[:, -1 - ago]]
    shape = _rows(length, symbols)
    return Dataset("echo", *parts, n_classes=symbols, image_shape=shape, source="generated")


def flip(patterns, fraction, rng):
    """Patterns (P, n) of +1 and -1 with this fraction of the bits of each flipped, at random."""
    n = patterns.shape[1]
    flipped = rng.random(patterns.shape).argsort(axis=1) < round(fraction * n)
    return np.where(flipped, -patterns, patterns)


_MANY = {"train": Option(20_000, 1, 10**7), "test": Option(2000, 1, 10**7)}

GENERATED = {
    "bars": Generator(
        _bars,
        {
            "size": Option(8, 1, 256),
            **_MANY,
            "vertical": Option(False),
            "probability": Option(0.5),
        },
        _square,
    ),
    "patches": Generator(
        _patches, {"size": Option(8, 2, 64), **_MANY, "whiten": Option(False)}, _square
    ),
    "patterns": Generator(
        _patterns,
        {
            "units": Option(100, 1, 10**5),
            "patterns": Option(40, 1, 10**6),
            "load": Option(0.0, 0, 1000),
            "noise": Option(0.1),
            "repeat": Option(0.5),
        },
        _row,
        _number_of_patterns,
    ),
    "echo": Generator(
        _echo,
        {
            "symbols": Option(4, 2, 1000),
            "length": Option(4, 1, 1000),
            "ago": Option(2, 0, 999),
            **_MANY,
        },
        _rows,
    ),
}
