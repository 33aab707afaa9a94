"""Reads convolutions and pooling off: the layers of images among PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from luthier.core import Ref
from luthier.frameworks.torch.blocks import GlobalAveragePool

if TYPE_CHECKING:
    from luthier.frameworks.torch.read_off import Reader


def _convolution(reader: Reader, layer: nn.Conv2d, path: str, value: str) -> str:
    padding = layer.padding
    if isinstance(padding, str) or layer.padding_mode != "zeros" or {*layer.dilation} != {1}:
        reader.unknown()
    _moved(reader, layer.in_channels, layer.kernel_size, layer.stride, padding)
    reader.shape = (reader.shape[0], layer.out_channels, *reader.shape[2:])
    args: dict[str, Any] = {
        "input": Ref(value),
        "weight": reader.parameter(f"{path}weight"),
        "bias": None if layer.bias is None else reader.parameter(f"{path}bias"),
        "stride": tuple(layer.stride),
        "padding": tuple(padding),
        "dilation": tuple(layer.dilation),
        "transposed": False,
        "output_padding": tuple(layer.output_padding),
        "groups": layer.groups,
    }
    return reader.node("convolution", args)


def _moved(reader: Reader, channels: int | None, size: Any, stride: Any, padding: Any) -> None:
    """Give the reader the shape that a window leaves as it moves over images."""
    rows, *image = reader.shape
    if len(image) != 3 or channels not in (None, image[0]):
        reader.unknown()
    sides = [
        (side + 2 * pad - wide) // step + 1
        for side, wide, step, pad in zip(image[1:], size, stride, padding, strict=True)
    ]
    if min(sides) < 1:
        reader.unknown()
    reader.shape = (rows, image[0], *sides)


def _window(reader: Reader, layer: Any, value: str) -> dict[str, Any]:
    """Return the arguments of a pooling, as far as they are not the usual ones."""
    size, stride, padding = (
        one if isinstance(one, tuple) else (one, one)
        for one in (layer.kernel_size, layer.stride, layer.padding)
    )
    if layer.ceil_mode:
        reader.unknown()
    _moved(reader, None, size, stride, padding)
    given = {"self": Ref(value), "kernel_size": size, "stride": stride}
    return given if padding == (0, 0) else {**given, "padding": padding}


def _max_pool(reader: Reader, layer: nn.MaxPool2d, path: str, value: str) -> str:
    if layer.dilation != 1 or layer.return_indices:
        reader.unknown()
    op = "max_pool2d_with_indices"
    made = reader.node(op, _window(reader, layer, value), (reader.dtype, "int64"))
    return reader.item(made, 0, reader.results(2))


def _avg_pool(reader: Reader, layer: nn.AvgPool2d, path: str, value: str) -> str:
    if not layer.count_include_pad or layer.divisor_override:
        reader.unknown()
    return reader.node("avg_pool2d", _window(reader, layer, value))


def _mean(reader: Reader, value: str, dims: tuple[int, int], **kept: bool) -> str:
    rows, *image = reader.shape
    if len(image) != 3:
        reader.unknown()
    reader.shape = (rows, image[0], *((1, 1) if kept else ()))
    return reader.node("mean", {"self": Ref(value), "dim": dims, **kept})


def _adaptive(reader: Reader, layer: nn.AdaptiveAvgPool2d, path: str, value: str) -> str:
    if layer.output_size not in (1, (1, 1)):
        reader.unknown()
    return _mean(reader, value, (-1, -2), keepdim=True)


def _global(reader: Reader, layer: GlobalAveragePool, path: str, value: str) -> str:
    return _mean(reader, value, (-2, -1))


def _channels(reader: Reader, layer: nn.Dropout2d, path: str, value: str) -> str:
    return reader.dropped(value, 2)


IMAGES: Mapping[type[nn.Module], Callable[..., str]] = {
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _max_pool,
    nn.AvgPool2d: _avg_pool,
    nn.AdaptiveAvgPool2d: _adaptive,
    GlobalAveragePool: _global,
    nn.Dropout2d: _channels,
}
