"""Information theory: the redundancy lattice, goals over it, decompositions. Knows no neurons."""

from infosim.pid.decomposition import Decomposition, decompose
from infosim.pid.goals import Goal, goal_names
from infosim.pid.lattice import Lattice, lattice
from infosim.pid.many import decompose_many

__all__ = [
    "Decomposition",
    "Goal",
    "Lattice",
    "decompose",
    "decompose_many",
    "goal_names",
    "lattice",
]
