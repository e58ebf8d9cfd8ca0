"""infosim: networks of neurons that learn locally by information theory."""

__version__ = "0.1.0"
