"""Which loads are tried, in patterns per neuron, until the capacity of a memory is known."""

from dataclasses import dataclass
from math import ceil

from infosim.errors import ConfigError, near
from infosim.settings import setting, settle


@dataclass(frozen=True)
class Loads:
    """Which loads are tried, until the capacity is known.

    recalled : the mean overlap with which the patterns of a network count as recalled
    until : the one at which training stops, if recall has come to it at a checkpoint
    """

    recalled: float = setting(0.95, "mean overlap that counts as recall", low=-1, high=1)
    until: float = setting(0.95, "mean overlap at which training stops", low=-1, high=1)

    def __post_init__(self):
        settle(self, f"{type(self).__name__.lower()}: ")

    def following(self, found, n):
        """How many patterns a network of n neurons is to be tried with next.

        found : number of patterns -> mean overlap, of networks that were tried

        Returns
        -------
        None if the capacity is known
        """
        raise NotImplementedError

    def capacity(self, found, n):
        """The capacity, in patterns, by what was found; 0 if nothing was recalled."""
        return max((m for m, one in found.items() if one >= self.recalled), default=0)


@dataclass(frozen=True)
class Bisection(Loads):
    """From a guess up or down, by steps that double, and then by halves.

    guess : load to begin with; within : of the capacity, the lower end is what is returned
    most : load beyond which none is tried
    """

    guess: float = setting(1.0, "load to begin with", low=0, high=1000)
    within: float = setting(0.02, "how near, as a load", low=1e-6, high=10)
    most: float = setting(10.0, "load beyond which none is tried", low=0, high=1000)

    def _course(self, found, n):
        """(largest recalled, next to be tried or None)."""
        width, most = max(1, round(self.within * n)), max(1, round(self.most * n))
        good, bad, step = 0, None, 4 * width
        tried = min(max(1, round(self.guess * n)), most)
        while tried in found:
            if found[tried] >= self.recalled:
                good = tried
            else:
                bad = tried
            if bad is None:
                if good == most:
                    return good, None
                tried, step = min(good + step, most), 2 * step
            elif bad - good <= width:
                return good, None
            elif not good and bad > step:
                tried, step = bad - step, 2 * step
            else:
                tried = (good + bad) // 2
        return good, tried

    def following(self, found, n):
        """See `Loads.following`."""
        return self._course(found, n)[1]

    def capacity(self, found, n):
        """See `Loads.capacity`."""
        return self._course(found, n)[0]


@dataclass(frozen=True)
class Steps(Loads):
    """From `start` by steps to below `stop`, in patterns each rounded up, as published.

    interrupt : whether the first load that is not recalled is the last that is tried
    """

    start: float = setting(0.2, "first load", low=0, high=1000)
    step: float = setting(0.02, "from load to load", low=1e-6, high=1000)
    stop: float = setting(2.001, "load that is no longer tried", low=0, high=1000)
    interrupt: bool = setting(True, "whether the first failure ends it")

    def numbers(self, n):
        """The numbers of patterns that n neurons are tried with, a range."""
        start, step, stop = (ceil(round(one * n, 6)) for one in (self.start, self.step, self.stop))
        return range(max(start, 1), stop, step)

    def following(self, found, n):
        """See `Loads.following`."""
        for m in self.numbers(n):
            if m not in found:
                return m
            if self.interrupt and found[m] < self.recalled:
                break
        return None


#: The published sweeps, of the released code and its authors' settings (arXiv 2511.02584).
SWEEPS = {
    "paper": Steps(start=0.01, step=0.05, stop=2.02, until=1.0, interrupt=False),
    "optimize": Steps(start=0.2, step=0.05, stop=2.001),
    "exact": Steps(start=0.2, step=0.02, stop=2.001),
    "extensive": Steps(start=0.1, step=0.1, stop=2.1, interrupt=False),
    "basic": Steps(start=0.1, step=0.1, stop=2.02),
    "correlation": Steps(start=1.5, step=0.1, stop=5.0),
}


def loads_of(name):
    """The `Steps` of a published sweep.

    Raises
    ------
    ConfigError : there is none of this name
    """
    if name not in SWEEPS:
        raise ConfigError(f"unknown sweep {name!r}; {near(name, SWEEPS)}")
    return SWEEPS[name]
