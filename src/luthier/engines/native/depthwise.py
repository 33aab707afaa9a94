"""Convolutions of single channels in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.borders import Border
from luthier.engines.native.layers import column_sums, dropped, through_relu
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def depthwise(to: Writer, layer: Layer) -> None:
    """Move a window over every channel by itself."""
    view = _Channels(to, layer)
    bias = layer.tensors.get("bias")
    start = f"LOAD({to.tensor(bias)} + j)" if bias else "(vec){0}"
    end = "POSITIVE(sum)" if layer.numbers.get("relu") else "sum"
    to.lines += [
        *view.images(),
        f"  {view.filled()}",
        *view.places(),
        f"    vec sum = {start};",
        *view.taps(f"sum += LOAD({view.pixel}) * LOAD({view.weight});"),
        f"    STORE({to.value(layer.name)} + {view.place}, {end});",
        "  }",
        "}",
    ]
    dropped(to, layer)


def depthwise_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernel, bias and input."""
    bias, kernel = layer.tensors.get("bias"), layer.tensors["kernel"]
    g = to.gradient(layer.name)
    through_relu(to, layer)
    if bias and to.trains(bias):
        column_sums(to, layer.name, g, to.tensor_gradient(bias))
    view = _Channels(to, layer)
    pull = f"const vec g = LOAD({g} + {view.place});"
    if to.trains(kernel):
        target = to.tensor_gradient(kernel)
        if not to.adds(target):
            to.lines.append(f"memset({target}, 0, {to.memory.places[kernel].size} * sizeof(real));")
        at = f"{target} + {view.tap}"
        to.lines += [
            *view.images(),
            f"  {view.filled()}",
            *view.places(),
            f"    {pull}",
            *view.taps(f"STORE({at}, LOAD({at}) + g * LOAD({view.pixel}));"),
            "  }",
            "}",
        ]
    if wanted:
        target, window = to.gradient(wanted[0]), view.window
        stride, (pad_y, pad_x) = to.stride(wanted[0]), window.padding
        copied = (
            f"{target}[((b * {window.sides[0]} + y) * {window.sides[1]} + x) * {stride} + j] "
            f"{'+=' if to.adds(target) else '='} {view.buffer}[((y + {pad_y}) * "
            f"{window.bordered[1]} + x + {pad_x}) * {stride} + j];"
        )
        to.lines += [
            *view.images(),
            f"  memset({view.buffer}, 0, {view.border.size} * sizeof(real));",
            *view.places(),
            f"    {pull}",
            *view.taps(f"STORE({view.pixel}, LOAD({view.pixel}) + g * LOAD({view.weight}));"),
            "  }",
            f"  for (long y = 0; y < {window.sides[0]}; y++) "
            f"for (long x = 0; x < {window.sides[1]}; x++)",
            f"    EACH(j, {stride}) {copied}",
            f"  memset({view.buffer}, 0, {view.border.size} * sizeof(real));",
            "}",
        ]


class _Channels:
    """What forward and backward pass of a convolution of single channels share: loops, places."""

    def __init__(self, to: Writer, layer: Layer) -> None:
        self.to, self.layer = to, layer
        self.window: Window = layer.numbers["window"]
        (self.x,) = layer.inputs
        stride, window = to.stride(self.x), self.window
        self.border = Border(
            window.sides,
            stride,
            stride,
            window.pixels * stride,
            window.bordered,
            window.padding,
            (1, 1),
            stride,
        )
        self.buffer = to.array(f"{to.value(layer.name)}_bordered", self.border.size)
        kernel = layer.tensors["kernel"]
        self.tap = f"(p * {window.size[1]} + q) * {to.memory.places[kernel].stride} + j"
        self.weight = f"{to.tensor(kernel)} + {self.tap}"
        self.place = (
            f"((b * {window.out[0]} + y) * {window.out[1]} + x) * {to.stride(layer.name)} + j"
        )
        self.pixel = (
            f"{self.buffer} + ((y * {window.stride[0]} + p * {window.dilation[0]}) "
            f"* {window.bordered[1]} + x * {window.stride[1]} + q * {window.dilation[1]}) "
            f"* {stride} + j"
        )

    def images(self) -> list[str]:
        """Return the head of a loop over images."""
        return [f"for (long b = 0; b < {self.to.rows}; b++) {{"]

    def filled(self) -> str:
        """Return the line that copies one with its padding."""
        name = self.to.product(self.border)
        return f"{name}({self.to.value(self.x)} + b * {self.border.image}, 1, {self.buffer});"

    def places(self) -> list[str]:
        """Return the head of a loop over places of the window, and vectors of channels."""
        high, wide = self.window.out
        return [
            f"  for (long y = 0; y < {high}; y++) for (long x = 0; x < {wide}; x++)",
            f"  for (long j = 0; j < {self.to.columns(self.layer.name)}; j += LANES) {{",
        ]

    def taps(self, line: str) -> list[str]:
        """Return a loop over the window's pixels."""
        high, wide = self.window.size
        return [
            f"    for (long p = 0; p < {high}; p++) for (long q = 0; q < {wide}; q++)",
            f"      {line}",
        ]
