"""How a user's own data are to be read: settings, checked once, for files and for arrays."""

from copy import copy
from dataclasses import dataclass

from infosim.datasets.own.frame import Wanted
from infosim.datasets.own.split import check_split
from infosim.errors import ConfigError, brief, integer, near
from infosim.settings import setting, settings

#: What becomes of rows in which a cell is missing.
MISSING = ("error", "drop", "fill")
#: Options that only tables have.
OF_TABLES = ("missing", "missing_cells", "columns", "exclude", "categorical")


@dataclass(frozen=True)
class Options:
    """How data are read, as `read_own` has it, checked."""

    target: str | int | None = setting(
        None,
        "column of the classes, by its name or its number from 1 on, -1 for the last; by default "
        "the one called `target`, `label`, `class` or `y`. Of `.npy` the file of classes",
    )
    test: float = setting(
        0.2, "part of each class that is held out as test rows; above 0", low=0, below=1
    )
    seed: int = setting(0, "draws these", low=0, high=2**32 - 1)
    missing: str = setting(
        "error",
        "rows in which a cell is missing: refuse them, leave them out, or fill in the mean or most "
        "frequent category of the training rows",
        choices=MISSING,
    )
    missing_cells: tuple[str, ...] | None = setting(
        None, "what missing cells hold if not nothing; by default `nan`, `NA`, `null` and the like"
    )
    columns: tuple[str, ...] | None = setting(None, "those to read; by default all")
    exclude: tuple[str, ...] = setting((), "columns to leave out")
    categorical: tuple[str, ...] = setting((), "columns whose numbers are names")
    resize: tuple[int, int] | None = setting(
        None, "height and width to bring image files to", low=1, unit="pixels"
    )
    sha256: str = setting(
        "", "hash of the content, filled in when it is read; content of another hash is refused"
    )

    def __post_init__(self):
        test, seed = check_split(self.test, self.seed)
        if self.missing not in MISSING:
            raise ConfigError(f"--missing {brief(self.missing)}: {near(self.missing, MISSING)}")
        for name in ("missing_cells", "columns", "exclude", "categorical"):
            given = getattr(self, name)
            if isinstance(given, str) or not all(isinstance(one, str | int) for one in given or ()):
                raise ConfigError(f"{name} must be a list of names, was {brief(given)}")
            if given is not None:
                object.__setattr__(self, name, tuple(map(str, given)))
        if self.resize is not None:
            try:
                height, width = self.resize
            except (TypeError, ValueError):
                raise ConfigError(
                    f"resize must be (height, width), was {brief(self.resize)}"
                ) from None
            size = integer("height", height), integer("width", width)
            object.__setattr__(self, "resize", size)
        object.__setattr__(self, "test", test)
        object.__setattr__(self, "seed", seed)

    def refuse(self, names, what):
        """ConfigError if one of the options called `names` is given, which `what` does not have."""
        for name in names:
            if getattr(self, name) != getattr(Options, name):
                raise ConfigError(f"{name} is not an option of {what}")

    def wanted(self, target=()):
        """Which columns are read, with those of `target`."""
        return Wanted(self.columns, self.exclude, self.categorical, target, self.missing_cells)

    @classmethod
    def of(cls, given):
        """Options by name; ConfigError about one that there is not."""
        cls._refuse_unknown(given)
        return cls(**given)

    @classmethod
    def complete(cls, given):
        """Options as a file of settings has them, checked, with the defaults of those not given.

        Raises
        ------
        ConfigError : one that there is not, of another type or out of range
        """
        known = settings(cls)
        cls._refuse_unknown(given)
        read = {
            key: one.read(f"data.options.{key}", given[key]) if key in given else copy(one.default)
            for key, one in known.items()
        }
        cls(**read)
        return {key: value for key, value in read.items() if value is not None}

    @classmethod
    def chosen(cls, options):
        """Those of all options, as of `complete`, that are not defaults."""
        known = settings(cls)
        return {key: value for key, value in options.items() if value != known[key].default}

    @classmethod
    def _refuse_unknown(cls, given):
        for name in given:
            if name not in settings(cls):
                raise ConfigError(f"there is no option {name!r}; {near(name, settings(cls))}")
