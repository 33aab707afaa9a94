"""Neutral layers: what families are made of, and frameworks build.

A network is a tuple of layers. Options hold numbers, names, and for ``residual`` other layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "flatten",
    "linear",
    "activation",
    "batch_norm",
    "layer_norm",
    "batch_norm2d",
    "dropout",
    "residual",
    "tabular_input",
    "conv",
    "max_pool",
    "global_average_pool",
)


@dataclass(frozen=True)
class Layer:
    """One layer of a network, without a framework.

    Args:
        kind: One of `KINDS`.
        options: What the framework's layer is made with.

    >>> Layer("linear", {"inputs": 64, "outputs": 10}).options["outputs"]
    10
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


Network = tuple[Layer, ...]


def flatten() -> Layer:
    """Join all axes but the rows'.

    >>> flatten().kind
    'flatten'
    """
    return Layer("flatten")


def linear(inputs: int, outputs: int) -> Layer:
    """Multiply with a matrix and add a bias.

    >>> linear(64, 10).options
    {'inputs': 64, 'outputs': 10}
    """
    return Layer("linear", {"inputs": inputs, "outputs": outputs})


def activate(name: str) -> Layer:
    """Apply an activation of `luthier.catalog.activations`.

    >>> activate("relu").options
    {'name': 'relu'}
    """
    return Layer("activation", {"name": name})


def normalise(name: str, features: int, *, images: bool = False) -> Network:
    """Return the layers that a family's argument `normalisation` asks for: one, or none.

    Sources: Ioffe & Szegedy 2015, "Batch Normalization"; Ba et al. 2016, "Layer Normalization".

    >>> normalise("batch", 8), normalise("none", 8)
    ((Layer(kind='batch_norm', options={'features': 8}),), ())
    """
    if name == "none":
        return ()
    kind = "layer_norm" if name == "layer" else "batch_norm2d" if images else "batch_norm"
    return (Layer(kind, {"features": features}),)


def dropout(p: float = 0.0) -> Layer:
    """Set outputs to zero by chance in training; the recipe's `dropout` replaces the chance.

    Source: Srivastava et al. 2014, "Dropout".

    >>> dropout().options
    {'p': 0.0}
    """
    return Layer("dropout", {"p": p})


def residual(*layers: Layer) -> Layer:
    """Add to the input what layers make of it.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition".

    >>> len(residual(activate("relu"), dropout()).options["layers"])
    2
    """
    return Layer("residual", {"layers": layers})


def tabular_input(cardinalities: tuple[int, ...], sizes: tuple[int, ...]) -> Layer:
    """Join the numbers of the first input with embeddings of the second input's codes.

    >>> tabular_input((3, 12), (2, 4)).options
    {'cardinalities': (3, 12), 'sizes': (2, 4)}
    """
    return Layer("tabular_input", {"cardinalities": cardinalities, "sizes": sizes})


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> Layer:
    """Convolve images with square kernels.

    >>> conv(1, 8, 3, padding=1).options["padding"]
    1
    """
    sizes = {"inputs": inputs, "outputs": outputs, "kernel": kernel}
    return Layer("conv", {**sizes, "stride": stride, "padding": padding})


def max_pool(size: int) -> Layer:
    """Keep the largest of every square of that side.

    >>> max_pool(2).options
    {'size': 2}
    """
    return Layer("max_pool", {"size": size})


def global_average_pool() -> Layer:
    """Average images over height and width.

    >>> global_average_pool().kind
    'global_average_pool'
    """
    return Layer("global_average_pool")


def walk(network: Network) -> Network:
    """Return every layer, those inside residual layers too.

    >>> [layer.kind for layer in walk((residual(dropout()),))]
    ['residual', 'dropout']
    """
    found: list[Layer] = []
    for layer in network:
        found.append(layer)
        found.extend(walk(layer.options.get("layers", ())))
    return tuple(found)
