"""What the compiled code of a function depends on, put into words that are the same next time.

Pickles will not do: they hold a function that can be imported by its name alone, whatever it says
now. Here a function is its bytecode, its constants, the values of the names it reads, and the same
of every function it calls.
"""

import sys
from types import CodeType, FunctionType, ModuleType

import numpy as np
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

#: Packages that versions stand for: what is theirs is known by its name.
_VERSIONED = {"builtins", "cmath", "math", "numba", "numpy"}
_PLAIN = (type(None), type(...), bool, int, float, complex, str, bytes)


class Unknown(Exception):
    """There is no telling what a value will do to compiled code."""


def fingerprint(function, sources):
    """A text that differs when compiled code of `function` might.

    Parameters
    ----------
    sources : names of files whose content is known otherwise: of a function that stands there,
        only its place and what it closes over is told

    Raises
    ------
    Unknown : it reads an object of which cannot be told what matters
    """
    return repr(_Reader(sources).value(function))


class _Reader:
    """Reads each function once, so that those that call each other come to an end."""

    def __init__(self, sources):
        self._sources, self._read = sources, {}

    def value(self, value, names=()):
        """`value` as nested tuples of plain values; `names`: of a module, those that are read."""
        kind = type(value)
        if kind in _PLAIN:
            return kind.__name__, repr(value)
        if kind is tuple:
            return tuple(map(self.value, value))
        if kind is frozenset:
            return "set", *sorted(map(repr, map(self.value, value)))
        if isinstance(value, np.dtype) and not value.hasobject:
            return "dtype", repr(value)
        if isinstance(value, (np.generic, np.ndarray)) and not value.dtype.hasobject:
            order = value.flags.c_contiguous, value.flags.f_contiguous
            return kind.__name__, repr(value.dtype), value.shape, order, value.tobytes()
        if kind is CodeType:
            return self._code(value)
        if isinstance(value, ModuleType):
            return self._module(value, names)
        if kind is FunctionType:
            return self._once(value)
        if isinstance(value, Dispatcher) and type(value._cache) is NullCache:
            return "compiled", repr(value.targetoptions), self.value(value.py_func)
        # with NumPy 1 its functions do not say whose they are
        home = "numpy" if kind is np.ufunc else getattr(value, "__module__", None)
        name = getattr(value, "__name__", None)
        if _versioned(home) and getattr(sys.modules.get(home), str(name), None) is value:
            return "named", home, name
        raise Unknown(f"{kind.__name__} {value!r}")

    def _once(self, function):
        if id(function) in self._read:
            return "again", self._read[id(function)]
        self._read[id(function)] = len(self._read)
        return self._function(function)

    def _function(self, function):
        code, closure, reads = function.__code__, function.__closure__ or (), function.__globals__
        closed_over = tuple(self.value(cell.cell_contents) for cell in closure)
        if code.co_filename in self._sources or _versioned(reads.get("__name__")):
            place = function.__module__, function.__qualname__, code.co_firstlineno
            return "known", place, closed_over
        keywords = tuple((function.__kwdefaults__ or {}).items())
        return (
            "own", self._code(code), closed_over, self._named(reads, _names(code)),
            self.value(function.__defaults__), self.value(keywords), self._stands_in(function),
        )  # fmt: skip

    def _stands_in(self, function):
        """What compiled code calls instead of a Python function (`numba.extending.overload`).

        Only functions of others need all that has been registered, and what they call of it:
        Numba imports its library for that, which takes as long as all of ours.
        """
        cpu_target.target_context.refresh()
        kind = cpu_target.typing_context._lookup_global(function)
        templates = getattr(kind, "templates", ())
        return tuple(self.value(getattr(one, "_overload_func", None)) for one in templates)

    def _code(self, code):
        variables = code.co_varnames, code.co_freevars, code.co_cellvars, code.co_argcount
        return code.co_code, code.co_flags, code.co_names, variables, self.value(code.co_consts)

    def _module(self, module, names):
        if _versioned(module.__name__):
            return "module", module.__name__
        return "module", self._named(vars(module), names)

    def _named(self, values, names):
        """What stands under these names, for those that are there."""
        there = sorted(name for name in names if name in values)
        return tuple((name, self.value(values[name], names)) for name in there)


def _versioned(module):
    return isinstance(module, str) and module.partition(".")[0] in _VERSIONED


def _names(code):
    """All names that code reads of its globals, or of anything that it finds there."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
