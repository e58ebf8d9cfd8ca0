"""How a user's own data are to be read: checked once, for files and for arrays."""

from dataclasses import dataclass, fields

from infosim.datasets.own.frame import Wanted
from infosim.datasets.own.split import check_split
from infosim.errors import ConfigError, brief, integer, near

#: What becomes of rows in which a cell is missing.
MISSING = ("error", "drop", "fill")
#: Options that only tables have.
OF_TABLES = ("missing", "missing_cells", "columns", "exclude", "categorical")


@dataclass(frozen=True)
class Options:
    """How data are read, as `read_own` has it, checked."""

    test: float = 0.2
    seed: int = 0
    missing: str = "error"
    missing_cells: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    resize: tuple[int, int] | None = None

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
        known = [one.name for one in fields(cls)]
        for name in given:
            if name not in known:
                raise ConfigError(f"there is no option {name!r}; {near(name, known)}")
        return cls(**given)
