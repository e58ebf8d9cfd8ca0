"""What single neurons do: when they fire, what they tell of the class, and what they are for."""

from infosim.analysis.neurons.examination import Examination, examine
from infosim.analysis.neurons.kinds import KINDS, names
from infosim.analysis.neurons.statistics import PARTS, Neurons

__all__ = ["KINDS", "PARTS", "Examination", "Neurons", "examine", "names"]
