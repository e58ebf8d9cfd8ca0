"""Groups of a layer's neurons, such as its cell types, with goals and measures of their own."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from infosim.errors import ConfigError, brief
from infosim.pid import Goal
from infosim.pid.measures import MEASURES, Measure, measure_of
from infosim.pid.scheduled import ScheduledGoal
from infosim.schedule import Schedule
from infosim.settings import LARGEST, setting, settle


@dataclass(frozen=True)
class Group:
    """Neighbouring neurons of a layer that share a goal.

    Parameters
    ----------
    name : of letters, digits, - and _; results call the group "LAYER/NAME"
    size : number of neurons
    goal : as of a `Layer`; None: the layer's
    measure : of redundancy, as of a `Layer`; None: the layer's

    Raises
    ------
    ConfigError : a name, size or measure that cannot be

    Examples
    --------
    >>> from infosim import Activation, Compartment, Group, Layer
    >>> layer = Layer(
    ...     "hidden", None, [Compartment("F", "image"), Compartment("C", "label")],
    ...     Activation("bivariate"), goal="{F}{C}",
    ...     groups=[Group("excitatory", 8), Group("inhibitory", 2, goal="{F} - {C}")],
    ... )
    >>> layer.size
    10
    >>> {name: (one.size, str(one.goal)) for name, one in layer.populations.items()}
    {'hidden/excitatory': (8, '{F}{C}'), 'hidden/inhibitory': (2, '{F} - {C}')}
    """

    name: str
    size: int = setting(doc="", low=1, high=LARGEST, unit="neurons")
    goal: Goal | ScheduledGoal | str | Schedule | Mapping | Sequence | None = setting(
        None, 'as the layer\'s; `""`: that of the layer', in_files="", varies=True
    )
    measure: Measure | str | None = setting(
        None, 'as the layer\'s; `""`: that of the layer', in_files="", choices=MEASURES
    )

    def __post_init__(self):
        if not isinstance(self.name, str) or not re.fullmatch(r"[\w-]+", self.name):
            raise ConfigError(
                f"the name of a group must be of letters, digits, - and _, was {brief(self.name)}"
            )
        if self.name == "labels":
            raise ConfigError("no group can be called 'labels': files of atoms have these")
        where = f"group {self.name!r}"
        settle(self, f"{where}: ")
        if self.measure is not None:
            try:
                object.__setattr__(self, "measure", measure_of(self.measure))
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from None


class Population(NamedTuple):
    """Neurons of a layer that climb one goal: those of a group, or all.

    neurons : slice of a replica's; goal : None without one; measure : of redundancy
    """

    neurons: slice
    goal: Goal | ScheduledGoal | None
    measure: Measure

    @property
    def size(self):
        """The number of neurons."""
        return self.neurons.stop - self.neurons.start
