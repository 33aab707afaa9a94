"""A published case's layers, as a PyTorch network."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

ACTIVATIONS = {
    "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "selu": nn.SELU, "elu": nn.ELU,
}  # fmt: skip


class Softmax(nn.Module):
    """Keras' softmax: over the last dimension, channels in a convolution."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return shares."""
        return x.softmax(self.dim)


class Last(nn.Module):
    """The last step of an LSTM."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(inputs, units, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the state after the last step."""
        out: torch.Tensor = self.cell(x)[0][:, -1]
        return out


class Unbuildable(Exception):
    """A layer that is not translated."""


def network(layers: list[dict[str, Any]], row: tuple[int, ...]) -> nn.Module:
    """Return layers for rows of a shape: channels first, where there are any."""
    made: list[nn.Module] = []
    x = torch.zeros(2, *row)
    for layer in layers:
        for module in _modules(layer, x):
            made.append(module)
            with torch.no_grad():
                x = module.eval()(x)
            module.train()
    return nn.Sequential(*made)


def _modules(layer: dict[str, Any], x: torch.Tensor) -> list[nn.Module]:
    kind, found = layer["type"], list[nn.Module]()
    args = layer.get("args") or []
    if kind == "Dense":
        found = [_start(nn.Linear(x.shape[-1], layer["units"]), layer)]
    elif kind.startswith("Conv"):
        count = layer.get("filters") or args[0]
        size = layer.get("kernel") or layer.get("kernel_size") or args[1]
        pad = "same" if layer.get("padding") == "same" else "valid"
        make: Any = {"1": nn.Conv1d, "2": nn.Conv2d, "3": nn.Conv3d}[kind[4]]
        found = [_start(make(x.shape[1], count, _tuple(size), padding=pad), layer)]
    elif kind.startswith("MaxPool"):
        size = layer.get("pool") or layer.get("pool_size") or (args[0] if args else 2)
        make = {"1": nn.MaxPool1d, "2": nn.MaxPool2d, "3": nn.MaxPool3d}[kind[-2]]
        found = [make(_tuple(size), stride=_tuple(layer.get("strides") or size))]
    elif kind == "Flatten":
        found = [nn.Flatten()]
    elif kind == "Dropout":
        found = [nn.Dropout(layer["rate"])]
    elif kind == "BatchNormalization":
        made = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
        found = [made[x.ndim](x.shape[1])]
    elif kind == "GlobalAveragePooling1D":
        found = [nn.AdaptiveAvgPool1d(1), nn.Flatten()]
    elif kind == "LSTM":
        found = [Last(x.shape[-1], layer["units"])]
    elif kind not in ("Masking", "Activation"):
        raise Unbuildable(kind)
    name = layer.get("activation") or "linear"
    if name == "softmax":
        found.append(Softmax(1 if kind.startswith("Conv") else -1))
    elif name in ACTIVATIONS:
        found.append(ACTIVATIONS[name]())
    elif name != "linear":
        raise Unbuildable(name)
    return found


def _tuple(size: Any) -> Any:
    return tuple(size) if isinstance(size, list) else size


def _start(module: Any, layer: dict[str, Any]) -> nn.Module:
    """Give a layer Keras' initial weights, Glorot's uniform ones, or the case's own."""
    how = str(layer.get("init") or layer.get("kernel_initializer") or "glorot_uniform")
    fan_in = module.weight[0].numel()
    numbers = [float(one) for one in re.findall(r"\d+\.?\d*", how.partition("(")[2])]
    nn.init.zeros_(module.bias)
    if how == "he_normal":
        nn.init.kaiming_normal_(module.weight)
    elif how == "he_uniform" or how.startswith("variance_scaling"):
        nn.init.kaiming_uniform_(module.weight)
    elif how.startswith("constant"):
        nn.init.constant_(module.weight, numbers[0])
    elif how.startswith("random_normal"):
        mean, spread = numbers or (0.0, 1.0)
        nn.init.normal_(module.weight, mean, spread)
    elif how == "uniform":
        nn.init.uniform_(module.weight, -0.05, 0.05)
    elif how == "normal":
        nn.init.normal_(module.weight, std=0.05)
    elif how in ("glorot_uniform", "glorot_normal"):
        nn.init.xavier_uniform_(module.weight)
    else:
        raise Unbuildable(f"{how} of {fan_in}")
    return module
