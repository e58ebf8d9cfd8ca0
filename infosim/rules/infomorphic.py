"""The infomorphic step: project, activate, score, chain, accumulate, update.

Each function makes its calls of k, which writes them down to be carried out (`kernels.tape`), for a
whole layer: `layer` holds what is learnt and described (`machine.layer.LayerState`), `firing` what
a batch of B samples has led to (`machine.firing.Firing`). A signal x is what a connection's source
holds, (R, units, B), or None if that is silent. docs/theory.md has the mathematics,
docs/architecture.md the words.
"""

from infosim.network.rules import Infomorphic
from infosim.rules.connect import accumulate_all, chain, project_compartment, update
from infosim.rules.executor import Executor, executes


def fire(layer, firing, signals, sampled, place, slot, k):
    """Project the signals, activate, and draw outputs.

    signals : (number, x of each connection, known: see `project_compartment`) of the compartments
        that are to be projected; the potentials of the others, of inputs that are held, are there
        from the step before
    sampled : whether outputs are drawn, or the likelier is taken
    place : which random numbers; slot : which of `firing.outputs` is filled
    """
    k.over(layer.spec.size, firing.n_samples)
    for number, heard, known in signals:
        project_compartment(number, heard, known, layer, firing, k)
    k.activate(
        **layer.form, u=firing.u, bias=layer.biases, current=layer.imposed.current,
        p=layer.parameters, clamp=layer.clamp, off=layer.off, sampled=sampled,
        seeds=layer.seeds, place=place, theta=firing.theta, y=firing.outputs[slot],
    )  # fmt: skip
    if layer.imposed.held:
        which, *values = layer.imposed.held
        for held, u in zip(values, (*firing.theta, firing.outputs[slot]), strict=True):
            k.hold(which=which, values=held, u=u)


def _span(layer, firing, k):
    """Find the range of bins that all neurons of a replica share."""
    if layer.bins.spans is not None:
        k.span(u=firing.u, bias=layer.biases, spans=layer.bins.spans)


def assign(layer, firing, k):
    """Assign each potential its bin, of soft ones that in which its share is largest."""
    k.over(layer.spec.size, firing.n_samples)
    _span(layer, firing, k)
    k.assign(
        assignment=layer.bins.nearest, u=firing.u, bias=layer.biases,
        binning=firing.binning, work=firing.work, bins=firing.bins,
    )  # fmt: skip


def measure(layer, firing, k):
    """Leave I_∩ of every antichain and H(Y) in `layer.information`."""
    k.over(layer.spec.size, firing.n_samples)
    _span(layer, firing, k)
    for own in layer.measured:  # one call for each measure of redundancy
        k.information(
            assignment=layer.bins.assignment, **own, u=firing.u, bias=layer.biases,
            binning=firing.binning, theta=firing.theta, work=firing.work, bins=firing.bins,
            result=layer.information,
        )  # fmt: skip


def score(layer, firing, signals, k):
    """Leave the goal's gradient: ∂G/∂θ in `firing.slope`, ∂G/∂u in `firing.delta`, ∂G/∂bias in
    `layer.bias_gradient`, and ∂G/∂W in each trained connection's `arrays.gradient`.

    signals : x of each connection, as when the layer fired
    """
    k.over(layer.spec.size, firing.n_samples)
    _span(layer, firing, k)
    for own in layer.aim.arrays:  # one call for each measure of redundancy
        k.score(
            assignment=layer.bins.assignment, **own, u=firing.u, bias=layer.biases,
            binning=firing.binning, theta=firing.theta, work=firing.work, bins=firing.bins,
            slope=firing.slope, direct=firing.direct,
        )  # fmt: skip
    chain(layer, firing.u, firing.theta, firing.slope, firing.delta, layer.bias_gradient, k)
    if layer.bins.spans is not None:
        k.add_direct(direct=firing.direct, delta=firing.delta, bias_gradient=layer.bias_gradient)
    accumulate_all(layer, signals, firing.delta, k)


def learn(layer, firing, signals, k):
    """Climb the gradient of the layer's goal.

    signals : x of each connection, as when the layer fired
    """
    score(layer, firing, signals, k)
    update(layer, k)


@executes(Infomorphic)
class InfomorphicExecutor(Executor):
    """Has a layer climb its goal, from the last firing of each presentation."""

    reads_inputs = False
    played = True

    def learn(self, inputs):
        """Climb the gradient of the layer's goal."""
        layer = self.layer
        keys, signals = layer.read
        key = "learn", layer.spec.name, layer.firing.n_samples, *keys
        self.tape.play(key, learn, layer, layer.firing, signals, later=True, apart=True)
