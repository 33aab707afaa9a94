"""A forward pass as layers that C can be written for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from luthier.engines.native.machine import Machine

_TAKE_RELU = (
    *("linear", "convolution", "transposed", "depthwise", "grouped"),
    *("batch_norm", "layer_norm"),
)


@dataclass(frozen=True)
class Layer:
    """One operation.

    Args:
        kind: Which: the names that `writer` knows.
        name: Of its result.
        inputs: Names of the values that it reads.
        width: Columns of its result.
        tensors: The parameters and buffers that it reads, by their part in it.
        numbers: What else it needs.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    width: int
    tensors: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A forward pass as layers.

    A value has a row for every example; an image has one for each of its pixels, and a column
    for each of its channels.

    Args:
        input: Name of the network's input, whose rows lie as the data has them.
        width: Numbers of one row of it.
        layers: In the order in which they are computed.
        output: Name of the result.
        widths: Columns of every value.
        pixels: Rows of every value that belong to one example.
        turned: Kernels that a layer multiplies by transposed.
        counters: Buffers that count the passes.
    """

    input: str
    width: int
    layers: tuple[Layer, ...]
    output: str
    widths: Mapping[str, int]
    pixels: Mapping[str, int]
    turned: frozenset[str]
    counters: tuple[str, ...]

    def numbers(self, machine: Machine) -> int:
        """Return about how many numbers a pass keeps for each example, with their gradients."""
        sizes = (self.pixels[name] * machine.apart(width) for name, width in self.widths.items())
        return 2 * sum(sizes)


def joined(layers: Iterable[Layer], output: str) -> tuple[Layer, ...]:
    """Join a bias, a relu, and a dropout after it, to the layer whose result it alone reads.

    Each takes one pass over memory less.
    """
    layers = tuple(layers)
    readers = [name for layer in layers for name in layer.inputs]
    found: dict[str, Layer] = {}
    for layer in layers:
        before = found.get(layer.inputs[0])
        alone = readers.count(layer.inputs[0]) == 1 and layer.inputs[0] != output
        if alone and before is not None and _biases(before, layer):
            del found[before.name]
            tensors = {**before.tensors, "bias": layer.tensors["shift"]}
            layer = replace(before, name=layer.name, tensors=tensors)
        elif alone and before is not None and (more := _taken(before, layer)):
            del found[before.name]
            layer = replace(before, name=layer.name, numbers={**before.numbers, **more})
        found[layer.name] = layer
    return tuple(found.values())


def _biases(before: Layer, layer: Layer) -> bool:
    """Tell whether a layer adds a bias to the products of the one before it."""
    adds = layer.kind == "shift" and layer.numbers["rows"] == 1
    return adds and before.kind == "linear" and not ({"bias"} & {*before.tensors} or before.numbers)


def _taken(before: Layer, layer: Layer) -> dict[str, Any]:
    """Return what a layer turns into in the one before it; nothing where it stays by itself."""
    if before.kind not in _TAKE_RELU or "dropout" in before.numbers:
        return {}
    if layer.kind == "unary" and layer.numbers["op"] == "relu":
        return {"relu": True}
    if layer.kind == "dropout" and layer.numbers["all"]:
        return {"dropout": layer.numbers["call"], "mask": layer.numbers["mask"]}
    return {}
