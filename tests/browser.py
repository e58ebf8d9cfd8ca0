"""A report in a real browser: `python -m tests.browser [RUN...]`, with Chromium, outside the tests.

Opens the report of the runs, by default of a small one that is trained for it, and says what is not
as it should be: errors of the console, requests that leave the page, pictures that are missing,
neurons that cannot be picked, pages wider than a phone. Pictures of it, as on a desktop, a phone
and on paper, are left in browser/ to be looked at.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infosim.experiments import Experiment, train
from infosim.experiments.examination import examine_run
from infosim.experiments.results import load_run
from infosim.report import page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
DESKTOP, PHONE = (1280, 900), (375, 740)


class Browser:
    """Chromium without a window, spoken to through a pipe (the DevTools protocol)."""

    def __init__(self, program, folder):
        to_it, from_it = os.pipe(), os.pipe()
        options = (
            f"--headless --no-sandbox --disable-gpu --remote-debugging-pipe "
            f"--user-data-dir={folder} about:blank 3<&{to_it[0]} 4>&{from_it[1]}"
        )
        self._process = subprocess.Popen(
            ["sh", "-c", f'exec "$0" {options}', program], pass_fds=(to_it[0], from_it[1]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_it[0])
        os.close(from_it[1])
        self._to, self._from, self._left, self._sent = to_it[1], from_it[0], b"", 0
        self._session, self.events = None, []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        attached = self("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def __call__(self, method, **parameters):
        """Send a command and return its result."""
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            got = self._receive(60)
            if got.get("id") == self._sent:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                return got["result"]

    def _receive(self, seconds):
        """The next message, which is kept if it tells of an event; {} if there is none."""
        until = time.monotonic() + seconds
        while b"\0" not in self._left:
            if not select.select([self._from], [], [], max(0, until - time.monotonic()))[0]:
                return {}
            read = os.read(self._from, 2**20)
            if not read:
                raise RuntimeError("the browser has ended")
            self._left += read
        message, _, self._left = self._left.partition(b"\0")
        got = json.loads(message)
        if "method" in got:
            self.events.append(got)
        return got

    def open(self, url):
        """Go to an address and wait until it is there."""
        self("Page.navigate", url=url)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.ask("document.readyState") != "complete":
            self._receive(0.2)
        self._receive(0.5)

    def ask(self, expression):
        """The value of an expression on the page."""
        got = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{expression}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def size(self, width, height, phone=False):
        """Be a window, or a phone, of that size."""
        look = {"width": width, "height": height, "mobile": phone, "deviceScaleFactor": 1}
        self("Emulation.setDeviceMetricsOverride", **look)

    def key(self, name):
        """Press a key."""
        code = {"Tab": 9, "Enter": 13}[name]
        more = {"text": "\r"} if name == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=name, code=name,
                 windowsVirtualKeyCode=code, **(more if kind == "keyDown" else {}))  # fmt: skip

    def picture(self, path):
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot")["data"]))

    def print(self, path):
        """Write the page as PDF."""
        path.write_bytes(base64.b64decode(self("Page.printToPDF", printBackground=True)["data"]))

    def close(self):
        self._session = None
        self._process.terminate()
        self._process.wait(20)
        os.close(self._to)
        os.close(self._from)


def problems(browser, url, out):
    """What is not as it should be with the page of a single run, a line each."""
    browser.size(*DESKTOP)
    browser.open(url)
    broken = browser.ask("[...document.images].filter(one => !one.naturalWidth).length")
    if broken or not browser.ask("document.images.length"):
        yield f"{broken} pictures are broken, or there is none"
    browser.picture(out / "desktop.png")
    yield from _picking(browser, out)
    for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
        browser.size(*size, phone=name == "phone")
        browser.open(url)
        if name == "phone":
            browser.picture(out / "phone.png")
            browser.ask("document.querySelector('.cells a').click()")
            browser.ask("new Promise(done => setTimeout(done, 300))")
            browser.picture(out / "phone-neuron.png")
        width = browser.ask("document.documentElement.scrollWidth")
        if width > size[0]:
            yield f"{name}: the page is {width} wide, the window {size[0]}"
    browser.print(out / "paper.pdf")
    yield from _told(browser, url)


def _picking(browser, out):
    """Whether a neuron can be picked, by mouse, by keyboard and by its kind."""
    links = browser.ask("document.querySelectorAll('.cells a').length")
    if not links:
        yield "there is no neuron to pick"
        return
    last = f"document.querySelectorAll('.cells a')[{links - 1}]"
    browser.ask(f"{last}.click()")
    browser.ask("new Promise(done => setTimeout(done, 300))")
    place = f"document.querySelector({last}.getAttribute('href'))"
    if not browser.ask(f"{place}.open"):
        yield "a click on a neuron does not open its section"
    top = browser.ask(f"{place}.getBoundingClientRect().top")
    if not -5 <= top <= DESKTOP[1]:
        yield f"the section that was opened is at {top}, not in sight"
    browser.picture(out / "neuron.png")
    browser.ask("document.querySelector('.cells a').focus()")
    browser.key("Enter")
    browser.ask("new Promise(done => setTimeout(done, 300))")
    if not browser.ask("document.querySelector('details.neuron').open"):
        yield "Enter on a neuron does not open its section"
    browser.ask("document.activeElement.blur(); scrollTo(0, 0); location.hash = ''")
    browser.open(browser.ask("location.href.split('#')[0]"))
    browser.key("Tab")
    if browser.ask("document.activeElement.className") != "skip":
        yield "the first Tab does not lead to the link that skips to the content"
    for radio in range(browser.ask("document.querySelectorAll('fieldset input').length")):
        kind = browser.ask(f"document.querySelectorAll('fieldset input')[{radio}].value")
        browser.ask(f"document.querySelectorAll('fieldset input')[{radio}].click()")
        layer = f"document.querySelectorAll('fieldset input')[{radio}].closest('.layer')"
        seen = browser.ask(
            f"[...{layer}.querySelectorAll('.cells li')].filter(one => one.offsetParent)"
            f".map(one => one.className)"
        )
        if not seen or (kind != "all" and any(kind not in one.split() for one in seen)):
            yield f"of kind {kind}, neurons {seen} are shown"


def _told(browser, url):
    """What the browser told meanwhile."""
    for event in browser.events:
        what, given = event["method"], event["params"]
        if what == "Network.requestWillBeSent":
            asked = given["request"]["url"]
            if not asked.startswith(("data:", "about:", url)):
                yield f"it asks for {asked[:200]}"
        elif what == "Runtime.exceptionThrown":
            yield f"its script fails: {given['exceptionDetails'].get('text')}"
        elif what == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning"):
            yield f"the console tells: {given['args']}"
        elif what == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            yield f"the log tells: {given['entry']['text']}"


def main(runs):
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        print(f"no browser: none of {', '.join(_NAMES)} is installed", file=sys.stderr)
        return 2
    out = Path("browser")
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if not runs:
            small = Experiment.load("demo/digits", ["training.epochs=5"])
            runs = [train(small, Path(folder) / "digits")]
            examine_run(load_run(runs[0]))
        path = out / "report.html"
        path.write_text(page(runs), "utf-8")
        browser = Browser(program, Path(folder) / "profile")
        try:
            found = list(problems(browser, path.absolute().as_uri(), out))
        finally:
            browser.close()
    for line in found:
        print(line)
    print(f"{len(found)} problems; look at the pictures in {out}/")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
