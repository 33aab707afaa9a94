"""The catalog's neutral layers as PyTorch modules, and as the text that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from luthier.catalog.families import Layer, Network
from luthier.frameworks.torch import blocks

_ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softplus": nn.Softplus,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
}


def module_of(network: Network) -> nn.Module:
    """Build the layers of a network."""
    return blocks.Network(*(_module(layer) for layer in network))


def text_of(network: Network) -> str:
    r"""Return the Python expression that builds the same module.

    >>> text_of((Layer("linear", {"inputs": 2, "outputs": 1}),))
    'Network(\n    nn.Linear(2, 1),\n)'
    """
    return "Network(\n" + "".join(f"    {_text(layer, 1)},\n" for layer in network) + ")"


def _parts(layer: Layer) -> tuple[type[nn.Module], tuple[Any, ...], dict[str, Any]]:
    """Return class and arguments of a layer: the one place that knows both."""
    o = layer.options
    match layer.kind:
        case "flatten":
            return nn.Flatten, (), {}
        case "linear":
            return nn.Linear, (o["inputs"], o["outputs"]), {}
        case "activation":
            return _ACTIVATIONS[o["name"]], (), {}
        case "batch_norm":
            return nn.BatchNorm1d, (o["features"],), {}
        case "layer_norm":
            return nn.LayerNorm, (o["features"],), {}
        case "batch_norm2d":
            return nn.BatchNorm2d, (o["features"],), {}
        case "dropout":
            return nn.Dropout, (o["p"],), {}
        case "tabular_input":
            return blocks.TabularInput, (tuple(o["cardinalities"]), tuple(o["sizes"])), {}
        case "conv":
            places = {"stride": o["stride"], "padding": o["padding"]}
            return nn.Conv2d, (o["inputs"], o["outputs"], o["kernel"]), places
        case "max_pool":
            return nn.MaxPool2d, (o["size"],), {}
        case "global_average_pool":
            return blocks.GlobalAveragePool, (), {}
    raise ValueError(f"no module for a layer of kind '{layer.kind}': add it to _parts()")


def _module(layer: Layer) -> nn.Module:
    if layer.kind == "residual":
        return blocks.Residual(*(_module(inner) for inner in layer.options["layers"]))
    kind, args, kwargs = _parts(layer)
    return kind(*args, **kwargs)


def _text(layer: Layer, depth: int) -> str:
    if layer.kind == "residual":
        pad = "    " * (depth + 1)
        inner = "".join(f"{pad}{_text(one, depth + 1)},\n" for one in layer.options["layers"])
        return f"Residual(\n{inner}{'    ' * depth})"
    kind, args, kwargs = _parts(layer)
    given = [repr(a) for a in args] + [f"{k}={v!r}" for k, v in kwargs.items()]
    prefix = "" if kind.__module__ == blocks.__name__ else "nn."
    return f"{prefix}{kind.__name__}({', '.join(given)})"
