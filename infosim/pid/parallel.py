"""Many parts of work on all cores, their results in order."""

from concurrent.futures import ThreadPoolExecutor

from infosim.cpus import available
from infosim.errors import integer


def in_order(function, parts, *, threads=None, progress=False, unit="part", size=len):
    """`function` of each part, as a list; parts are shared out among threads.

    threads : 1 or more; None takes every CPU this process may use
    progress : whether a bar says how far it is, in `unit`s of which a part has `size`
    """
    n_threads = available() if threads is None else integer("threads", threads)
    parts = list(parts)
    with _bar(progress, sum(map(size, parts)), unit) as bar:

        def work(part):
            found = function(part)
            bar.update(size(part))
            return found

        if n_threads == 1 or len(parts) == 1:
            return list(map(work, parts))
        pool = ThreadPoolExecutor(min(n_threads, len(parts)))
        try:
            return list(pool.map(work, parts))
        finally:
            pool.shutdown(cancel_futures=True)


def _bar(progress, total, unit):
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=unit, dynamic_ncols=True, leave=False, disable=not progress)
