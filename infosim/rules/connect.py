"""What a compartment does with a signal: project it, and correlate it with what it led to."""


def project(compartment, x, u, k):
    """Leave the potentials that a signal x (R, units, B), None if silent, leads to in u (N, B)."""
    a = compartment.arrays
    if x is None:
        k.silence(u=u)
    elif a.index is None:
        k.project(weights=a.weights, x=x, u=u)
    else:
        k.project_sparse(weights=a.weights, index=a.index, x=x, u=u)


def accumulate(compartment, x, delta, gradient, k):
    """Leave the gradient of the weights that read x, Σ_s δ_s x_s, in `gradient`."""
    index = compartment.arrays.index
    if x is None:
        k.clear(u=gradient)
    elif index is None:
        k.accumulate(delta=delta, x=x, gradient=gradient)
    else:
        k.accumulate_sparse(delta=delta, index=index, x=x, gradient=gradient)


def chain(layer, u, theta, slope, delta, bias_gradient, k):
    """Take slopes in θ (N, B) to a layer's potentials and biases: δ = slope θ (1-θ) ∂A/∂u."""
    k.chain(
        **layer.form, u=u, bias=layer.biases, p=layer.parameters, clamp=layer.clamp, theta=theta,
        slope=slope, delta=delta, bias_gradient=bias_gradient,
    )  # fmt: skip


def update(layer, k):
    """Move a layer's weights and biases along their gradients."""
    move, rates = getattr(k, layer.spec.optimizer.kernel), layer.rates
    for number, c in layer.trained:
        a = c.arrays
        move(weights=a.weights, gradient=a.gradient, mask=a.mask, moments=a.moments, rates=rates)
        if c.spec.bias:
            move(
                weights=a.bias[:, None], gradient=layer.bias_gradient[number][:, None],
                mask=a.no_mask, moments=a.bias_moments[:, :, None], rates=rates,
            )  # fmt: skip
