"""Backpropagation: one loss for the whole network, its gradient followed through layers and steps.

What infomorphic learning is compared with (ICLR 2025): the same network, all of whose weights
descend the readout's cross-entropy. Its firing probabilities θ are the softmax's logits, as in the
paper, so that the loss of ten classes is never below 1.46 nats. An output y is drawn, or the
likelier of two, and has no derivative; in its place (surrogate gradient) it passes on that of its
expectation, ∂y/∂A = (1 - silent) σ'(A), with `silent` the output of a neuron that does not fire.
"""

from infosim.errors import ConfigError
from infosim.machine.sizes import Sizes
from infosim.network.rules import Backprop
from infosim.rules.connect import accumulate, chain, update
from infosim.rules.executor import Executor, executes


@executes(Backprop)
class BackpropExecutor(Executor):
    """Learns from whole presentations: a way back through all firings that the loss depends on.

    A firing is (step, layer). From the last one of the readout, in the reverse of their order, each
    firing's slope, ∂/∂θ or ∂/∂y of minus the loss, is taken to its potentials (δ), and Wᵀδ is added
    to the slopes of the firings it reads, if anything there or further below is trainable.
    """

    reads_inputs = False  # but the target, which are labels
    traced = True

    def __init__(self, rule, network, layers, kernels, tape):
        super().__init__(rule, network, layers, kernels, tape)
        self._way = _way_back(network)
        on_way = {name for _, name, _ in self._way}
        self.learning = [name for name in self.learning if name in on_way]
        self._losses, self._loss = Sizes(kernels.xp, self._room, tape.clear), None
        #: (layer, connection) -> its sparse weights as a matrix, to be projected back by BLAS
        self._dense = {}
        for _, name, below in self._way:
            for i, (_, source) in below:
                _, c = layers[name].connections[i]
                if c.index is not None:
                    shape = len(c.index), network.size(source)
                    self._dense[name, i] = kernels.xp.empty(shape, layers[name].dtype)
        #: likewise -> room for the gradient of one step, where weights read something else at each
        self._further = {}

    @property
    def loss(self):
        """The mean loss of the last presentation that was learnt from, in nats, of each replica."""
        return None if self._loss is None else self.kernels.host(self._loss).mean(axis=1)

    def check(self, inputs, outputs):
        """See `Executor.check`.

        Raises
        ------
        ConfigError : a layer is clamped: what it would follow back was never computed; or neurons
            or connections are lesioned or clamped: it would follow them nevertheless
        """
        super().check(inputs, outputs)
        if outputs:
            given = ", ".join(map(repr, outputs))
            raise ConfigError(f"backprop starts from silent layers, outputs of {given} were given")
        severed = ", ".join(repr(name) for name, one in self.layers.items() if one.imposed.severed)
        if severed:
            raise ConfigError(
                f"backprop does not learn while anything is lesioned or clamped, as in {severed}"
            )

    def learn(self, inputs):
        """Follow the gradient of the presentation that has just been made, and descend it."""
        n_samples = inputs[self.network.target].shape[-1]
        self._loss = self._losses[n_samples]
        shown = ((name, getattr(x, "key", x.ndim)) for name, x in inputs.items())
        self.tape.play(("backprop", n_samples, *shown), self._follow, inputs, self._loss)

    def _room(self, n_samples, array):
        """Where the losses of so many samples go, (R, B)."""
        readout = self.layers[self.network.readout]
        return array("loss", (readout.n_replicas, n_samples), readout.dtype)

    def _read(self, step, name, inputs):
        """The layer's trained connections that hear something of their own at a step.

        [(i, k, c, x)], c the i-th connection of the layer and of its k-th compartment, x what it
        hears
        """
        return [
            (i, k, c, self._heard(c, step - c.spec.delay, inputs))
            for i, (k, c) in enumerate(self.layers[name].connections)
            if c.trainable and step >= c.spec.delay and not _held(c, inputs)
        ]

    def _heard(self, c, step, inputs):
        """What was shown, or fired, at a step: (R, units, B)."""
        if c.reads is None:
            x = inputs[c.spec.source]
            return x if x.ndim == 3 else x[step]
        y = self._firing(c.spec.source, step)[2]
        return y.reshape(c.reads.n_replicas, -1, y.shape[1])

    def _room_for(self, name, i, gradient):
        """Where the gradient of one step of a layer's i-th connection goes."""
        if (name, i) not in self._further:
            self._further[name, i] = self.kernels.xp.empty_like(gradient)
        return self._further[name, i]

    # -- the way back ----------------------------------------------------------------------------

    def _follow(self, inputs, loss, k):
        """The loss, the way back through all firings, and the updates."""
        target = inputs[self.network.target]
        self._begin(target if target.ndim == 3 else target[-1], loss, k)
        sloped, chained, weighed = {self._way[0][:2]} if self._way else set(), set(), set()
        for step, name, below in self._way:
            own = name in chained  # after the layer's first, a step's δ is added to the sum
            self._chain(step, name, own, weighed, inputs, k)
            self._project_back(name, own, below, sloped, k)
            chained.add(name)
            sloped.update(firing for _, firing in below)
        self._update(inputs, weighed, k)

    def _begin(self, target, loss, k):
        """The loss and its slope, and the matrices that sparse weights stand for."""
        firing, n_samples = self.layers[self.network.readout].firing, loss.shape[1]
        slope = _slope(firing, self.network.steps - 1)
        with k.together():
            theta = firing.theta[0]
            k.over(1, n_samples).cross_entropy(theta=theta, target=target, slope=slope, loss=loss)
            for (name, i), dense in self._dense.items():
                layer = self.layers[name]
                a = layer.connections[i][1].arrays
                over = k.over(layer.spec.size, n_samples)
                over.spread(weights=a.weights, index=a.index, dense=dense)

    def _chain(self, step, name, own, weighed, inputs, k):
        """Take the slope of a firing to the layer's potentials, and to its weights.

        weighed : connections whose gradient holds something, added to
        """
        layer, trace = self.layers[name], self.layers[name].firing.trace
        u, theta, _ = self._firing(name, step)
        one = layer.dtype.type(1)
        delta, bias_gradient = trace.deltas[own], trace.bias_gradients[own]
        k.over(layer.spec.size, layer.firing.n_samples)
        chain(layer, u, theta, _slope(layer.firing, step), delta, bias_gradient, k)
        for number, compartment in enumerate(layer.compartments) if own else ():
            if not compartment.trained:
                continue
            values, total = (some[number][:, None] for some in (bias_gradient, layer.bias_gradient))
            k.add_rows(values=values, factor=one, total=total)
            if any(_held(c, inputs) for c in compartment.trained):
                # one product for the sum of all steps
                k.add_rows(values=delta[number], factor=one, total=trace.deltas[0][number])
        for i, number, c, x in self._read(step, name, inputs):
            if (name, i) not in weighed:
                accumulate(c, x, delta[number], c.arrays.gradient, k)
                weighed.add((name, i))
                continue
            further = self._room_for(name, i, c.arrays.gradient)
            accumulate(c, x, delta[number], further, k)
            k.add_rows(values=further, factor=one, total=c.arrays.gradient)

    def _project_back(self, name, own, below, sloped, k):
        """Add a firing's Wᵀδ to the slopes of those it reads.

        sloped : firings whose slope holds something; that of others is begun
        """
        layer, begun = self.layers[name], set(sloped)
        deltas = layer.firing.trace.deltas[own]
        with k.together():  # layers that are read need not wait for each other
            for source_name in dict.fromkeys(source for _, (_, source) in below):
                source = self.layers[source_name]
                product = source.firing.product
                gain = layer.dtype.type(1 - source.spec.silent)
                k.over(source.spec.size, source.firing.n_samples)
                for i, firing in below:
                    if firing[1] != source_name:
                        continue
                    slope = _slope(source.firing, firing[0])
                    if firing not in begun:
                        k.silence(u=slope)
                        begun.add(firing)
                    number, c = layer.connections[i]
                    weights = self._dense.get((name, i), c.arrays.weights)
                    k.project_back(weights=weights, delta=deltas[number], product=product)
                    k.add(values=product, factor=gain, total=slope)

    def _update(self, inputs, weighed, k):
        """The gradients that are left, of weights that read held inputs, and the updates."""
        with k.together():
            for name in self.learning:
                layer = self.layers[name]
                k.over(layer.spec.size, layer.firing.n_samples)
                for i, (number, c) in enumerate(layer.connections):
                    if c.trainable and (name, i) not in weighed:  # silent, unless it is held
                        x = inputs.get(c.spec.source) if _held(c, inputs) else None
                        delta = layer.firing.trace.deltas[0][number]
                        accumulate(c, x, delta, c.arrays.gradient, k)
                update(layer, k)

    def _firing(self, name, step):
        """The potentials u (K, N, B), θ (2, N, B) and outputs (N, B) of a layer at a step."""
        firing = self.layers[name].firing
        past = firing.trace.past
        if step < len(past):
            return past[step]
        return firing.u, firing.theta, firing.outputs[step % len(firing.outputs)]


def _slope(firing, step):
    """Where the slope of a step's firing goes."""
    slopes = firing.trace.slopes
    return slopes[step % len(slopes)]


def _held(c, inputs):
    """Whether a connection hears the same at every step: an input, not delayed, or its silence."""
    if c.reads is not None:
        return False
    x = inputs.get(c.spec.source)
    return x is None or (x.ndim == 3 and not c.spec.delay)


def _way_back(network):
    """What the loss depends on and can change: [(step, layer, what it reads)], last firing first.

    What it reads are pairs of a connection's number and a firing (step, layer) of this list.
    """
    fired = network.firings()
    movable = set()  # firings with anything trainable at them or below
    for step, layer in fired:
        reads = ((step - c.delay, c.source) for _, c in layer.connections)
        if any(c.trainable for _, c in layer.connections) or not movable.isdisjoint(reads):
            movable.add((step, layer.name))
    way, reached = [], {(network.steps - 1, network.readout)} & movable
    for step, layer in reversed(fired):
        if (step, layer.name) in reached:
            reads = ((step - c.delay, c.source) for _, c in layer.connections)
            below = [(i, firing) for i, firing in enumerate(reads) if firing in movable]
            reached.update(firing for _, firing in below)
            way.append((step, layer.name, below))
    return way
