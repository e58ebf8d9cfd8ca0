"""The training of `benchmarks.numpy_memory` in PyTorch, by automatic differentiation."""

from benchmarks.numpy_memory import BINS, PADDING, SOFTNESS
from infosim.errors import ConfigError

try:
    import torch
except ImportError:
    raise ConfigError(
        "benchmarks.torch_memory needs PyTorch; install it with: pip install 'infosim[bench]'"
    ) from None

_TINY = 1e-30


class TorchMemory:
    """Trains a memory on patterns; arguments as of `NumpyMemory`."""

    def __init__(self, patterns, weights, soft=False, strength=2.3, rate=0.05):
        self.x = torch.as_tensor(patterns).T.contiguous()
        self.weights = torch.as_tensor(weights).clone().requires_grad_()
        self.soft, self.strength = soft, strength
        self.bit = torch.stack((self.x < 0, self.x > 0), 2).to(self.x.dtype)
        self.optimizer = torch.optim.Adam([self.weights], rate, maximize=True, fused=True)

    def step(self):
        """One ascending step of Adam."""
        self.gradient()
        self.optimizer.step()

    def gradient(self):
        """∂G/∂W in bits, (N, N), of the sum of all neurons' goals; 0 for self-connections."""
        self.optimizer.zero_grad()
        self._goal().backward()
        return self.weights.grad.fill_diagonal_(0)

    def _goal(self):
        potential = self.weights @ self.x
        theta = torch.sigmoid(self.strength * self.x + potential)
        both = torch.stack((theta, 1 - theta))
        share = self._soft(potential) if self.soft else self._hard(potential.detach())
        p = torch.einsum("ynm,nme,nmb->yneb", both, self.bit, share) / self.x.shape[1]
        e, b = p.sum(3, keepdim=True), p.sum(2, keepdim=True)
        union = (e + b - p).clamp_min(_TINY)
        event, py = union.sum(0).clamp_min(_TINY), p.sum((2, 3), keepdim=True)
        return (p * torch.log2(union / (event * py))).sum()

    def _hard(self, potential):
        low, high = potential.amin(1, keepdim=True), potential.amax(1, keepdim=True)
        number = torch.ceil((potential - low) * (BINS / (high - low))).clip(1, BINS).long() - 1
        return torch.nn.functional.one_hot(number, BINS).to(potential.dtype)

    def _soft(self, potential):
        low, high = potential.detach().min() - PADDING, potential.detach().max() + PADDING
        width = (high - low) / BINS
        centres = low + width * (torch.arange(BINS, dtype=potential.dtype) + 0.5)
        distance = (potential[..., None] - centres).abs()
        kernel = torch.sigmoid((width / 2 - distance) / SOFTNESS)
        return kernel / kernel.sum(2, keepdim=True)
