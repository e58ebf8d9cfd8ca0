"""What a connection does with a signal: project it, and correlate it with what it led to.

A signal x is (R, units, B), or an input's `Remainder`, which is multiplied in its own way.
"""

from infosim.machine.sparse import Remainder


def project(connection, x, u, cuts, k):
    """Leave what a signal x (R, units, B), None if silent, leads to in u (N, B).

    cuts : connection -> which neurons hear nothing through it (`Imposed`)
    """
    a = connection.arrays
    if x is None:
        k.silence(u=u)
    elif isinstance(x, Remainder):
        x.project(a.weights, u, k)
    elif a.index is None:
        k.project(weights=a.weights, x=x, u=u)
    else:
        multiply = k.project_single if a.index.shape[1] == 1 else k.project_sparse
        multiply(weights=a.weights, index=a.index, x=x, u=u)
    if connection in cuts:
        which, nothing = cuts[connection]
        k.hold(which=which, values=nothing, u=u)


def project_sum(read, u, layer, firing, k):
    """Leave the sum of what signals lead to in u (N, B).

    read : (connection, x) of all that are summed, at least one
    """
    first, *others = [(c, x) for c, x in read if x is not None] or read[:1]
    cuts = layer.imposed.cuts
    project(*first, u, cuts, k)
    for c, x in others:
        project(c, x, firing.product, cuts, k)
        k.add(values=firing.product, factor=layer.dtype.type(1), total=u)


def project_compartment(number, signals, known, layer, firing, k):
    """Leave a compartment's potentials, without their biases, in `firing.u`.

    signals : x of each connection
    known : whether `firing.held` is that of these inputs; they stay the same over the steps of a
        presentation, so that of a compartment that reads layers, too, they are projected once
    """
    read = list(zip(layer.compartments[number].connections, signals, strict=True))
    u = firing.u[number]
    if number in firing.held:
        held = firing.held[number]
        project_sum([one for one in read if one[0].reads is not None], u, layer, firing, k)
        if not known:
            project_sum([one for one in read if one[0].reads is None], held, layer, firing, k)
        k.add(values=held, factor=layer.dtype.type(1), total=u)
    else:
        project_sum(read, u, layer, firing, k)
    if number in layer.imposed.shifts:
        k.shift(values=layer.imposed.shifts[number], u=u)


def accumulate(connection, x, delta, gradient, k):
    """Leave the gradient of the weights that read x, Σ_s δ_s x_s, in `gradient`."""
    index = connection.arrays.index
    if x is None:
        k.clear(u=gradient)
    elif isinstance(x, Remainder):
        x.accumulate(delta, gradient, k)
    elif index is None:
        k.accumulate(delta=delta, x=x, gradient=gradient)
    else:
        k.accumulate_sparse(delta=delta, index=index, x=x, gradient=gradient)


def accumulate_all(layer, signals, delta, k):
    """Leave the gradient of each trained connection in its `arrays.gradient`.

    signals : x of each connection of the layer; delta : (K, N, B)
    """
    for (number, c), x in zip(layer.connections, signals, strict=True):
        if c.trainable:
            accumulate(c, x, delta[number], c.arrays.gradient, k)


def chain(layer, u, theta, slope, delta, bias_gradient, k):
    """Take slopes in θ (N, B) to a layer's potentials and biases: δ = slope θ (1-θ) ∂A/∂u."""
    k.chain(
        **layer.form, u=u, bias=layer.biases, p=layer.parameters, clamp=layer.clamp, theta=theta,
        slope=slope, delta=delta, bias_gradient=bias_gradient,
    )  # fmt: skip


def update(layer, k):
    """Move a layer's weights and biases along their gradients."""
    move, rates = getattr(k, layer.spec.optimizer.kernel), layer.rates
    for number, compartment in enumerate(layer.compartments):
        for c in compartment.trained:
            a = c.arrays
            move(
                weights=a.weights, gradient=a.gradient, mask=a.mask, moments=a.moments,
                rates=rates,
            )  # fmt: skip
        if compartment.trained and compartment.spec.bias:
            a = compartment.arrays
            move(
                weights=a.bias[:, None], gradient=layer.bias_gradient[number][:, None],
                mask=a.no_mask, moments=a.moments[:, :, None], rates=rates,
            )  # fmt: skip
