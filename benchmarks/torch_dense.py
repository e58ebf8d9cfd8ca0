"""The peer of infosim's speed: the same training step, dense, by automatic differentiation.

A table of p(b, y) over the whole grid of bins per neuron, its marginals, the union of every
antichain by inclusion-exclusion, logarithms, a weighted sum, and `backward`. It shares no formula
with infosim's kernels, so that it also checks them (tests/benchmarks/test_torch_dense.py).

There are two forms of the goal. "plain" is its definition (docs/theory.md) as it stands: every term
of every antichain over the whole table. "tuned" is the fastest dense form we found: terms without
weight are skipped, a term's logarithm is taken on the smallest table that holds its sources, small
tables are added to each other before they are broadcast, sums are in place where automatic
differentiation allows it, empty cells need no special case, and what does not move with θ is left
out. All else (projection, sampling, optimizer) is the same and as fast as we could make it.
"""

import numpy as np

from infosim.errors import ConfigError
from infosim.network import Adam
from infosim.pid import lattice

try:
    import torch
except ImportError:
    raise ConfigError(
        "benchmarks.torch_dense needs PyTorch; install it with: pip install 'infosim[bench]'"
    ) from None

FORMS = ("plain", "tuned")
#: The probability of what does not occur: no logarithm or quotient then meets a zero, and beside
#: the mass of any sample, even a nearly impossible one, it vanishes.
EMPTY = 1e-30


class TorchDense:
    """Trains the network of an infosim `Simulator`, beginning with its present weights.

    Parameters
    ----------
    simulator : Simulator; structure, weights, biases and precision are copied
    form : of the goal, "plain" or "tuned"
    compile : whether `torch.compile` fuses the goal's table operations
    device : where tensors live

    Attributes
    ----------
    outputs : (layer, step) -> outputs y (n, B), ±1, of the last presentation

    Raises
    ------
    ConfigError : a layer that learns by another optimizer than Adam, or has what is not computed
        here
    """

    def __init__(self, simulator, form="plain", compile=False, device="cpu"):
        self.device = torch.device(device)
        self.outputs = {}
        self.network = simulator.network
        self.layers = {
            name: _Layer(state, self.network, form, compile, self.device)
            for name, state in simulator.layers.items()
        }
        self.needed = [self.network.needed(step) for step in range(self.network.steps)]
        groups = [layer.group() for layer in self.layers.values() if layer.learns]
        self.optimizer = torch.optim.Adam(groups, maximize=True, fused=True)

    def step(self, values, outputs=None):
        """Present one batch and learn from it.

        values : input name -> array (units, B) of the simulator's precision
        outputs : (layer, step) -> outputs (n, B) of ±1 to use in place of samples, for tests
        """
        self._backward(values, outputs or {})
        self.optimizer.step()

    def gradients(self, values, outputs=None):
        """∂G/∂(weights, bias) in bits by "layer/compartment", as arrays; nothing is changed.

        Arguments as for `step`; shapes and order as in the simulator's compartments.
        """
        self._backward(values, outputs or {})
        return self._arrays(lambda parameter: parameter.grad)

    def arrays(self):
        """(weights, bias) by "layer/compartment", of those that learn, as in the simulator."""
        return self._arrays(lambda parameter: parameter.detach())

    def _arrays(self, what):
        return {
            f"{name}/{c.name}": (
                c.stored(what(c.weights)).cpu().numpy(),
                what(c.bias).cpu().numpy(),
            )
            for name, layer in self.layers.items()
            for c in layer.trained
        }

    def _backward(self, values, outputs):
        self.optimizer.zero_grad()
        # Neurons share nothing that needs a gradient, as inputs and outputs are constants: the
        # gradient of the sum of all goals is each neuron's own.
        sum(self._present(values, outputs)).backward()
        for layer in self.layers.values():
            for compartment in layer.trained:
                compartment.finish_gradient()

    def _present(self, values, outputs):
        """The goals, summed over neurons, of the layers that learn, after the last step."""
        x = {name: torch.as_tensor(v, device=self.device) for name, v in values.items()}
        n_samples = next(iter(x.values())).shape[1]
        # inputs are held for all steps: projected once, with the gradient that the last step needs
        held = {
            c: c.project(x.get(c.source), n_samples)
            for layer in self.layers.values()
            for c in layer.compartments
            if c.source in self.network.inputs
        }
        self.outputs, goals = {}, []
        for step, needed in enumerate(self.needed):
            last = step == len(self.needed) - 1
            for name in (name for name in self.layers if name in needed):
                layer = self.layers[name]
                with torch.set_grad_enabled(last):
                    u = [
                        held[c] if c in held else c.project(self._signal(c, step), n_samples)
                        for c in layer.compartments
                    ]
                    theta = layer.probabilities(u)
                if (name, step) in outputs:
                    y = torch.as_tensor(outputs[name, step], device=self.device)
                else:
                    fires = torch.rand_like(theta) < theta  # a third of the time of torch.bernoulli
                    y = fires.to(theta.dtype).mul_(2).sub_(1)
                self.outputs[name, step] = y
                if last and layer.learns:
                    goals.append(layer.goal(theta, layer.cells(u)))
        return goals

    def _signal(self, compartment, step):
        """What a layer's output gives to a compartment at `step`, or None where it is silent."""
        return self.outputs.get((compartment.source, step - compartment.delay))


def _beyond(spec):
    """What a layer may have that is not computed here, and whether it has."""
    return {
        "more than 3 compartments": len(spec.compartments) > 3,  # float32 numbers their cells
        "activation of a user's own": callable(spec.activation.name),
        "soft bins": spec.binning.kind == "soft",
        "measure but shared-exclusions": spec.measure.name != "shared-exclusions",
        "groups": bool(spec.groups),
        "outputs but signed ones": spec.outputs != "signed",
    }


class _Layer:
    """The compartments of one layer and the formulas of its neurons.

    Potentials and θ are (n, B); u is a list of K potentials.
    """

    def __init__(self, state, network, form, compile, device):
        self.spec, self.learns = state.spec, state.spec.name in network.learning
        spec = self.spec
        self.compartments = [
            _Compartment(c, network.size(c.spec.source), self.learns, device)
            for c in state.compartments
        ]
        self.trained = [c for c in self.compartments if c.weights.requires_grad]
        for what, has in _beyond(spec).items():
            if has:
                raise ConfigError(f"layer {spec.name!r}: the dense peer takes no {what}")
        self.n_bins = spec.binning.bins_of(len(self.compartments))
        self.clamp = spec.activation.clamp
        if self.learns:
            goal = {"plain": _plain_goal, "tuned": _tuned_goal}[form](spec.goal, self.n_bins)
            self.goal = torch.compile(goal, dynamic=False) if compile else goal

    def group(self):
        """This layer's parameters and rates as the optimizer takes them."""
        optimizer = self.spec.optimizer
        if not isinstance(optimizer, Adam):
            raise ConfigError(f"layer {self.spec.name!r}: the dense peer learns by Adam alone")
        return {
            "params": [p for c in self.trained for p in (c.weights, c.bias) if p.requires_grad],
            "lr": optimizer.rate,
            "betas": optimizer.betas,
            "eps": optimizer.epsilon,
            "weight_decay": optimizer.weight_decay,
        }

    def probabilities(self, u):
        """θ = σ(A(u)), clamped."""
        activation = self.spec.activation
        p = activation.parameters
        r = u[0]
        match activation.name:
            case "trivariate":
                (a1, a2), (b1, b2) = p["alpha"], p["beta"]
                context, lateral = torch.sigmoid(b1 * r * u[1]), torch.sigmoid(b2 * r * u[2])
                drive = r * (1 - a1 - a2 + a1 * context + a2 * lateral)
            case "bivariate":
                k1, k2 = p["k"]
                drive = r * (k1 + (1 - k1) * 2 * torch.sigmoid(k2 * r * u[1]))
            case "sum":
                drive = p["beta"][0] * sum(u)
            case "feedforward":
                drive = r
        theta = torch.sigmoid(drive)
        return theta.clamp(self.clamp, 1 - self.clamp) if self.clamp else theta

    @torch.no_grad()
    def cells(self, u):
        """The position of each sample's tuple of bins in a neuron's table, int64 (n, B)."""
        binning, cell = self.spec.binning, 0
        for potential, n_bins in zip(u, self.n_bins, strict=True):
            if binning.kind == "fixed":
                low, high = binning.low, binning.high
                scale = n_bins / (high - low)
            else:
                low, high = potential.aminmax(dim=1, keepdim=True)
                if binning.kind == "normalised":
                    high = torch.maximum(-low, high)
                    low = -high
                # a neuron whose potential does not vary has all its samples in one bin
                scale = torch.where(high > low, n_bins / (high - low), 0)
            # closed on the right, outermost bins open-ended; exact, being at most 255**3 < 2**24
            bins = (potential - low).mul_(scale).ceil_().clamp_(1, n_bins).sub_(1)
            cell = bins.add_(cell, alpha=n_bins)
        return cell.long()


class _Compartment:
    """Weights (n, n_in), or (n, 1) for one-to-one, and bias (n,) of one compartment.

    Few connections per neuron are kept as a masked dense matrix, the fastest here.
    """

    def __init__(self, state, n_in, learns, device):
        self.name, self.source, self.delay = state.spec.name, state.spec.source, state.spec.delay
        connection = state.only("weights")
        index, mask = connection.index, connection.mask
        self.index = self.mask = None
        weights = torch.from_numpy(connection.weights).clone()
        self.one_to_one = index is not None and np.array_equal(index[:, 0], np.arange(len(index)))
        if index is not None and not self.one_to_one:
            self.index = torch.from_numpy(index.astype(np.int64)).to(device)
            weights = weights.new_zeros(len(index), n_in).scatter_(1, self.index.cpu(), weights)
            mask = torch.zeros(weights.shape, dtype=bool).scatter_(1, self.index.cpu(), True)
        if mask is not None:
            self.mask = torch.as_tensor(mask).to(device, weights.dtype)
        learns = learns and connection.trainable
        self.weights = weights.to(device).requires_grad_(learns)
        bias = torch.from_numpy(state.bias).clone().to(device)
        self.bias = bias.requires_grad_(learns and state.spec.bias)

    def project(self, x, n_samples):
        """The potential W x + b, (n, B), of inputs (n_in, B); of the bias alone where silent."""
        bias = self.bias[:, None]
        if x is None:
            return bias.expand(-1, n_samples)
        if self.one_to_one:
            return torch.addcmul(bias, self.weights, x)
        return torch.addmm(bias, self.weights, x)

    def finish_gradient(self):
        """Leave no gradient on missing connections, and zeros where nothing depends on it."""
        for parameter in (self.weights, self.bias):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.mask is not None:
            self.weights.grad.mul_(self.mask)

    def stored(self, weights):
        """`weights` in the shape infosim stores them, (n, n_in) or (n, k)."""
        return weights if self.index is None else weights.gather(1, self.index)


def _plain_goal(goal, n_bins):
    """The function (θ, cells) -> Σ_n G_n in bits, G = Σ_a w_a I_∩(a) + h H(Y), with

        I_∩(a) = Σ_{b,y} p(b, y) log2 [p(U_a(b), y) / (p(U_a(b)) p(y))]

    over the whole grid of bins (Makkeh, Gutknecht, Wibral 2021).
    """
    structure = lattice(len(n_bins)).inclusion_exclusion
    coefficients, entropy_weight = goal.coefficients()

    def summed_goal(theta, cells):
        p = _marginals(theta, cells, n_bins, 0.0)
        table, p_y = p[len(p) - 1], p[0]
        total = -entropy_weight * (p_y * p_y.log2()).sum()
        for weight, row in zip(coefficients, structure, strict=True):
            union = sum(int(row[m - 1]) * p[m] for m in range(1, len(p)) if row[m - 1])
            ratio = union / (union.sum(0) * p_y).clamp_min(EMPTY)
            # where there is nothing, any finite logarithm will do
            term = table * ratio.expand_as(table).clamp_min(EMPTY).log2()
            total = total + weight * term.sum()
        return total

    return summed_goal


def _tuned_goal(goal, n_bins):
    """The same function up to what does not depend on θ, over as few cells as will do.

    G = Σ_a w_a I_∩(a) + h H(Y) and, with S all the sources that a names,

        I_∩(a) = Σ_{b_S,y} p(b_S, y) log2 p(U_a(b), y) + H(Y) - Σ_{b_S} p(b_S) log2 p(U_a(b)),

    the last sum a constant, left out (Makkeh, Gutknecht, Wibral 2021; docs/theory.md).
    """
    n_sources = len(n_bins)
    structure = lattice(n_sources)
    coefficients, entropy_weight = goal.coefficients()
    entropy_weight += coefficients.sum()
    unions = {}  # sources S -> [(weight, plan)], for natural logarithms: cheaper to differentiate
    for a in np.flatnonzero(coefficients):
        sources = int(np.bitwise_or.reduce(structure.antichains[a]))
        plan = _union_plan(structure.inclusion_exclusion[a])
        unions.setdefault(sources, []).append((coefficients[a] / np.log(2), plan))
    summands = {summand[:2] for terms in unions.values() for _, p in terms for summand in p}

    def summed_goal(theta, cells):
        p = _marginals(theta, cells, n_bins, EMPTY)
        signed = {(m, sign): p[m] if sign == 1 else sign * p[m] for m, sign in summands}
        total = -entropy_weight / np.log(2) * torch.dot(p[0].flatten(), p[0].log().flatten())
        for sources, terms in unions.items():
            logarithms = None
            for weight, plan in terms:
                logarithm = _union(signed, plan).log()
                if logarithms is None:
                    logarithms = logarithm.mul_(weight)
                else:
                    logarithms.add_(logarithm, alpha=weight)
            total = total + torch.dot(p[sources].flatten(), logarithms.flatten())
        return total

    return summed_goal


def _marginals(theta, cells, n_bins, empty):
    """p(b_m, y) of every set m of sources (a bitmask), (2, n, bins or 1, ...); y = +1 comes first.

    empty : what a cell without samples holds

    The output is the outer axis, so that inner loops run along bins. Both outputs are counted:
    1 - θ is exact where a difference of two tables would cancel.
    """
    n, n_samples = theta.shape
    both = torch.stack((theta, 1 - theta)).div_(n_samples)
    table = torch.full((2, n, int(np.prod(n_bins))), empty, dtype=theta.dtype, device=theta.device)
    full = 2 ** len(n_bins) - 1
    p = {full: table.scatter_add(2, cells.expand_as(both), both).view(2, n, *n_bins)}
    for m in range(full - 1, -1, -1):
        missing = next(k for k in range(len(n_bins)) if not m >> k & 1)
        p[m] = p[m | 1 << missing].sum(2 + missing, keepdim=True)
    return p


def _union_plan(row):
    """How to add up inclusion-exclusion: (m, sign, where the sum goes), smallest tables first.

    A table joins the smallest one that has its sources: as few sums as can be are broadcast over
    the whole grid. The largest table comes last.
    """
    sets = sorted((int(m) + 1 for m in np.flatnonzero(row)), key=lambda m: (m.bit_count(), m))
    return [
        (m, int(row[m - 1]), next((o for o in sets if o != m and o & m == m), None)) for m in sets
    ]


def _union(signed, plan):
    """p(U_a(b), y) from the marginals times their signs, by (m, sign)."""
    parts = {larger: [] for _, _, larger in plan}
    for m, sign, larger in plan:
        total = _sum([*parts.pop(m, []), signed[m, sign]])
        parts[larger].append(total)
    return total


def _sum(tables):
    """The sum of tables of unequal shapes; in place where the memory is ours and large enough."""
    total = tables[0]
    for i, table in enumerate(tables[1:]):
        shape = torch.broadcast_shapes(total.shape, table.shape)
        total = total.add_(table) if i and total.shape == shape else total + table
    return total
