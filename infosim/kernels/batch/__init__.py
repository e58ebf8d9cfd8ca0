"""Kernels of a stage: gathering of batches."""
