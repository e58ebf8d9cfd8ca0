"""Experiments: published models as presets, and runs that leave everything on disk."""

from infosim.experiments.experiment import Experiment
from infosim.experiments.reading import preset_names
from infosim.experiments.run import train
from infosim.experiments.stopping import Interrupted

__all__ = ["Experiment", "Interrupted", "preset_names", "train"]
