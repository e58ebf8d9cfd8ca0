"""The kernel cache: never a stale kernel, nor a damaged one, and nothing depends on it."""

import errno
import math
import os
import pickle
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections import namedtuple
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.extending import overload

import infosim
from infosim import jit
from infosim.errors import InfosimWarning

CODE = """
import numpy as np
from infosim.kernels import cpu
x, out = np.ones((1, 1)), np.zeros((1, 1))
cpu.take_scaled(x, np.zeros(1, np.int64), 0.0, 2.0, 0, 1, out)
bins = np.zeros((1, 1, 1), np.uint8)
u = np.full((1, 1, 1), 0.6)
work = cpu.scratch(1, (10,), 1, float, 1)
cpu.assign("hard")(u, np.zeros((1, 1)), (np.array([10]), 0, 0.0, 1.0), 0, 1, work, bins)
print(int(bins[0, 0, 0]))
"""


def test_editing_a_helper_recompiles_what_calls_it(tmp_path):
    package = tmp_path / "infosim"
    shutil.copytree(Path(infosim.__file__).parent, package)
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}

    def run():
        result = subprocess.run(
            [sys.executable, "-c", CODE], cwd=tmp_path, env=environment, capture_output=True,
            text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return int(result.stdout)

    assert run() == 5
    assert run() == 5
    helper = package / "kernels" / "score" / "scalar.py"
    before = helper.read_text()
    after = before.replace("np.int32(math.ceil(position)) - np.int32(1))", "7)")
    assert after != before
    helper.write_text(after)
    assert run() == 7


CALLS_A_USERS = """
from infosim import jit
import users
def make(function):
    jit.inline(function)
    @jit.kernel
    def twice(x):
        return 2 * function(x)
    return twice
kernel = make(users.function)
print(kernel(10), sum(kernel.stats.cache_hits.values()))
"""
USERS = """
import numba, other
from helpers import helper
OFFSET = 1
SCALES = (1, 3)
def function(x):
    return helper(x) + other.shift(x) + OFFSET + SCALES[1] * x
"""
HELPER = """
import numba
FACTOR = 2
@numba.njit
def inner(x):
    return x
@numba.njit
def {}(x):
    return FACTOR * inner(x)
"""
EDITS = {
    "function": ("users.py", "OFFSET + SCALES", "2 * OFFSET + SCALES", 2),
    "constant": ("users.py", "OFFSET = 1", "OFFSET = 5", 16),
    "tuple": ("users.py", "(1, 3)", "(1, 4)", 20),
    "helper": ("helpers.py", "FACTOR * inner(x)", "FACTOR * inner(x) + 1", 2),
    "constant of a helper": ("helpers.py", "FACTOR = 2", "FACTOR = 3", 20),
    "helper of a helper": ("helpers.py", "return x", "return x + 1", 6),
    "helper in a module": ("other.py", "FACTOR = 2", "FACTOR = 3", 20),
    "flags": ("helpers.py", "@numba.njit", "@numba.njit(error_model='numpy')", 0),
}


def test_editing_what_a_user_wrote_recompiles_what_calls_it(tmp_path):
    """Found from one process to the next while all is as it was; never what was before an edit."""
    texts = {
        "users.py": USERS, "helpers.py": HELPER.format("helper"), "other.py": HELPER.format("shift")
    }  # fmt: skip
    cache = tmp_path / "cache"
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}

    def run():
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        result = subprocess.run(
            [sys.executable, "-c", CALLS_A_USERS], cwd=tmp_path, env=environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return tuple(map(int, result.stdout.split())), len(files(cache))

    value, kept = 142, 1
    assert run() == ((value, 0), kept)
    assert run() == ((value, 1), kept)
    for file, before, after, change in EDITS.values():
        assert before in texts[file]
        texts[file] = texts[file].replace(before, after)
        value, kept = value + change, kept + 1
        assert run() == ((value, 0), kept)
    assert run() == ((value, 1), kept)
    texts["users.py"] = "\n# a comment\n" + texts["users.py"]
    assert run() == ((value, 1), kept)


TRAINS = """
import numba
from numba.core.dispatcher import Dispatcher
from numba.core.runtime import rtsys
from infosim.bench import timing
from infosim.experiments import Experiment
from infosim.jit import _folder
from infosim.kernels import cpu
step = timing.Step(
    Experiment.load("demo/digits", ["layers.hidden.size=5", "data.validation=0"]),
    timing.noise(300), threads=1,
)
step()
simulator = step.simulator
kernels = [k for k in vars(cpu).values() if isinstance(k, Dispatcher)]
forms = [layer.form for layer in simulator.layers.values()]
kernels += [make(*form.values()) for form in forms for make in (cpu.activate, cpu.chain)]
used = [k for k in kernels if k.signatures]
assert len(used) > 6
misses = sum(sum(k.stats.cache_misses.values()) for k in used)
# what Numba compiles first of all stands in each kernel that calls it
if not misses:
    assert not rtsys._init
    assert any(b"NRT_decref" in file.read_bytes() for file in _folder()[0].glob("*.kernel"))
print(misses)
"""


def test_a_second_process_compiles_nothing(tmp_path):
    """Kernels made by a factory are found in the cache too, and add nothing to it."""
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PATH": ""}
    misses, files = [], []
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        misses.append(int(result.stdout))
        files.append({path.name for path in tmp_path.rglob("*") if path.is_file()})
    assert misses[0] > 6
    assert misses[1] == 0
    assert files[0] == files[1]
    # what is found needs nothing of what Numba compiles by
    lean = CODE + "import sys; assert 'numba.typed.dictimpl' not in sys.modules"
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", lean], env=environment, capture_output=True, text=True
        )
    assert (result.returncode, result.stdout) == (0, "5\n"), result.stderr


def test_a_command_runs_where_nothing_can_be_kept(tmp_path):
    """Without a home to write to: one warning, and nothing is left in the package instead."""
    home = tmp_path / "home"
    home.write_text("a file")
    environment = {"HOME": str(home), "MPLCONFIGDIR": str(tmp_path / "mpl"), "PATH": ""}
    package = Path(infosim.__file__).parent
    before = set(package.rglob("*"))
    result = subprocess.run(
        [sys.executable, "-c", TRAINS], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 6
    assert result.stderr.count("InfosimWarning") == 1
    assert result.stderr.count(str(home / ".cache" / "infosim" / "kernels")) == 1
    left = set(package.rglob("*")) - before
    assert not [path for path in left if ".pyc" not in path.name and path.name != "__pycache__"]


# -- in this process: a factory makes a new kernel each time, as a new process would ---------------

compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="asks the compiler")
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="asks for owners of files")


def doubles():
    @jit.kernel
    def double(x):
        return 2 * x

    return double


def plus(number):
    @jit.kernel
    def plus(x):
        return x + number

    return plus


def found(kernel, *arguments):
    """What a kernel returns, and whether it was found in the cache."""
    result = kernel(*arguments)
    return result, sum(kernel.stats.cache_hits.values()) == 1


def start_anew(monkeypatch):
    """As a process that has not yet asked where its cache is."""
    jit._folder.cache_clear()
    monkeypatch.setattr(jit._KernelCache, "given_up", False)


@pytest.fixture
def asked_for(monkeypatch, tmp_path):
    """The folder that was asked for, which is not there yet."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    start_anew(monkeypatch)
    yield folder
    jit._folder.cache_clear()


@pytest.fixture
def default(monkeypatch, tmp_path):
    """The user's own cache folder, which is not there yet."""
    folder = tmp_path / "user"
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(infosim.files, "user_cache", lambda: folder / "infosim")
    start_anew(monkeypatch)
    yield folder
    jit._folder.cache_clear()


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


class Evil:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def poison(path, mark):
    """Replace a kernel's file by one that passes as whole."""
    content = pickle.dumps(Evil(mark))
    path.write_bytes(jit._digest(path.name, content) + content)


@compiled
def test_a_kernel_is_found_by_its_types_and_what_it_closes_over(asked_for):
    assert found(doubles(), 3) == (6, False)
    assert found(doubles(), 3) == (6, True)
    assert found(doubles(), 3.5) == (7.0, False)
    assert found(plus(1), 3) == (4, False)
    assert found(plus(2), 3) == (5, False)
    assert found(plus(1), 3) == (4, True)
    assert found(plus(2), 3) == (5, True)
    assert len(files(asked_for)) == 4


def calling(function):
    jit.inline(function)

    @jit.kernel
    def call(x):
        return function(x)

    return call


@compiled
def test_what_is_inlined_may_raise_and_print(asked_for, capfd):
    """Numba's objects for that belong to a function whose code there is in kernels only."""

    def make():
        def tell(x):
            if x < 0:
                raise ValueError("negative", x)
            print("told", x)
            return x + 1

        return calling(tell)

    for hit in False, True:
        kernel = make()
        assert found(kernel, 3) == (4, hit)
        with pytest.raises(ValueError, match=r"negative.*-2"):
            kernel(-2)
    assert capfd.readouterr().out == "told 3\n" * 2


def kernel_of(text, name, tmp_path):
    """A kernel whose code stands in a file of its own."""
    path = tmp_path / "own.py"
    path.write_text(text)
    names = {}
    exec(compile(text, path, "exec"), names)
    return jit.kernel(names[name])


@compiled
def test_what_a_user_wrote_may_have_closures_and_array_expressions(tmp_path):
    """Passes over a function that none of ours needs are left to those of others."""
    text = (
        "import numpy as np\n"
        "def own(x):\n"
        "    add = lambda y: y + x\n"
        "    squares = np.array([i * i for i in range(3)])\n"
        "    return add(1) + (2 * squares + squares).sum()\n"
    )
    assert kernel_of(text, "own", tmp_path)(4) == 5 + 15


@compiled
def test_what_unpacks_arguments_is_not_optimised(asked_for):
    kernel = jit.kernel(lambda x, y: x[0] + y[0])
    assert kernel(np.ones(1), np.ones(1)) == 2
    (code,) = kernel.inspect_llvm().values()
    (wrapper,) = re.findall(r"define \S+ @_ZN7cpython\S+\(.*\) .*#(\d+)", code)
    assert re.search(rf"attributes #{wrapper} = {{.*noinline.*optnone", code)
    assert len(re.findall(rf"define .*#{wrapper}\b", code)) == 1  # the kernel itself is


@compiled
def test_a_function_of_a_user_s_that_a_kernel_calls_can_be_called_from_c(asked_for):
    """As where it is handed on as an argument, after it was compiled for the kernel."""

    @numba.njit
    def twice(x):
        return 2 * x

    @numba.njit
    def applied(function, x):
        return function(x)

    assert jit.kernel(lambda x: twice(x))(3) == 6
    form = numba.types.FunctionType(numba.int64(numba.int64))
    applied.compile((form, numba.int64))
    applied.disable_compile()
    assert applied(twice, 4) == 8


def sharing(add=1):
    """Two kernels that call a shared function, which calls another; and these two."""

    @jit.shared(numba.int64)
    def inner(x, n):
        if x < 0:
            raise ValueError("negative")
        return x + n * add

    @jit.shared()
    def outer(x, n, result):
        result[n] = inner(x, n)

    @jit.frugal
    def once(x, result):
        outer(x, 0, result)

    @jit.frugal
    def twice(x, result):
        for n in range(2):
            outer(2 * x, n, result)

    return once, twice, outer.compiled, inner.compiled


def as_another_process(monkeypatch):
    """Forget what functions are linked, as a process does that has just been started."""
    monkeypatch.setattr(jit, "_linked", {})


def filled(kernel, x):
    result = np.zeros(2, np.int64)
    kernel(x, result)
    return result.tolist()


@compiled
def test_what_kernels_share_is_compiled_once_and_found_by_each(asked_for, monkeypatch):
    for hit in False, True:
        as_another_process(monkeypatch)
        once, twice, outer, inner = sharing()
        assert filled(once, 3) == [3, 0]
        assert filled(twice, 3) == [6, 7]
        for kernel in once, twice:
            assert sum(kernel.stats.cache_hits.values()) == hit
        # of kernels that were kept it is found without any Python function
        assert [len(one.overloads) for one in (outer, inner)] == [not hit] * 2
        with pytest.raises(ValueError, match="negative"):
            once(-1, np.zeros(2, np.int64))
    assert len(files(asked_for)) == 4
    assert filled(sharing(add=5)[1], 3) == [6, 11]


@compiled
def test_what_is_shared_may_be_kept_before_what_calls_it(asked_for, monkeypatch):
    """As a second process leaves it, while a kernel, or what it shares, is being compiled."""
    for function in -1, -2:  # the inner, then the outer
        as_another_process(monkeypatch)
        kernels = sharing()
        (types,) = (given for one, given in CALLED if one == function)
        kernels[function].compile(types)
        assert len(files(asked_for)) == -function
    as_another_process(monkeypatch)
    assert filled(sharing()[1], 3) == [6, 7]


_RESULT = numba.int64[::1]
CALLED = [(-1, (numba.int64, numba.int64)), (-2, (numba.int64, numba.int64, _RESULT))]


@compiled
def test_what_a_kernel_shares_is_known_before_it_is_compiled():
    once, _, outer, inner = sharing()
    (_, inner_types), (_, outer_types) = CALLED
    assert jit.calls(once, (numba.int64, _RESULT)) == [(inner, inner_types), (outer, outer_types)]
    assert jit.calls(doubles(), (numba.int64,)) == []


@compiled
def test_what_is_shared_returns_what_was_said():
    half = jit.shared(numba.int64)(lambda x: x / 2)
    with pytest.raises(TypeError, match="returns float64, where int64 was said"):
        jit.kernel(lambda x: half(x))(3)


@compiled
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["inner", "outer"])
def test_without_what_it_shares_a_kernel_is_compiled_anew(asked_for, monkeypatch, damage, name):
    as_another_process(monkeypatch)
    filled(sharing()[0], 3)
    whole = files(asked_for)
    (path,) = (path for path in whole if path.name.startswith(name))
    damage(path)
    for hit in False, True:
        as_another_process(monkeypatch)
        once, *_ = sharing()
        assert filled(once, 3) == [3, 0]
        assert sum(once.stats.cache_hits.values()) == hit
        assert files(asked_for) == whole


@compiled
def test_what_is_shared_need_not_be_kept(asked_for, monkeypatch):
    """Where nothing can be, and where it cannot be told what it depends on."""
    pair = namedtuple("Pair", "a b")(2, 3)

    def untold(number):
        @jit.shared(numba.int64)
        def add(x):
            return x + number * pair.a

        @jit.kernel
        def call(x):
            return add(x)

        return call

    for _ in range(2):
        assert found(untold(1), 3) == (5, False)
        assert found(untold(2), 3) == (7, False)
    assert files(asked_for) == []
    monkeypatch.setattr(jit._KernelCache, "given_up", True)
    assert filled(sharing()[1], 3) == [6, 7]
    assert filled(sharing(add=2)[1], 3) == [6, 8]


@compiled
def test_a_kernel_that_calls_what_cannot_be_told_is_not_kept(asked_for):
    pair = namedtuple("Pair", "a b")(2, 3)
    own = numba.njit(cache=True)(lambda x: x)  # Numba's own cache looks at one file alone
    for _ in range(2):
        assert found(calling(lambda x: x * pair.a), 5) == (10, False)
        assert found(calling(lambda x: own(x)), 5) == (5, False)
    assert files(asked_for) == []


@compiled
def test_what_stands_in_for_a_function_in_compiled_code_is_told(asked_for):
    def make(number):
        def seven(x):
            raise NotImplementedError

        overload(seven)(lambda x: lambda x: number)
        return calling(lambda x: seven(x))

    assert found(make(7), 0) == (7, False)
    assert found(make(8), 0) == (8, False)
    assert found(make(7), 0) == (7, True)


@compiled
def test_arrays_types_and_functions_of_numpy_are_told(asked_for):
    from numpy import exp, floor

    def make(array, function, kind):
        return calling(lambda x: kind(function(x) + array[0, 1] + math.pi))

    table = np.array([[0, 1], [2, 0]])
    first = found(make(table, floor, np.float32), 1.5)
    assert first == (np.float32(2 + math.pi), False)
    for others in (table.T, floor, np.float32), (table, exp, np.float32), (table, floor, float):
        result, hit = found(make(*others), 1.5)
        assert (result != first[0], hit) == (True, False)
    assert found(make(table.copy(), floor, np.float32), 1.5) == (first[0], True)


@compiled
def test_functions_that_call_each_other_are_told(asked_for):
    def make(step):
        @numba.njit
        def down(n):
            return 0 if n <= 0 else step + down(n - 1)

        return calling(lambda x: down(x))

    assert found(make(1), 4) == (4, False)
    assert found(make(2), 4) == (8, False)
    assert found(make(1), 4) == (4, True)


def swap(paths):
    """Give each file the other's name."""
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)


def each(change):
    return lambda paths: [path.write_bytes(change(path.read_bytes())) for path in paths]


@compiled
@pytest.mark.parametrize(
    "damage",
    [
        each(lambda content: b""),
        each(lambda content: content[:20]),
        each(lambda content: content[: len(content) // 2]),
        each(lambda content: content[:-1]),
        each(lambda content: content + b"\0"),
        each(lambda content: content[:-100] + bytes(100)),
        each(lambda content: os.urandom(3000)),
        each(lambda content: pickle.dumps({"of": "another"})),
        swap,
    ],
    ids=["empty", "head", "half", "shorter", "longer", "zeros", "garbage", "pickle", "swapped"],
)
def test_damaged_files_are_replaced_silently(asked_for, damage):
    for kernel, result in (plus(1), 4), (plus(2), 5):
        assert found(kernel, 3) == (result, False)
    whole = files(asked_for)
    damage(whole)
    for hit in False, True:
        for kernel, result in (plus(1), 4), (plus(2), 5):
            assert found(kernel, 3) == (result, hit)
    assert files(asked_for) == whole


@compiled
@pytest.mark.parametrize("content", [0, ("another", ()), Evil(Path("nowhere") / "to be found")])
def test_what_passes_as_whole_but_is_no_kernel_is_replaced(asked_for, content):
    doubles()(3)
    (path,) = files(asked_for)
    content = pickle.dumps(content)
    path.write_bytes(jit._digest(path.name, content) + content)
    assert found(doubles(), 3) == (6, False)
    assert found(doubles(), 3) == (6, True)


@compiled
def test_a_folder_that_cannot_be_is_said_once(asked_for):
    asked_for.write_text("a file")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert found(doubles(), 3) == (6, False)
        assert found(doubles(), 3.5) == (7.0, False)
        assert found(plus(1), 3) == (4, False)
    (warning,) = said
    assert warning.category is InfosimWarning
    assert re.fullmatch(
        r"compiled kernels cannot be kept in .*cache/\w{16}, so every process compiles them anew "
        r"\(Not a directory\); set NUMBA_CACHE_DIR to a folder that can be written to",
        str(warning.message),
    )
    assert asked_for.read_text() == "a file"


def refuse(*arguments, **options):
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@compiled
def test_a_filled_folder_that_cannot_be_written_to_is_read(asked_for, monkeypatch):
    doubles()(3)
    for module, name in (os, "mkdir"), (os, "replace"):
        monkeypatch.setattr(module, name, refuse)
    before = {path: path.read_bytes() for path in files(asked_for)}
    assert found(doubles(), 3) == (6, True)  # a warning would be an error
    with pytest.warns(InfosimWarning, match=r"\(Read-only file system\); set NUMBA_CACHE_DIR"):
        assert found(doubles(), 3.5) == (7.0, False)
    assert found(doubles(), 3.5) == (7.0, False)
    assert found(doubles(), 3) == (6, True)
    assert {path: path.read_bytes() for path in files(asked_for)} == before


@compiled
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full disk")
def test_a_disk_that_is_full_leaves_nothing_behind(asked_for, monkeypatch):
    make = os.open

    def full(path, flags, *mode, **options):
        handle = make(path, flags, *mode, **options)
        if not flags & os.O_EXCL:
            return handle
        os.close(handle)
        return make("/dev/full", os.O_WRONLY)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        with pytest.warns(InfosimWarning, match="No space left on device"):
            assert found(doubles(), 3) == (6, False)
        assert found(doubles(), 3) == (6, False)
        assert files(asked_for) == []
    start_anew(monkeypatch)
    assert found(doubles(), 3) == (6, False)
    assert found(doubles(), 3) == (6, True)


@compiled
@pytest.mark.parametrize("home", [Path("~/.cache/infosim"), None], ids=["unknown", "error"])
def test_without_a_home_nothing_is_kept(default, monkeypatch, tmp_path, home):
    def user_cache():
        if home is None:
            raise RuntimeError("could not determine the home directory")
        return home

    monkeypatch.setattr(infosim.files, "user_cache", user_cache)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(InfosimWarning, match=r"cannot be kept, .* \(there is no home folder\)"):
        assert found(doubles(), 3) == (6, False)
    assert doubles().stats.cache_path is None
    assert not list(tmp_path.iterdir())


@compiled
@posix
def test_what_is_kept_by_default_only_the_user_can_change(default, monkeypatch):
    mask = os.umask(0)
    try:
        doubles()(3)
    finally:
        os.umask(mask)
    (path,) = files(default)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755
    assert found(doubles(), 3) == (6, True)


def another_user(path, monkeypatch):
    """Make a file or folder another user's; who is not root becomes another instead."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda user=os.geteuid(): user + 1)


unsafe = pytest.mark.parametrize(
    "change",
    [
        lambda path, monkeypatch: path.chmod(0o757),
        lambda path, monkeypatch: path.chmod(0o775),
        another_user,
    ],
    ids=["others", "group", "owner"],
)


@compiled
@posix
@unsafe
def test_a_default_folder_that_others_can_write_to_is_not_used(
    default, monkeypatch, tmp_path, change
):
    doubles()(3)
    (path,) = files(default)
    poison(path, tmp_path / "mark")
    change(path.parent, monkeypatch)
    before = path.read_bytes()
    with pytest.warns(InfosimWarning, match=r"\(others may write there\)"):
        assert found(doubles(), 3) == (6, False)
    assert found(doubles(), 3) == (6, False)
    assert path.read_bytes() == before
    assert not (tmp_path / "mark").exists()


@compiled
@posix
def test_a_default_folder_that_is_a_link_is_not_used(default, tmp_path):
    doubles()(3)
    (path,) = files(default)
    poison(path, tmp_path / "mark")
    path.parent.rename(tmp_path / "moved")
    path.parent.symlink_to(tmp_path / "moved")
    with pytest.warns(InfosimWarning, match=r"\(others may write there\)"):
        assert found(doubles(), 3) == (6, False)
    assert not (tmp_path / "mark").exists()


@compiled
@posix
@unsafe
def test_a_file_that_others_can_write_to_is_replaced(default, monkeypatch, tmp_path, change):
    doubles()(3)
    (path,) = files(default)
    poison(path, tmp_path / "mark")
    with monkeypatch.context() as patch:
        change(path, patch)
        if os.geteuid() != path.parent.stat().st_uid:
            pytest.skip("the folder would be another's too")
        assert found(doubles(), 3) == (6, False)
    assert not (tmp_path / "mark").exists()
    assert found(doubles(), 3) == (6, True)


@compiled
@posix
def test_a_folder_that_was_asked_for_may_be_shared(asked_for, monkeypatch):
    doubles()(3)
    (path,) = files(asked_for)
    path.chmod(0o666)
    path.parent.chmod(0o777)
    another_user(path, monkeypatch)
    assert found(doubles(), 3) == (6, True)
    assert found(doubles(), 3.5) == (7.0, False)
    assert found(doubles(), 3.5) == (7.0, True)


WRITES = """
import itertools, sys
from infosim import jit
cache = jit._KernelCache(lambda: None)
for i in itertools.count():
    cache._write("name", bytes([i % 251]) * (1000 + 7919 * i % 400_000))
    if i == 0:
        print("begun", flush=True)
"""


@compiled
def test_who_reads_what_others_are_writing_sees_it_whole(asked_for):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(asked_for)}
    command = [sys.executable, "-c", WRITES]
    writers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == b"begun\n"
        cache = jit._KernelCache(lambda: None)
        seen, reads, end = set(), 0, time.monotonic() + 60
        # As many reads as it takes for writers who were given little of the machine.
        while (reads < 1000 or len(seen) <= 10) and time.monotonic() < end:
            content = cache._read("name")
            assert content is not None
            seen.add(content[0])
            reads += 1
        assert len(seen) > 10
        assert [writer.poll() for writer in writers] == [None, None]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()


AT_ONCE = """
import sys
from infosim.jit import kernel
def times(number):
    @kernel
    def times(x):
        return x * number
    return times
jobs = [(number, x) for number in range(1, 11) for x in (3, 0.5, True)]
turn = int(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
misses = 0
for number, x in jobs[turn:] + jobs[:turn]:
    one = times(number)
    result = one(x)
    assert (result, type(result)) == (x * number, type(x * number)), (x, number, result)
    misses += sum(one.stats.cache_misses.values())
print(misses)
"""


@compiled
def test_processes_that_fill_the_cache_at_once_find_what_each_left(asked_for):
    """Kernels that differ in types and in what they close over, each process in another order."""

    def run(n):
        environment = os.environ | {"NUMBA_CACHE_DIR": str(asked_for)}
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", AT_ONCE, str(i)], env=environment, text=True, **pipes
            )
            for i in range(n)
        ]
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:  # all have started
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            out, err = process.communicate(timeout=120)
            assert (process.returncode, err) == (0, "")
            yield int(out)

    assert sum(run(4)) >= 30
    assert len(files(asked_for)) == 30
    assert list(run(1)) == [0]
