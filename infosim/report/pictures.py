"""Pictures of a page: drawn by matplotlib, kept as SVG within it."""

import io

from infosim.markup import image
from infosim.plotting.style import figure, save, style


def picture(draw, alt, width=5.2, height=2.9):
    """What `draw` draws on the Axes it is given, as an <img>; sizes in inches."""
    with style():
        made = figure(width, height)
        draw(made.subplots())
        file = io.BytesIO()
        save(made, file, "svg")
    return image(file.getvalue(), "svg+xml", alt)
