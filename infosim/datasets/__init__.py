"""Data sets: `load` by name, `fetch` and `import_dir` to get them; one's own by `read_own`, or by
name after `register`."""

from infosim.datasets.cache import cache_dir, fetch, import_dir
from infosim.datasets.catalogue import (
    Status,
    chosen,
    complete,
    image_shape,
    is_own,
    load,
    located,
    register,
    status,
)
from infosim.datasets.dataset import Dataset
from infosim.datasets.idx import read_idx
from infosim.datasets.own import load_encoding, read_own, save_encoding
from infosim.datasets.sources import names

__all__ = [
    "Dataset", "Status", "cache_dir", "chosen", "complete", "fetch", "image_shape", "import_dir",
    "is_own", "load", "load_encoding", "located", "names", "read_idx", "read_own", "register",
    "save_encoding", "status",
]  # fmt: skip
