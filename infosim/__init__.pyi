"""Made by `python -m scripts.stub`; the package itself imports these when asked."""

# ruff: noqa: I001
from infosim.errors import BackendError as BackendError
from infosim.errors import CheckpointError as CheckpointError
from infosim.errors import ConfigError as ConfigError
from infosim.errors import DataError as DataError
from infosim.errors import DivergedError as DivergedError
from infosim.errors import InfosimError as InfosimError
from infosim.errors import InfosimWarning as InfosimWarning
from infosim.errors import ShapeError as ShapeError
from infosim.schedule import Schedule as Schedule
from infosim.pid import Decomposition as Decomposition
from infosim.pid import Goal as Goal
from infosim.pid import decompose as decompose
from infosim.pid import decompose_many as decompose_many
from infosim.pid import goal_names as goal_names
from infosim.neuron import Activation as Activation
from infosim.neuron import Binning as Binning
from infosim.network import Adam as Adam
from infosim.network import AllButSelf as AllButSelf
from infosim.network import Backprop as Backprop
from infosim.network import Compartment as Compartment
from infosim.network import Connection as Connection
from infosim.network import Connectivity as Connectivity
from infosim.network import Dense as Dense
from infosim.network import Group as Group
from infosim.network import Hebb as Hebb
from infosim.network import Infomorphic as Infomorphic
from infosim.network import Layer as Layer
from infosim.network import Masked as Masked
from infosim.network import Network as Network
from infosim.network import OneToOne as OneToOne
from infosim.network import Rule as Rule
from infosim.network import SGD as SGD
from infosim.network import Sparse as Sparse
from infosim.rules import Executor as Executor
from infosim.rules import executes as executes
from infosim.engine import Probe as Probe
from infosim.engine import Progress as Progress
from infosim.engine import Recorder as Recorder
from infosim.engine import Samples as Samples
from infosim.engine import Simulator as Simulator
from infosim.engine import Training as Training
from infosim.datasets import Dataset as Dataset
from infosim.datasets import load as load
from infosim.experiments import Experiment as Experiment
from infosim.experiments import preset_names as preset_names
from infosim.experiments import train as train
from infosim.experiments.capacity import capacity as capacity
from infosim.experiments.results import load_run as load_run
from infosim.experiments.results import load_sweep as load_sweep
from infosim.estimators.classifier import InfomorphicClassifier as InfomorphicClassifier
from infosim.estimators.memory import InfomorphicMemory as InfomorphicMemory
from infosim.estimators.transformer import InfomorphicTransformer as InfomorphicTransformer

__version__: str
__all__: list[str]
