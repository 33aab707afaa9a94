"""A recipe's training as plain PyTorch objects, as `luthier check` looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import IGNORED, Positions, Recipe


def loss_of(recipe: Recipe, loss: str, positions: Positions) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a recipe's loss, of outputs and of targets as the data part hands them out.

    >>> loss = loss_of(Recipe(), "mse", Positions())
    >>> float(loss(torch.zeros(2, 1), torch.ones(2, 1)))
    1.0
    """
    if loss == "cross_entropy":
        entropy = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
        if positions.axis == 1:
            return entropy
        return lambda outputs, target: entropy(positions.matrix(outputs), target.reshape(-1))
    if loss == "binary_cross_entropy":
        return _binary
    if loss == "mae":
        return nn.L1Loss()
    return nn.HuberLoss() if loss == "huber" else nn.MSELoss()


def _binary(outputs: Tensor, target: Tensor) -> Tensor:
    """Return the mean over rows, or over the positions that count."""
    logits, labels = outputs.reshape(-1), target.reshape(-1)
    counted = labels != IGNORED
    return functional.binary_cross_entropy_with_logits(
        logits[counted], labels[counted].to(outputs.dtype)
    )


def optimizer_of(recipe: Recipe, module: nn.Module) -> Any:
    """Return a recipe's optimizer; None for one that torch does not have.

    >>> made = optimizer_of(Recipe(optimizer="momentum", learning_rate=0.1), nn.Linear(2, 2))
    >>> made.defaults["lr"]
    0.1
    """
    r, optim = recipe, torch.optim
    betas = {"betas": (r.beta1, r.beta2), "eps": r.epsilon}
    known: dict[str, tuple[Any, dict[str, Any]]] = {
        "sgd": (optim.SGD, {}),
        "momentum": (optim.SGD, {"momentum": r.momentum}),
        "nesterov": (optim.SGD, {"momentum": r.momentum, "nesterov": True}),
        "rmsprop": (optim.RMSprop, {"alpha": r.beta2, "eps": r.epsilon}),
        "adagrad": (optim.Adagrad, {"eps": r.epsilon}),
        "adadelta": (optim.Adadelta, {"rho": r.beta2, "eps": r.epsilon}),
        "adam": (optim.Adam, betas),
        "adamw": (optim.AdamW, {**betas, "weight_decay": r.weight_decay}),
        "nadam": (optim.NAdam, betas),
        "radam": (optim.RAdam, betas),
        "adamax": (optim.Adamax, betas),
    }
    if r.optimizer not in known:
        return None
    make, settings = known[r.optimizer]
    return make(module.parameters(), lr=r.learning_rate, **settings)
