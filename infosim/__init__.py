"""infosim: networks of neurons that learn locally by information theory.

Importing it compiles nothing and loads only what is used: public names resolve on first access.
"""

from importlib import import_module

__version__ = "0.1.0"

_PUBLIC = {
    "infosim.errors": (
        "BackendError", "CheckpointError", "ConfigError", "DataError", "DivergedError",
        "InfosimError", "InfosimWarning", "ShapeError",
    ),
    "infosim.schedule": ("Schedule",),
    "infosim.pid": ("Decomposition", "Goal", "decompose", "decompose_many", "goal_names"),
    "infosim.neuron": ("Activation", "Binning"),
    "infosim.network": (
        "SGD", "Adam", "AllButSelf", "Backprop", "Compartment", "Connection", "Connectivity",
        "Dense", "Group", "Hebb", "Infomorphic", "Layer", "Masked", "Network", "OneToOne", "Rule",
        "Sparse",
    ),
    "infosim.rules": ("Executor", "executes"),
    "infosim.engine": ("Probe", "Progress", "Recorder", "Samples", "Simulator", "Training"),
    "infosim.datasets": ("Dataset", "load"),
    "infosim.experiments": ("Experiment", "preset_names", "train"),
    "infosim.experiments.results": ("load_run", "load_sweep"),
}  # fmt: skip
#: What needs an extra: not in `__all__`, which can be imported without.
_EXTRA = {
    "infosim.estimators.classifier": ("InfomorphicClassifier",),
    "infosim.estimators.memory": ("InfomorphicMemory",),
    "infosim.estimators.transformer": ("InfomorphicTransformer",),
}
_HOME = {name: module for module, names in (_PUBLIC | _EXTRA).items() for name in names}

__all__ = ["__version__", *(name for names in _PUBLIC.values() for name in names)]


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'infosim' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted(__all__)
