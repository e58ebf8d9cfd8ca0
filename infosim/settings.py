"""Settings: what a field of a description may be, said once, where the field is declared.

A field made by `setting` has its default, its type and its range there, and what else is to be
known of it. From that follow the checks, of descriptions in Python and of experiment files, the
tables of docs/settings.md, the JSON schema, runs' keys, and what may differ between replicas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, cached_property
from math import inf, isfinite
from numbers import Real
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from infosim.errors import ConfigError, brief, integer, one_of
from infosim.schedule import Schedule, checked

#: Units, samples and updates are numbered with 31 bits in the random numbers' counter.
LARGEST = 2**31 - 1
#: Types of values in files -> what they are called, and what one of another type is told.
WORDS = {
    str: ("text", "text"),
    int: ("integer", "an integer"),
    float: ("number", "a number"),
    bool: ("true or false", "true or false"),
    list: ("list", "a list"),
    dict: ("table", "a table"),
}
#: Types in annotations -> what they are in files.
_IN_FILES = {
    **{kind: kind for kind in WORDS}, tuple: list, Sequence: list, Mapping: dict, Schedule: dict,
}  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What a setting may be.

    Parameters
    ----------
    name : the field's, and the key in files
    kinds : types of its value in files, of `WORDS`
    default : in files; `MISSING` if it must be given, None if it is left out of them
    doc : one line, in Markdown
    low, high, below : the range of numbers, those in a list too: from `low` to `high`, or to all
        that is `below`; an integer may have `low` alone
    unit : of numbers
    choices : all that a text may be, or each in a table
    items, length : type and number of the values in a list, where these are fixed
    scheduled : whether numbers may be a `Schedule`, in files a table
    simple : whether it is the same in Python as in files, one number, truth value or choice
    varies : whether it may differ between replicas
    before : what it was before it could be chosen, where that is not the default: a run made then
        does not name it
    """

    name: str
    kinds: tuple[type, ...]
    default: Any
    doc: str = ""
    low: float | None = None
    high: float | None = None
    below: float | None = None
    unit: str = ""
    choices: Iterable[str] = ()
    items: type | None = None
    length: int | None = None
    scheduled: bool = False
    simple: bool = True
    varies: bool = False
    before: Any = None

    @cached_property
    def number(self):
        """The type of its number, or of those in its list: int, float or None."""
        kind = self.items if list in self.kinds and self.items else self.kinds[0]
        return kind if kind in (int, float) else None

    @cached_property
    def range(self):
        """The range of its numbers, in words or as mathematics has it, "" if there is none."""
        low, high = self.low, self.high
        if self.number is None or (low, high, self.below) == (None, None, None):
            return ""
        if self.number is float:
            end = f"{self.below:g})" if high is None else f"{high:g}]"
            return f"[{low:g}, {end}"
        if high in (None, LARGEST):
            return f"at least {low}"
        return f"{low} to {'2**32 - 1' if high == 2**32 - 1 else high}"

    @cached_property
    def unsaid(self):
        """What it was in a run that does not name it."""
        return self.default if self.before is None else self.before

    def check(self, what, value):
        """`value`, which error messages call `what`, with numbers as Python's own.

        Of a schedule, or a table that says one, every value is checked.

        Raises
        ------
        ConfigError : it is of another type, out of range or no choice
        """
        if value is None and self.default is None:
            return None
        if self.scheduled:
            return checked(lambda one: self._checked(what, one), value)
        return self._checked(what, value)

    def _checked(self, what, value):
        if self.choices and (isinstance(value, str) or not self.number):
            if isinstance(value, str) and value == self.default:
                return value
            others = (WORDS[kind][1] for kind in self.kinds if kind is not str)
            return one_of(what, value, self.choices, others)
        if bool in self.kinds and not isinstance(value, bool):
            raise ConfigError(f"{what} must be true or false, was {brief(value)}")
        if self.number is int:
            return integer(what, value, -inf if self.low is None else self.low, self.high)
        return self._number(what, value) if self.number is float else value

    def _number(self, what, value):
        fits = type(value) is float or (isinstance(value, Real) and not isinstance(value, bool))
        fits = fits and isfinite(value)
        if fits and self.range:
            within = value < self.below if self.high is None else value <= self.high
            fits = within and self.low <= value
        if not fits:
            asked = f"a number in {self.range}" if self.range else "a finite number"
            raise ConfigError(f"{what} must be {asked}, was {value!r}")
        return float(value)

    def read(self, what, value):
        """`value` as it stands in a file, called `what`, spelled out: a number is not an integer.

        Raises
        ------
        ConfigError : it is of another type, out of range or no choice
        """
        kind = type(value)
        if kind is int and float in self.kinds:
            value, kind = float(value), float
        if kind not in self.kinds:
            asked = " or ".join(WORDS[one][1] for one in self.kinds)
            raise ConfigError(f"{what} must be {asked}, was {brief(value)}")
        if kind is dict:
            return self._read_table(what, value)
        if kind is not list:
            if self.number or self.choices:
                self._checked(what, value)
        elif self.range:
            return [self._read_item(what, one) for one in value]
        return value

    def _read_item(self, what, value):
        if isinstance(value, dict):
            return self._read_table(what, value)
        self._checked(what, value)
        return value

    def _read_table(self, what, table):
        if self.scheduled and self.number:
            try:
                schedule = Schedule.of(table)
            except ConfigError as error:
                raise ConfigError(f"{what}: {error}") from None
            schedule.map(lambda one: self._checked(what, one))
            return schedule.table()
        if self.choices and str not in self.kinds:
            for key, one in table.items():
                one_of(f"{what}.{key}", one, self.choices)
        return table


def setting(default=MISSING, doc="", *, made=None, kinds=(), in_files=MISSING, **more):
    """A field of a frozen dataclass that is a setting.

    Parameters
    ----------
    default : none if it must be given; a table is copied
    doc : one line, in Markdown
    made : the function that makes the default of a description in Python
    kinds : types of its value in files, where the annotation does not tell
    in_files : the default in files, where it is another
    more : `low`, `high`, `below`, `unit`, `choices`, `varies` and `before` of a `Setting`
    """
    more |= {"doc": doc, "kinds": kinds, "default": default if in_files is MISSING else in_files}
    if isinstance(default, dict):
        made = default.copy
    how = {"default": default} if made is None else {"default_factory": made}
    return field(**how, metadata={"setting": more})


@cache
def settings(description):
    """The settings among the fields of a dataclass: name -> `Setting`, in their order."""
    return {
        one.name: _setting(one.name, one.type, **one.metadata["setting"])
        for one in fields(description)
        if "setting" in one.metadata
    }


def _setting(name, annotation, kinds, default, **more):
    """The `Setting` of a field, with what its annotation says."""
    parts = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    told = [_IN_FILES.get(get_origin(part) or part) for part in parts if part is not NoneType]
    kinds = kinds or tuple(dict.fromkeys(kind for kind in told if kind))
    scheduled = Schedule in parts
    row = next((get_args(part) for part in parts if get_args(part)), ()) if list in kinds else ()
    items = [get_args(one)[0] if isinstance(one, UnionType) else one for one in row]
    values = [kind for kind in kinds if not (kind is dict and scheduled)]
    one_value = values[0] in (bool, int, float) or (values[0] is str and "choices" in more)
    return Setting(
        name,
        kinds,
        list(default) if isinstance(default, tuple) else default,
        items=items[0] if items else None,
        length=len(items) if len(items) > 1 and ... not in items else None,
        scheduled=scheduled,
        simple=one_value and len(values) == 1 and None not in told,
        **more,
    )


def settle(description, where=""):
    """Check the simple settings of a frozen description, and let its numbers be Python's own.

    where : what stands before their names in error messages

    Raises
    ------
    ConfigError : as of `Setting.check`
    """
    for name, one in settings(type(description)).items():
        if one.simple:
            value = one.check(f"{where}{name}", getattr(description, name))
            object.__setattr__(description, name, value)
