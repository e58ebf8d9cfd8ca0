"""The hot loops: the same function names and signatures for every backend."""
