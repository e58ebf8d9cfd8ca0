"""Where a finding begins, and where it becomes a warning; docs/runs.md says why there."""

#: Samples that are looked at, in batches of training, of which there are not more than so many.
MOST_SAMPLES, MOST_BATCHES = 1024, 32
#: Fewer samples tell nothing of a neuron, and a smaller batch nothing of what it knows.
FEWEST = 32

#: The share of a population's neurons from which on a finding may be a warning,
NEARLY_ALL = 0.9
#: and that from which on potentials outside the bins may be.
MANY = 0.5

#: The epoch from which on weights of a trained network have grown to what they are.
SETTLED = 10

#: The share of a neuron's potentials outside the range of its bins.
OUTSIDE = 0.5
#: The share of potentials in the fullest bin from which on it is as good as the only one.
FULLEST = 0.99
#: How far apart potentials may be that are as good as in one bin, in widths of a bin.
NARROW = 0.02
#: Occupied cells per sample of a batch.
OWN_CELLS = 0.95
#: H(Y) below which an output tells nothing, bits.
SILENT = 0.01
#: The mean entropy of the output at given θ from which on it is drawn by lot, bits.
COIN = 0.99
#: How near θ is to 0 or 1 in all samples; or to what it is clamped to, if that is farther.
SATURATED = 1e-3
#: The magnitude of the correlation of θ with that of an earlier neuron.
COPY = 0.95

#: Information about the class below which a neuron is unrelated to it, bits.
TOLD = 0.01
#: The share of it that is about one class from which on it is that class's neuron.
ONE_CLASS = 0.5
