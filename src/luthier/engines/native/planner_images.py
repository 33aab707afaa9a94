"""Reads the operations of a graph that only images have."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner


def convolution(planner: Planner, node: Node) -> None:
    """Read a convolution; one that looks at single pixels is a linear layer of their channels."""
    args = node.args
    channels, *sides = planner.shape(args["input"])
    kernel = planner.parameter(args["weight"])
    if kernel is None:
        raise CaptureError("it convolves with a value that it computed")
    shape = planner.tensors[kernel].shape
    made, size, groups = shape[0], shape[2:], args["groups"]
    if args["transposed"]:
        raise CaptureError("its convolution is a transposed one")
    if {*args["dilation"]} != {1}:
        raise CaptureError("its convolution is a dilated one")
    if groups != 1 and not groups == channels == made:
        raise CaptureError(f"its convolution has {groups} groups")
    if len(sides) not in (1, 2) or len(size) != len(sides):
        raise CaptureError(f"it convolves over {len(size)} dimensions")
    if any(pad >= wide for pad, wide in zip(_pair(args["padding"], 0), _pair(size), strict=True)):
        raise CaptureError(f"its convolution of {size} is padded by {args['padding']}")
    window = Window.over(
        _pair(sides), _pair(size), _pair(args["stride"]), _pair(args["padding"], 0)
    )
    planner.turned.add(kernel)
    tensors = {"kernel": kernel}
    if args.get("bias") is not None:
        tensors["bias"] = planner.tensor(args["bias"], made)
    out = (made, *window.out[2 - len(sides) :])
    rows = planner.rows(args["input"])
    numbers: dict[str, Any] = {"window": window}
    if window.taps == 1 and window.stride == (1, 1) and groups == 1:
        planner.add(node, "linear", (args["input"],), {}, tensors, out)
    elif groups > 1:
        planner.add(node, "depthwise", (args["input"],), numbers, tensors, out)
    elif rows is None or rows in planner.learned:
        planner.add(node, "convolution", (args["input"],), numbers, tensors, out)
    else:  # it needs no gradient, and its planes are copied into a border anyway
        numbers["planes"], planner.shapes[node.name] = channels, out
        planner.same[node.name] = planner.layer(
            "convolution", node.name, (rows,), (made, window.places), numbers, tensors
        )


def max_pool(planner: Planner, node: Node) -> None:
    """Read the largest of every window."""
    window, out = _pooled(planner, node)
    if {*node.args.get("dilation", (1,))} != {1}:
        raise CaptureError("its pooling is a dilated one")
    planner.add(node, "max_pool", (node.args["self"],), {"window": window}, shape=out)
    planner.severally(node)


def avg_pool(planner: Planner, node: Node) -> None:
    """Read the mean of every window."""
    args = node.args
    window, out = _pooled(planner, node)
    numbers = {
        "window": window,
        "with_padding": args.get("count_include_pad", True),
        "divisor": args.get("divisor_override"),
    }
    planner.add(node, "avg_pool", (args["self"],), numbers, shape=out)


def mean(planner: Planner, node: Node) -> None:
    """Read the mean of whole images."""
    args = node.args
    channels, *sides = planner.shape(args["self"])
    rank = 2 + len(sides)
    given = args.get("dim")
    dims = {one % rank for one in (given if isinstance(given, tuple) else (given or 0,))}
    if not sides or dims != {*range(2, rank)}:
        raise CaptureError(f"it takes a mean over {given}, and C programs take those of images")
    kept = (1,) * len(sides) if args.get("keepdim", False) else ()
    whole = (1, prod(sides))
    numbers = {"window": Window.over(whole, whole, (1, 1), (0, 0)), "with_padding": True}
    planner.add(node, "avg_pool", (args["self"],), numbers, shape=(channels, *kept))


def _pooled(planner: Planner, node: Node) -> tuple[Window, tuple[int, ...]]:
    args = node.args
    channels, *sides = planner.shape(args["self"])
    size = _pair(args["kernel_size"])
    if len(sides) != 2:
        raise CaptureError(f"it pools over {len(sides)} dimensions")
    window = Window.over(
        _pair(sides),
        size,
        _pair(args.get("stride") or size),
        _pair(args.get("padding", (0, 0))),
        over_the_edge=args.get("ceil_mode", False),
    )
    return window, (channels, *window.out)


def _pair(numbers: Any, before: int = 1) -> tuple[int, int]:
    """Return height and width; signals are images of one row.

    >>> _pair((3,)), _pair((2,), 0), _pair((3, 5))
    ((1, 3), (0, 2), (3, 5))
    """
    given = tuple(numbers)
    return (before, given[0]) if len(given) == 1 else (given[0], given[1])
