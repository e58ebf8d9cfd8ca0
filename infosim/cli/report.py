"""`infosim report RUN`."""

from pathlib import Path

import click

from infosim.cli.shared import Bar, reporting


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Another file, NAME.html, by default report.html in the directory of the run or sweep.",
)
@click.option("--examine", is_flag=True, help="Show each run's network its data set first.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def report(runs, out, examine, quiet):
    """Write a page of RUN, a run's or a sweep's directory, or of several runs beside each other.

    It is made from the directories alone, and needs nothing beside it. What neurons tell of the
    class, linear probes and lesions need the data set once: --examine looks, and keeps what it
    sees in examination.npz.
    """
    from infosim.errors import ConfigError
    from infosim.experiments import store
    from infosim.experiments.results import load_run, load_sweep
    from infosim.report import REPORT, page

    if out is None and len(runs) > 1:
        raise click.UsageError(f"a report of {len(runs)} runs needs --out FILE.html")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"a report is called NAME.html, not {str(out)!r}")
    if examine:
        from infosim.experiments.examination import examine_run

        looked_at = []
        for path in runs:
            if (path / "runs.json").exists():
                found = load_sweep(path)
                looked_at += [found.run(key) for key in found.columns["key"]]
            else:
                looked_at.append(load_run(path))
        with reporting(quiet, lambda: Bar(unit="neuron", desc="lesions"), lambda: None) as bar:
            for one in looked_at:
                examine_run(one, report=None if bar is None else _shown(bar, one.path.name))
    text = page(runs)
    if out is not None:
        store.write_text(out, text)
    else:
        out = runs[0] / REPORT
        with store.held(runs[0]):
            store.write_text(out, text)
    if not quiet:
        click.echo(out)


def _shown(bar, name):
    return lambda done, n: bar.show(done, n, name)
