"""Convolutions in C: some images at a time, which stay in the second cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.borders import Border
from luthier.engines.native.layers import column_sums, dropped, through_relu
from luthier.engines.native.sliding import Sliding
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def convolution(to: Writer, layer: Layer) -> None:
    """Move a window over images, and multiply what it sees by a kernel."""
    view = _View(to, layer)
    window, bias = view.window, layer.tensors.get("bias")
    name = to.product(
        Sliding(
            to.machine,
            *window.out,
            line_apart=window.stride[0] * view.line,
            down=window.stride[1] * view.channels,
            runs=((window.size[0], view.line),),
            inner=window.size[1] * view.channels,
            along=1,
            columns=to.columns(layer.name),
            rows_of_b=view.kernel.stride,
            rows_of_c=to.stride(layer.name),
            start="bias" if bias else "zero",
            end="relu" if layer.numbers.get("relu") else "plain",
            image_of_a=view.border.size,
            image_of_c=view.made,
        )
    )
    to.lines += [
        *view.chunks(),
        f"  {view.filled()}",
        f"  {name}({view.buffer}, {to.tensor(layer.tensors['kernel'])}, "
        f"{to.value(layer.name)} + first * {view.made}, {to.tensor(bias) if bias else '0'}, 0, "
        "count);",
        "}",
    ]
    dropped(to, layer)


def convolution_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernel, bias and input."""
    bias, kernel = layer.tensors.get("bias"), layer.tensors["kernel"]
    through_relu(to, layer)
    if bias and to.trains(bias):
        column_sums(to, layer.name, to.gradient(layer.name), to.tensor_gradient(bias))
    view = _View(to, layer)
    lines: list[str] = []
    if to.trains(kernel):
        target, size = to.tensor_gradient(kernel), view.kernel.size
        if not to.adds(target):
            to.lines.append(f"memset({target}, 0, {size} * sizeof(real));")
        lines += [view.filled(), *_kernel_gradient(to, view, target)]
    if wanted:
        lines += _input_gradient(to, view, wanted[0])
    if lines:
        to.lines += [*view.chunks(), *(f"  {line}" for line in lines), "}"]


def _kernel_gradient(to: Writer, view: _View, target: str) -> list[str]:
    """Return the lines that add up what the windows of some images saw, times the gradient."""
    window = view.window
    g = f"{to.gradient(view.layer.name)} + {{}} * {view.made}"

    def product(images: int) -> str:
        lines = (window.out[0], window.stride[0] * view.line)
        return to.product(
            Sliding(
                to.machine,
                window.size[0],
                window.size[1] * view.channels,
                line_apart=view.line,
                down=1,
                runs=(lines,) if images == 1 else ((images, view.border.size), lines),
                inner=window.out[1],
                along=window.stride[1] * view.channels,
                columns=to.columns(view.layer.name),
                rows_of_b=to.stride(view.layer.name),
                rows_of_c=view.kernel.stride,
                start="held",
                end="plain",
            )
        )

    one = (
        f"for (long i = 0; i < count; i++) {product(1)}({view.buffer} + i * {view.border.size}, "
        f"{g.format('(first + i)')}, {target}, 0, 0, 1);"
    )
    if view.images == 1:
        return [one]
    many = f"{product(view.images)}({view.buffer}, {g.format('first')}, {target}, 0, 0, 1);"
    return [f"if (count == {view.images}) {many}", f"else {one}"]


def _input_gradient(to: Writer, view: _View, x: str) -> list[str]:
    """Return the lines that pass gradients on: a convolution by the kernel turned round.

    The gradient is copied with as much room around it as the window may reach over the edge, and
    with gaps where it strode.
    """
    window, layer = view.window, view.layer
    made, (high, wide) = layer.width, window.size
    inside = (window.sides[0] + high - 1, window.sides[1] + wide - 1)
    border = Border(
        window.out,
        made,
        to.stride(layer.name),
        view.made,
        inside,
        (high - 1 - window.padding[0], wide - 1 - window.padding[1]),
        window.stride,
        made,
    )
    value, columns = to.value(layer.name), to.columns(x)
    buffer = to.array(f"{value}_around", view.images * border.size)
    turned = to.array(f"{value}_turned", window.taps * made * columns)
    kernel = to.tensor(layer.tensors["kernel"])
    to.lines += [
        f"for (long tap = 0; tap < {window.taps}; tap++)",
        f"  turn({kernel} + tap * {view.channels * view.kernel.stride}, {view.channels}, {made}, "
        f"{view.kernel.stride}, {turned} + ({window.taps - 1} - tap) * {made * columns}, "
        f"{columns});",
    ]
    target = to.gradient(x)
    name = to.product(
        Sliding(
            to.machine,
            *window.sides,
            line_apart=inside[1] * made,
            down=made,
            runs=((high, inside[1] * made),),
            inner=wide * made,
            along=1,
            columns=columns,
            rows_of_b=columns,
            rows_of_c=to.stride(x),
            start="held" if to.adds(target) else "zero",
            end="gate" if to.gates(x) else "plain",
            image_of_a=border.size,
            image_of_c=window.pixels * to.stride(x),
        )
    )
    at = f"first * {window.pixels * to.stride(x)}"
    return [
        f"{to.product(border)}({to.gradient(layer.name)} + first * {view.made}, count, {buffer});",
        f"{name}({buffer}, {turned}, {target} + {at}, 0, {to.value(x)} + {at}, count);",
    ]


class _View:
    """What forward and backward pass of a convolution share.

    Some images at a time are copied with their padding: as many as make the sums over their
    pixels longer than what a tile takes to begin and end.
    """

    def __init__(self, to: Writer, layer: Layer, *, enough: int = 128) -> None:
        self.to, self.layer = to, layer
        self.window: Window = layer.numbers["window"]
        self.kernel = to.memory.places[layer.tensors["kernel"]]
        (self.x,) = layer.inputs
        planes: int | None = layer.numbers.get("planes")
        self.channels = planes or to.plan.widths[self.x]
        stride = to.stride(self.x)
        self.border = Border(
            self.window.sides,
            self.channels,
            0 if planes else stride,
            stride if planes else self.window.pixels * stride,
            self.window.bordered,
            self.window.padding,
            (1, 1),
            self.channels,
        )
        self.line = self.window.bordered[1] * self.channels
        self.made = self.window.places * to.stride(layer.name)
        self.images = -(-enough // self.window.places)
        self.buffer = to.array(f"{to.value(layer.name)}_bordered", self.images * self.border.size)

    def chunks(self) -> list[str]:
        """Return the head of a loop over some images at a time."""
        return [
            f"for (long first = 0; first < {self.to.rows}; first += {self.images}) {{",
            f"  const long count = {self.to.rows} - first < {self.images} "
            f"? {self.to.rows} - first : {self.images};",
        ]

    def filled(self) -> str:
        """Return the line that copies them."""
        name = self.to.product(self.border)
        return (
            f"{name}({self.to.value(self.x)} + first * {self.border.image}, count, {self.buffer});"
        )


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
            f"{self.buffer} + ((y * {window.stride[0]} + p) * {window.bordered[1]} "
            f"+ x * {window.stride[1]} + q) * {stride} + j"
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
