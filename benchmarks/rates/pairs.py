"""Ten networks with data to learn, and five that cannot learn theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from torch import nn

EPOCHS = 16


@dataclass(frozen=True)
class Pair:
    """A network and its data.

    Args:
        name: Of both.
        build: A family or a builder.
        data: Inputs and targets.
        recipe: What is not the default.
    """

    name: str
    build: str | Callable[..., Any]
    data: Any
    recipe: Mapping[str, Any] = field(default_factory=dict)


def tanh(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network without normalisation."""
    return nn.Sequential(
        nn.Linear(n_features, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, n_outputs)
    )


def linear(n_features: int, n_outputs: int) -> nn.Module:
    """Return a linear model."""
    return nn.Linear(n_features, n_outputs)


def normalised(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with layer normalisation."""
    return nn.Sequential(
        nn.Linear(n_features, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, n_outputs)
    )


def dead(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network whose hidden units are all dead."""
    network = nn.Sequential(nn.Linear(n_features, 32), nn.ReLU(), nn.Linear(32, n_outputs))
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].bias.fill_(-1.0)
    return network


def blind(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that multiplies its inputs by nought."""

    class Blind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(n_features, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(0.0 * x)

    return Blind()


def _spirals(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    side, turn = rng.integers(0, 2, rows), 0.5 + 2.5 * rng.random(rows)
    angle = turn * np.pi + side * np.pi
    points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1)
    return points + 0.05 * rng.normal(size=points.shape), side


def _friedman(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_friedman1

    return make_friedman1(rows, n_features=10, noise=1.0, random_state=0)


def learnable() -> list[Pair]:
    """Return ten pairs."""
    wine, iris, cancer, digits, diabetes = (
        load(return_X_y=True)
        for load in (load_wine, load_iris, load_breast_cancer, load_digits, load_diabetes)
    )
    few = (digits[0][:700], digits[1][:700])
    small = {"model": {"width": 32, "depth": 2}}
    sgd = {"optimizer": "nesterov", "schedule": "cosine"}
    return [
        Pair("mlp, wine", "mlp", wine, small),
        Pair("mlp, iris", "mlp", iris, small),
        Pair("mlp, breast cancer", "mlp", cancer, small),
        Pair("mlp, digits", "mlp", few, small),
        Pair("mlp, diabetes", "mlp", diabetes, small),
        Pair("tanh, digits, nesterov", tanh, few, sgd),
        Pair("linear, breast cancer, constant", linear, cancer, {"schedule": "constant"}),
        Pair("layer norm, friedman", normalised, _friedman()),
        Pair("tanh, spirals, constant", tanh, _spirals(), {"schedule": "constant"}),
        Pair("layer norm, wine, nesterov", normalised, wine, sgd),
    ]


def hopeless() -> list[Pair]:
    """Return five cases that cannot be learned."""
    rng = np.random.default_rng(1)
    inputs, labels = load_breast_cancer(return_X_y=True)
    noise = rng.normal(size=(400, 10))
    small = {"model": {"width": 32, "depth": 2}}
    return [
        Pair("shuffled labels", "mlp", (inputs, rng.permutation(labels)), small),
        Pair("ten classes of noise", "mlp", (noise, rng.integers(0, 10, 400)), small),
        Pair("numbers of noise", "mlp", (noise, rng.normal(size=400)), small),
        Pair("dead units", dead, (inputs, labels)),
        Pair("inputs times nought", blind, (inputs, labels)),
    ]
