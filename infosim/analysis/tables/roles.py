"""What columns are asked to be: sources, targets, with lags and several as one."""

import re
from dataclasses import dataclass

from infosim.errors import ConfigError, brief, near

#: In place of columns: each that has no other role.
EVERY = "every"
_LAG = re.compile(r"(.+)@([+-][0-9]{1,6})", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A column, so many rows later (+) or before (-)."""

    column: str
    lag: int = 0

    def __str__(self):
        return f"{self.column}@{self.lag:+d}" if self.lag else self.column


@dataclass(frozen=True)
class Variable:
    """One or several columns whose values together are one outcome; `name` in labels."""

    name: str
    parts: tuple[Part, ...]

    @property
    def columns(self):
        return {part.column for part in self.parts}


def variables_of(given, names, what, role):
    """The variables that are asked for, in order.

    given : a text such as "x,z", "F=x+y,C=z@-1", or several of them. Names of columns may hold any
        text: where it can be read in several ways, the longest name counts
    names : of all columns
    what : the table, for messages
    role : "sources" or "target", for messages

    Raises
    ------
    ConfigError : no such column, no lag, two variables of one name
    """
    texts = [given] if isinstance(given, str) else list(given)
    known, found = set(names), []
    commas = any("," in name for name in names)
    for text in texts:
        if not isinstance(text, str):
            raise ConfigError(f"{role} must be names of columns, were {brief(text)}")
        for item in _split(text, ",", lambda item: _variable(item, known) is not None, commas):
            variable = _variable(item, known)
            if variable is None:
                raise _no_variable(item, names, what, role)
            found.append(variable)
    for variable in found:
        if [one.name for one in found].count(variable.name) > 1:
            raise ConfigError(f"{role}: {brief(variable.name)} is named twice")
    return found


def _variable(item, known):
    """The variable that an item says, or None if it says none."""
    part = _part(item, known)
    if part is not None:
        return Variable(str(part), (part,))
    name, equals, rest = item.partition("=")
    for label, text in ((None, item), (name.strip(), rest)):
        if label is not None and (not equals or not label or "," in label):
            continue
        pieces = _split(text, "+", lambda piece: _part(piece, known) is not None)
        parts = [_part(piece, known) for piece in pieces]
        if None not in parts and len(set(parts)) == len(parts):
            return Variable("+".join(map(str, parts)) if label is None else label, tuple(parts))
    return None


def _part(text, known):
    text = text.strip()
    if text in known:
        return Part(text)
    lagged = _LAG.fullmatch(text)
    if lagged and lagged[1].strip() in known and int(lagged[2]):
        return Part(lagged[1].strip(), int(lagged[2]))
    return None


def _split(text, mark, fits, marked=True):
    """A text at marks, but not at those within the longest pieces that fit.

    marked : whether any piece may hold a mark, which else need not be tried
    """
    words, found, at = text.split(mark), [], 0
    if not marked:
        return words
    while at < len(words):
        ends = range(len(words), at, -1)
        end = next((e for e in ends if fits(mark.join(words[at:e]))), at + 1)
        found.append(mark.join(words[at:end]))
        at = end
    return found


def _no_variable(item, names, what, role):
    """ConfigError about an item that names no columns."""
    bare = item.strip()
    if not bare:
        return ConfigError(f"{role}: a name of a column is empty, or a comma too many")
    text = bare.partition("=")[2] if "=" in bare and bare.partition("=")[2].strip() else bare
    pieces = [piece.strip() for piece in text.split("+")]
    if len(set(pieces)) < len(pieces):
        return ConfigError(f"{role}: {brief(bare)} names a column twice in one source")
    for piece in pieces:
        if _part(piece, set(names)) is None:
            lag = re.fullmatch(r"(.+)@(.*)", piece, re.DOTALL)
            if lag and lag[1].strip() in names:
                return ConfigError(
                    f"{role}: lags are rows before, as in {lag[1].strip()}@-1, or after, @+1, "
                    f"was {brief(piece)}"
                )
            return ConfigError(f"{role}: {what} has no column {brief(piece)}; {near(piece, names)}")
    return ConfigError(f"{role}: {brief(bare)} names no columns")


def bins_of(given, names, what):
    """What is asked of columns: (for all sources, {column: `Bins`}).

    given : None, an integer, texts such as "8", "age=5,dose=quantile:4", or a mapping
    """
    from infosim.analysis.tables.bins import Bins

    if given is None:
        return Bins(), {}
    if hasattr(given, "items"):
        pairs = [(str(name), Bins.of(one)) for name, one in given.items()]
        general = []
    else:
        texts = [given] if isinstance(given, str | int) else list(given)
        pairs, general = [], []
        known, commas = set(names), any("," in name for name in names)
        for text in texts:
            text = str(text)
            for item in _split(text, ",", lambda item: _named_bins(item, known), commas):
                column = _named_bins(item, known)
                if column:
                    spec = item.strip()[len(column) :].strip().removeprefix("=")
                    pairs.append((column, Bins.of(spec)))
                elif "=" in item:
                    name = item.rpartition("=")[0].strip()
                    raise ConfigError(
                        f"--bins: {what} has no column {brief(name)}; {near(name, names)}"
                    )
                else:
                    general.append(Bins.of(item))
    if len(general) > 1:
        raise ConfigError("--bins is given twice for all sources")
    for name, _ in pairs:
        if name not in names:
            raise ConfigError(f"--bins: {what} has no column {brief(name)}; {near(name, names)}")
        if [other for other, _ in pairs].count(name) > 1:
            raise ConfigError(f"--bins is given twice for column {brief(name)}")
    return (general or [Bins()])[0], dict(pairs)


def _named_bins(item, known):
    """The column that `column=bins` names, the longest one, or None."""
    bare = item.strip()
    at = len(bare)
    while (at := bare.rfind("=", 0, at)) >= 0:
        if bare[:at].strip() in known and "," not in bare[at:]:
            return bare[:at].strip()
    return None
