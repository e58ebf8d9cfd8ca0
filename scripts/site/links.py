"""Whether all links of a built site lead somewhere: python -m scripts.site.links build/site."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

#: What leads out of the site, or is made by a script in the browser.
_ELSEWHERE = ("http", "https", "mailto", "data", "javascript")


class _Page(HTMLParser):
    """The places of a page, and what it links to."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links = {""}, set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        self.links |= {given[key] for key in ("href", "src") if given.get(key)}


def broken(site):
    """A line for each link, of a site in this folder (a Path), that leads nowhere."""
    files = (one for one in sorted(site.rglob("*.html")) if "_static" not in one.parts)
    pages = {path: _Page(path.read_text("utf-8")) for path in files}
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme in _ELSEWHERE or parts.netloc:
                continue
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            where = path.relative_to(site)
            if not target.exists():
                yield f"{where}: {link} is not there"
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{where}: {link} has no such place"


@click.command(help=__doc__)
@click.argument("site", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(site):
    """Say which links are broken; exit code 1 if any is."""
    found = list(broken(site.resolve()))
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} broken links")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
