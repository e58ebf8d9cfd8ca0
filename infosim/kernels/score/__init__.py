"""Kernels of a stage: the goal's gradient."""
