"""Kernels of a stage: updates of weights."""
