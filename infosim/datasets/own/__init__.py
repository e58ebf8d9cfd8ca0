"""Data of a user's own: files and arrays as data sets, with the encoding that made them so."""

from infosim.datasets.own.encoding import Encoding, ImageEncoding, TableEncoding
from infosim.datasets.own.reading import kind_of, read_own
from infosim.datasets.own.stored import from_json, load_encoding, save_encoding, to_json

__all__ = [
    "Encoding", "ImageEncoding", "TableEncoding", "from_json", "kind_of", "load_encoding",
    "read_own", "save_encoding", "to_json",
]  # fmt: skip
