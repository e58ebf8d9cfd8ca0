"""Many parts of work, on as many threads as are asked for, their results in order."""

from contextlib import nullcontext

from infosim.errors import integer

#: Threads at most.
_MOST = 1024


def in_order(function, parts, *, threads=1, progress=False, unit="part", size=len):
    """`function` of each part, as a list; parts are shared out among threads.

    threads : 1 or more. Parts are of NumPy's calls on some thousands of numbers, between which
        threads wait for each other: the default is one.
    progress : whether a bar says how far it is, in `unit`s of which a part has `size`
    """
    # imported where they are used: a single decomposition does without
    from concurrent.futures import ThreadPoolExecutor

    n_threads = integer("threads", threads, 1, _MOST)
    parts = list(parts)
    with _bar(sum(map(size, parts)), unit) if progress else nullcontext() as bar:

        def work(part):
            found = function(part)
            if bar is not None:
                bar.update(size(part))
            return found

        if n_threads == 1 or len(parts) == 1:
            return list(map(work, parts))
        pool = ThreadPoolExecutor(min(n_threads, len(parts)))
        try:
            return list(pool.map(work, parts))
        finally:
            pool.shutdown(cancel_futures=True)


def _bar(total, unit):
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=unit, dynamic_ncols=True, leave=False)
