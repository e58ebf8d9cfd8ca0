"""What is connected to what: immutable descriptions that hold no state."""

from infosim.network.connectivity import AllButSelf, Connectivity, Dense, Masked, OneToOne, Sparse
from infosim.network.network import Compartment, Layer, Network
from infosim.network.optimizers import SGD, Adam

__all__ = [
    "SGD",
    "Adam",
    "AllButSelf",
    "Compartment",
    "Connectivity",
    "Dense",
    "Layer",
    "Masked",
    "Network",
    "OneToOne",
    "Sparse",
]
