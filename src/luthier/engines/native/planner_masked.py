"""Reads values that are masked: multiplied, added to, or replaced by what is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node, Ref
from luthier.engines.native.given import EXAMPLES, Given, Index, Part
from luthier.engines.native.masks import NO_MASK, Mask
from luthier.engines.native.planner_images import mean
from luthier.engines.native.views import EXAMPLE, ROW, Axis, View

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner


def masked(planner: Planner, node: Node) -> bool:
    """Read an operation on a value and on what is given; tell whether it is one."""
    args, op = node.args, node.op
    if op == "where":
        names = ("self", "other")
        swapped = _is_value(planner, args["self"])
        value, number = (args[name] for name in (names if swapped else names[::-1]))
        test = _given(planner, args["condition"])
        if test is None or not _is_value(planner, value):
            return False
        filler = _given(planner, number)
        if filler is None:
            return False
        view, places = _places(planner, value, test, filler)
        told = test.text(places)
        mask = NO_MASK.filled(
            f"(!{told})" if swapped else told, filler.text(places), test.tensors | filler.tensors
        )
    else:
        first, second = args["self"], args["other"]
        if _is_value(planner, second) and op in ("add", "mul"):
            first, second = second, first
        number = _given(planner, second) if isinstance(second, Ref) else None
        if number is None or not _is_value(planner, first) or args.get("alpha", 1) != 1:
            return False
        if _alike(planner.views[first.name], planner.views.get(second.name)):
            return False
        view, places = _places(planner, first, number)
        text = number.text(places)
        mask = {
            "add": Mask(adds=text),
            "sub": Mask(adds=f"(-{text})"),
            "mul": Mask(times=text),
            "div": Mask(times=f"(R(1.0) / {text})"),
        }[op]
        mask = replace(mask, tensors=number.tensors)
    tensors = {f"mask{i}": name for i, name in enumerate(sorted(mask.tensors))}
    planner.alike(node, "masked", view, {"mask": mask}, tensors)
    return True


def _is_value(planner: Planner, arg: Any) -> bool:
    """Tell whether an argument is a value that is computed, rather than given."""
    return isinstance(arg, Ref) and arg.name in planner.views and arg.name not in planner.given


def _alike(view: View, other: View | None) -> bool:
    """Tell whether two values have one shape: those are read number by number."""
    if other is None:
        return False
    sizes = [
        [tuple((a.kind == EXAMPLE) * -1 or a.size for a in dim) for dim in one.dims]
        for one in (view, other)
    ]
    return [prod(dim) for dim in sizes[0]] == [prod(dim) for dim in sizes[1]]


def _given(planner: Planner, arg: Any) -> Given | None:
    return planner.given.get(arg.name) if isinstance(arg, Ref) else None


def _places(planner: Planner, arg: Any, *given: Given) -> tuple[View, tuple[Index, ...]]:
    """Return all of a value, and a number's place in each of its dimensions."""
    view = planner.whole(planner.view(arg))
    for one in given:
        more = len(one.dims) - len(view.dims)
        own = view.dims[-len(one.dims) :] if more < 0 else view.dims
        if more > 0 and any(one.dims[:more]):
            raise CaptureError("it repeats a value in the places of a mask")
        pairs = zip(own, one.dims[max(more, 0) :], strict=True) if one.dims else ()
        if any(sizes and not dim for dim, sizes in pairs):
            raise CaptureError("it repeats a value in the places of a mask")
    places: list[Index] = [tuple(_part(planner, view, axis) for axis in dim) for dim in view.dims]
    most = max(len(one.dims) for one in given)
    ones: list[Index] = [()] * max(most - len(places), 0)
    return view, (*ones, *places)


def _part(planner: Planner, view: View, axis: Axis) -> Part:
    if axis.kind == EXAMPLE:
        return Part("b", EXAMPLES)
    name, size = (
        ("t", planner.pixels[view.base]) if axis.kind == ROW else ("j", planner.widths[view.base])
    )
    text = name if axis.step == 1 else f"({name} / {axis.step})"
    return Part(text if axis.size * axis.step == size else f"({text} % {axis.size})", axis.size)


def sum_(planner: Planner, node: Node) -> None:
    """Read a sum over some dimensions: a mean that divides by nothing."""
    if node.args.get("dtype") not in (None, *node.dtypes):
        raise CaptureError(f"it sums up as {node.args['dtype']}")
    mean(planner, node, divisor=1)


READ: Mapping[str, Callable[[Planner, Node], None]] = {"sum": sum_}
