"""What changes during a simulation: arrays of layers and their firings, events, samples."""
