"""The second verb: a neuron's cells, the tuples of bins, and their masses are estimated."""
