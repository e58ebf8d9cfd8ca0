"""Kernels of a stage: connections."""
