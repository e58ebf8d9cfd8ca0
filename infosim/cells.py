"""What a cell of a table of text says: a number, a text, or that something is missing."""

import re
from decimal import Decimal

MISSING_CELLS = "nan", "na", "n/a", "null", "none", "nat", "<na>", "#n/a"

#: Less than float() takes: no nan, no underscores, no digits of other scripts. An exponent of more
#: than four digits makes a text, since exact arithmetic writes it out.
NUMBER = re.compile(
    r"[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?0*[0-9]{1,4})?|inf(inity)?)", re.IGNORECASE
)


def number(cell):
    """The exact value of a cell, or None if it is not a number."""
    return Decimal(cell) if NUMBER.fullmatch(cell) else None


def says_missing(tokens=None):
    """A function of a cell: whether it is missing.

    tokens : what a missing cell holds if it is not empty, texts, or numbers in any spelling; by
        default `MISSING_CELLS` in small letters or capitals
    """
    if tokens is None:
        return lambda cell: not cell or cell.casefold() in MISSING_CELLS
    numbers = {number(token) for token in tokens} - {None}
    return lambda cell: not cell or cell in tokens or (bool(numbers) and number(cell) in numbers)
