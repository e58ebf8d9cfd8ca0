"""The pieces that pages and notebooks are made of."""

import io
import re
from importlib import resources

import matplotlib
import numpy as np
import pytest

from infosim import ShapeError
from infosim.markup import Html, bar, curves, element, html, image, number, percent, share, table
from infosim.plotting import comparison, figure, style
from infosim.plotting.plots import field_image
from infosim.plotting.sprite import sprite


def test_what_is_given_is_escaped_once():
    assert html("<b>&\"'") == "&lt;b&gt;&amp;&quot;&#x27;"
    inner = element("b", "<i>", title='"')
    assert inner == '<b title="&quot;">&lt;i&gt;</b>'
    assert element("p", inner, 3) == f"<p>{inner}3</p>"
    assert inner + "<" == f"{inner}&lt;"
    assert isinstance(inner + inner, Html)
    assert html(inner).__html__() is inner
    made = table([("<", 1.0)], ("<", ">"), "&")
    assert made.count("&lt;") == 2
    assert "<caption>&amp;</caption>" in made
    assert 'alt="&quot;"' in image(b"x", "png", '"')
    assert "<title>&lt;</title>" in curves({"red": [1.0]}, "<")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.123"), (-0.5, "−0.500"), (-0.0001, "0.000"), (3, "3"), (-3, "−3"),
        (None, "–"), (np.nan, "–"), (np.inf, "–"), (True, True), ("a", "a"),
    ],
)  # fmt: skip
def test_numbers_as_they_are_read(value, shown):
    assert number(value) == shown


def test_per_cent():
    assert percent(0.12345) == "12.3 %"
    assert percent(np.nan) == percent(None) == "–"


def test_bars_stay_within():
    assert 'x="50.0" y="2" width="25.0"' in bar(1, 2)
    assert 'x="25.0" y="2" width="25.0"' in bar(-1, 2)
    assert 'x="0.0" y="2" width="50.0"' in bar(-9, 2)
    assert 'width="100.0" height="6"' in share(9, 2)
    for made in (bar(np.nan, 1), bar(1, 0), share(-1, 1)):
        assert 'width="0.0" height="6"' in made


def test_curves_keep_their_ends():
    made = curves({"red": list(range(1000)), "blue": [np.nan, 1.0]}, "rising")
    points = re.findall(r'points="([^"]*)"', made)
    assert 60 <= len(points[0].split()) <= 81
    assert points[0].split()[0] == "0.0,88.0"
    assert points[0].split()[-1] == "300.0,2.0"
    assert len(points[1].split()) == 1
    assert "points" in curves({"red": []}, "nothing")


@pytest.mark.parametrize("shape", [(3, 4), (12,), (3, 2, 2), (2, 2, 3)])
def test_a_sprite_has_every_field_in_its_place(shape):
    weights = np.random.default_rng(0).normal(size=(5, 12))
    weights[3] = 0
    found = sprite(weights, shape, columns=2)
    page = matplotlib.image.imread(io.BytesIO(found.png))[..., :3]
    height, width = found.field
    assert page.shape[:2] == (found.height, found.width) == (3 * height, 2 * width)
    for n, row in enumerate(weights):
        left, top = found.at(n)
        expected = field_image(row, shape)
        if expected.ndim == 2:
            expected = matplotlib.colormaps["RdBu_r"]((expected + 1) / 2)[..., :3]
        part = page[top : top + height, left : left + width]
        np.testing.assert_allclose(part, expected, atol=0.06)  # steps of colour
    with pytest.raises(ShapeError):
        sprite(weights, (5, 2, 2))


def test_a_comparison_has_a_curve_of_each_run():
    with style():
        ax = figure().subplots()
        comparison({"a": [1, 0.5], "b": [np.nan, 0.25], "none": [np.nan]}, ax, "test error")
        legend = [text.get_text() for text in ax.get_legend().get_texts()]
        assert legend == ["a  50.0 %", "b  25.0 %"]
        assert ax.get_title(loc="left") == "test error"
        empty = comparison({"none": [np.nan]}, figure().subplots())
        assert empty.get_legend() is None


def test_colours_can_be_read():
    """A contrast of 4.5 : 1 on white and on the ground of notes (WCAG 2.2, 1.4.3)."""
    sheet = (resources.files("infosim.report") / "templates" / "style.css").read_text()
    found = set(re.findall(r"[ {;]color: (#[0-9a-f]{3,6})", sheet))
    assert len(found) >= 4
    for colour in found:
        for ground in ("#ffffff", "#fff6dd", "#f4f4f4"):
            lighter, darker = luminance(ground), luminance(colour)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (colour, ground)


def luminance(colour):
    c = np.array(matplotlib.colors.to_rgb(colour))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ (
        0.2126,
        0.7152,
        0.0722,
    )
