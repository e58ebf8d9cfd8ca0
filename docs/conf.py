"""The site: built from these pages, the package and the tables of the repository (`make docs`)."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import infosim
from scripts.site import thumbnails
from scripts.site.docstrings import numpydoc
from scripts.site.making import write

project = "infosim"
author = "The infosim developers"
copyright = "the infosim developers, BSD 3-clause"
version = release = infosim.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc", "sphinx_click", "sphinx_copybutton"]

# Pages are plain Markdown that reads as well where it lies.
myst_heading_anchors = 4

# The gallery is run whenever it is read; nothing of an earlier build is taken.
nb_execution_mode = "force"
nb_execution_in_temp = True  # what they write is theirs alone
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_output_stderr = "warn"  # a page that complains is an error, too
os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # tqdm, of bars that no page shows

# Docstrings: `code` in single backticks, types as they are written.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False

# Others' inventories need the network, so links to them are an option: INFOSIM_DOCS_ONLINE=1.
if os.environ.get("INFOSIM_DOCS_ONLINE") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# What is typed stands as it is typed: -- is no dash, a quotation mark of a message is not another.
smartquotes = False

html_theme = "pydata_sphinx_theme"
html_title = "infosim"
html_static_path = ["_static"]
html_favicon = "_static/favicon.svg"
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "start": []}


def _docstring(app, what, name, obj, options, lines):
    lines[:] = numpydoc(lines)


def _only_ours(app, what, name, obj, skip, options):
    """Members that classes of other packages bring are described there."""
    home = getattr(getattr(obj, "fget", obj), "__module__", None) or "infosim"
    return skip or not home.startswith("infosim")


def setup(app):
    app.connect("autodoc-skip-member", _only_ours)
    app.connect("autodoc-process-docstring", _docstring, priority=400)  # before numpydoc's own
    app.connect("build-finished", thumbnails.put)
    write(Path(app.srcdir) / "made")
