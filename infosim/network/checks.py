"""Numbers that descriptions of networks hold, checked where they are given."""

from infosim.errors import ConfigError

#: Units and samples are numbered with 31 bits in the random numbers' counter.
LARGEST = 2**31 - 1


def positive_int(what, value):
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{what} must be an integer of at least 1, was {value!r}")
    if value > LARGEST:
        raise ConfigError(f"{what} must be at most {LARGEST}, was {value}")


def not_negative_int(what, value):
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST:
        raise ConfigError(f"{what} must be an integer from 0 to {LARGEST}, was {value!r}")


def number(what, value, low, high, closed=True):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not (low <= value < high or (closed and value == high)):
        end = "]" if closed else ")"
        raise ConfigError(f"{what} must be a number in [{low}, {high}{end}, was {value!r}")
