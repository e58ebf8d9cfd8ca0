"""The infomorphic step: project, activate, bin, score, chain, accumulate, update.

Each function makes its calls of k, the kernels' recorder (`kernels.tape`), for a whole layer:
`layer` holds what is learnt and described (`machine.layer`), `firing` what a batch has led to
(`machine.firing`). docs/theory.md has the mathematics.
"""

from infosim.rules.connect import accumulate, chain, project, update


def fire(layer, firing, signals, sampled, place, slot, k):
    """Project the signals, activate, and draw outputs.

    signals : (number of a compartment, its source's values (R, units, B) or None if silent), for
        those whose potentials are not there yet
    sampled : outputs are drawn; place : of the random numbers; slot : of the outputs to fill
    """
    k.over(layer.spec.size, firing.n_samples)
    for number, x in signals:
        project(layer.compartments[number], x, firing.u[number], k)
    k.activate(
        **layer.form, u=firing.u, bias=layer.biases, p=layer.parameters, clamp=layer.clamp,
        off=layer.off, sampled=sampled, seeds=layer.seeds, place=place,
        theta=firing.theta, y=firing.outputs[slot],
    )  # fmt: skip


def assign(layer, firing, k):
    """Bin the potentials."""
    k.over(layer.spec.size, firing.n_samples)
    k.bin_potentials(u=firing.u, bias=layer.biases, **layer.binning, bins=firing.bins)


def measure(layer, firing, k):
    """Leave I_∩ of every antichain and H(Y) in `layer.information`."""
    assign(layer, firing, k)
    k.information(
        bins=firing.bins, n_bins=layer.n_bins, theta=firing.theta, terms=layer.all_terms,
        work=firing.work, result=layer.information,
    )  # fmt: skip


def score(layer, firing, signals, k):
    """Leave the gradient of the goal in what the layer learns by, from ∂G/∂θ down to weights."""
    assign(layer, firing, k)
    k.score(
        bins=firing.bins, n_bins=layer.n_bins, theta=firing.theta, **layer.goal,
        work=firing.work, slope=firing.slope,
    )  # fmt: skip
    chain(layer, firing.u, firing.theta, firing.slope, firing.delta, layer.bias_gradient, k)
    for number, c in layer.trained:
        accumulate(c, signals[number], firing.delta[number], c.arrays.gradient, k)


def learn(layer, firing, signals, k):
    """Climb the gradient of the layer's goal.

    signals : what each compartment's source held when the layer fired, None if silent
    """
    score(layer, firing, signals, k)
    update(layer, k)
