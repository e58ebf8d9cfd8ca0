"""Small pictures in the gallery's index, each the last picture of the page that it leads to."""

import re

_ENTRY = re.compile(
    r'(<li class="toctree-l1"><a class="reference internal" href="([\w-]+)\.html">)'
)
_PICTURE = re.compile(r'<img [^>]*?src="([^"]+)"')


def thumbnails(gallery):
    """Put a picture before each name in index.html of a folder (a Path) of built pages.

    What has one keeps it; a page without pictures gets none. Pictures say nothing that the name
    beside them does not: they have no text of their own.
    """
    index = gallery / "index.html"
    before, article, text = index.read_text("utf-8").partition("<article")

    def entry(match):
        article = (gallery / f"{match[2]}.html").read_text("utf-8").partition("<article")[2]
        found = _PICTURE.findall(article.partition("</article>")[0])
        picture = f'<img class="thumbnail" alt="" src="{found[-1]}" />' if found else ""
        return match[1] + picture

    text = re.sub(_ENTRY.pattern + "(?!<img)", entry, text)
    index.write_text(before + article + text, "utf-8")


def put(app, exception):
    """After a build of pages that did not fail."""
    if exception is None and app.builder.format == "html":
        thumbnails(app.outdir / "gallery")
