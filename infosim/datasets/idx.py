"""IDX, the file format of MNIST: read with distrust."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path

import numpy as np

from infosim.errors import DataError
from infosim.files import opened

#: More than any data set of images we know; a header that promises more is taken for damage.
MAX_BYTES = 2**31


def read_idx(path, sha256=None):
    """Read the array of unsigned bytes in an IDX file; a name that ends in .gz means compressed.

    `sha256` is the hexadecimal digest that the content must have, uncompressed: the same content
    circulates compressed in several ways. At most one byte more than the header promises is read,
    so a small file cannot unpack to a huge one. Returns uint8 of the shape in the header. Raises
    DataError if the file is missing, damaged, too short, too long or not the one expected.
    Format: http://yann.lecun.com/exdb/mnist/
    """
    path = Path(path)
    try:
        with opened(path) as file, gzip.open(file) if path.suffix == ".gz" else file as stream:
            header, shape = _read_header(stream, path)
            size = math.prod(shape)
            # One byte beyond the end, to see that it is one; gzip then checks its CRC as well.
            data = np.empty(size + 1, np.uint8)
            found = _fill(data, stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        raise DataError(f"{path}: damaged, expected gzip ({problem})") from None
    except OSError as problem:
        raise DataError(f"{path}: cannot be read ({problem.strerror or problem})") from None
    if found < size:
        raise DataError(f"{path}: truncated, {found} bytes of data, expected {size}")
    if found > size:
        raise DataError(f"{path}: goes on after the {size} bytes of data that its header promises")
    data = data[:size]
    if sha256 is not None:
        digest = hashlib.sha256(header)
        digest.update(data)
        if digest.hexdigest() != sha256:
            raise DataError(
                f"{path}: the SHA-256 of its content is {digest.hexdigest()}, expected {sha256}"
            )
    return data.reshape(shape)


def _read_header(stream, path):
    """The bytes of the header and the shape in it."""
    magic = _read(stream, 4, path)
    if magic[:2] != b"\0\0" or magic[2] != 0x08 or not 1 <= magic[3] <= 4:
        raise DataError(
            f"{path}: starts with 0x{magic.hex()}, expected 0x0000080N, "
            "IDX of unsigned bytes with N = 1 to 4 dimensions"
        )
    lengths = _read(stream, 4 * magic[3], path)
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())  # Python integers cannot overflow
    if not 0 < math.prod(shape) <= MAX_BYTES:
        raise DataError(
            f"{path}: its header gives the shape {shape}, expected 1 to {MAX_BYTES} bytes in all"
        )
    return magic + lengths, shape


def _read(stream, n, path):
    """The next `n` bytes of the header."""
    data = stream.read(n)
    if len(data) < n:
        raise DataError(f"{path}: ends within its header, which is not IDX")
    return data


def _fill(data, stream):
    """Read from `stream` into the bytes `data` until it is full or the stream ends; their number.

    Piece by piece, so that memory is touched only for what the file holds.
    """
    view, found = memoryview(data), 0
    while n := stream.readinto(view[found : found + 2**20]):
        found += n
    return found
