"""PyTorch builders with what users' networks have and engines trip over."""

from __future__ import annotations

import random
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Build


class _Calls(nn.Module):
    """A module around a function of a tensor and of whether it trains."""

    def __init__(self, function: Callable[[Tensor, bool], Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Tensor) -> Tensor:
        return self._function(x, self.training)


class _Tied(nn.Module):
    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.first, self.second = (
            nn.Linear(n_features, n_features),
            nn.Linear(n_features, n_features),
        )
        self.second.weight = self.first.weight
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.second(torch.tanh(self.first(x))))
        outputs: Tensor = self.last(x)
        return outputs


class _Buffers(nn.Module):
    """Replaces one buffer in every forward pass; another one is called as no buffer should be."""

    weights: Tensor
    seen: Tensor

    def __init__(self, n_features: int, n_outputs: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(n_features))
        self.register_buffer("seen", torch.zeros(n_features))
        self.last = nn.Linear(n_features, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen = 0.9 * self.seen + 0.1 * x.mean(0)
        outputs: Tensor = self.last((x - self.seen) * self.weights)
        return outputs


def functional_dropout(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that calls dropout as a function."""
    drop = _Calls(lambda x, training: functional.dropout(x, 0.3, training))
    return nn.Sequential(nn.Linear(n_features, 8), nn.ReLU(), drop, nn.Linear(8, n_outputs))


def channel_dropout(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a convolutional network with channel-wise dropout, twice, and batch norm."""
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 6, 3),
        nn.Dropout2d(0.3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        _Calls(lambda x, training: functional.dropout2d(x, 0.2, training)),
        nn.Flatten(),
        nn.Linear(6 * (input_shape[1] - 2) * (input_shape[2] - 2), n_outputs),
    )


def own_random_numbers(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that draws from torch's and from Python's generators as it trains."""

    def noise(x: Tensor, training: bool) -> Tensor:
        if not training:
            return x
        return x + random.random() * torch.rand_like(x)  # noqa: S311

    return nn.Sequential(nn.Linear(n_features, 8), _Calls(noise), nn.Linear(8, n_outputs))


def frozen(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network whose first layer does not train."""
    first = nn.Linear(n_features, 8).requires_grad_(False)
    return nn.Sequential(first, nn.ReLU(), nn.Linear(8, n_outputs))


def tied(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with one kernel in two layers."""
    return _Tied(n_features, n_outputs)


def buffers(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with buffers of its own."""
    return _Buffers(n_features, n_outputs)


def fails_in_training(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that evaluates and does not train."""

    def fail(x: Tensor, training: bool) -> Tensor:
        if training:
            torch.rand(1)
            raise RuntimeError("it does not train")
        return x

    return nn.Sequential(nn.Linear(n_features, n_outputs), _Calls(fail))


BUILDERS: dict[str, Build] = {
    function.__name__: Build.read(function, function.__name__)
    for function in (
        functional_dropout,
        channel_dropout,
        own_random_numbers,
        frozen,
        tied,
        buffers,
        fails_in_training,
    )
}
