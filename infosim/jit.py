"""How kernels are compiled: the one place that knows Numba's flags and cache.

Numba's on-disk cache notices a change of the file a kernel stands in, not of the helpers it calls
(https://numba.readthedocs.io/en/stable/user/faq.html, "cache"). So our cache lives in a folder
named after a hash of every source file that kernels are made of: any edit or upgrade starts a
fresh one, and a stale kernel cannot be loaded. What a kernel calls from outside the package has its
content in the name of the kernel's file (`fingerprint`), or that kernel is not kept.

Its files are our own too. Numba's have an index for each function, and two processes that add to it
at once can leave an entry that leads to the other's code; and where Numba cannot write, it writes
into the package, or raises. Here nothing depends on the cache: what cannot be read is compiled.
"""

import gc
import hashlib
import inspect
import os
import pickle
import stat
import sys
import threading
import warnings
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.caching import NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.environment import lookup_environment
from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python
from numba.core.serialize import dumps
from numba.core.targetconfig import ConfigStack
from numba.core.typed_passes import NopythonRewrites
from numba.core.untyped_passes import InlineClosureLikes
from numba.extending import lower_builtin, register_jitable, type_callable

from infosim import files
from infosim.errors import InfosimWarning
from infosim.fingerprint import fingerprint

#: Flags of every CPU kernel. `nogil`: our own threads run the same kernel on different neurons.
#: `no_cfunc_wrapper`: none is called from C.
#: `error_model`: divisions do not raise, so that loops vectorise. `fastmath`: products and sums may
#: fuse and divisions become reciprocals (numba-cuda takes any of these flags for leave to divide
#: to two units in the last place, see `exact`); sums keep their order, because Σ(1-θ) would
#: otherwise be taken apart into a difference that cancels.
FLAGS = {
    "nogil": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "arcp"},
}

#: Called once, before the first kernel is compiled that no cache holds; None says nothing.
before_compiling = None

#: A process that compiles kernels into the same cache (`experiments.ahead`); None if there is none.
another = None
#: Held by whoever writes a kernel's file.
writing = threading.Lock()
#: What kernels call by name (`shared`), each with what holds its code.
_linked = {}

_PACKAGE = Path(__file__).parent
_SOURCES = [
    Path(__file__),
    _PACKAGE / "fingerprint.py",
    _PACKAGE / "elementary.py",
    *sorted((_PACKAGE / "neuron").glob("*.py")),
    *sorted((_PACKAGE / "pid" / "measures").glob("*.py")),
    *sorted((_PACKAGE / "kernels").rglob("*.py")),
]
_KNOWN = frozenset(map(str, _SOURCES))


@cache
def _folder():
    """The folder of compiled kernels for exactly these sources and versions, None without a home;
    and whether it is the default one."""
    versions = numba.__version__, llvmlite.__version__, np.__version__, sys.implementation.cache_tag
    digest = hashlib.sha256(repr((versions, getattr(sys, "abiflags", ""))).encode())
    for path in _SOURCES:
        digest.update(path.read_bytes())
    base, default = files.kernel_cache()
    return None if base is None else base / digest.hexdigest()[:16], default


def _safe(status):
    """Whether none but this user, or root, can have written to a file or folder."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & 0o022


class _KernelCache(NullCache):
    """Keeps what Numba compiles of one function on disk, a file for each signature.

    A file starts with a digest of its name, which stands for what it must hold, and its content:
    nothing is made of what is damaged or another's. Unpickling runs what a file says, so in the
    default folder, which nobody has chosen, a file must be the user's own as well.
    """

    #: Whether this process has given up keeping kernels, and said so.
    given_up = False

    def __init__(self, function):
        self._function = function
        self._folder, self._default = _folder()
        #: what the function is and calls, as it was when last compiled; None is not kept
        self._content = None

    @property
    def cache_path(self):
        return None if self._folder is None else str(self._folder)

    def load_overload(self, sig, target_context):
        """The kernel that was kept for these types of arguments, None if there is none.

        Where there is none it is compiled next.
        """
        kept = self._load_overload(sig, target_context)
        if kept is None:
            _announce()
            known = another is not None and self._content is not None
            if known and another.compiles(self._name(sig, target_context.codegen())):
                kept = self._load_overload(sig, target_context)
        return kept

    def _load_overload(self, sig, target_context):
        _name_runtime()
        try:
            self._content = fingerprint(self._function, _KNOWN)
        except Exception:  # Unknown, or whatever the objects of others did: it can be compiled
            self._content = None
            return None
        try:
            content = self._read(self._name(sig, target_context.codegen()))
            if content is not None:
                kept, parts, called = pickle.loads(content)
                if kept == sig:
                    for name in called:
                        self._link(name, target_context)
                    return _made_again(target_context, parts)
        except Exception:  # whatever the file did to Numba or the unpickler, it can be compiled
            pass
        return None

    def _link(self, name, target_context):
        """Let kernels call what was kept under this name."""
        if name not in _linked:
            _, parts, called = pickle.loads(self._read(name))
            for other in called:
                self._link(other, target_context)
            _link(name, _made_again(target_context, parts))

    def save_overload(self, sig, result):
        """Keep a compiled kernel; where that cannot be, say so once and go on."""
        if self._content is None:
            return
        name = self._name(sig, result.codegen)
        self._save(name, sig, result)
        if another is not None:
            another.has(name)

    def _save(self, name, sig, result):
        if _KernelCache.given_up or result.library.has_dynamic_globals:
            return
        try:
            self._write(name, dumps((sig, *_parts(result))))
        except Exception as problem:
            _KernelCache.given_up = True
            reason = getattr(problem, "strerror", None) or problem
            where = "" if self._folder is None else f" in {self._folder}"
            warnings.warn(
                f"compiled kernels cannot be kept{where}, so every process compiles them anew "
                f"({reason}); set NUMBA_CACHE_DIR to a folder that can be written to",
                InfosimWarning,
                stacklevel=2,
            )

    def _name(self, sig, codegen):
        """The name of the file for a signature on a processor."""
        key = repr((self._content, sig, codegen.magic_tuple())).encode()
        return f"{self._function.__name__}-{hashlib.sha256(key).hexdigest()[:32]}.kernel"

    def _read(self, name):
        """What `_write` wrote under this name, None if it is not that."""
        if self._folder is None or not self._trusted():
            return None
        with open(self._folder / name, "rb") as file:
            if self._default and not _safe(os.fstat(file.fileno())):
                return None
            digest, content = file.read(32), file.read()
        return content if digest == _digest(name, content) else None

    def _write(self, name, content):
        """Write a file that appears whole or not at all, whoever writes or reads it meanwhile."""
        if self._folder is None:
            raise OSError("there is no home folder")
        self._make()
        with writing, files.atomic(self._folder / name, 0o644) as file:
            file.write(_digest(name, content) + content)

    def _make(self):
        """Make the folder, if there is none; OSError where it is none to write to."""
        self._folder.mkdir(0o755 if self._default else 0o777, parents=True, exist_ok=True)
        if not self._trusted():
            raise OSError("others may write there")

    @property
    def filled(self):
        """Whether there are kernels; None where none can be kept."""
        try:
            if self._folder is None or self.given_up:
                return None
            self._make()
            return any(self._folder.glob("*.kernel")) if os.access(self._folder, os.W_OK) else None
        except OSError:
            return None

    def _trusted(self):
        """Whether the folder was asked for, or is a real one in which only the user can write."""
        if not self._default:
            return True
        status = os.lstat(self._folder)
        return stat.S_ISDIR(status.st_mode) and _safe(status)


def filled():
    """Whether kernels are in the cache; None where none can be kept."""
    return _KernelCache(filled).filled


def name_of(function, types):
    """The name of the file that keeps a kernel for these types, None if it is not kept."""
    cache = getattr(function, "_cache", None)
    if not isinstance(cache, _KernelCache) or _KernelCache.given_up:
        return None
    try:
        cache._content = fingerprint(function.py_func, _KNOWN)
    except Exception:  # as above
        return None
    return cache._name(types, function.targetctx.codegen())


@cache
def _name_runtime():
    """Let the linker find those functions of Numba's that kernels which make arrays call.

    Those that Numba itself compiles (`rtsys.initialize`) take as long as many kernels to read; a
    kernel that calls them has them in its own file.
    """
    for name, address in _nrt_python.c_helpers.items():
        llvmlite.binding.add_symbol(name if name.startswith("_") else f"NRT_{name}", address)


def _announce():
    """Say, the first time, that a kernel is about to be compiled."""
    global before_compiling
    say, before_compiling = before_compiling, None
    if say is not None:
        say()


def _parts(result):
    """What a kernel is made of again, and the names of what it calls.

    Numba keeps what it takes to put the kernel into another, and the modules of all functions that
    became part of it, which are imported then: both take longer to read than the kernel itself.
    """
    (name, kind, (code, _)), *rest, environments = result._reduce()
    text = result.library.get_llvm_str()
    used = tuple(one for one in environments if text.count(one.env_name) > 1)
    defined = (function.name for function in result.library.get_defined_functions())
    stubs = "\n".join(f'define void @"{name}"() {{ ret void }}' for name in defined)
    stubs = llvmlite.binding.parse_assembly(stubs).as_bitcode()
    called = tuple(name for name in _linked if name in text)
    return ((name, kind, (code, stubs)), *rest, used), called


def _made_again(target_context, parts):
    """The kernel that these are the parts of, whatever is being compiled meanwhile."""
    with _creating(target_context.codegen(), None):
        return CompileResult._rebuild(target_context, *parts)


def _digest(name, content):
    return hashlib.sha256(name.encode() + content).digest()


class _Whole(JITCodeLibrary):
    """The code of a kernel, with all that it calls."""

    def add_ir_module(self, ir_module):
        """Take in a part of it; what Python calls, which unpacks arguments, is not optimised.

        It is as fast without, and took as long as a small kernel.
        """
        if ir_module.name == "wrapper":
            for function in ir_module.functions:
                if not function.is_declaration:
                    function.attributes.add("noinline")
                    function.attributes.add("optnone")
        super().add_ir_module(ir_module)

    def _finalize_specific(self):
        super()._finalize_specific()
        for variable in self._final_module.global_variables:
            env = lookup_environment(variable.name)
            if env is not None:  # Numba's objects for a function that is inlined
                self.codegen.set_env(variable.name, env)


class _Inlined(JITCodeLibrary):
    """The code of a function that becomes part of a kernel's.

    It is optimised there, and only there made into the processor's: to do both here as well took a
    third of all the time that a kernel needs.
    """

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalized = True

    def get_pointer_to_function(self, name):
        self._ensure_finalized()
        return 0  # as of everything that Python cannot call

    @property
    def codegen(self):
        return self

    def set_env(self, name, env):
        """There is no place for it yet: the kernel's code has one."""


#: Passes over a function that only change what none of ours has: array expressions and closures.
_WITHOUT = NopythonRewrites, InlineClosureLikes


class _Kernel(Compiler):
    """Numba's compiler, for a library of another kind."""

    _library = _Whole

    def define_pipelines(self):
        pipelines = super().define_pipelines()
        if self.state.func_id.filename in _KNOWN:
            for pipeline in pipelines:
                pipeline.passes[:] = [one for one in pipeline.passes if one[0] not in _WITHOUT]
        return pipelines

    def _compile_core(self):
        codegen = self.state.targetctx.codegen()
        self.state.library = self._library(codegen, self.state.func_id.func_qualname)
        self.state.library.enable_object_caching()
        with _uncollected(), _inlining(codegen), _once(self.state.targetctx):
            return super()._compile_core()


class _Part(_Kernel):
    """The same for what is inlined."""

    _library = _Inlined


class _Apart(_Kernel):
    """The same for what is optimised by itself, and then where it is called."""

    _library = JITCodeLibrary


@contextmanager
def _uncollected():
    """Leave Python's garbage: looking for it again and again took a twentieth of compiling."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _once(target_context):
    """Do once for a kernel what Numba does for each function that becomes part of it.

    It imports all modules that say how to compile functions, looks through all that these say, and
    lets C call what Python cannot.
    """
    contexts = {target_context, cpu_target.target_context, cpu_target.typing_context}
    lean = [one for one in contexts if "refresh" not in vars(one)]
    for one in lean:
        one.refresh = _Refresh(one)
        one.create_cfunc_wrapper = partial(_create_cfunc_wrapper, one)
    try:
        yield
    finally:
        for one in lean:
            del one.refresh, one.create_cfunc_wrapper


class _Refresh:
    """Let a context know what was said since it was last asked to look."""

    def __init__(self, context):
        self._context, self._known = context, None

    def __call__(self):
        registries = list(self._context._registries)
        said = [what for one in registries for what in vars(one).values()]
        known = [len(what) for what in said if isinstance(what, list)]
        if known != self._known:
            for one in registries:
                self._context.install_registry(one)
            self._known = known
        if self._context is not cpu_target.typing_context:
            cpu_target.typing_context.refresh()


def _create_cfunc_wrapper(context, *given):
    if _python_calls_it():
        type(context).create_cfunc_wrapper(context, *given)


def _python_calls_it():
    """Whether Python will call what is being compiled: it is no part of a kernel."""
    flags = ConfigStack.top_or_none()
    return flags is None or not flags.no_cpython_wrapper


def _inlining(codegen):
    """Let what is compiled for a kernel, and has no wrapper for Python, be `_Inlined`.

    It is Numba's own: what stands in for functions of Python and NumPy, a maximum for example.
    Kernels are compiled one at a time in a process, by Numba's lock.
    """

    def create_library(name):
        return (JITCodeLibrary if _python_calls_it() else _Inlined)(codegen, name)

    return _creating(codegen, create_library)


@contextmanager
def _creating(codegen, create_library):
    """A context in which libraries are created so; as Numba does if None."""
    before = vars(codegen).pop("create_library", None)
    if create_library is not None:
        codegen.create_library = create_library
    try:
        yield
    finally:
        vars(codegen).pop("create_library", None)
        if before is not None:
            codegen.create_library = before


def kernel(function):
    """Compile `function` lazily for the CPU with our flags, cached on disk."""
    return _kernel(function, FLAGS)


def frugal(function):
    """The same for a kernel that makes no arrays, so that it need not count who refers to them.

    It must not call what a user wrote, which may make some.
    """
    return _kernel(function, FLAGS | {"_nrt": False})


def _kernel(function, flags):
    compiled = numba.njit(**flags, pipeline_class=_Kernel)(function)
    if not numba.config.DISABLE_JIT:
        compiled._cache = _KernelCache(function)
    return compiled


def inline(function):
    """Let kernels call `function`, which stays a Python function; its code becomes part of theirs.

    A loop over samples that called a long formula for each would not run in vector lanes, and take
    30 times as long.

    Not a compiled one: what a factory's kernel closes over is part of its key in the cache, and a
    compiled function has another identity in every process, so that nothing would ever be found.
    """
    return register_jitable(**FLAGS, forceinline=True, pipeline_class=_Part)(function)


def shared(returns=types.none, makes_arrays=False):
    """Let kernels call a function that is compiled once for all of them, instead of in each.

    A call takes some ten nanoseconds, of what is called for each neuron.

    returns : what it returns, a type of Numba's; nothing need be compiled to know it
    makes_arrays : whether it does, as a `frugal` kernel may not
    """

    def decorate(function):
        if numba.config.DISABLE_JIT:
            return function
        flags = FLAGS | {"_nrt": makes_arrays, "no_cpython_wrapper": True}
        function.compiled = compiled = _kernel(function, flags)

        @type_callable(function)
        def typed(context):
            def typer(*given):
                return returns(*map(types.unliteral, given))

            typer.pysig = inspect.signature(function)
            return typer

        @lower_builtin(function, types.VarArg(types.Any))
        def call(context, builder, signature, arguments):
            given, conventions = signature.args, context.call_conv
            kind = conventions.get_function_type(returns, given)
            name = _linked_name(compiled, given, returns)
            callee = cgutils.get_or_insert_function(builder.module, kind, name)
            status, result = conventions.call_function(builder, callee, returns, given, arguments)
            with cgutils.if_unlikely(builder, status.is_error):
                conventions.return_status_propagate(builder, status)
            return result

        return function

    return decorate


def calls(function, given):
    """What a kernel calls that is `shared`, and what that does: [(compiled function, types), ...].

    given : types of the kernel's arguments. What is called takes arguments of the same names, and
        beside them numbers that count
    """
    given = dict(zip(inspect.signature(function.py_func).parameters, given, strict=True))
    found = []
    known = inspect.getclosurevars(function.py_func)
    for value in (*known.globals.values(), *known.nonlocals.values()):
        if isinstance(compiled := getattr(value, "compiled", None), Dispatcher):
            names = inspect.signature(value).parameters
            one = compiled, tuple(given.get(name, types.int64) for name in names)
            found += [*calls(*one), one]
    return found


def _linked_name(compiled, given, returns):
    """The name by which kernels call a function for these types, which is compiled if need be."""
    name = name_of(compiled, given)
    if name not in _linked:
        compiled.compile(given)
        result = compiled.overloads[given]
        if (found := result.signature.return_type) != returns:
            raise TypeError(f"{compiled.__name__} returns {found}, where {returns} was said")
        name = name or f"{compiled.__name__}.{len(_linked)}"  # of one that is not kept
        _link(name, result)
    return name


def _link(name, result):
    address = result.library.get_pointer_to_function(result.fndesc.llvm_func_name)
    if not address:  # the linker would end the process
        raise RuntimeError(f"{name} has no code")
    _linked[name] = result
    llvmlite.binding.add_symbol(name, address)


def apart(function):
    """The same for a formula whose roundings would follow from what it stands beside."""
    return register_jitable(**FLAGS, forceinline=True, pipeline_class=_Apart)(function)


def exact(function):
    """The same for a helper whose quotient decides between two things: rounded everywhere."""
    return register_jitable(**FLAGS | {"fastmath": False}, pipeline_class=_Apart)(function)


def reduction(function):
    """The same for a helper that does nothing but add up, in vector lanes, so in another order."""
    flags = FLAGS | {"fastmath": FLAGS["fastmath"] | {"reassoc"}}
    return register_jitable(**flags, pipeline_class=_Apart)(function)


def reason(error):
    """The line of Numba's message that says why a function cannot be compiled."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Failed in", "During"))]
    told = told or lines or [type(error).__name__]
    return " ".join(told[: 2 if told[0].endswith(":") else 1])
