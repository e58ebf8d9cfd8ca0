"""Pages that lie at the root of the repository, as pages of the site."""

import re

from scripts.files import ROOT

#: Page of the site -> file of the repository.
COPIES = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "conduct": "CODE_OF_CONDUCT.md",
    "data": "DATA.md",
    "releasing": "RELEASING.md",
    "reproducing": "REPRODUCING.md",
    "security": "SECURITY.md",
}
_LINK = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#]+)")


def pages():
    """Text by the name of its file; links are to where things are, seen from there."""
    return {
        f"project/{name}.md": _LINK.sub(lambda m: m[1] + _seen(m[2]), _text(file))
        for name, file in COPIES.items()
    }


def _text(file):
    return (ROOT / file).read_text("utf-8")


def _seen(target):
    """Where what the root calls `target` is, from docs/made/project."""
    for name, file in COPIES.items():
        if target == file:
            return f"{name}.md"
    inside = target.removeprefix("docs/")
    return f"../../{inside}" if inside != target else f"../../../{target}"
