"""The simulation: event loop, simulator, training with exact resume."""

from infosim.engine.interventions import Intervention
from infosim.engine.prediction import Evaluation
from infosim.engine.probes import Probe, Recorder
from infosim.engine.progress import Progress
from infosim.engine.recall import Recall
from infosim.engine.simulator import Simulator
from infosim.engine.training import History, Training
from infosim.machine.events import EventLoop, Fire, Learn, Present, Record
from infosim.machine.samples import Samples

__all__ = [
    "Evaluation",
    "EventLoop",
    "Fire",
    "History",
    "Intervention",
    "Learn",
    "Present",
    "Probe",
    "Progress",
    "Recall",
    "Record",
    "Recorder",
    "Samples",
    "Simulator",
    "Training",
]
