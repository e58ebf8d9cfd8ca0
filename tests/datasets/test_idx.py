import gzip
import hashlib
import struct
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infosim.datasets import idx, read_idx
from infosim.errors import DataError

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def header(*shape, code=8, zero=0):
    return struct.pack(f">HBB{len(shape)}I", zero, code, len(shape), *shape)


CONTENT = header(2, 3, 4) + ARRAY.tobytes()
PACKED = gzip.compress(CONTENT, mtime=0)


@pytest.fixture
def write(tmp_path):
    def write(content, name="a-ubyte"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(("content", "name"), [(CONTENT, "a-ubyte"), (PACKED, "a-ubyte.gz")])
def test_reads_plain_and_compressed(write, content, name):
    path = write(content, name)
    array = read_idx(path, hashlib.sha256(CONTENT).hexdigest())
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array, ARRAY)
    np.testing.assert_array_equal(read_idx(str(path)), ARRAY)


BAD_CONTENT = {
    "empty": (b"", "ends within its header"),
    "magic cut": (CONTENT[:3], "ends within its header"),
    "lengths cut": (CONTENT[:9], "ends within its header"),
    "not IDX": (b"<!DOCTYPE html>", "starts with 0x3c21444f, expected 0x0000080N"),
    "nonzero magic": (header(1, zero=1) + b"\0", "starts with 0x00010801"),
    "float type": (header(1, code=0x0D) + bytes(4), "starts with 0x00000d01"),
    "no dimension": (header() + b"\0", "starts with 0x00000800"),
    "many dimensions": (header(*[1] * 5) + b"\0", "1 to 4 dimensions"),
    "zero length": (header(0), "expected 1 to"),
    "zero width": (header(5, 0, 28), "expected 1 to"),
    "absurd": (header(*[2**32 - 1] * 4), "expected 1 to"),
    "overflow to zero": (header(2**16, 2**16, 2**16, 2**16), "expected 1 to"),
    "larger than file": (header(2**31) + b"\0" * 10, "truncated, 10 bytes of data"),
    "truncated": (CONTENT[:-1], "truncated, 23 bytes of data, expected 24"),
    "trailing": (CONTENT + b"\0", "goes on after the 24 bytes"),
}


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("case", BAD_CONTENT)
def test_bad_content(write, case, compressed):
    content, message = BAD_CONTENT[case]
    path = write(gzip.compress(content), "a.gz") if compressed else write(content)
    assert message in error(path)


def flipped(content, i):
    return content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :]


BAD_GZIP = {
    "plain": CONTENT,
    "empty": b"",
    "cut": PACKED[: len(PACKED) // 2],
    "end cut": PACKED[:-1],
    "crc": flipped(PACKED, len(PACKED) - 8),
    "length": flipped(PACKED, len(PACKED) - 1),
    "deflate": PACKED[:10] + b"\xff" * 20,
    "trailing garbage": PACKED + b"garbage",
}


@pytest.mark.parametrize("case", BAD_GZIP)
def test_bad_gzip(write, case):
    error(write(BAD_GZIP[case], "a.gz"))


def test_gzip_bomb_is_not_unpacked(write):
    bomb = gzip.compress(header(28, 28) + bytes(200_000_000), compresslevel=1)
    path = write(bomb, "a.gz")
    tracemalloc.start()
    try:
        assert "goes on after the 784 bytes" in error(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


def test_promise_beyond_the_limit_is_not_read(write):
    path = write(gzip.compress(header(2**16, 2**16) + b"\0"), "a.gz")
    assert str(idx.MAX_BYTES) in error(path)


def test_missing_and_directory(tmp_path):
    assert "cannot be read (No such file or directory)" in error(tmp_path / "nowhere.gz")
    assert "cannot be read (Is a directory)" in error(tmp_path)


def test_wrong_hash(write):
    path = write(CONTENT)
    found = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(DataError, match=f"{found}, expected {'0' * 64}"):
        read_idx(path, "0" * 64)


@settings(max_examples=200)
@given(st.binary(max_size=60), st.sampled_from(["", ".gz"]), st.sampled_from([b"", CONTENT[:4]]))
def test_any_bytes_give_an_array_or_a_data_error(tmp_path_factory, noise, suffix, start):
    path = tmp_path_factory.getbasetemp() / f"noise{suffix}"
    path.write_bytes(start + noise)
    with suppress(DataError):
        assert read_idx(path).size > 0


@given(st.integers(0, len(PACKED) - 1), st.integers(1, 255))
def test_one_damaged_byte_never_changes_the_array(tmp_path_factory, i, mask):
    path = tmp_path_factory.getbasetemp() / "damaged.gz"
    path.write_bytes(PACKED[:i] + bytes([PACKED[i] ^ mask]) + PACKED[i + 1 :])
    with suppress(DataError):  # all but time and flags in the gzip header is noticed
        np.testing.assert_array_equal(read_idx(path), ARRAY)


def error(path):
    """The one-line message of the DataError about `path`."""
    with pytest.raises(DataError) as caught:
        read_idx(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message
