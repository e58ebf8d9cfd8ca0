"""Data sets: `load` by name, `fetch` and `import_dir` to get them, `register` for one's own."""

from infosim.datasets.cache import cache_dir, fetch, import_dir
from infosim.datasets.catalogue import Status, image_shape, load, register, status
from infosim.datasets.dataset import Dataset
from infosim.datasets.idx import read_idx
from infosim.datasets.sources import names

__all__ = [
    "Dataset", "Status", "cache_dir", "fetch", "image_shape", "import_dir", "load", "names",
    "read_idx", "register", "status",
]  # fmt: skip
