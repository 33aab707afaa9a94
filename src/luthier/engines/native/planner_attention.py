"""Reads attention: two products of values, and a softmax between them, as one layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luthier.core import CaptureError, Node, Ref
from luthier.engines.native.planner_dense import linear
from luthier.engines.native.views import COLUMN, EXAMPLE, ROW, View, of_rows

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner


@dataclass(frozen=True)
class Scores:
    """How much each query looks at each key, while nobody has computed it.

    Args:
        queries, keys: Views of (examples and heads, places, numbers), and of keys transposed.
        scale: What the products are multiplied with.
        shares: Whether a softmax has made shares of them.
        call: Number of the dropout of shares.
        rank: Dimensions that they are seen with; queries and keys are always the last two.
    """

    queries: View
    keys: View
    scale: float = 1.0
    shares: bool = False
    call: int | None = None
    rank: int = 3

    def reshaped(self, size: tuple[int, ...]) -> Scores:
        """Cut or join the dimensions before queries and keys."""
        places, seen = self.queries.places(-2), self.keys.places(-1)
        if size[-2:] != (places, seen):
            raise CaptureError(f"it gives products of two values the shape {size}")
        return replace(self, rank=len(size))

    def scaled(self, number: float) -> Scores:
        """Multiply all scores."""
        if self.shares:
            raise CaptureError("it multiplies a softmax by a number")
        return replace(self, scale=self.scale * number)

    def dropped(self, call: int) -> Scores:
        """Drop some of the shares."""
        if not self.shares or self.call is not None:
            raise CaptureError("it drops products of two values")
        return replace(self, call=call)


@dataclass(frozen=True)
class Heads:
    """Where a head's matrix lies in a value.

    Args:
        row, column: Where the first head's begins.
        head: How far apart heads lie, in columns.
        places: How far apart rows of the matrix lie, in rows of the value.
        numbers: How far apart its columns lie, in columns of the value.
    """

    row: int
    column: int
    head: int
    places: int
    numbers: int


def product(planner: Planner, node: Node) -> None:
    """Read a product: of rows by a kernel, of queries by keys, of shares by values."""
    left, right = node.args["self"], node.args["mat2"]
    if isinstance(right, Ref) and right.name in planner.kernels:
        linear(planner, node)
    elif isinstance(left, Ref) and left.name in planner.scores:
        _attended(planner, node, planner.scores[left.name], planner.view(right))
    else:
        planner.scores[node.name] = Scores(planner.view(left), planner.view(right))


def softmax(planner: Planner, node: Node) -> None:
    """Read the softmax of scores."""
    arg = node.args["self"]
    scores = planner.scores.get(arg.name) if isinstance(arg, Ref) else None
    if scores is None or scores.shares or node.args["dim"] % scores.rank != scores.rank - 1:
        raise CaptureError("it computes a softmax, which C programs do in attention alone")
    planner.scores[node.name] = replace(scores, shares=True)


def ruled_out(planner: Planner, node: Node) -> None:
    """Read what asks whether a query may look at no key at all: without a mask it always may."""
    name = getattr(node.args["self"], "name", "")
    if node.op == "eq":
        if name not in planner.scores or node.args["other"] != -math.inf:
            raise CaptureError("it compares values")
        planner.answers[node.name] = False
    elif name not in planner.answers:
        raise CaptureError(f"it computes with {node.op}, which C programs do not")
    else:
        answer = planner.answers[name]
        planner.answers[node.name] = not answer if node.op == "logical_not" else answer


def chosen(planner: Planner, node: Node) -> None:
    """Read a choice between shares and what they are not, where it is known."""
    condition = getattr(node.args["condition"], "name", "")
    if condition not in planner.answers:
        raise CaptureError("it chooses between values")
    taken = node.args["self" if planner.answers[condition] else "other"]
    if not isinstance(taken, Ref) or taken.name not in planner.scores:
        raise CaptureError("it chooses what is no share")
    planner.scores[node.name] = planner.scores[taken.name]


def _attended(planner: Planner, node: Node, scores: Scores, values: View) -> None:
    """Add the layer that computes all of it."""
    if not scores.shares:
        raise CaptureError("it multiplies three values")
    rank = len(scores.keys.dims)
    keys = scores.keys.permuted((*range(rank - 2), rank - 1, rank - 2))
    heads, places, width = _sizes(scores.queries)
    others, seen, _ = _sizes(keys)
    made_heads, made_seen, made = _sizes(values)
    if (others, made_heads, made_seen) != (heads, heads, seen):
        raise CaptureError("it multiplies values of several shapes")
    numbers = {
        "heads": heads,
        "places": places,
        "seen": seen,
        "numbers": (width, made),
        "scale": scores.scale * scores.queries.scale * keys.scale,
        "value_scale": values.scale,
        "call": scores.call,
        "lies": tuple(_lies(view) for view in (scores.queries, keys, values)),
    }
    bases = (scores.queries.base, keys.base, values.base)
    name = planner.layer("attention", node.name, bases, (heads * made, places), numbers)
    rows = of_rows(name, (places,), heads * made)
    split = rows.reshaped((-1, places, heads, made)).permuted((0, 2, 1, 3))
    planner.views[node.name] = replace(
        split, dims=((*split.dims[0], *split.dims[1]), *split.dims[2:])
    )


def _sizes(view: View) -> tuple[int, int, int]:
    """Return heads, places and numbers of each."""
    *_, places, numbers = view.dims
    heads = [axis for dim in view.dims[:-2] for axis in dim if axis.kind != EXAMPLE]
    if len(heads) > 1 or any(axis.kind != COLUMN for axis in heads):
        raise CaptureError("its heads do not lie next to each other")
    count = heads[0].size if heads else 1
    return count, math.prod(a.size for a in places), math.prod(a.size for a in numbers)


def _lies(view: View) -> Heads:
    """Return where heads lie."""
    heads = [axis for dim in view.dims[:-2] for axis in dim if axis.kind != EXAMPLE]
    steps: list[int] = []
    for dim, kind in ((view.dims[-2], ROW), (view.dims[-1], COLUMN)):
        if len(dim) > 1 or any(axis.kind != kind for axis in dim):
            raise CaptureError("it attends to what does not lie in rows")
        steps.append(dim[0].step if dim else 1)
    return Heads(view.row, view.column, heads[0].step if heads else 0, *steps)


def nothing(planner: Planner, node: Node) -> None:
    """Read what only a choice that is never made would use."""


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    "bmm": product,
    "_softmax": softmax,
    **dict.fromkeys(("eq", "logical_not", "any"), ruled_out),
    "full_like": nothing,
    "where": chosen,
}
