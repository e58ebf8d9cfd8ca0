"""One neuron: its activation function and the binning of its potentials."""

from infosim.neuron.activation import ACTIVATIONS, Activation
from infosim.neuron.binning import BINNINGS, Binning

__all__ = ["ACTIVATIONS", "BINNINGS", "Activation", "Binning"]
