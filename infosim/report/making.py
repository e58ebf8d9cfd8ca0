"""The page: what directories hold, laid out by templates, with nothing to load."""

import base64
import hashlib
from importlib import resources
from pathlib import Path
from textwrap import shorten

import infosim
from infosim.errors import CheckpointError
from infosim.experiments.results import load_run, load_sweep
from infosim.extras import need
from infosim.markup import Html
from infosim.report import many
from infosim.report.run import run

#: How a report is called in the directory of a run or sweep.
REPORT = "report.html"
#: Runs on a page, and sections of neurons of a layer on it, all runs together.
MOST_RUNS, MOST_NEURONS = 20, 400


def page(paths):
    """A page of a run, of several beside each other, or of a sweep, as text: from directories
    alone, without network or data set.

    paths : directories of runs; or one, of a sweep

    Raises
    ------
    CheckpointError : there is no run, a file is damaged, or there are too many
    ConfigError : without Jinja2
    """
    jinja2 = need("jinja2", "report", "reports need Jinja2, which is not installed")
    paths = [Path(path) for path in paths]
    if len(paths) > MOST_RUNS:
        raise CheckpointError(
            f"a report compares at most {MOST_RUNS} runs, {len(paths)} were given; a sweep's "
            f"directory tells of more"
        )
    if len(paths) == 1 and (paths[0] / "runs.json").exists():
        content = _made(paths[0], _sweep)
    else:
        content = _runs(paths)
    templates = resources.files("infosim.report") / "templates"
    names = ("page.html", "run.html", "style.css", "script.js")
    files = {name: (templates / name).read_text("utf-8") for name in names}
    script = files.pop("script.js")
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(files), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        **content, version=infosim.__version__, style=Html(files["style.css"]),
        script=Html(script), digest=digest,
    )  # fmt: skip


def _sweep(path):
    return {
        "title": f"Sweep {path.absolute().name}", "runs": [], "comparison": None,
        "sweep": many.sweep(load_sweep(path)),
    }  # fmt: skip


def _runs(paths):
    found, known = {}, set()
    for path in paths:
        if path.resolve() in known:
            raise CheckpointError(f"{path} is given twice")
        known.add(path.resolve())
        name = path.absolute().name
        found[str(path) if name in found else name] = load_run(path)
    most = MOST_NEURONS // len(found)
    runs = [
        _made(one.path, lambda _, i=i, name=name, one=one: run(one, name, f"r{i}", most))
        for i, (name, one) in enumerate(found.items())
    ]
    return {
        "title": ", ".join(found) if len(found) < 4 else f"{len(found)} runs",
        "runs": runs,
        "comparison": _made(paths[0], lambda _: many.comparison(found)) if len(found) > 1 else None,
        "sweep": None,
    }


def _made(path, make):
    """What `make` makes of a directory; what files that are damaged do to it is one line."""
    try:
        return make(path)
    except CheckpointError:
        raise
    except Exception as error:  # whatever comes of arrays that do not fit each other
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        raise CheckpointError(f"{path} cannot be reported: {reason}") from error
