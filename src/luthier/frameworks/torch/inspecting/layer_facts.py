"""Layers on the user's rows: scales of values and gradients, and units that are copies."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from luthier.core import LayerFacts


def weighted(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that have a weight matrix, in the order of their registration."""
    return {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(getattr(layer, "weight", None), Tensor) and layer.weight.ndim >= 2
    }


class Watch:
    """Hooks that note what layers return; remove them when done."""

    def __init__(self, model: nn.Module) -> None:
        self.order: list[str] = []
        self.scales: dict[str, float] = {}
        self._handles = [
            layer.register_forward_hook(self._hook(name)) for name, layer in weighted(model).items()
        ]

    def _hook(self, name: str) -> Callable[..., None]:
        def note(layer: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor) and output.is_floating_point():
                try:
                    scale = float(output.detach().float().square().mean().sqrt())
                except RuntimeError:
                    return  # within vmap and the like no number is one yet
                if name not in self.scales:
                    self.order.append(name)
                self.scales[name] = scale

        return note

    def remove(self) -> None:
        """Take the hooks off."""
        for handle in self._handles:
            handle.remove()


def layer_facts(
    model: nn.Module, watch: Watch, grads: dict[str, Tensor | None]
) -> tuple[LayerFacts, ...]:
    """Return facts of the layers that took part, in the order in which they did.

    Args:
        model: After a forward and a backward pass.
        watch: Noted the forward pass.
        grads: Gradients by the name of their weight.
    """
    layers = weighted(model)
    found = []
    for name in [*watch.order, *(n for n in layers if n not in watch.scales)]:
        layer = layers[name]
        weight: Tensor = layer.weight  # type: ignore[assignment]
        rows = weight.detach().flatten(1).float()
        key = f"{name}.weight" if name else "weight"
        grad = grads.get(key)
        if grad is not None and grad.layout != torch.strided:  # of embeddings, if they ask for it
            grad = grad.to_dense()
        linear = isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd))
        found.append(
            LayerFacts(
                name=name or type(layer).__name__,
                kind=type(layer).__name__,
                shape=tuple(weight.shape),
                weight_std=float(rows.std()) if rows.numel() > 1 else 0.0,
                same_units=linear and len(rows) > 1 and _alike(rows),
                same_gradients=grad is not None
                and len(rows) > 1
                and _alike(grad.detach().flatten(1).float()),
                output_scale=watch.scales.get(name, 1.0),
                gradient=None if grad is None else float(grad.norm()),
                reached=name in watch.scales,
                trained=weight.requires_grad,
            )
        )
    return tuple(found)


def _alike(rows: Tensor) -> bool:
    """Tell whether all rows are the same, but for rounding."""
    size = float(rows.abs().max())
    return size == 0.0 or float((rows - rows[:1]).abs().max()) <= 1e-5 * size


def reinitialised(model: nn.Module) -> None:
    """Draw the weights of a copy anew: He's normal for matrices, zero for biases (He et al. 2015).

    Layers with a scheme of their own (normalisation, embeddings, recurrent layers) take theirs.
    Frozen ones stay as they are: whoever froze them has weights there that know something.
    """
    parts = [m for m in model.modules() if any(p.requires_grad for p in m.parameters(False))]
    for layer in parts:
        if isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd)):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, (nn.RNNBase, nn.modules.batchnorm._BatchNorm, nn.LayerNorm)):
            layer.reset_parameters()
    # The last layer starts small, so that the first outputs say nothing.
    last = [m for m in parts if isinstance(m, nn.Linear)]
    if last:
        with torch.no_grad():
            last[-1].weight.mul_(0.1)
