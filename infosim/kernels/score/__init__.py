"""Kernels of a stage: the goal's gradient, by four verbs: assign, estimate, price, credit."""
