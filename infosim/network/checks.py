"""Numbers that descriptions of networks hold, checked where they are given."""

from numbers import Real

from infosim.errors import ConfigError, integer

#: Units and samples are numbered with 31 bits in the random numbers' counter.
LARGEST = 2**31 - 1


def positive_int(what, value):
    """`value` as an int from 1 on.

    Raises
    ------
    ConfigError : about `what`, no such number
    """
    if integer(what, value) > LARGEST:
        raise ConfigError(f"{what} must be at most {LARGEST}, was {value}")
    return int(value)


def number(what, value, low, high, closed=True):
    """`value` as a float from `low` to `high`.

    Raises
    ------
    ConfigError : about `what`, no such number
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not real or not (low <= value < high or (closed and value == high)):
        end = "]" if closed else ")"
        raise ConfigError(f"{what} must be a number in [{low}, {high}{end}, was {value!r}")
    return float(value)
