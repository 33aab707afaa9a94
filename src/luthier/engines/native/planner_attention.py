"""Reads attention: two products of values, and a softmax between them, as one layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node, Ref
from luthier.engines.native.given import EXAMPLES, Given, Index, Part
from luthier.engines.native.masks import NO_MASK, Mask
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
        mask: What is added to them, and what takes their place.
        spared: Where a query that a mask leaves nothing to look at is given zeros: as its
            ``scores``, as its ``shares``.
        shares: Whether a softmax has made shares of them.
        call: Number of the dropout of shares.
        size: Of all dimensions, -1 for a first one that joins all; queries and keys are always
            the last two.
    """

    queries: View
    keys: View
    size: tuple[int, ...]
    scale: float = 1.0
    mask: Mask = NO_MASK
    spared: tuple[str, ...] = ()
    shares: bool = False
    call: int | None = None

    def reshaped(self, size: tuple[int, ...]) -> Scores:
        """Cut or join the dimensions before queries and keys."""
        places, seen = self.queries.places(-2), self.keys.places(-1)
        if size[-2:] != (places, seen):
            raise CaptureError(f"it gives products of two values the shape {size}")
        return replace(self, size=size)

    def scaled(self, number: float) -> Scores:
        """Multiply all scores."""
        if self.shares:
            raise CaptureError("it multiplies a softmax by a number")
        return replace(self, scale=self.scale * number, mask=self.mask.scaled(number))

    def dropped(self, call: int) -> Scores:
        """Drop some of the shares."""
        if not self.shares or self.call is not None:
            raise CaptureError("it drops products of two values")
        return replace(self, call=call)

    def masked(self, mask: Mask) -> Scores:
        """Take the place of some scores, or add to them."""
        if self.shares or self.spared:
            raise CaptureError("it masks a softmax")
        return replace(self, mask=mask)

    def places(self) -> tuple[Index, ...]:
        """Return a score's place in each dimension, as the program counts them."""
        outer = [axis for dim in self.queries.dims[:-2] for axis in dim]
        parts = [Part("b", EXAMPLES) if a.kind == EXAMPLE else Part("h", a.size) for a in outer]
        dims = [tuple(parts)] if self.size[0] == -1 else self._apart(parts)
        places, seen = self.size[-2:]
        return (
            *dims,
            (Part("t", places),) if places > 1 else (),
            (Part("s", seen),) if seen > 1 else (),
        )

    def _apart(self, parts: list[Part]) -> list[Index]:
        """Return the parts of each dimension before queries and keys."""
        odd = CaptureError(f"it gives products of two values the shape {self.size}")
        heads = math.prod(part.size for part in parts if part.size)
        count = math.prod(self.size[:-2]) // heads
        dims: list[Index] = []
        left = parts[::-1]
        for need in self.size[:-2]:
            dim: list[Part] = []
            if left and not left[-1].size and count == 1:
                dim.append(left.pop())  # a single example has no size to be known by
            while need > 1:
                size = (left[-1].size or count) if left else 0
                if not size or need % size:
                    raise odd
                dim.append(left.pop())
                need //= size
            dims.append(tuple(dim))
        if left:
            raise odd
        return dims


@dataclass(frozen=True)
class Answer:
    """What a comparison of scores tells.

    Args:
        scores: Those that were compared with minus infinity.
        all: Whether it is asked of all keys of a query, rather than of each.
        negated: Whether it tells the opposite: that one is left.
    """

    scores: Scores
    all: bool = False
    negated: bool = False


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
        queries, keys = planner.view(left), planner.view(right)
        size = (-1, queries.places(-2), keys.places(-1))
        planner.scores[node.name] = Scores(queries, keys, size)


def softmax(planner: Planner, node: Node) -> None:
    """Read the softmax of scores."""
    arg = node.args["self"]
    scores = planner.scores.get(arg.name) if isinstance(arg, Ref) else None
    if scores is None or scores.shares or not _is_last(node.args["dim"], scores):
        raise CaptureError("it computes a softmax, which C programs do in attention alone")
    planner.scores[node.name] = replace(scores, shares=True)


def _is_last(dim: int, scores: Scores) -> bool:
    return dim % len(scores.size) == len(scores.size) - 1


def ruled_out(planner: Planner, node: Node) -> None:
    """Read what asks whether a mask leaves a query nothing to look at."""
    name, args = getattr(node.args["self"], "name", ""), node.args
    if node.op == "eq":
        scores = planner.scores.get(name)
        if scores is None or scores.shares or args["other"] != -math.inf:
            raise CaptureError("it compares values")
        planner.answers[node.name] = Answer(scores)
        return
    if name not in planner.answers:
        raise CaptureError(f"it computes with {node.op}, which C programs do not")
    answer = planner.answers[name]
    if node.op == "logical_not":
        planner.answers[node.name] = replace(answer, negated=not answer.negated)
        return
    dim = args.get("dim")
    over_keys = isinstance(dim, int) and _is_last(dim, answer.scores) and args.get("keepdim")
    if answer.all or answer.negated != (node.op == "any") or not over_keys:
        raise CaptureError("it asks whether a mask rules out some keys")
    planner.answers[node.name] = replace(answer, all=True)


def chosen(planner: Planner, node: Node) -> None:
    """Read what takes the place of scores: of those ruled out, or of all that a query has."""
    condition, taken, other = (node.args[name] for name in ("condition", "self", "other"))
    asked = getattr(condition, "name", "")
    answer = planner.answers.get(asked)
    if answer is None:
        if planner.masks(node):
            return
        if asked not in planner.given:
            raise CaptureError("it chooses between values")
        by, swapped = planner.given[asked], getattr(taken, "name", "") in planner.scores
        taken, other = (other, taken) if swapped else (taken, other)
        scores, number = _scores(planner, other), _number(planner, taken)
        test = by.text(scores.places())
        mask = scores.mask.filled(
            f"(!{test})" if swapped else test,
            number.text(scores.places()),
            by.tensors | number.tensors,
        )
        planner.scores[node.name] = scores.masked(mask)
        return
    if not answer.all:
        raise CaptureError("it chooses between values")
    scores = _scores(planner, taken if answer.negated else other)
    zero = _number(planner, other if answer.negated else taken)
    before = replace(scores, size=answer.scores.size, spared=(), shares=False)
    if before != answer.scores or zero.text(((),) * len(zero.dims)) not in ("R(0.0)", "0"):
        raise CaptureError("it chooses what is no share")
    if scores.call is not None or "shares" in scores.spared:
        raise CaptureError("it chooses what is no share")
    when = "shares" if scores.shares else "scores"
    planner.scores[node.name] = replace(scores, spared=(*scores.spared, when))


def _scores(planner: Planner, arg: Any) -> Scores:
    if isinstance(arg, Ref) and arg.name in planner.scores:
        return planner.scores[arg.name]
    raise CaptureError("it chooses what is no share")


def _number(planner: Planner, arg: Any) -> Given:
    if isinstance(arg, Ref) and arg.name in planner.given:
        return planner.given[arg.name]
    raise CaptureError("it chooses what is no share")


def added(planner: Planner, node: Node) -> bool:
    """Read a sum of scores and a mask; tell whether it is one."""
    first, second = node.args["self"], node.args["other"]
    if getattr(second, "name", "") in planner.scores:
        first, second = second, first
    if getattr(first, "name", "") not in planner.scores:
        return False
    if getattr(second, "name", "") not in planner.given:
        raise CaptureError("it adds what it computed to products of two values")
    if node.args.get("alpha", 1) != 1:
        raise CaptureError("it adds a multiple of a mask")
    scores, mask = planner.scores[first.name], planner.given[second.name]
    sum_ = scores.mask.added(mask.text(scores.places()), mask.tensors)
    planner.scores[node.name] = scores.masked(sum_)
    return True


def _attended(planner: Planner, node: Node, scores: Scores, values: View) -> None:
    """Add the layer that computes all of it."""
    if not scores.shares:
        raise CaptureError("it multiplies three values")
    if scores.spared and "shares" not in scores.spared:
        raise CaptureError("it gives a query shares of what a mask rules out")
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
        "mask": scores.mask,
        "spares": bool(scores.spared),
    }
    tensors = {f"mask{i}": name for i, name in enumerate(sorted(scores.mask.tensors))}
    bases = (scores.queries.base, keys.base, values.base)
    name = planner.layer("attention", node.name, bases, (heads * made, places), numbers, tensors)
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


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    "bmm": product,
    "_softmax": softmax,
    **dict.fromkeys(("eq", "logical_not", "any", "all"), ruled_out),
    "where": chosen,
}
