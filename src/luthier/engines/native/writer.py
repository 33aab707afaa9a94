"""A pass in C, forward and backward, one layer after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from luthier.engines.native import (
    attention,
    convolutions,
    copies,
    depthwise,
    grouped,
    layers,
    masked,
    pooling,
    recurrent,
    tied,
    tokens,
)
from luthier.engines.native.borders import Border
from luthier.engines.native.gemm import Product
from luthier.engines.native.machine import Machine
from luthier.engines.native.memory import Memory
from luthier.engines.native.microkernels import Loops
from luthier.engines.native.plan import Layer, Plan
from luthier.engines.native.sliding import Sliding


@dataclass(eq=False)
class Writer:
    """Writes one pass.

    Rows of values are filled up to whole vectors; what fills them up never matters, and that
    of gradients is zero.

    Args:
        plan: The layers.
        memory: Where tensors lie.
        machine: What is written for.
        rows: Of the pass, as C names their number.
        tag: Begins the names of its arrays and functions.
        given: Whether the caller says where the input lies.
    """

    plan: Plan
    memory: Memory
    machine: Machine
    rows: str
    tag: str
    given: bool = False
    statics: dict[str, int] = field(default_factory=dict)
    matrices: dict[str, tuple[int, int]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    loops: set[Loops] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    _written: set[str] = field(default_factory=set)

    def forward(self) -> list[str]:
        """Return the lines of the forward pass."""
        self.lines = []
        if not self.given:
            self.matrix(self.value(self.plan.input), self.plan.input)
        for layer in self.plan.layers:
            self.matrix(self.value(layer.name), layer.name)
            FORWARD[layer.kind](self, layer)
        return self.lines

    def backward(self) -> list[str]:
        """Return the lines of the backward pass, from the gradient by the output."""
        self.lines, needing = [], self._needing()
        self._written = {self.gradient(self.plan.output)}
        self.matrix(self.gradient(self.plan.output), self.plan.output)
        for layer in reversed(self.plan.layers):
            if layer.name in needing and self.gradient(layer.name) in self._written:
                wanted = tuple(one for one in layer.inputs if one in needing)
                for one in wanted:
                    self.matrix(self.gradient(one), one)
                BACKWARD[layer.kind](self, layer, wanted)
        for name, place in self.memory.places.items():
            target = self.tensor_gradient(name)
            if self.trains(name) and target not in self._written:
                self.lines.append(f"EACH(i, {place.size}) {target}[i] = 0;")  # penalties add to it
        return self.lines

    def _needing(self) -> set[str]:
        """Return the values that depend on what trains."""
        needing: set[str] = set()
        for layer in self.plan.layers:
            if any(self.trains(name) for name in layer.tensors.values()) or needing & {
                *layer.inputs
            }:
                needing.add(layer.name)
        return needing

    def trains(self, tensor: str) -> bool:
        """Tell whether a tensor has a gradient."""
        return self.memory.places[tensor].offset < self.memory.trained

    def stride(self, value: str) -> int:
        """Return how far apart a value's rows lie."""
        return self.machine.apart(self.plan.widths[value])

    def columns(self, value: str) -> int:
        """Return the width of a value, filled up to whole vectors."""
        return self.machine.padded(self.plan.widths[value])

    def value(self, name: str) -> str:
        """Return the array of a value."""
        return f"{self.tag}_{_plain(name)}"

    def gradient(self, name: str) -> str:
        """Return the array of the gradient by a value."""
        return f"{self.tag}g_{_plain(name)}"

    def tensor(self, name: str) -> str:
        """Return where a tensor lies."""
        return f"(W + {self.memory.places[name].offset})"

    def tensor_gradient(self, name: str) -> str:
        """Return where the gradient by a tensor lies."""
        return f"(G + {self.memory.places[name].offset})"

    def pixels(self, value: str) -> int:
        """Return how many rows of a value belong to one example."""
        return self.plan.pixels[value]

    def rows_of(self, value: str) -> str:
        """Return how many rows a value has."""
        pixels = self.pixels(value)
        return self.rows if pixels == 1 else f"({self.rows} * {pixels})"

    def size(self, value: str) -> str:
        """Return how many numbers all rows of a value take."""
        return f"{self.rows_of(value)} * {self.stride(value)}"

    def matrix(self, name: str, like: str, width: int | None = None) -> str:
        """Ask for rows like those of a value, or narrower ones; return the array's name."""
        self.matrices[name] = (self.pixels(like), self.stride(like) if width is None else width)
        return name

    def steps(self, name: str, count: int, width: int) -> str:
        """Ask for rows of so many steps of all examples; return the array's name."""
        self.matrices[name] = (count, width)
        return name

    def room(self, rows: str) -> list[tuple[str, str]]:
        """Return the arrays' names, and how many numbers each takes for some rows."""
        return [
            (name, f"ROOM({rows} * {pixels}) * {width}")
            for name, (pixels, width) in self.matrices.items()
        ]

    def array(self, name: str, size: int) -> str:
        """Ask for a static array."""
        self.statics[name] = size
        return name

    def product(self, product: Product | Sliding | Border) -> str:
        """Ask for a function; return its name."""
        self.functions |= product.functions()
        self.loops |= product.loops
        return product.name

    def gates(self, name: str) -> bool:
        """Tell whether the one layer that reads a value puts its gradient through its relu.

        A product can do that while it stores the gradient: one pass over memory less.
        """
        readers = [layer for layer in self.plan.layers for one in layer.inputs if one == name]
        made = next((layer for layer in self.plan.layers if layer.name == name), None)
        relu = made is not None and bool(made.numbers.get("relu"))
        return relu and len(readers) == 1 and readers[0].kind in ("linear", "convolution")

    def adds(self, target: str) -> bool:
        """Tell whether something was written to a gradient before; from now on it was."""
        before = target in self._written
        self._written.add(target)
        return before


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", name)


FORWARD: Mapping[str, Callable[[Writer, Layer], None]] = {
    "linear": layers.linear,
    "tied": tied.tied,
    "masked": masked.masked,
    "batch_norm": layers.batch_norm,
    "layer_norm": layers.layer_norm,
    "dropout": layers.dropout,
    "unary": layers.unary,
    "binary": layers.binary,
    "convolution": convolutions.convolution,
    "transposed": convolutions.transposed,
    "depthwise": depthwise.depthwise,
    "grouped": grouped.grouped,
    "max_pool": pooling.max_pool,
    "avg_pool": pooling.avg_pool,
    "copy": copies.copy,
    "shift": tokens.shift,
    "embedding": tokens.embedding,
    "attention": attention.attention,
    "join": copies.join,
    "recurrent": recurrent.recurrent,
}
BACKWARD: Mapping[str, Callable[[Writer, Layer, tuple[str, ...]], None]] = {
    "linear": layers.linear_back,
    "tied": tied.tied_back,
    "masked": masked.masked_back,
    "batch_norm": layers.batch_norm_back,
    "layer_norm": layers.layer_norm_back,
    "dropout": layers.dropout_back,
    "unary": layers.unary_back,
    "binary": layers.binary_back,
    "convolution": convolutions.convolution_back,
    "transposed": convolutions.transposed_back,
    "depthwise": depthwise.depthwise_back,
    "grouped": grouped.grouped_back,
    "max_pool": pooling.max_pool_back,
    "avg_pool": pooling.avg_pool_back,
    "copy": copies.copy_back,
    "shift": tokens.shift_back,
    "embedding": tokens.embedding_back,
    "attention": attention.attention_back,
    "join": copies.join_back,
    "recurrent": recurrent.recurrent_back,
}
