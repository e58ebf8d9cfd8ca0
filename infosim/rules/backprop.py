"""Backpropagation: one loss for the whole network, its gradient followed through layers and steps.

What infomorphic learning is compared with (ICLR 2025): the same network, all of whose weights
descend the readout's cross-entropy. Its firing probabilities θ are the softmax's logits, as in the
paper, so that the loss of ten classes is never below 1.46 nats. An output y is drawn, or the
likelier of two, and has no derivative; in its place (surrogate gradient) it passes on that of its
expectation, ∂y/∂A = (1 - silent) σ'(A), with `silent` the output of a neuron that does not fire.
"""

from collections import Counter

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
        #: likewise -> the gradient of one step, where weights read something else at each
        self._further = {}
        read = Counter(
            (name, i) for step, name, _ in self._way for i, _, _ in self._read(step, name)
        )
        for (name, i), n_steps in read.items():
            if n_steps > 1:
                gradient = layers[name].connections[i][1].arrays.gradient
                self._further[name, i] = kernels.xp.empty_like(gradient)

    @property
    def loss(self):
        """The mean loss of the last presentation that was learnt from, in nats, of each replica."""
        return None if self._loss is None else self.kernels.host(self._loss).mean(axis=1)

    def check(self, inputs, outputs):
        """See `Executor.check`.

        Raises
        ------
        ConfigError : a layer is clamped: what it would follow back was never computed
        """
        super().check(inputs, outputs)
        if outputs:
            given = ", ".join(map(repr, outputs))
            raise ConfigError(f"backprop starts from silent layers, outputs of {given} were given")

    def learn(self, inputs):
        """Follow the gradient of the presentation that has just been made, and descend it."""
        n_samples = inputs[self.network.target].shape[-1]
        self._loss = self._losses[n_samples]
        self.tape.play(("backprop", n_samples, *inputs), self._follow, inputs, self._loss)

    def _room(self, n_samples, array):
        """Where the losses of so many samples go, (R, B)."""
        readout = self.layers[self.network.readout]
        return array("loss", (readout.n_replicas, n_samples), readout.dtype)

    def _read(self, step, name):
        """The layer's trained connections that read a layer which had fired by then.

        [(i, k, c)], c the i-th connection of the layer and of its k-th compartment
        """
        return [
            (i, k, c)
            for i, (k, c) in enumerate(self.layers[name].connections)
            if c.trainable and c.reads is not None and step >= c.spec.delay
        ]

    # -- the way back ----------------------------------------------------------------------------

    def _follow(self, inputs, loss, k):
        """The loss, the way back through all firings, and the updates."""
        self._begin(inputs[self.network.target], loss, k)
        sloped, chained, weighed = {self._way[0][:2]} if self._way else set(), set(), set()
        for step, name, below in self._way:
            own = name in chained  # after the layer's first, a step's δ is added to the sum
            self._chain(step, name, own, weighed, k)
            self._project_back(name, own, below, sloped, k)
            chained.add(name)
            sloped.update(firing for _, firing in below)
        self._update(inputs, weighed, k)

    def _begin(self, target, loss, k):
        """The loss and its slope, and the matrices that sparse weights stand for."""
        firing, n_samples = self.layers[self.network.readout].firing, loss.shape[1]
        slope = firing.trace.slopes[(self.network.steps - 1) % 2]
        with k.together():
            theta = firing.theta[0]
            k.over(1, n_samples).cross_entropy(theta=theta, target=target, slope=slope, loss=loss)
            for (name, i), dense in self._dense.items():
                layer = self.layers[name]
                a = layer.connections[i][1].arrays
                over = k.over(layer.spec.size, n_samples)
                over.spread(weights=a.weights, index=a.index, dense=dense)

    def _chain(self, step, name, own, weighed, k):
        """Take the slope of a firing to the layer's potentials, and to its weights.

        weighed : connections whose gradient holds something, added to
        """
        layer, trace = self.layers[name], self.layers[name].firing.trace
        u, theta, _ = self._firing(name, step)
        one = layer.dtype.type(1)
        delta, bias_gradient = trace.deltas[own], trace.bias_gradients[own]
        k.over(layer.spec.size, layer.firing.n_samples)
        chain(layer, u, theta, trace.slopes[step % 2], delta, bias_gradient, k)
        for number, compartment in enumerate(layer.compartments) if own else ():
            if not compartment.trained:
                continue
            values, total = (some[number][:, None] for some in (bias_gradient, layer.bias_gradient))
            k.add_rows(values=values, factor=one, total=total)
            if any(c.reads is None for c in compartment.trained):
                # inputs are held: one product for the sum of all steps
                k.add_rows(values=delta[number], factor=one, total=trace.deltas[0][number])
        for i, number, c in self._read(step, name):
            y = self._firing(c.spec.source, step - c.spec.delay)[2]
            x = y.reshape(layer.n_replicas, -1, y.shape[1])
            if (name, i) not in weighed:
                accumulate(c, x, delta[number], c.arrays.gradient, k)
                weighed.add((name, i))
                continue
            further = self._further[name, i]
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
                    slope = source.firing.trace.slopes[firing[0] % 2]
                    if firing not in begun:
                        k.silence(u=slope)
                        begun.add(firing)
                    number, c = layer.connections[i]
                    weights = self._dense.get((name, i), c.arrays.weights)
                    k.project_back(weights=weights, delta=deltas[number], product=product)
                    k.add(values=product, factor=gain, total=slope)

    def _update(self, inputs, weighed, k):
        """The gradients that are left, of weights that read inputs, and the updates."""
        with k.together():
            for name in self.learning:
                layer = self.layers[name]
                k.over(layer.spec.size, layer.firing.n_samples)
                for i, (number, c) in enumerate(layer.connections):
                    if c.trainable and (name, i) not in weighed:  # a layer's is always silent
                        x, delta = inputs.get(c.spec.source), layer.firing.trace.deltas[0][number]
                        accumulate(c, x, delta, c.arrays.gradient, k)
                update(layer, k)

    def _firing(self, name, step):
        """The potentials u (K, N, B), θ (2, N, B) and outputs (N, B) of a layer at a step."""
        firing = self.layers[name].firing
        past = firing.trace.past
        if step < len(past):
            return past[step]
        return firing.u, firing.theta, firing.outputs[step % 2]


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
