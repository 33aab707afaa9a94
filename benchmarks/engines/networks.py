"""The networks of the benchmark, as a user writes them."""

from __future__ import annotations

from torch import nn


def small(n_features: int, n_outputs: int) -> nn.Module:
    """Return 64-128-10."""
    return nn.Sequential(nn.Linear(n_features, 128), nn.ReLU(), nn.Linear(128, n_outputs))


def wide(n_features: int, n_outputs: int) -> nn.Module:
    """Return 64-512-512-10 with batch norm and dropout."""
    layers: list[nn.Module] = []
    for inputs in (n_features, 512):
        layers += [nn.Linear(inputs, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(512, n_outputs))
