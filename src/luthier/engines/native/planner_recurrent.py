"""Reads recurrent layers: each way of each layer is a layer of a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from luthier.core import CaptureError, Node
from luthier.engines.native.views import View, of_rows

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner

_NAMES = ("kernel", "state_kernel", "bias", "state_bias")


def recurrent(planner: Planner, node: Node) -> None:
    """Read a recurrence over places, one layer on top of the other."""
    args = node.args
    view = planner.view(args["input"])
    if len(view.dims) != 3:
        raise CaptureError("its recurrence reads what is no sequence")
    if not args["batch_first"]:
        view = view.permuted((1, 0, 2))
    steps, ways = view.places(1), 1 + args["bidirectional"]
    view = planner.rows(view)
    if view.dims != of_rows(view.base, (steps,), planner.widths[view.base]).dims:
        view = planner.copied(view)
    names = [planner.parameter(one) or "" for one in args["weights"]]
    each = len(names) // (args["layers"] * ways)
    size = planner.tensors[names[1]].shape[1]
    base, states = view.base, []
    for layer in range(args["layers"]):
        made: list[str] = []
        for way in range(ways):
            first = (layer * ways + way) * each
            tensors = dict(zip(_NAMES, names[first : first + each], strict=False))
            planner.turned |= {tensors["kernel"], tensors["state_kernel"]}
            numbers = {"kind": args["kind"], "back": way == 1}
            name = f"{node.name}_{layer}_{way}"
            made.append(planner.layer("recurrent", name, (base,), (size, steps), numbers, tensors))
            last = 0 if way else steps - 1
            states.append(of_rows(name, (steps,), size).cut(1, last, 1).without((1,)))
        base = made[0]
        if ways == 2:
            parts = tuple((str(way), steps, size) for way in range(2))
            numbers = {"parts": parts, "by_rows": False}
            base = planner.layer(
                "join", f"{node.name}_{layer}", tuple(made), (2 * size, steps), numbers
            )
    whole: View = of_rows(base, (steps,), ways * size)
    planner.views[node.name] = whole if args["batch_first"] else whole.permuted((1, 0, 2))
    planner.states[node.name] = tuple(states)
    planner.results[node.name] = node


READ: Mapping[str, Callable[[Planner, Node], None]] = {"recurrent": recurrent}
