"""Scripts that fill a table of a page from the runs of a sweep, carried out by tests."""

from click.testing import CliRunner


def carry_out(main, folder, sweep, page, **options):
    """Run a script's `main` in a folder, with a sweep, a page and names of files by option."""
    (folder / "few.toml").write_text(sweep)
    (folder / "page.md").write_text(page)
    options = {"sweep": "few.toml", "page": "page.md", "out": "runs"} | options
    words = [str(w) for k, v in options.items() for w in (f"--{k}", folder / v)]
    return CliRunner().invoke(main, [*words, "--jobs", "1"])
