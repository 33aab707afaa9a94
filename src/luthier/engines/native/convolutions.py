"""Convolutions in C, and transposed ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.engines.native.layers import column_sums, dropped, through_relu
from luthier.engines.native.moving import Moving

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def convolution(to: Writer, layer: Layer) -> None:
    """Move a window over images, and multiply what it sees by a kernel."""
    moving, (x,) = _moving(to, layer), layer.inputs
    start, bias, end = _ends(to, layer)
    to.lines += [
        *moving.chunks(),
        f"  {moving.filled(to.value(x))}",
        f"  {moving.seen(to.value(layer.name), start, end, bias)}",
        "}",
    ]
    dropped(to, layer)


def convolution_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernel, bias and input."""
    _to_bias(to, layer)
    moving, (x,), g = _moving(to, layer), layer.inputs, to.gradient(layer.name)
    lines: list[str] = []
    if to.trains(moving.kernel):
        lines += [moving.filled(to.value(x)), *moving.by_kernel(g, _emptied(to, moving.kernel))]
    if wanted:
        to.lines += moving.turned()
        target = to.gradient(x)
        start = "held" if to.adds(target) else "zero"
        if to.gates(x):
            lines += moving.spread(g, target, start, "gate", gate=to.value(x))
        else:
            lines += moving.spread(g, target, start, "plain")
    if lines:
        to.lines += [*moving.chunks(), *(f"  {line}" for line in lines), "}"]


def transposed(to: Writer, layer: Layer) -> None:
    """Add to what a window sees its pixel times a kernel, wherever it moves.

    That is what passes a convolution's gradient to its input.
    """
    moving, (x,) = _moving(to, layer, transposed=True), layer.inputs
    start, bias, end = _ends(to, layer)
    to.lines += [
        *moving.turned(),
        *moving.chunks(),
        *moving.spread(to.value(x), to.value(layer.name), start, end, bias),
        "}",
    ]
    dropped(to, layer)


def transposed_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Pass gradients to kernel, bias and input: the last by a convolution."""
    _to_bias(to, layer)
    moving, (x,) = _moving(to, layer, transposed=True), layer.inputs
    lines: list[str] = []
    if to.trains(moving.kernel):
        lines += moving.by_kernel(to.value(x), _emptied(to, moving.kernel))
    if wanted:
        target = to.gradient(x)
        lines.append(moving.seen(target, "held" if to.adds(target) else "zero", "plain"))
    if lines:
        to.lines += [*moving.chunks(), f"  {moving.filled(to.gradient(layer.name))}", *lines, "}"]


def _moving(to: Writer, layer: Layer, *, transposed: bool = False) -> Moving:
    (x,) = layer.inputs
    image, made = (layer.name, x) if transposed else (x, layer.name)
    return Moving(
        to,
        to.value(layer.name),
        layer.numbers["window"],
        image,
        made,
        layer.tensors["kernel"],
        planes=layer.numbers.get("planes"),
    )


def _ends(to: Writer, layer: Layer) -> tuple[str, str, str]:
    """Return what sums start from, where that lies, and what becomes of them."""
    bias, end = layer.tensors.get("bias"), "relu" if layer.numbers.get("relu") else "plain"
    return ("bias", to.tensor(bias), end) if bias else ("zero", "0", end)


def _to_bias(to: Writer, layer: Layer) -> None:
    """Pass the gradient through relu and dropout, and to the bias."""
    bias = layer.tensors.get("bias")
    through_relu(to, layer)
    if bias and to.trains(bias):
        column_sums(to, layer.name, to.gradient(layer.name), to.tensor_gradient(bias))


def _emptied(to: Writer, kernel: str) -> str:
    """Return where a kernel's gradient is added up, which holds nothing or another one before."""
    target, size = to.tensor_gradient(kernel), to.memory.places[kernel].size
    if not to.adds(target):
        to.lines.append(f"memset({target}, 0, {size} * sizeof(real));")
    return target
