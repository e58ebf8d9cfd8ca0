"""Kernels of a stage: inputs that are a background and a sparse remainder, on the CPU alone."""
