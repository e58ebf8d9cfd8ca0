"""Rules of learning that are no neuron's own: what infomorphic learning is compared with."""
