"""Convolutions of groups of channels in C: one group after the other, in arrays of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.borders import Border
from luthier.engines.native.layers import column_sums, dropped, through_relu
from luthier.engines.native.moving import Products
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def grouped(to: Writer, layer: Layer) -> None:
    """Move a window over images, and multiply what it sees of each group by its own kernel."""
    one, bias = _Groups(to, layer), layer.tensors.get("bias")
    value = f"{one.buffer('made')}[i * {one.columns} + j]"
    if bias:
        value += f" + {to.tensor(bias)}[g * {one.outputs} + j]"
    if layer.numbers.get("relu"):
        value = f"positive_({value})"
    seen = to.product(one.products.seen("zero", "plain"))
    kernel = one.buffer("kernels")
    to.lines += [
        *one.kernels(f"{kernel}[{{own}}] = {to.tensor(one.kernel)}[{{there}}];"),
        *one.chunks(),
        f"  {seen}({one.buffer('bordered')} + g * {one.inputs}, {kernel} + g * {one.size}, "
        f"{one.buffer('made')}, 0, 0, count);",
        f"  for (long i = 0; i < count * {one.window.places}; i++) EACH(j, {one.outputs})",
        f"    {to.value(layer.name)}[{one.made_at}] = {value};",
        "}}",
    ]
    dropped(to, layer)


def grouped_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernels, bias and input."""
    one, bias, g = _Groups(to, layer), layer.tensors.get("bias"), to.gradient(layer.name)
    through_relu(to, layer)
    if bias and to.trains(bias):
        column_sums(to, layer.name, g, to.tensor_gradient(bias))
    trains = to.trains(one.kernel)
    by_kernels, made = one.buffer("by_kernels"), one.buffer("made")
    if trains:
        to.lines.append(f"memset({by_kernels}, 0, {one.groups * one.size} * sizeof(real));")
    if wanted:
        to.lines += [
            f"for (long g = 0; g < {one.groups}; g++) {{",
            *one.products.turned(
                f"{one.buffer('kernels')} + g * {one.size}",
                f"({one.buffer('turned')} + g * {one.turned_size})",
                one.filled_inputs,
            ),
            "}",
        ]
    lines = [
        f"for (long i = 0; i < count * {one.window.places}; i++) EACH(j, {one.outputs})",
        f"  {made}[i * {one.columns} + j] = {g}[{one.made_at}];",
    ]
    if trains:
        lines += one.by_kernel(f"({by_kernels} + g * {one.size})")
    if wanted:
        lines += one.to_input(wanted[0])
    to.lines += [*one.chunks(), *(f"  {line}" for line in lines), "}}"]
    if trains:
        target = to.tensor_gradient(one.kernel)
        if to.adds(target):
            to.lines += one.kernels(f"{target}[{{there}}] += {by_kernels}[{{own}}];")
        else:
            to.lines.append(
                f"memset({target}, 0, {to.memory.places[one.kernel].size} * sizeof(real));"
            )
            to.lines += one.kernels(f"{target}[{{there}}] = {by_kernels}[{{own}}];")


class _Groups:
    """Sizes, arrays and loops of a convolution of groups."""

    def __init__(self, to: Writer, layer: Layer, *, enough: int = 128) -> None:
        self.to, self.layer, self.kernel = to, layer, layer.tensors["kernel"]
        self.window: Window = layer.numbers["window"]
        self.groups: int = layer.numbers["groups"]
        (self.x,) = layer.inputs
        channels = to.plan.widths[self.x]
        self.inputs, self.outputs = channels // self.groups, layer.width // self.groups
        self.columns, self.filled_inputs = (
            to.machine.padded(n) for n in (self.outputs, self.inputs)
        )
        window, stride = self.window, to.stride(self.x)
        self.products = Products(
            to.machine,
            window,
            self.inputs,
            channels,
            self.outputs,
            self.columns,
            self.columns,
        )
        self.border = Border(
            window.sides,
            channels,
            stride,
            window.pixels * stride,
            window.bordered,
            window.padding,
            (1, 1),
            channels,
        )
        self.images = -(-enough // window.places)
        self.size = window.taps * self.inputs * self.columns
        self.turned_size = window.taps * self.outputs * self.filled_inputs
        self.made_at = (
            f"(first * {window.places} + i) * {to.stride(layer.name)} + g * {self.outputs} + j"
        )

    def buffer(self, part: str) -> str:
        """Return an array: of a group and some images, or of all groups."""
        size = {
            "bordered": self.images * self.border.size,
            "made": self.images * self.window.places * self.columns,
            "around": self.images * self.products.around.size,
            "moved": self.images * self.window.pixels * self.filled_inputs,
            "kernels": self.groups * self.size,
            "by_kernels": self.groups * self.size,
            "turned": self.groups * self.turned_size,
        }[part]
        return self.to.array(f"{self.to.value(self.layer.name)}_{part}", size)

    def kernels(self, text: str) -> list[str]:
        """Return a loop over kernels.

        Args:
            text: What becomes of a number: ``{own}`` is where it lies among those of its group,
                ``{there}`` where in the tensor.
        """
        rows, stride = self.window.taps * self.inputs, self.to.memory.places[self.kernel].stride
        told = text.format(
            own=f"(g * {rows} + r) * {self.columns} + j",
            there=f"r * {stride} + g * {self.outputs} + j",
        )
        return [
            f"for (long g = 0; g < {self.groups}; g++) for (long r = 0; r < {rows}; r++)",
            f"  EACH(j, {self.outputs}) {told}",
        ]

    def chunks(self) -> list[str]:
        """Return the heads of loops over some images at a time, and groups."""
        name, size = self.to.product(self.border), self.border.image
        rows, x = self.to.rows, self.to.value(self.x)
        return [
            f"for (long first = 0; first < {rows}; first += {self.images}) {{",
            f"  const long count = {rows} - first < {self.images} "
            f"? {rows} - first : {self.images};",
            f"  {name}({x} + first * {size}, count, {self.buffer('bordered')});",
            f"  for (long g = 0; g < {self.groups}; g++) {{",
        ]

    def by_kernel(self, target: str) -> list[str]:
        """Return the lines that add up the gradient by a group's kernel."""
        seen = f"({self.buffer('bordered')} + i * {self.border.size} + g * {self.inputs})"
        made = f"{self.buffer('made')} + i * {self.window.places * self.columns}"
        return [
            "for (long i = 0; i < count; i++) {",
            *self.products.by_kernel(self.to, 1, seen, made, target),
            "}",
        ]

    def to_input(self, x: str) -> list[str]:
        """Return the lines that pass a group's gradient to its channels of the input."""
        to, filled = self.to, self.filled_inputs
        around, moved = self.buffer("around"), self.buffer("moved")
        product = self.products.spread(filled, filled, "zero", "plain")
        into, pixels = to.gradient(x), self.window.pixels
        sign = "+=" if to.adds(into) else "="
        return [
            f"{to.product(self.products.around)}({self.buffer('made')}, count, {around});",
            f"{to.product(product)}({around}, {self.buffer('turned')} + g * {self.turned_size}, "
            f"{moved}, 0, 0, count);",
            f"for (long i = 0; i < count * {pixels}; i++) EACH(j, {self.inputs})",
            f"  {into}[(first * {pixels} + i) * {to.stride(x)} + g * {self.inputs} + j] {sign} "
            f"{moved}[i * {filled} + j];",
        ]
