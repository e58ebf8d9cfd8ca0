"""What is connected to what: immutable descriptions that hold no state."""

from infosim.network.connection import Compartment, Connection
from infosim.network.connectivity import AllButSelf, Connectivity, Dense, Masked, OneToOne, Sparse
from infosim.network.groups import Group
from infosim.network.network import Layer, Network
from infosim.network.optimizers import SGD, Adam
from infosim.network.rules import (
    Backprop,
    DescentL2,
    Hebb,
    Infomorphic,
    KrauthMezard,
    MinimumProbabilityFlow,
    Perceptron,
    PseudoInverse,
    Rule,
    Storkey,
)

__all__ = [
    "SGD",
    "Adam",
    "AllButSelf",
    "Backprop",
    "Compartment",
    "Connection",
    "Connectivity",
    "Dense",
    "DescentL2",
    "Group",
    "Hebb",
    "Infomorphic",
    "KrauthMezard",
    "Layer",
    "Masked",
    "MinimumProbabilityFlow",
    "Network",
    "OneToOne",
    "Perceptron",
    "PseudoInverse",
    "Rule",
    "Sparse",
    "Storkey",
]
