"""What the score is computed of: a neuron's occupied tuples of bins and their masses."""
