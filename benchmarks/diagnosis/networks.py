"""The networks, as people write them in PyTorch; `hurt` names what was done to one."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}


def mlp(
    n_features: int,
    n_outputs: int,
    width: int = 64,
    depth: int = 2,
    activation: str = "relu",
    normalisation: str = "none",
    hurt: str = "",
) -> nn.Module:
    """Return hidden layers of equal width."""
    layers: list[nn.Module] = []
    for inputs in [n_features] + [width] * (depth - 1):
        layers.append(nn.Linear(inputs, width))
        if normalisation != "none":
            layers.append(
                nn.BatchNorm1d(width) if normalisation == "batch" else nn.LayerNorm(width)
            )
        layers += [ACTIVATIONS[activation](), nn.Dropout(0.0)]
    return hurting(nn.Sequential(*layers, nn.Linear(width, n_outputs)), hurt)


def cnn(
    input_shape: tuple[int, ...],
    n_outputs: int,
    width: int = 8,
    depth: int = 2,
    activation: str = "relu",
    normalisation: str = "none",
    hurt: str = "",
) -> nn.Module:
    """Return 3x3 convolutions, each with a pooling and twice the channels, and a linear layer."""
    channels, side = input_shape[0], input_shape[1]
    layers: list[nn.Module] = []
    for stage in range(depth):
        filters = width * 2**stage
        layers.append(nn.Conv2d(channels, filters, 3, padding=1))
        if normalisation != "none":
            layers.append(nn.BatchNorm2d(filters))
        layers += [ACTIVATIONS[activation](), nn.MaxPool2d(2)]
        channels, side = filters, side // 2
    head = [nn.Flatten(), nn.Dropout(0.0), nn.Linear(channels * side * side, n_outputs)]
    return hurting(nn.Sequential(*layers, *head), hurt)


class _Recurrent(nn.Module):
    def __init__(self, cell: str, features: int, width: int, n_outputs: int) -> None:
        super().__init__()
        self.body = getattr(nn, cell.upper())(features, width, batch_first=True)
        self.dropout = nn.Dropout(0.0)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.body(x)
        outputs: Tensor = self.head(self.dropout(states[:, -1]))
        return outputs


def rnn(
    input_shape: tuple[int, ...],
    n_outputs: int,
    width: int = 24,
    cell: str = "gru",
    hurt: str = "",
) -> nn.Module:
    """Return one recurrent layer, whose last state a linear layer reads."""
    return hurting(_Recurrent(cell, input_shape[1], width, n_outputs), hurt)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int, activation: str) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.back = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.activation, self.dropout = ACTIVATIONS[activation](), nn.Dropout(0.0)

    def forward(self, x: Tensor) -> Tensor:
        rows, steps, width = x.shape
        parts = self.qkv(self.first(x)).view(rows, steps, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.dropout(self.mix(seen.transpose(1, 2).reshape(rows, steps, width)))
        hidden: Tensor = self.activation(self.wide(self.second(x)))
        return x + self.dropout(self.back(hidden))


class _Transformer(nn.Module):
    def __init__(
        self, shape: tuple[int, ...], width: int, depth: int, activation: str, n_outputs: int
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(shape[1], width)
        self.place = nn.Parameter(0.02 * torch.randn(shape[0], width))
        self.blocks = nn.Sequential(*(_Block(width, 2, activation) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.embed(x) + self.place)
        outputs: Tensor = self.head(self.norm(x).mean(1))
        return outputs


def transformer(
    input_shape: tuple[int, ...],
    n_outputs: int,
    width: int = 16,
    depth: int = 1,
    activation: str = "gelu",
    hurt: str = "",
) -> nn.Module:
    """Return pre-norm attention blocks over a sequence, averaged."""
    return hurting(_Transformer(input_shape, width, depth, activation, n_outputs), hurt)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": mlp,
    "cnn": cnn,
    "rnn": rnn,
    "transformer": transformer,
}


def hurting(network: nn.Module, hurt: str) -> nn.Module:
    """Return a network with something done to it: ``init:30``, ``dead:10``, ``output:softmax``."""
    kind, _, how = hurt.partition(":")
    with torch.no_grad():
        for name, weights in network.named_parameters():
            if kind == "init" and weights.ndim > 1:
                weights.mul_(float(how))
            if kind == "dead" and weights.ndim == 1 and "bias" in name:
                weights.fill_(-float(how))
            if kind == "equal" and weights.ndim > 1:
                weights.fill_(float(how))
    if kind == "frozen":
        # The last matrix and its bias stay, or the last bias alone.
        for weights in list(network.parameters())[: -2 if how == "body" else -1]:
            weights.requires_grad_(False)
    if kind == "output":
        last = {
            "softmax": nn.Softmax(1),
            "relu": nn.ReLU(),
            "tanh": nn.Tanh(),
            "sigmoid": nn.Sigmoid(),
        }
        return nn.Sequential(network, last[how])
    return network
