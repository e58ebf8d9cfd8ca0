"""What is connected to what: immutable descriptions that hold no state."""

from infosim.network.connectivity import AllButSelf, Connectivity, Dense, Masked, OneToOne, Sparse
from infosim.network.network import SGD, Adam, Compartment, Layer, Network

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
