"""Small pieces of HTML, for notebooks and reports: all that is given is escaped, nothing loaded."""

from base64 import b64encode
from html import escape
from math import isfinite


class Html(str):
    """Text that is HTML already, which templates do not escape again."""

    __slots__ = ()

    def __html__(self):
        return self

    def __add__(self, other):
        return Html(f"{self}{html(other)}")


def html(value):
    """Anything as HTML: as it is if it is that, else escaped."""
    return value if isinstance(value, Html) else Html(escape(str(value)))


def element(tag, *content, **attributes):
    """<tag attribute="value">content</tag>; of attributes, _ is -, and a last _ is dropped."""
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{said}>{''.join(map(html, content))}</{tag}>")


def table(rows, head=None, caption=None):
    """A table, the first cell of each row its heading; numbers are shown by `number`."""
    parts = [] if caption is None else [element("caption", caption)]
    if head is not None:
        cells = [element("th", one, scope="col") for one in head]
        parts.append(element("thead", element("tr", *cells)))
    body = []
    for first, *others in rows:
        cells = [element("td", number(one)) for one in others]
        body.append(element("tr", element("th", number(first), scope="row"), *cells))
    return element("table", *parts, element("tbody", *body))


def number(value, digits=3):
    """A number as it is read, with a sign that is one; what is none stays, None is a dash."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else value
    if not isfinite(value):
        return "–"
    if isinstance(value, int):
        return f"{value}".replace("-", "−")
    shown = f"{value:.{digits}f}"
    return (shown if float(shown) else f"{0:.{digits}f}").replace("-", "−")


def percent(fraction, digits=1):
    """A fraction as per cent."""
    if fraction is None or not isfinite(fraction):
        return "–"
    return f"{number(100 * float(fraction), digits)} %"


def bar(value, most):
    """A bar from the middle to the right for a positive share of `most`, to the left for negative;
    it says nothing that the number beside it does not.
    """
    long = 50 * _share(value, most)
    return _bar(50 + min(long, 0), abs(long), "#0072B2" if long >= 0 else "#B5450B", "bar middle")


def share(value, most):
    """A bar from the left, as long as a positive value is of `most`."""
    return _bar(0, max(100 * _share(value, most), 0), "#0072B2", "bar")


def _share(value, most):
    return max(-1.0, min(1.0, value / most)) if most and isfinite(value) else 0.0


def _bar(left, width, colour, kind):
    return Html(
        f'<svg class="{kind}" viewBox="0 0 100 10" width="100" height="10" aria-hidden="true">'
        f'<rect x="{left:.1f}" y="2" width="{width:.1f}" height="6" fill="{colour}"/></svg>'
    )


def curves(series, title, *, width=300, height=90, most=80):
    """Curves of numbers over epochs, on one scale.

    series : colour -> numbers; those that are not finite are left out
    title : what it shows, for who does not see it
    most : points that are drawn of each at most
    """
    known = [one for values in series.values() for one in values if isfinite(one)]
    low, high = min([0.0, *known]), max([0.0, *known])
    span, n = (high - low) or 1.0, max(map(len, series.values()), default=0)

    def y(value):
        return f"{(height - 4) * (1 - (value - low) / span) + 2:.1f}"

    shown = [element("path", d=f"M0 {y(0.0)}H{width}", stroke="#999", stroke_width=0.6)]
    for colour, values in series.items():
        step = max(1, -(-len(values) // most))
        chosen = sorted({*range(0, len(values), step), len(values) - 1})
        points = [
            f"{width * i / max(n - 1, 1):.1f},{y(values[i])}"
            for i in chosen
            if i >= 0 and isfinite(values[i])
        ]
        look = {"fill": "none", "stroke": colour, "stroke_width": 1.6}
        shown.append(element("polyline", points=" ".join(points), **look))
    return element(
        "svg", element("title", title), *shown, viewBox=f"0 0 {width} {height}", width=width,
        height=height, role="img", class_="curves",
    )  # fmt: skip


def image(content, kind, alt, **attributes):
    """A picture that is part of the page; content : bytes; kind : "png" or "svg+xml"."""
    source = f"data:image/{kind};base64,{b64encode(content).decode()}"
    said = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    return Html(f'<img src="{source}" alt="{escape(alt)}"{said}>')
