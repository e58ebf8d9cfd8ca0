"""Packages that only some commands need: imported where used, told by their extra if missing."""

from importlib import import_module

from infosim.errors import ConfigError


def need(package, extra, why=None):
    """Import an optional package, or say why it is needed and which extra brings it.

    Raises
    ------
    ConfigError : it is not installed
    """
    try:
        return import_module(package)
    except ImportError:
        why = f"this needs {package}, which is not installed" if why is None else why
        raise ConfigError(f"{why}: pip install 'infosim[{extra}]'") from None
