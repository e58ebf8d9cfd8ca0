"""Kernels of a stage: what is read of a layer."""
