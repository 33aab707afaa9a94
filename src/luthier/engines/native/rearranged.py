"""Images turned from planes of channels into pixels, and back, in C."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from luthier.engines.native.plan import Layer
    from luthier.engines.native.writer import Writer


def planes(to: Writer, layer: Layer) -> None:
    """Make rows of images: a channel after the other, as PyTorch flattens them."""
    (x,) = layer.inputs
    _to_planes(to, x, to.value(x), layer.name, to.value(layer.name))


def planes_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Give every pixel its gradients back."""
    (x,) = wanted
    if to.adds(to.gradient(x)):
        _added(to, layer.name, x, to.gradient(x), to.gradient(layer.name), pixels=True)
    else:
        _to_pixels(to, layer.name, to.gradient(layer.name), x, to.gradient(x))


def pixels(to: Writer, layer: Layer) -> None:
    """Make images of rows."""
    (x,) = layer.inputs
    _to_pixels(to, x, to.value(x), layer.name, to.value(layer.name))


def pixels_back(to: Writer, layer: Layer, wanted: tuple[str, ...]) -> None:
    """Give every number of a row its gradient back."""
    (x,) = wanted
    if to.adds(to.gradient(x)):
        _added(to, x, layer.name, to.gradient(x), to.gradient(layer.name), pixels=False)
    else:
        _to_planes(to, layer.name, to.gradient(layer.name), x, to.gradient(x))


def _to_planes(to: Writer, image: str, source: str, row: str, target: str) -> None:
    count, stride = to.pixels(image), to.stride(image)
    to.lines.append(
        f"for (long b = 0; b < {to.rows}; b++) turn({source} + b * {count * stride}, {count}, "
        f"{to.plan.widths[image]}, {stride}, {target} + b * {to.stride(row)}, {count});"
    )


def _to_pixels(to: Writer, row: str, source: str, image: str, target: str) -> None:
    count, stride = to.pixels(image), to.stride(image)
    to.lines.append(
        f"for (long b = 0; b < {to.rows}; b++) turn({source} + b * {to.stride(row)}, "
        f"{to.plan.widths[image]}, {count}, {count}, {target} + b * {count * stride}, {stride});"
    )


def _added(to: Writer, row: str, image: str, target: str, source: str, *, pixels: bool) -> None:
    """Add gradients number by number, to those of pixels or to those of rows."""
    count = to.pixels(image)
    at_pixel = f"(b * {count} + p) * {to.stride(image)} + c"
    at_row = f"b * {to.stride(row)} + c * {count} + p"
    into, of = (at_pixel, at_row) if pixels else (at_row, at_pixel)
    to.lines.append(
        f"for (long b = 0; b < {to.rows}; b++) for (long p = 0; p < {count}; p++) "
        f"for (long c = 0; c < {to.plan.widths[image]}; c++) {target}[{into}] += {source}[{of}];"
    )
