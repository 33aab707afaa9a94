"""What one optimizer's step shows of weights, gradients and updates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

TENSORS = 48  # of more, evenly chosen ones are measured
NUMBERS = 16384  # of a larger tensor, evenly chosen rows are measured
HUGE = 1e100  # beyond it squares overflow
WHOLE = "gradient_norm_of_all"  # of all that is stepped, exactly: clipping leaves its own number
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
        self._all = given if len(given) <= TENSORS * 4 else []
        kernels = [(names[id(p)], p) for p in given if id(p) in names and p.ndim >= 2]
        order = {name: i for i, name in enumerate(names.values())}
        kernels.sort(key=lambda pair: order[pair[0]])
        self._kernels = _some(kernels or [(names[id(p)], p) for p in given if id(p) in names])
        self._sizes = {name: p.numel() for name, p in self._kernels}
        self._optimizer = optimizer
        layers = [
            (name, layer)
            for name, layer in model.named_modules()
            if isinstance(layer, _UNITS) and layer.bias is not None and id(layer.bias) in mine
        ]
        # The outputs of classes that a batch does not hold may underflow to no gradient.
        self._units = [(name, layer.bias) for name, layer in _some(layers[:-1])]
        self._streaks: dict[str, Tensor] = {}
        self._looks = 0
        self._seen: list[tuple[str, Tensor, Tensor]] = []
        self._scalars: dict[str, Tensor] = {}
        self._later = False

    def before(self, *, gradients: bool) -> None:
        """Measure before the weights change.

        Args:
            gradients: Whether they are there already; a closure computes them within the step.
        """
        self._seen, self._scalars, self._later = [], {}, not gradients
        for name, p in self._kernels:
            if p.grad is not None or not gradients:
                view = _thin(p.detach())
                self._seen.append((name, view, view.clone()))
        if gradients:
            self._read()

    def after(self, row: dict[str, Any]) -> None:
        """Measure what the step changed, and write all that was measured."""
        if self._later:
            self._read()
        for name, now, before in self._seen:
            self._scalars[f"weight_norm/{name}"] = _mean(before)
            self._scalars[f"update_ratio/{name}"] = _mean(now - before)
        names = list(self._scalars)
        found = dict(zip(names, _floats(list(self._scalars.values())), strict=True))
        scale = getattr(self._optimizer, "grad_scale", None)  # fused optimizers unscale themselves
        scale = float(scale) if isinstance(scale, Tensor) else 1.0
        square = 0.0
        for name, value in found.items():
            kind, _, tensor = name.partition("/")
            if kind == "update_ratio":
                size = found[f"weight_norm/{tensor}"]
                found[name] = value / size if size > 0.0 else math.nan
            elif kind == "gradient_norm":
                found[name] = value / scale
                square += found[name] ** 2 * self._sizes[tensor] if abs(value) < HUGE else math.inf
        sizes = [(found[f"weight_norm/{name}"], self._sizes[name]) for name, *_ in self._seen]
        if sizes:
            row["weight_squares"] = sum(size * norm**2 for norm, size in sizes if norm < HUGE)
        row.update(found, gradient_norm=math.sqrt(square))
        self._seen, self._scalars = [], {}

    def _read(self) -> None:
        """Read gradients: their root mean squares, so that sizes compare; units without any."""
        for name, p in self._kernels:
            if p.grad is not None and _dense(p.grad):
                self._scalars[f"gradient_norm/{name}"] = _mean(_thin(p.grad))
        grads = [p.grad for p in self._all if p.grad is not None]
        if grads and all(map(_dense, grads)) and len({g.device for g in grads}) == 1:
            norms = [torch.linalg.vector_norm(g, dtype=torch.float32) for g in grads]
            self._scalars[WHOLE] = torch.linalg.vector_norm(torch.stack(norms))
        self._looks += 1
        for name, bias in self._units:
            grad = bias.grad
            if grad is None or not _dense(grad):
                continue
            streak = self._streaks.get(name)
            zero = grad == 0
            self._streaks[name] = streak = zero.int() if streak is None else (streak + 1) * zero
            if self._looks >= STREAK:
                self._scalars[f"dead_units/{name}"] = (streak >= STREAK).float().mean()


def _some(pairs: list[Any]) -> list[Any]:
    if len(pairs) <= TENSORS:
        return pairs
    return [pairs[round(i * (len(pairs) - 1) / (TENSORS - 1))] for i in range(TENSORS)]


def _thin(tensor: Tensor) -> Tensor:
    """Return evenly chosen rows of a large tensor, as a view."""
    step = math.ceil(tensor.numel() / NUMBERS)
    return tensor if step <= 1 or tensor.ndim == 0 else tensor[:: min(step, len(tensor))]


def _dense(grad: Tensor) -> bool:
    return grad.layout == torch.strided and not grad.is_complex()


def _mean(tensor: Tensor) -> Tensor:
    """Return the root mean square; squares of half precision would overflow."""
    half = tensor.dtype in (torch.float16, torch.bfloat16)
    norm: Tensor = torch.linalg.vector_norm(tensor, dtype=torch.float32 if half else None)
    return norm / math.sqrt(max(tensor.numel(), 1))


def _floats(scalars: list[Tensor]) -> list[float]:
    """Return scalars as floats, with one transfer if they are of one kind."""
    if not scalars:
        return []
    if len({(one.device, one.dtype) for one in scalars}) == 1:
        return list(torch.stack(scalars).tolist())
    return [float(one) for one in scalars]
