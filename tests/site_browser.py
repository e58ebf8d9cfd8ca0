"""The site in a real browser: `python -m tests.site_browser [SITE]`, outside the tests.

Opens pages of the built site (`make docs`) in Chromium as on a desktop, a phone, in the dark, and
says what is not as it should be: errors of the log, requests that leave the site, pictures that are
missing or have no text in their place, headings that leave out a level, pages wider than their
window, searches that do not find. Pictures are left in browser/.
"""

import functools
import http.server
import shutil
import sys
import tempfile
import threading
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

from tests.browser import _NAMES, DESKTOP, PHONE, Browser

PAGES = (
    "index", "start", "gallery/index", "gallery/inside-a-neuron", "neurons", "standing",
    "made/models/iclr-trivariate-optimized", "made/objects/Simulator", "made/project/reproducing",
    "commands", "settings", "performance", "questions",
)  # fmt: skip
#: What is searched for -> a page that has to be found.
SEARCHED = {
    "capacity": "memory", "gradient": "theory", "resume": "questions",
    "unique atom negative": "questions",
}  # fmt: skip
#: Pictures that a reader who cannot see them learns nothing of; those of the gallery's index say no
#: more than the names beside them.
_UNTOLD = """[...document.querySelectorAll('article img')].filter(one => !(
    one.classList.contains('thumbnail') || (one.alt && !/[.](png|svg)$/.test(one.alt)))).length"""
_HEADINGS = """[...document.querySelectorAll('article :is(h1, h2, h3, h4, h5, h6)')].map(
    one => +one.tagName[1])"""


def problems(browser, url, out):
    """What is not as it should be, a line each."""
    for look, size, theme in (
        ("desktop", DESKTOP, "light"), ("phone", PHONE, "light"), ("dark", DESKTOP, "dark"),
    ):  # fmt: skip
        for page in PAGES:
            browser.size(*size, phone=look == "phone")
            browser.open(f"{url}/{page}.html")
            browser.ask(f"document.documentElement.dataset.theme = '{theme}'")
            browser.ask("new Promise(done => setTimeout(done, 300))")
            browser.picture(out / f"{page.replace('/', '-')}-{look}.png")
            width = browser.ask("document.documentElement.scrollWidth")
            if width > size[0]:
                yield f"{page}: as on a {look} it is {width} wide, the window {size[0]}"
            lazy = "!one.complete || !one.naturalWidth"
            if browser.ask(f"[...document.images].filter(one => {lazy}).length"):
                yield f"{page}: a picture is missing"
            if browser.ask(_UNTOLD):
                yield f"{page}: a picture has no text in its place"
            levels = browser.ask(_HEADINGS)
            for above, below in pairwise(levels):
                if below > above + 1:
                    yield f"{page}: a heading of level {below} follows one of level {above}"
    browser.size(*DESKTOP)
    for words, page in SEARCHED.items():
        browser.open(f"{url}/search.html?q={quote(words)}")
        browser.ask("new Promise(done => setTimeout(done, 3000))")
        browser.picture(out / f"search-{words.partition(' ')[0]}.png")
        found = browser.ask("[...document.querySelectorAll('#search-results a')].map(a => a.href)")
        if not any(f"/{page}.html" in one for one in found):
            yield f"a search for {words} finds {found}"
    for event in browser.events:
        what, given = event["method"], event["params"]
        if what == "Network.requestWillBeSent":
            asked = given["request"]["url"]
            if not asked.startswith(("data:", "about:", "blob:", url)):
                yield f"it asks for {asked[:200]}"
        elif what == "Runtime.exceptionThrown":
            yield f"a script fails: {given['exceptionDetails'].get('text')}"
        elif what == "Log.entryAdded" and given["entry"]["level"] == "error":
            yield f"the log tells: {given['entry']['text']} {given['entry'].get('url', '')}"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def main(words):
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        print(f"no browser: none of {', '.join(_NAMES)} is installed", file=sys.stderr)
        return 2
    site = Path(words[0] if words else "build/site")
    if not (site / "index.html").exists():
        print(f"{site} holds no site: make docs", file=sys.stderr)
        return 2
    out = Path("browser")
    out.mkdir(exist_ok=True)
    handler = functools.partial(_Quiet, directory=str(site))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = Browser(program, Path(folder) / "profile")
        try:
            found = list(problems(browser, f"http://127.0.0.1:{server.server_port}", out))
        finally:
            browser.close()
            server.shutdown()
    for line in dict.fromkeys(found):
        print(line)
    print(f"{len(set(found))} problems; look at the pictures in {out}/")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
