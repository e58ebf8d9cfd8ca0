"""Command lines that tests carry out in their own process."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from infosim.cli import main


def told(*arguments):
    """The exit code of a command line, and what it printed."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), pytest.raises(SystemExit) as ended:
        main([*map(str, arguments)])
    return ended.value.code or 0, out.getvalue()
