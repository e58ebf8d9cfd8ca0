"""Backpropagation: one loss for the whole network, its gradient followed through layers and steps.

What infomorphic learning is compared with (ICLR 2025): the same network, all of whose weights
descend the readout's cross-entropy. Its firing probabilities θ are the softmax's logits, as in the
paper, so that the loss of ten classes is never below 1.46 nats. An output y is drawn, or the
likelier of two, and has no derivative; in its place (surrogate gradient) it passes on that of its
expectation, ∂y/∂A = (1 - silent) σ'(A), with `silent` the output of a neuron that does not fire.
"""

from collections import Counter

from infosim.engine.threads import Plans
from infosim.errors import DataError


class Backprop:
    """Learns from whole presentations: a way back through all firings that the loss depends on.

    A firing is (step, layer). From the last one of the readout, in the reverse of their order, each
    firing's slope, ∂/∂θ or ∂/∂y of minus the loss, is taken to its potentials (δ), and Wᵀδ is added
    to the slopes of the firings it reads, if anything there or further below is trainable.

    Parameters
    ----------
    network : Network; layers : name -> LayerState, with a `Trace`
    kernels, workers : what computes

    `learning` : the names of the layers that are updated
    """

    def __init__(self, network, layers, kernels, workers):
        self._network, self._layers = network, layers
        self._kernels, self._workers = kernels, workers
        self._way = _way_back(network)
        on_way = {name for _, name, _ in self._way}
        self.learning = [
            name
            for name, layer in layers.items()
            if name in on_way and any(c.trainable for c in layer.compartments)
        ]
        self._plans = Plans()
        self._loss = None
        #: (layer, compartment) -> its sparse weights as a matrix, to be projected back by BLAS
        self._dense = {}
        for _, name, below in self._way:
            for k, (_, source) in below:
                c = layers[name].compartments[k]
                if c.index is not None:
                    shape = len(c.index), network.size(source)
                    self._dense[name, k] = kernels.xp.empty(shape, layers[name].dtype)
        #: likewise -> the gradient of one step, where weights read something else at each
        self._further = {}
        read = Counter((name, k) for step, name, _ in self._way for k, _ in self._read(step, name))
        for (name, k), n_steps in read.items():
            if n_steps > 1:
                gradient = layers[name].compartments[k].gradient
                self._further[name, k] = kernels.xp.empty_like(gradient)

    @property
    def loss(self):
        """The mean loss of the last presentation that was learnt from, in nats, of each replica."""
        return None if self._loss is None else self._kernels.host(self._loss).mean(axis=1)

    def learn(self, inputs):
        """Follow the gradient of the presentation that has just been made, and descend it.

        inputs : as presented, name -> (R, units, B)

        Raises
        ------
        DataError : the target is not among them
        """
        if self._network.target not in inputs:
            raise DataError(f"backprop needs the target input {self._network.target!r}")
        learning = [self._layers[name] for name in self.learning]
        for layer in learning:
            layer.begin_update()
        # all that may be another object at another presentation
        arrays = *inputs.values(), *(mask for layer in learning for mask in layer.masks)
        last = self._network.steps - 1
        for layer in self._layers.values():
            arrays += layer.trace, layer.firing(last)[2]
        plans, self._loss = self._plans.made(tuple(inputs), arrays, lambda: self._planned(inputs))
        for plan in plans:
            self._workers.run(plan)

    def _read(self, step, name):
        """The layer's trained compartments that read a layer which had fired by then, numbered."""
        return [
            (k, c)
            for k, c in enumerate(self._layers[name].compartments)
            if c.trainable and c.from_layer and step >= c.spec.delay
        ]

    # -- plans -----------------------------------------------------------------------------------

    def _planned(self, inputs):
        """The plans that follow the gradient, one after the other, and where the loss is left."""
        target = inputs[self._network.target]
        n_replicas, _, n_samples = target.shape
        loss = self._kernels.xp.empty((n_replicas, n_samples), target.dtype)
        plans = [self._beginning(target, loss)]
        sloped, chained, weighed = {self._way[0][:2]} if self._way else set(), set(), set()
        for step, name, below in self._way:
            own = name in chained  # after the layer's first, a step's δ is added to the sum
            plans.append(self._chaining(step, name, own, weighed))
            if below:
                plans.append(self._projecting(name, own, below, sloped))
            chained.add(name)
            sloped.update(firing for _, firing in below)
        plans.append(self._updating(inputs, weighed))
        return [self._workers.prepared(plan) for plan in plans], loss

    def _beginning(self, target, loss):
        """The plan of the loss and its slope, and of the matrices that sparse weights stand for."""
        readout, (n_replicas, n_samples) = self._layers[self._network.readout], loss.shape
        theta, slope = readout.theta[0], readout.trace.slopes[(self._network.steps - 1) % 2]
        plan = [
            [(self._kernels.cross_entropy, (theta, target, tile, slope, loss))]
            for tile in self._workers.tiles(1, n_samples, n_replicas)
        ]
        for (name, k), dense in self._dense.items():
            layer = self._layers[name]
            for block in layer.blocks(self._workers):
                plan.append([layer.spreading(block, layer.compartments[k], dense)])
        return plan

    def _chaining(self, step, name, own, weighed):
        """The plan that takes the slope of a firing to the layer's potentials, and to its weights.

        weighed : compartments whose gradient holds something, added to
        """
        layer, add = self._layers[name], self._kernels.add
        u, theta, _ = layer.firing(step)
        slope, one = layer.trace.slopes[step % 2], layer.dtype.type(1)
        delta, bias_gradient = layer.trace.deltas[own], layer.trace.bias_gradients[own]
        trained = [(k, c) for k, c in enumerate(layer.compartments) if c.trainable]
        read, plan = self._read(step, name), []
        for block in layer.blocks(self._workers):
            calls = [layer.chaining(block, u, theta, slope, delta, bias_gradient)]
            for k, c in trained if own else ():
                total = layer.trace.bias_gradients[0][k][:, None]
                calls.append((add, (bias_gradient[k][:, None], one, (*block, 0, 1), total)))
                if not c.from_layer:  # its input is held: one product for the sum of all steps
                    tile = *block, 0, layer.n_samples
                    calls.append((add, (delta[k], one, tile, layer.trace.deltas[0][k])))
            for k, c in read:
                source = self._layers[c.spec.source]
                x = source.firing(step - c.spec.delay)[2]
                x = x.reshape(layer.n_replicas, -1, layer.n_samples)
                if (name, k) not in weighed:
                    calls.append(layer.weighing(block, c, x, delta[k], c.gradient))
                    continue
                further = self._further[name, k]
                calls.append(layer.weighing(block, c, x, delta[k], further))
                calls.append((add, (further, one, (*block, 0, further.shape[1]), c.gradient)))
            plan.append(calls)
        weighed.update((name, k) for k, _ in read)
        return plan

    def _projecting(self, name, own, below, sloped):
        """The plan that adds a firing's Wᵀδ to the slopes of those it reads.

        sloped : firings whose slope holds something; that of others is begun
        """
        layer, kernels, plan = self._layers[name], self._kernels, []
        delta = layer.trace.deltas[own]
        for source_name in dict.fromkeys(source for _, (_, source) in below):
            source, begun = self._layers[source_name], set(sloped)
            reads = [(k, firing) for k, firing in below if firing[1] == source_name]
            gain = layer.dtype.type(1 - source.spec.silent)
            tiles = self._workers.tiles(source.spec.size, layer.n_samples, layer.n_replicas)
            parts = [[] for _ in tiles]
            for k, firing in reads:  # one after the other, for they share the product
                slope = source.trace.slopes[firing[0] % 2]
                dense = self._dense.get((name, k))
                for tile, calls in zip(tiles, parts, strict=True):
                    if firing not in begun:
                        calls.append((kernels.silence, (tile, slope)))
                    c = layer.compartments[k]
                    calls.append(layer.projecting_back(c, delta[k], source, tile, dense))
                    calls.append((kernels.add, (source.trace.product, gain, tile, slope)))
                begun.add(firing)
            plan += parts
        return plan

    def _updating(self, inputs, weighed):
        """The plan of the gradients that are left, of weights that read inputs, and of updates."""
        plan = []
        for name in self.learning:
            layer = self._layers[name]
            for block in layer.blocks(self._workers):
                calls = []
                for k, c in enumerate(layer.compartments):
                    if c.trainable and (name, k) not in weighed:  # else: x is None, always silent
                        x, delta = inputs.get(c.spec.source), layer.trace.deltas[0][k]
                        calls.append(layer.weighing(block, c, x, delta, c.gradient))
                plan.append([*calls, *layer.updating(block, layer.masks)])
        return plan


def _way_back(network):
    """What the loss depends on and can change: [(step, layer, what it reads)], last firing first.

    What it reads are pairs of a compartment's number and a firing (step, layer) of this list.
    """
    fired = network.firings()
    movable = set()  # firings with anything trainable at them or below
    for step, layer in fired:
        reads = ((step - c.delay, c.source) for c in layer.compartments)
        if any(c.trainable for c in layer.compartments) or not movable.isdisjoint(reads):
            movable.add((step, layer.name))
    way, reached = [], {(network.steps - 1, network.readout)} & movable
    for step, layer in reversed(fired):
        if (step, layer.name) in reached:
            reads = ((step - c.delay, c.source) for c in layer.compartments)
            below = [(k, firing) for k, firing in enumerate(reads) if firing in movable]
            reached.update(firing for _, firing in below)
            way.append((step, layer.name, below))
    return way
