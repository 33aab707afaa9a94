"""What one optimizer's step shows of weights, gradients and updates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

TENSORS = 48  # of more, evenly chosen ones are measured
NUMBERS = 16384  # of a larger tensor, evenly chosen rows are measured
STREAK = 12  # sampled steps without any gradient after which a unit counts as dead
_UNITS = (nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm)


class Steps:
    """Measures the weights that an optimizer steps: norms, update ratios, units without gradient.

    Args:
        model: The network.
        optimizer: Whose weights are measured: tensors of two dimensions or more.
        names: Names of the network's parameters by identity.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer, names: dict[int, str]) -> None:
        given = [p for group in optimizer.param_groups for p in group["params"]]
        mine = {id(p) for p in given}
        kernels = [(names[id(p)], p) for p in given if id(p) in names and p.ndim >= 2]
        order = {name: i for i, name in enumerate(names.values())}
        kernels.sort(key=lambda pair: order[pair[0]])
        self._kernels = _some(kernels or [(names[id(p)], p) for p in given if id(p) in names])
        self._optimizer = optimizer
        layers = [
            (name, layer)
            for name, layer in model.named_modules()
            if isinstance(layer, _UNITS) and layer.bias is not None and id(layer.bias) in mine
        ]
        # The outputs of classes that a batch does not hold may underflow to no gradient.
        self._units = {name: layer.bias for name, layer in _some(layers[:-1])}
        self._streaks: dict[str, Tensor] = {}
        self._seen: list[tuple[str, Tensor, Tensor]] = []
        self._norms: list[Tensor] = []
        self._later = False

    def before(self, row: dict[str, Any], *, gradients: bool) -> None:
        """Measure before the weights change."""
        self._seen = []
        for name, p in self._kernels:
            if p.grad is None and gradients:
                continue
            view = _thin(p.detach())
            self._seen.append((name, view, view.clone()))
        self._later = not gradients
        if gradients:
            self._read(row)

    def after(self, row: dict[str, Any]) -> None:
        """Measure what the step changed."""
        if self._later:
            self._read(row)
        if self._seen:
            norms = [torch.linalg.vector_norm(b, dtype=_wide(b)) for _, _, b in self._seen]
            moves = [
                torch.linalg.vector_norm(now - before, dtype=_wide(now))
                for _, now, before in self._seen
            ]
            sizes, changes = _floats(norms), _floats(moves)
            for (name, view, _), size, change in zip(self._seen, sizes, changes, strict=True):
                row[f"weight_norm/{name}"] = size / math.sqrt(max(view.numel(), 1))
                row[f"update_ratio/{name}"] = change / size if size > 0.0 else math.nan
        self._seen = []

    def _read(self, row: dict[str, Any]) -> None:
        """Read the gradients, in units of a root mean square, so that sizes compare."""
        scale = getattr(self._optimizer, "grad_scale", None)  # fused optimizers unscale themselves
        scale = float(scale) if isinstance(scale, Tensor) else 1.0
        dense = [(n, p.grad) for n, p in self._kernels if _dense(p.grad)]
        views = [_thin(grad) for _, grad in dense if grad is not None]
        norms = _floats([torch.linalg.vector_norm(v, dtype=_wide(v)) for v in views])
        square = 0.0
        for (name, grad), view, norm in zip(dense, views, norms, strict=True):
            mean = norm / scale / math.sqrt(max(view.numel(), 1))
            row[f"gradient_norm/{name}"] = mean
            square += mean * mean * (grad.numel() if grad is not None else 0)
        row["gradient_norm"] = math.sqrt(square) if math.isfinite(square) else square
        self._count_dead(row)

    def _count_dead(self, row: dict[str, Any]) -> None:
        shares = {}
        for name, bias in self._units.items():
            grad = bias.grad
            if grad is None or not _dense(grad):
                continue
            zero = grad == 0
            streak = self._streaks.get(name)
            streak = zero.int() if streak is None else (streak + 1) * zero
            self._streaks[name] = streak
            shares[name] = (streak >= STREAK).float().mean()
        row.update(
            {f"dead_units/{k}": v for k, v in zip(shares, _floats([*shares.values()]), strict=True)}
        )


def _some(pairs: list[Any]) -> list[Any]:
    if len(pairs) <= TENSORS:
        return pairs
    return [pairs[round(i * (len(pairs) - 1) / (TENSORS - 1))] for i in range(TENSORS)]


def _thin(tensor: Tensor) -> Tensor:
    """Return evenly chosen rows of a large tensor, as a view."""
    step = math.ceil(tensor.numel() / NUMBERS)
    return tensor if step <= 1 or tensor.ndim == 0 else tensor[:: min(step, len(tensor))]


def _dense(grad: Tensor | None) -> bool:
    return grad is not None and grad.layout == torch.strided and not grad.is_complex()


def _wide(tensor: Tensor) -> torch.dtype | None:
    """Return a type in which squares of half precision do not overflow."""
    return torch.float32 if tensor.dtype in (torch.float16, torch.bfloat16) else None


def _floats(scalars: list[Tensor]) -> list[float]:
    """Return scalars as floats, with one transfer a device."""
    if len({one.device for one in scalars}) <= 1:
        return torch.stack([one.double() for one in scalars]).tolist() if scalars else []
    return [float(one) for one in scalars]
