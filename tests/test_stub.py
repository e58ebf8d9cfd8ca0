"""What type checkers are told of the package is what it has."""

import runpy
from importlib.resources import files

import infosim
from scripts import stub
from scripts.files import ROOT


def test_the_stub_has_every_public_name():
    text = stub.PATH.read_text("utf-8")
    assert text == stub.text(), "infosim/__init__.pyi is old: python -m scripts.stub"
    for names in (infosim._PUBLIC | infosim._EXTRA).values():
        for name in names:
            assert f" import {name} as {name}\n" in text
    assert (files("infosim") / "py.typed").is_file()


def test_typical_uses_run():
    found = runpy.run_path(str(ROOT / "tests" / "typing" / "uses.py"))
    assert len(found["net"].histories[0].train_error) == 2
