"""Which loss a loop uses and which labels it has, read off the gradient of the outputs.

Python offers no hook on a loss that is a function. But a gradient tells: that of a cross-entropy
is ``(softmax(z) - onehot(y)) / s``, of a binary one ``(sigmoid(z) - y) / s``, of a likelihood
``-1 / s`` at the label alone, with one scale ``s`` for all rows. What fits all rows of a batch is
no chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from luthier.frameworks.torch.inspecting.graph_ops import op_of
from luthier.frameworks.torch.watching_guard import Guard

TRIES = 4  # sampled steps without a loss that is known, after which nobody asks again
ROWS = 4  # with fewer, a scale fits by chance
VALUES = 1 << 16  # larger outputs are left alone
NEAR = 1e-3
Answer = tuple[nn.Module, Tensor, Tensor, str]


class Outputs:
    """Hooks on the network's outputs and on their gradient, attached for sampled steps alone."""

    def __init__(self, model: nn.Module, guard: Guard) -> None:
        self._model, self._guard = model, guard
        compiled = getattr(model, "_compiled_call_impl", None) is not None
        self._tries = 0 if compiled else TRIES
        self._output: Tensor | None = None
        self._gradient: Tensor | None = None
        self._op = ""

    def attach(self) -> list[Any]:
        """Attach the hook for one step."""
        self._output = self._gradient = None
        if self._tries <= 0:
            return []
        return [self._model.register_forward_hook(self._guard.hook(self._came))]

    def _came(self, module: nn.Module, args: Any, output: Any) -> None:
        found = [one for one in _returned(output) if _tells(one)] if module.training else []
        if len(found) == 1:
            self._output, self._op = found[0].detach(), op_of(found[0])
            found[0].register_hook(self._guard.hook(self._pulled))

    def _pulled(self, gradient: Tensor) -> None:
        self._gradient = gradient.detach()

    def answer(self) -> Answer | None:
        """Return the loss, outputs, targets and the outputs' operation; None where not known."""
        output, gradient = self._output, self._gradient
        self._output = self._gradient = None
        if output is None or gradient is None or self._tries <= 0:
            return None
        found = loss_of(output.double(), gradient.double())
        self._tries = TRIES if found is not None else self._tries - 1
        return None if found is None else (found[0], output, found[1], self._op)


def _returned(output: Any) -> Iterable[Any]:
    """Return what a network returned: one thing, or several, by name perhaps, as a loss beside."""
    if isinstance(output, Mapping):
        return output.values()
    return output if isinstance(output, (tuple, list)) else (output,)


def _tells(one: Any) -> bool:
    """Tell whether it is a tensor of rows, large enough to tell a loss and not too large."""
    if not isinstance(one, Tensor) or not one.requires_grad or one.ndim not in (1, 2):
        return False
    return len(one) >= ROWS and one.numel() <= VALUES


def loss_of(z: Tensor, g: Tensor) -> tuple[nn.Module, Tensor] | None:
    """Return the loss and the targets that explain a gradient of outputs; None for any other.

    Args:
        z: Outputs, ``(rows,)`` or ``(rows, units)``.
        g: The gradient of the loss by them.

    >>> z = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    >>> labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    >>> torch.nn.functional.cross_entropy(z, labels).backward()
    >>> loss, found = loss_of(z.detach(), z.grad)
    >>> type(loss).__name__, found.tolist()
    ('CrossEntropyLoss', [0, 1, 2, 0, 1, 2, 0, 1])
    """
    if not bool(z.isfinite().all()) or not bool(g.isfinite().all()) or not bool(g.any()):
        return None
    if z.ndim == 2 and z.shape[1] > 1:
        if _of_shares(z, g):
            return None  # outputs that are all alike: several losses pull in the same way
        return _classes(z, g) or _yes_or_no(z, g)
    return _yes_or_no(z, g)


def _classes(z: Tensor, g: Tensor) -> tuple[nn.Module, Tensor] | None:
    negative = g < 0
    if not bool((negative.sum(1) == 1).all()):
        return None
    labels = g.argmin(1)
    one = nn.functional.one_hot(labels, z.shape[1]).bool()
    at_label = -g[one]
    if not bool(g[~one].any()):
        even = float(at_label.max() - at_label.min()) <= NEAR * float(at_label.max())
        return (nn.NLLLoss(), labels) if even else None
    p = z.softmax(1)
    scale = (1 - p[one]) / at_label
    fits = (p / scale[:, None] - g).masked_fill(one, 0.0).abs().amax(1)
    if bool((fits > NEAR * g.abs().amax(1)).any()):
        return None
    if z.shape[1] == 2 and not _one_scale(scale, 1 - p[one]):
        return None  # of two classes any gradient that adds up to nothing fits
    return nn.CrossEntropyLoss(), labels


def _of_shares(z: Tensor, g: Tensor) -> bool:
    """Tell whether the logarithm of shares explains a gradient as well, made to add up or not."""
    one = g < 0
    if not bool(((z > 0) & (z < 1)).all()) or not bool((one.sum(1) == 1).all()):
        return False
    near = 10 * NEAR * g.abs().amax(1, keepdim=True)
    for others in (1.0 / z.sum(1, keepdim=True), torch.zeros_like(z[:, :1])):
        pull = others - one / z
        scale = (pull[one] / g[one])[:, None]
        if bool(((pull / scale - g).abs() <= near).all()):
            return True
    return False


def _yes_or_no(z: Tensor, g: Tensor) -> tuple[nn.Module, Tensor] | None:
    y = (g < 0).to(z.dtype)
    p = z.sigmoid()
    if _one_scale((p - y) / _nonzero(g), (p - y).abs()):
        return nn.BCEWithLogitsLoss(), y.float()
    if not bool(((z > 0) & (z < 1)).all()):
        return None
    pull = (z - y) / (z * (1 - z))
    return (nn.BCELoss(), y.float()) if _one_scale(pull / _nonzero(g), pull.abs()) else None


def _one_scale(scale: Tensor, size: Tensor) -> bool:
    """Tell whether all values have one scale; values that are all but zero tell none."""
    known = scale[size > NEAR * float(size.max())]
    if len(known) < ROWS or float(size.max() - size.min()) <= NEAR * float(size.max()):
        return False
    return float(known.min()) > 0 and float(known.max() / known.min()) <= 1 + 10 * NEAR


def _nonzero(g: Tensor) -> Tensor:
    return torch.where(g == 0, torch.finfo(g.dtype).tiny, g)
