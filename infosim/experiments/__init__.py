"""Experiments: published models as presets, and runs that leave everything on disk."""

from infosim.experiments.config import Experiment, preset_names
from infosim.experiments.run import Interrupted, train

__all__ = ["Experiment", "Interrupted", "preset_names", "train"]
