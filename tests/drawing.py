"""What tests of figures share."""

import matplotlib


def check_drawn(fig):
    """Draw `fig`; nothing visible of it is cut off at the edge of the page."""
    fig.canvas.draw()
    for ax in fig.findobj(matplotlib.axes.Axes):
        box = ax.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= fig.bbox.x1
        assert box.y1 <= fig.bbox.y1
