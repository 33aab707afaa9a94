"""Reads the operations of a graph that move windows over images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node
from luthier.engines.native.views import EXAMPLE, View, of_images, of_rows
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner


def convolution(planner: Planner, node: Node) -> None:
    """Read a convolution; one that looks at single pixels is a linear layer of their channels."""
    args = node.args
    view = planner.view(args["input"])
    kernel = planner.parameter(args["weight"])
    if kernel is None:
        raise CaptureError("it convolves with a value that it computed")
    shape = planner.tensors[kernel].shape
    size, groups, turned = shape[2:], args["groups"], args["transposed"]
    made = shape[1] if turned else shape[0]
    channels, sides = view.places(1), view.sides(2)
    if len(sides) not in (1, 2) or len(size) != len(sides):
        raise CaptureError(f"it convolves over {len(size)} dimensions")
    if turned and groups > 1:
        raise CaptureError(f"its transposed convolution has {groups} groups")
    moves = (_pair(sides), _pair(size), _pair(args["stride"]), _pair(args["padding"], 0))
    apart = _pair(args["dilation"])
    if turned:
        window = Window.undoing(*moves, _pair(args["output_padding"], 0), apart)
    else:
        window = Window.over(*moves, dilation=apart)
    if any(pad >= wide for pad, wide in zip(window.padding, window.reach, strict=True)):
        raise CaptureError(f"its convolution of {size} is padded by {args['padding']}")
    planner.turned.add(kernel)
    tensors = {"kernel": kernel}
    if args.get("bias") is not None:
        tensors["bias"] = planner.tensor(args["bias"], made)
    numbers: dict[str, Any] = {"window": window}
    kind = "transposed" if turned else "convolution"
    if groups > 1:
        kind = "depthwise" if groups == channels == made else "grouped"
        numbers["groups"] = groups
    if kind == "convolution" and _in_planes(planner, view):
        numbers["planes"] = channels  # it is copied into a border anyway, and needs no gradient
    else:
        view = planner.image(view)
    if window.taps == 1 and window.stride == (1, 1) and kind == "convolution":
        kind, numbers = ("linear", {}) if "planes" not in numbers else (kind, numbers)
    out = window.sides if turned else window.out
    lies = (made, out[0] * out[1])
    name = planner.layer(kind, node.name, (view.base,), lies, numbers, tensors)
    planner.views[node.name] = of_images(name, out[2 - len(sides) :], made)


def _in_planes(planner: Planner, view: View) -> bool:
    """Tell whether an image is a row that depends on nothing, a channel after the other."""
    if view.base in planner.learned or planner.pixels[view.base] > 1:
        return False
    flat = of_rows(view.base, (), planner.widths[view.base])
    return view == flat.reshaped((-1, view.places(1), *view.sides(2)))


def max_pool(planner: Planner, node: Node) -> None:
    """Read the largest of every window."""
    if {*node.args.get("dilation", (1,))} != {1}:
        raise CaptureError("its pooling is a dilated one")
    _pooled(planner, node, "max_pool", {})
    planner.results[node.name] = node


def avg_pool(planner: Planner, node: Node) -> None:
    """Read the mean of every window."""
    args = node.args
    numbers = {
        "with_padding": args.get("count_include_pad", True),
        "divisor": args.get("divisor_override"),
    }
    _pooled(planner, node, "avg_pool", numbers)


def _pooled(planner: Planner, node: Node, kind: str, numbers: dict[str, Any]) -> None:
    args = node.args
    view = planner.view(args["self"])
    size, sides = _pair(args["kernel_size"]), view.sides(2)
    if len(sides) != 2:
        raise CaptureError(f"it pools over {len(sides)} dimensions")
    view = planner.image(view)
    window = Window.over(
        _pair(sides),
        size,
        _pair(args.get("stride") or size),
        _pair(args.get("padding", (0, 0))),
        over_the_edge=args.get("ceil_mode", False),
    )
    width = planner.widths[view.base]
    made = planner.layer(
        kind, node.name, (view.base,), (width, window.places), {"window": window, **numbers}
    )
    planner.views[node.name] = of_images(made, window.out, width)


def mean(planner: Planner, node: Node, *, divisor: int | None = None) -> None:
    """Read the mean of some dimensions: of an image's sides, or of tokens.

    Args:
        planner: Reads.
        node: The operation.
        divisor: What the sum is divided by, other than their number.
    """
    args = node.args
    view = planner.view(args["self"])
    rank, given = len(view.dims), args.get("dim")
    if given is None or given == ():
        raise CaptureError("it takes a mean over examples")
    dims = sorted(one % rank for one in (given if isinstance(given, tuple) else (given,)))
    rest = [i for i in range(rank) if i not in dims]
    if any(axis.kind == EXAMPLE for i in dims for axis in view.dims[i]) or len(rest) > 2:
        raise CaptureError(f"it takes a mean over {given}")
    order = (rest[0], *dims, *rest[1:])
    rows = planner.rows(
        view.permuted(order) if len(rest) == 2 else view.permuted(order).with_one(rank)
    )
    whole, width = (1, planner.pixels[rows.base]), planner.widths[rows.base]
    numbers = {"window": Window.over(whole, whole, (1, 1), (0, 0)), "with_padding": True}
    numbers["divisor"] = divisor
    made = of_rows(
        planner.layer("avg_pool", node.name, (rows.base,), (width, 1), numbers), (), width
    )
    if len(rest) == 1:
        made = made.without((1,))
    if args.get("keepdim", False):
        for dim in dims:
            made = made.with_one(dim)
    planner.views[node.name] = made


def _pair(numbers: Any, before: int = 1) -> tuple[int, int]:
    """Return height and width; signals are images of one row.

    >>> _pair((3,)), _pair((2,), 0), _pair((3, 5))
    ((1, 3), (0, 2), (3, 5))
    """
    given = tuple(numbers)
    return (before, given[0]) if len(given) == 1 else (given[0], given[1])


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    "convolution": convolution,
    "max_pool2d_with_indices": max_pool,
    "avg_pool2d": avg_pool,
    "mean": mean,
}
