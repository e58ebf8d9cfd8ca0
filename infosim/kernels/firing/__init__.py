"""Kernels of a stage: firing."""
