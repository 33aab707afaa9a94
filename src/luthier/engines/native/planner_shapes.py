"""Reads the operations of a graph that say where numbers are: none of them computes anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node, Ref
from luthier.engines.native.views import View, of_images, of_rows

if TYPE_CHECKING:
    from luthier.engines.native.planner import Kernel, Planner


def again(planner: Planner, node: Node) -> None:
    """Read what changes nothing, or repeats what has one place."""
    arg = node.args["self"]
    if isinstance(arg, Ref) and arg.name in planner.kernels:
        kernel = planner.kernels[arg.name]
        if "size" in node.args and not _of_all(planner, kernel, node.args["size"]):
            raise CaptureError(f"it repeats '{kernel.name}' to the shape {node.args['size']}")
        rank = len(node.args.get("size", ())) or kernel.rank
        planner.kernels[node.name] = replace(kernel, rank=rank)
        return
    if isinstance(arg, Ref) and arg.name in planner.scores:
        scores = planner.scores[arg.name]
        size = node.args.get("size")
        planner.scores[node.name] = scores.reshaped(size) if size else scores
        return
    if isinstance(arg, Ref) and arg.name in planner.codes:
        codes = planner.codes[arg.name]  # of all examples the same
        planner.codes[node.name] = replace(codes, rank=len(node.args.get("size", ())) or codes.rank)
        return
    view = planner.view(arg)
    if "size" in node.args and not _repeats_nothing(view, node.args["size"]):
        raise CaptureError(f"it repeats a value to the shape {node.args['size']}")
    planner.views[node.name] = view


def cast(planner: Planner, node: Node) -> None:
    """Read what gives real numbers another type: a program has one for all of them."""
    if node.args.get("dtype") not in (None, "float32", "float64"):
        raise CaptureError(f"it turns numbers into {node.args['dtype']}")
    again(planner, node)


def _of_all(planner: Planner, kernel: Kernel, size: tuple[int, ...]) -> bool:
    """Tell whether a tensor is repeated over whole examples alone, as broadcasting does it."""
    shape = planner.tensors[kernel.name].shape
    shape = shape[::-1] if kernel.turned else shape
    own = size[len(size) - len(shape) :]
    first = 1 if len(own) == len(size) > 1 and shape[0] == 1 else 0
    return all(given in (-1, one) for given, one in zip(own[first:], shape[first:], strict=True))


def _repeats_nothing(view: View, size: tuple[int, ...]) -> bool:
    if len(size) != len(view.dims):
        return False
    return all(dim or given in (-1, 1) for dim, given in zip(view.dims, size, strict=True))


def joined(planner: Planner, node: Node) -> None:
    """Read values, and tensors that train, one after the other along a dimension.

    Either places of sequences, where a tensor has its own for all examples, or channels of images.
    """
    args = node.args["tensors"]
    if node.args.get("dim", 0) == 0 and all(_states(planner, arg) for arg in args):
        # Last states of layers that drop between each other.
        planner.states[node.name] = tuple(one for arg in args for one in _states(planner, arg))
        return
    views = [planner.views.get(arg.name) if isinstance(arg, Ref) else None for arg in args]
    known = [view for view in views if view is not None]
    if not known:
        raise CaptureError("it joins tensors that train")
    rank = len(known[0].dims)
    dim = node.args.get("dim", 0) % rank
    images = dim == 1 and (rank > 3 or (rank == 3 and all(view.is_image for view in known)))
    below = rank == 3 and dim == 1 and not images
    wholes = [
        None if view is None else planner.image(view) if images else planner.rows(view)
        for view in views
    ]
    parts: list[tuple[str, int, int]] = []  # of each: its place among inputs or tensors, and size
    inputs: list[str] = []
    tensors: dict[str, str] = {}
    rows, columns = 0, 0
    for arg, whole in zip(args, wholes, strict=True):
        if whole is not None:
            high, wide = planner.pixels[whole.base], planner.widths[whole.base]
            parts.append((f"{len(inputs)}", high, wide))
            inputs.append(whole.base)
        else:
            kernel = planner.kernels.get(arg.name) if isinstance(arg, Ref) else None
            if kernel is None or kernel.turned:
                said = planner.unread.get(getattr(arg, "name", ""))
                raise CaptureError(said or f"it joins {arg!r} to values")
            shape = planner.tensors[kernel.name].shape
            if len(shape) > rank or (len(shape) == rank and shape[0] != 1):
                raise CaptureError(f"it joins '{kernel.name}' of the shape {shape} to values")
            high, wide = prod(shape[1:-1]), shape[-1]
            parts.append((f"part{len(tensors)}", high, wide))
            tensors[f"part{len(tensors)}"] = kernel.name
        rows, columns = (rows + high, wide) if below else (high, columns + wide)
    first = next(whole for whole in wholes if whole is not None)
    alike = {wide if below else high for _, high, wide in parts}
    if len(alike) > 1 or not (images or below or dim == rank - 1):
        raise CaptureError(f"it joins values along dimension {dim}")
    numbers = {"parts": tuple(parts), "by_rows": below}
    name = planner.layer("join", node.name, tuple(inputs), (columns, rows), numbers, tensors)
    if images:
        planner.views[node.name] = of_images(name, first.sides(2), columns)
    elif below:
        planner.views[node.name] = of_rows(name, (rows,), columns)
    else:
        last = of_rows(name, (), columns).dims[-1]
        planner.views[node.name] = View(name, (*first.dims[:-1], last))


def _states(planner: Planner, arg: Any) -> tuple[View, ...]:
    return planner.states.get(arg.name, ()) if isinstance(arg, Ref) else ()


def reshaped(planner: Planner, node: Node) -> None:
    """Read what joins and cuts dimensions."""
    arg, size = node.args["self"], tuple(node.args.get("size", node.args.get("shape", ())))
    if isinstance(arg, Ref) and arg.name in planner.kernels:
        kernel = planner.kernels[arg.name]
        shape = planner.tensors[kernel.name].shape
        own = shape[::-1] if kernel.turned else shape
        before = len(size) - len(own)
        new = kernel.rank != len(size) and size[: max(before, 0)] != (1,) * before
        if before < 0 or new or size[before:] != own:
            raise CaptureError(f"it gives '{kernel.name}' the shape {size}")
        planner.kernels[node.name] = replace(kernel, rank=len(size))
    elif isinstance(arg, Ref) and arg.name in planner.scores:
        planner.scores[node.name] = planner.scores[arg.name].reshaped(size)
    else:
        view = planner.view(arg)
        planner.views[node.name] = view.reshaped(size, planner.examples)
        if -1 not in size:
            planner.examples = prod(size) // view.size


def permuted(planner: Planner, node: Node) -> None:
    """Read what changes the order of dimensions."""
    args = node.args
    arg = args["self"]
    if isinstance(arg, Ref) and arg.name in planner.kernels:
        kernel = planner.kernels[arg.name]
        order = args.get("dims", (args.get("dim1", 1), args.get("dim0", 0)))
        matrix = kernel.rank == len(planner.tensors[kernel.name].shape) == 2
        turns = [(1, 0)] if node.op == "permute" else [(1, 0), (0, 1)]
        if not matrix or tuple(dim % 2 for dim in order) not in turns:
            raise CaptureError(f"it permutes '{kernel.name}' by {order}")
        planner.kernels[node.name] = replace(kernel, turned=not kernel.turned)
        return
    view = planner.view(arg)
    rank = len(view.dims)
    if node.op == "permute":
        order = [dim % rank for dim in args["dims"]]
    else:
        first, second = (0, 1) if node.op == "t" else (args["dim0"] % rank, args["dim1"] % rank)
        order = [*range(rank)]
        order[first], order[second] = second, first
    planner.views[node.name] = view.permuted(order)


def unsqueezed(planner: Planner, node: Node) -> None:
    """Read what adds a dimension of one place."""
    arg = node.args["self"]
    if isinstance(arg, Ref) and arg.name in planner.kernels and node.args["dim"] == 0:
        kernel = planner.kernels[arg.name]
        planner.kernels[node.name] = replace(kernel, rank=kernel.rank + 1)  # for all examples
        return
    if isinstance(arg, Ref) and arg.name in planner.codes and node.args["dim"] == 0:
        codes = planner.codes[arg.name]
        planner.codes[node.name] = replace(codes, rank=codes.rank + 1)
        return
    view = planner.view(node.args["self"])
    planner.views[node.name] = view.with_one(node.args["dim"] % (len(view.dims) + 1))


def squeezed(planner: Planner, node: Node) -> None:
    """Read what leaves out dimensions of one place."""
    view = planner.view(node.args["self"])
    rank = len(view.dims)
    given: Any = node.args.get("dim", node.args.get("dims"))
    if given is None:
        raise CaptureError("it leaves out whatever dimensions have one place")
    dims = [one % rank for one in (given if isinstance(given, tuple) else (given,))]
    planner.views[node.name] = view.without(one for one in dims if not view.dims[one])


def selected(planner: Planner, node: Node) -> None:
    """Read what keeps one place of a dimension."""
    arg = node.args["self"]
    if isinstance(arg, Ref) and arg.name in planner.states and node.args["dim"] == 0:
        planner.views[node.name] = planner.states[arg.name][node.args["index"]]
        return
    view, args = planner.view(node.args["self"]), node.args
    dim = args["dim"] % len(view.dims)
    index = args["index"]
    if index < 0:
        index += view.places(dim)
    planner.views[node.name] = view.cut(dim, index, 1).without((dim,))


def sliced(planner: Planner, node: Node) -> None:
    """Read what keeps some places of a dimension."""
    arg = node.args["self"]
    if isinstance(arg, Ref) and arg.name in planner.kernels:
        planner.kernels[node.name] = _all_of(planner, node)
        return
    view, args = planner.view(node.args["self"]), node.args
    dim = args.get("dim", 0) % len(view.dims)
    start, end, step = args.get("start") or 0, args.get("end"), args.get("step", 1)
    if dim == 0 and start == 0 and (end is None or end >= 2**31):
        planner.views[node.name] = view  # all examples
        return
    if step != 1:
        raise CaptureError(f"it takes every {step}th place of a dimension")
    size = view.places(dim)
    end = size if end is None else min(end, size)
    start, end = (one + size if one < 0 else one for one in (start, end))
    planner.views[node.name] = view.cut(dim, start, end - start)


def _all_of(planner: Planner, node: Node) -> Kernel:
    """Return the tensor that a cut keeps all of."""
    args = node.args
    kernel = planner.kernels[args["self"].name]
    shape = planner.tensors[kernel.name].shape
    size = ((1,) * (kernel.rank - len(shape)) + shape)[args.get("dim", 0)]
    if kernel.turned or args.get("start") or args.get("step", 1) != 1 or args["end"] < size:
        raise CaptureError(f"it takes a part of '{kernel.name}'")
    return kernel


def split(planner: Planner, node: Node) -> None:
    """Read what cuts a dimension into parts, which are taken one by one."""
    planner.view(node.args["self"])
    planner.results[node.name] = node


def part_of(planner: Planner, node: Node, index: int) -> View:
    """Return one of the parts that a dimension was cut into."""
    view, args = planner.view(node.args["self"]), node.args
    dim = args.get("dim", 0) % len(view.dims)
    size: Any = args.get("split_sizes", args.get("split_size"))
    if isinstance(size, int):
        start = index * size
        return view.cut(dim, start, min(size, view.places(dim) - start))
    return view.cut(dim, sum(size[:index]), size[index])


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    **dict.fromkeys(("alias", "clone", "expand"), again),
    "_to_copy": cast,
    **dict.fromkeys(("view", "_unsafe_view", "reshape"), reshaped),
    **dict.fromkeys(("permute", "transpose", "t"), permuted),
    "unsqueeze": unsqueezed,
    "squeeze": squeezed,
    "select": selected,
    "slice": sliced,
    **dict.fromkeys(("split", "split_with_sizes"), split),
    "cat": joined,
}
