"""Many decompositions of the same columns."""

from infosim.errors import ConfigError, brief, near
from infosim.pid.decomposition import decomposed, measure_for
from infosim.pid.events import merged
from infosim.pid.lattice import lattice, source_names
from infosim.pid.outcomes import check_missing, checked_weights, coded_columns, known_samples
from infosim.pid.parallel import in_order


def decompose_many(
    columns, questions, *, missing="error", measure="shared-exclusions", weights=None,
    threads=1, progress=False,
):  # fmt: skip
    """A Decomposition for each question; each column is looked through once.

    Parameters
    ----------
    columns : name -> n_samples discrete values, a mapping or a DataFrame
    questions : pairs (names of the sources, name of the target)
    missing, measure, weights : as of `decompose`; "drop" leaves out of each question the samples in
        which one of its columns is missing
    threads : as of `statistics.bootstrap`
    progress : whether to show a bar

    The events that are kept of each do not know the samples' order, which `statistics` need where
    samples are a time series or of trials.

    Raises
    ------
    ConfigError, ShapeError, DataError : as of `decompose`; a question that names no column
    """
    check_missing(missing)
    measure = measure_for(measure)
    if not hasattr(columns, "items"):
        raise ConfigError(
            f"columns must be a mapping from names to values, was {brief(type(columns).__name__)}"
        )
    names, values = list(columns), [own for _, own in columns.items()]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"there are {names.count(name)} columns called {brief(name)}")
    columns = dict(zip(names, values, strict=True))
    questions = [_question(one, columns) for one in questions]
    asked = {name: columns[name] for sources, target in questions for name in (*sources, target)}
    if not asked:
        return []
    codes = coded_columns(asked, weights)
    weights = checked_weights(weights, len(next(iter(codes.values()))))

    def answer(question):
        sources, target = question
        own = {name: codes[name] for name in (*sources, target)}
        events = merged(*known_samples(own, missing), weights, rows=False)
        return decomposed(events, sources, measure)

    return in_order(
        answer, questions, threads=threads, progress=progress, unit="table", size=lambda _: 1
    )


def _question(question, columns):
    """A question as (names of sources, name of the target), checked."""
    try:
        sources, target = question
        sources = (sources,) if isinstance(sources, str) else tuple(sources)
    except (TypeError, ValueError):
        raise ConfigError(
            f"a question is (names of sources, name of the target), was {brief(question)}"
        ) from None
    for name in (*sources, target):
        if not isinstance(name, str) or name not in columns:
            raise ConfigError(f"there is no column {brief(name)}; {near(name, columns)}")
    lattice(len(sources))
    if target in sources:
        raise ConfigError(f"column {brief(target)} is a source and the target of one question")
    return source_names(len(sources), sources, text=True), target
