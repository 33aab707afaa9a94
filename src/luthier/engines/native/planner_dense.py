"""Reads products by kernels, norms, dropout, sums, and embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node, Ref
from luthier.engines.native.given import Part
from luthier.engines.native.planner_shapes import part_of
from luthier.engines.native.views import COLUMN, EXAMPLE, ROW, Axis, View, of_rows

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner

LONGEST = 1 << 24  # rows of a table: inputs are real numbers, and single precision counts so far


def linear(planner: Planner, node: Node) -> None:
    """Read a product by a kernel, of the last dimension."""
    args = node.args
    left, right = ("mat1", "mat2") if node.op == "addmm" else ("self", "mat2")
    if node.op == "addmm" and (args.get("beta", 1), args.get("alpha", 1)) != (1, 1):
        raise CaptureError("it scales a product")
    matrix = args[right]
    kernel = planner.kernels.get(matrix.name) if isinstance(matrix, Ref) else None
    if kernel is None:
        raise CaptureError("it multiplies two values that it computed")
    (planner.turned if kernel.turned else planner.straight).add(kernel.name)
    outer = planner.tensors[kernel.name].shape
    if len(outer) != 2:
        raise CaptureError(f"it multiplies by '{kernel.name}' of the shape {outer}")
    inner, width = (outer[1], outer[0]) if kernel.turned else outer
    view = planner.rows(planner.view(args[left]))
    if planner.widths[view.base] != inner:
        raise CaptureError(f"a product by '{kernel.name}' joins more than rows")
    tensors = {"kernel": kernel.name}
    if node.op == "addmm":
        tensors["bias"] = planner.tensor(args["self"], width)
    size = (width, planner.pixels[view.base])
    made = planner.layer("linear", node.name, (view.base,), size, None, tensors)
    if kernel.turned:
        planner.across.add(made)
    columns = of_rows(made, (), width).dims[-1]
    planner.views[node.name] = View(made, (*view.dims[:-1], columns))


def batch_norm(planner: Planner, node: Node) -> None:
    """Read a normalisation over rows."""
    args = node.args
    if args.get("running_mean") is None:
        raise CaptureError("its batch norm keeps no running statistics")
    view = planner.view(args["input"])
    view = planner.rows(view) if len(view.dims) == 2 else planner.image(view)
    width = planner.widths[view.base]
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = {n: planner.tensor(args[n], width) for n in names if args.get(n) is not None}
    training = args.get("training", False) and not node.op.endswith("no_training")
    numbers = {"momentum": args["momentum"], "eps": args["eps"], "training": training}
    planner.alike(node, "batch_norm", view, numbers, tensors)
    planner.results[node.name] = node


def layer_norm(planner: Planner, node: Node) -> None:
    """Read a normalisation over columns."""
    args = node.args
    view = planner.rows(planner.view(args["input"]))
    width = planner.widths[view.base]
    if tuple(args["normalized_shape"]) != (width,):
        raise CaptureError(f"its layer norm is over {args['normalized_shape']}")
    names = ("weight", "bias")
    tensors = {n: planner.tensor(args[n], width) for n in names if args.get(n) is not None}
    planner.alike(node, "layer_norm", view, {"eps": args["eps"]}, tensors)
    planner.results[node.name] = node


def item(planner: Planner, node: Node) -> None:
    """Read one of an operation's several results."""
    source, index = node.args["of"].name, node.args["index"]
    made = planner.results.get(source)
    if made is None:
        raise CaptureError(f"it takes a part of {source}")
    if "split" in made.op:
        planner.views[node.name] = part_of(planner, made, index)
    elif index == 0:
        planner.views[node.name] = planner.views[source]
    elif made.op == "recurrent" and index == 1:
        planner.states[node.name] = planner.states[source]
        if len(planner.states[source]) == 1:
            planner.views[node.name] = planner.states[source][0].with_one(0)
    elif made.op == "recurrent":
        return  # the cells of an LSTM: whoever reads them finds nothing
    elif node.name in planner.forward.updates.values():
        _statistic(planner, node.name, made, index)


def _statistic(planner: Planner, value: str, norm: Node, index: int) -> None:
    """Check that a running statistic replaces the one that was read."""
    read = planner.parameter(norm.args[("running_mean", "running_var")[index - 3]])
    written = [name for name, v in planner.forward.updates.items() if v == value]
    if written != [read]:
        raise CaptureError(f"'{read}' goes to {written}")


def dropout(planner: Planner, node: Node) -> None:
    """Read a dropout of numbers, or of what some leading dimensions have in common."""
    args = node.args
    arg, kept = args["input"], args["kept"]
    if isinstance(arg, Ref) and arg.name in planner.scores:
        scores = planner.scores[arg.name]
        planner.scores[node.name] = scores.dropped(args["call"])
        return
    view = planner.whole(planner.view(arg))
    numbers = {"call": args["call"], "mask": _mask(view, kept), "all": kept == len(view.dims)}
    planner.alike(node, "dropout", view, numbers)


def _mask(view: View, kept: int) -> tuple[tuple[Axis, int, bool], ...]:
    """Return how a number's position in a flat mask of PyTorch's shape comes from where it lies.

    Each axis counts so much, and once more for every example where those come further in.
    """
    found: list[tuple[Axis, int, bool]] = []
    stride, examples = 1, False
    for axis in reversed([axis for dim in view.dims[:kept] for axis in dim]):
        found.append((axis, stride, examples))
        if axis.kind == EXAMPLE:
            examples = True
        else:
            stride *= axis.size
    return tuple(reversed(found))


def binary(planner: Planner, node: Node) -> None:
    """Read a sum, difference or product: of two values, or of a value and a number."""
    args = node.args
    first, second = args["self"], args["other"]
    counter = planner.parameter(first)
    if counter and node.op == "add" and second == 1 and planner.counts(counter):
        planner.counted[node.name] = counter
        return
    scale = args.get("alpha", 1)
    if args.get("rounding_mode") not in (None, "none"):
        raise CaptureError(f"it divides, and rounds by {args['rounding_mode']}")
    if planner.masks(node, scores=True) or coded(planner, node):
        return
    if isinstance(second, (int, float)) and not isinstance(second, bool):
        _with_number(planner, node, first, second * scale)
        return
    if scale == 1 and node.op == "add" and _is_tensor(planner, first):
        _shifted(planner, node, second, first)
        return
    if scale == 1 and node.op == "add" and _is_tensor(planner, second):
        _shifted(planner, node, first, second)
        return
    if planner.masks(node):
        return
    if scale != 1 or node.op == "div":
        raise CaptureError("it adds a multiple of a value, or divides by one")
    views = [planner.whole(planner.view(arg)) for arg in (first, second)]
    if views[0].dims != views[1].dims:
        views = [planner.copied(planner.view(arg)) for arg in (first, second)]
    if views[0].dims != views[1].dims:
        raise CaptureError("it computes with values of several shapes at once")
    planner.alike(node, "binary", views[0], {"op": node.op}, also=(views[1].base,))


def _with_number(planner: Planner, node: Node, arg: Any, number: float) -> None:
    """Read a sum or product with a number; a part of a value only remembers what scales it."""
    factor = {"mul": number, "div": 1 / number if number else math.inf}.get(node.op)
    if isinstance(arg, Ref) and arg.name in planner.scores and factor is not None:
        planner.scores[node.name] = planner.scores[arg.name].scaled(factor)
        return
    view = planner.view(arg)
    part = not view.covers(planner.pixels[view.base], planner.widths[view.base])
    if part and factor is not None:
        planner.views[node.name] = replace(view, scale=view.scale * factor)
    else:
        planner.function(node, arg, {"op": f"{node.op}_number", "number": number})


def _is_tensor(planner: Planner, arg: Any) -> bool:
    """Tell whether an argument is a tensor as it is."""
    kernel = planner.kernels.get(arg.name) if isinstance(arg, Ref) else None
    return kernel is not None and not kernel.turned


def _shifted(planner: Planner, node: Node, arg: Any, added: Any) -> None:
    """Read a sum with a tensor: one vector for all rows, or one for each of them."""
    kernel = planner.kernels[added.name]
    name, shape = kernel.name, planner.tensors[kernel.name].shape
    view = planner.rows(planner.view(arg))
    width, pixels = planner.widths[view.base], planner.pixels[view.base]
    rows = of_rows(view.base, (pixels,) if pixels > 1 else (), width).dims
    for_all = prod(shape[:-1]) == 1
    for_each = prod(shape[:-1]) == pixels == (1, *shape)[-2] and view.dims == rows
    if not shape or shape[-1] != width or not (for_all or for_each):
        raise CaptureError(f"it adds '{name}' of the shape {shape}")
    if kernel.rank > len(view.dims):
        raise CaptureError(f"it adds '{name}' with {kernel.rank} dimensions, and so makes more")
    planner.alike(node, "shift", view, {"rows": 1 if for_all else pixels}, {"shift": name})


@dataclass(frozen=True)
class Codes:
    """The first rows of a table, one for each place of a sequence.

    Args:
        table: Its name.
        places: How many.
        rank: Dimensions that they are seen with.
    """

    table: str
    places: int
    rank: int


def _counted(planner: Planner, arg: Any) -> int:
    """Return up to which number an argument counts from 0; 0 for another one."""
    given = planner.given.get(arg.name) if isinstance(arg, Ref) else None
    if given is None or given.kind != "whole" or not given.dims or len(given.dims[-1]) != 1:
        return 0
    (size,) = given.dims[-1]
    outer = [(Part("q", 1),) if dim else () for dim in given.dims[:-1]]
    return size if given.text([*outer, (Part("t", size),)]) == "t" else 0


def coded(planner: Planner, node: Node) -> bool:
    """Read a sum of a sequence and its places' codes; tell whether it is one."""
    first, second = node.args["self"], node.args["other"]
    if getattr(first, "name", "") in planner.codes:
        first, second = second, first
    codes = planner.codes.get(getattr(second, "name", ""))
    if codes is None or node.args.get("alpha", 1) != 1:
        return False
    view = planner.rows(planner.view(first))
    width = planner.widths[view.base]
    if (
        node.op != "add"
        or codes.rank > len(view.dims)
        or view.dims != of_rows(view.base, (codes.places,), width).dims
        or planner.tensors[codes.table].shape[1] != width
        or planner.tensors[codes.table].shape[0] < codes.places
    ):
        raise CaptureError("it codes places of what is no sequence of them")
    planner.alike(node, "shift", view, {"rows": codes.places}, {"shift": codes.table})
    return True


def embedding(planner: Planner, node: Node) -> None:
    """Read rows of a table, looked up by the network's input."""
    args = node.args
    table = planner.parameter(args["weight"])
    if table is not None and (coded_places := _counted(planner, args["indices"])):
        rank = len(planner.given[args["indices"].name].dims) + 1
        planner.codes[node.name] = Codes(table, coded_places, rank)
        planner.straight.add(table)
        return
    view = planner.view(args["indices"])
    if table is None or view.base != planner.input:
        raise CaptureError("it looks up what it computed")
    if args.get("sparse") or args.get("scale_grad_by_freq"):
        raise CaptureError("its embedding counts how often it is asked")
    places = [axis for axis in view.axes if axis.kind == COLUMN]
    if len(places) > 1:
        raise CaptureError("it looks up several dimensions")
    count, step = (places[0].size, places[0].step) if places else (1, 1)
    length, width = planner.tensors[table].shape
    if length > LONGEST:
        raise CaptureError(f"it looks up a table of {length:,} rows")
    padding = args.get("padding_idx", -1)
    numbers = {"column": view.column, "step": step, "count": count, "padding": padding}
    made = planner.layer(
        "embedding", node.name, (view.base,), (width, count), numbers, {"table": table}
    )
    rows = tuple(
        tuple(Axis(ROW, a.size, 1) if a.kind == COLUMN else a for a in dim) for dim in view.dims
    )
    planner.straight.add(table)
    planner.views[node.name] = View(made, (*rows, of_rows(made, (), width).dims[-1]))


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    "addmm": linear,
    "mm": linear,
    "_native_batch_norm_legit_functional": batch_norm,
    "_native_batch_norm_legit": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm,
    "native_layer_norm": layer_norm,
    "item": item,
    "dropout": dropout,
    **dict.fromkeys(("add", "sub", "mul", "div"), binary),
    "embedding": embedding,
}
