"""Reads what depends on the network's input and on fixed tensors alone: masks, before all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from luthier.core import CaptureError, Node, Ref
from luthier.core.graph import refs
from luthier.engines.native.given import (
    EXAMPLES,
    Given,
    Index,
    Part,
    fixed,
    flat,
    grouped,
)
from luthier.engines.native.views import EXAMPLE, View

if TYPE_CHECKING:
    from luthier.engines.native.planner import Planner

EXACT = 1 << 24  # whole numbers below it are exact in single precision


def begin(planner: Planner) -> dict[str, Given]:
    """Return what a graph is given: its input, and tensors as they are."""
    found = {planner.input: _of_input(planner.views[planner.input])}
    for value, name in planner.reads.items():
        if name not in planner.forward.updates:
            found[value] = _of_tensor(name, planner.tensors[name])
    return found


def read(planner: Planner, node: Node) -> bool:
    """Read an operation, if all that it reads is given."""
    args = {k: v for k, v in node.args.items() if (node.op, k) != ("full_like", "self")}
    reads = [one for one in refs(args.values()) if one.name not in planner.given]
    if reads or node.op not in READ:
        return False
    try:
        planner.given[node.name] = READ[node.op](planner, node)
    except CaptureError as error:
        planner.unread[node.name] = str(error)
        return False
    return True


def _of_input(view: View) -> Given:
    dims = tuple(
        tuple(EXAMPLES if axis.kind == EXAMPLE else axis.size for axis in dim) for dim in view.dims
    )

    def at(places: tuple[Index, ...]) -> str:
        parts = grouped([part for index in places for part in index], dims)
        column = [str(view.column)]
        row = "0"
        for axes, index in zip(view.dims, parts, strict=True):
            for axis, (size, part) in zip(axes, _apart(axes, index), strict=True):
                if size == EXAMPLES:
                    row = part
                else:
                    column.append(f"{part} * {axis.step}")
        return f"<X>[{row} * <D> + {' + '.join(column)}]"

    return Given(dims, at, "input")


def _apart(axes: Sequence[Any], index: Index) -> Iterator[tuple[int, str]]:
    """Return the place on each axis of a dimension."""
    left = list(index)[::-1]
    for axis in axes:
        if axis.kind == EXAMPLE:
            part = left.pop()
            yield EXAMPLES, part.text
            continue
        taken, size = [], 1
        while size < axis.size:
            taken.append(left.pop())
            size *= taken[-1].size
        yield size, flat(tuple(taken))


def _of_tensor(name: str, tensor: Any) -> Given:
    def at(places: tuple[Index, ...]) -> str:
        outer = tuple(part for index in places[:-1] for part in index)
        inner = flat(places[-1]) if places else "0"
        return f"<W:{name}>[{flat(outer)} * <S:{name}> + {inner}]"

    dims = tuple((size,) if size > 1 else () for size in tensor.shape)
    kind = {"b": "bool", "i": "whole", "u": "whole"}.get(tensor.dtype.kind, "real")
    return Given(dims, at, kind, frozenset((name,)))


def _given(planner: Planner, arg: Any) -> Given:
    if isinstance(arg, Ref):
        return planner.given[arg.name]
    if isinstance(arg, (bool, int, float)):
        return fixed(arg)
    raise CaptureError(f"it computes a mask with {arg!r}")


def _kind(node: Node) -> str:
    (name,) = node.dtypes
    if name == "bool":
        return "bool"
    return "whole" if name.startswith(("int", "uint")) else "real"


def _each(node: Node, form: str, *given: Given) -> Given:
    """Return a function of numbers in the same places."""
    rank = max(len(one.dims) for one in given)
    filled = [(*(() for _ in range(rank - len(one.dims))), *one.dims) for one in given]
    dims = []
    for sizes in zip(*filled, strict=True):
        own = [size for size in sizes if size]
        # Of two ways to count the same places, the one that knows examples counts.
        own.sort(key=lambda size: EXAMPLES not in size)
        dims.append(own[0] if own else ())
    tensors = frozenset().union(*(one.tensors for one in given))

    def at(places: tuple[Index, ...]) -> str:
        return form.format(*(one.text(places) for one in given))

    return Given(tuple(dims), at, _kind(node), tensors)


def _binary(form: str, *, bools: bool = False, numbers: bool = True) -> Callable[..., Given]:
    """Return what reads an operation of two numbers.

    Args:
        form: It in C.
        bools: Whether it may make truth values of truth values by the same text.
        numbers: Whether it takes other numbers than truth values.
    """

    def made(planner: Planner, node: Node) -> Given:
        args = node.args
        if args.get("alpha", 1) != 1 or args.get("rounding_mode") not in (None, "none"):
            raise CaptureError("it adds a multiple of a mask, or rounds a quotient")
        one, two = _given(planner, args["self"]), _given(planner, args["other"])
        all_bool = {one.kind, two.kind} == {"bool"}
        if (all_bool and not bools) or (not all_bool and not numbers):
            raise CaptureError(f"it computes a mask by {node.op} of {one.kind} and {two.kind}")
        if other := [x for x in (args["self"], args["other"]) if _too_long(x)]:
            raise CaptureError(f"it compares whole numbers as large as {other[0]}")
        if node.op == "mul" and "input" in (one.kind, two.kind) and _kind(node) == "whole":
            raise CaptureError("it multiplies whole numbers that it is given")
        return _each(node, form, one, two)

    return made


def _too_long(number: Any) -> bool:
    return isinstance(number, int) and abs(number) >= EXACT


def _unary(form: str, *kinds: str) -> Callable[..., Given]:
    def made(planner: Planner, node: Node) -> Given:
        one = _given(planner, node.args["self"])
        if one.kind not in kinds:
            raise CaptureError(f"it computes a mask by {node.op} of {one.kind}")
        return _each(node, form, one)

    return made


def _where(planner: Planner, node: Node) -> Given:
    args = node.args
    parts = [_given(planner, args[name]) for name in ("condition", "self", "other")]
    form = "({0} ? {1} : {2})" if _kind(node) != "real" else "({0} ? (real){1} : (real){2})"
    return _each(node, form, *parts)


def _cast(planner: Planner, node: Node) -> Given:
    one, kind = _given(planner, node.args["self"]), _kind(node)
    if kind == "bool":
        return one if one.kind == "bool" else _each(node, "({0} != 0)", one)
    if kind == "whole" and one.kind not in ("bool", "whole"):
        raise CaptureError("it turns numbers of a mask into whole ones")
    return _each(node, "((real){0})" if kind == "real" else "{0}", one)


def _full(planner: Planner, node: Node) -> Given:
    sizes = node.args["size"]
    number = _given(planner, node.args["fill_value"])
    return _each(node, "{0}", number).expanded(sizes)


def _full_like(planner: Planner, node: Node) -> Given:
    """Read a number in the places of another value, of which only the shape counts."""
    like = planner.given.get(getattr(node.args["self"], "name", ""))
    made = _each(node, "{0}", _given(planner, node.args["fill_value"]))
    return made if like is None else Given(like.dims, lambda places: made.text(()), made.kind)


def _scalar(planner: Planner, node: Node) -> Given:
    return _each(node, "{0}", _given(planner, node.args["s"]))


def _arange(planner: Planner, node: Node) -> Given:
    start, end, step = (node.args.get(n, d) for n, d in (("start", 0), ("end", 0), ("step", 1)))
    if not all(isinstance(one, int) for one in (start, end, step)) or not step:
        raise CaptureError("it counts in fractions")
    size = len(range(start, end, step))
    first = fixed(start).text(())

    def at(places: tuple[Index, ...]) -> str:
        text = flat(places[0])
        text = text if step == 1 else f"{text} * {fixed(step).text(())}"
        return text if not start else f"({first} + {text})"

    kind = _kind(node)
    made = Given(((size,) if size > 1 else (),), at, "whole")
    return made if kind == "whole" else _each(node, "((real){0})", made)


def _same(planner: Planner, node: Node) -> Given:
    one = _given(planner, node.args.get("self", node.args.get("input")))
    return one.expanded(node.args["size"]) if "size" in node.args else one


def _reshaped(planner: Planner, node: Node) -> Given:
    one = _given(planner, node.args["self"])
    sizes = tuple(node.args.get("size", node.args.get("shape", ())))
    if one.of_examples() and -1 not in sizes:
        planner.examples = _product(sizes) // one.numbers()
    return one.reshaped(sizes, planner.examples)


def _product(sizes: Sequence[int]) -> int:
    made = 1
    for size in sizes:
        made *= size
    return made


def _permuted(planner: Planner, node: Node) -> Given:
    one, args = _given(planner, node.args["self"]), node.args
    rank = len(one.dims)
    if node.op == "permute":
        return one.permuted([dim % rank for dim in args["dims"]])
    first, second = (args["dim0"] % rank, args["dim1"] % rank) if node.op == "transpose" else (0, 1)
    order = [*range(rank)]
    order[first], order[second] = second, first
    return one.permuted(order)


def _unsqueezed(planner: Planner, node: Node) -> Given:
    one = _given(planner, node.args["self"])
    return one.with_one(node.args["dim"] % (len(one.dims) + 1))


def _squeezed(planner: Planner, node: Node) -> Given:
    one = _given(planner, node.args["self"])
    given: Any = node.args.get("dim", node.args.get("dims"))
    if given is None:
        raise CaptureError("it leaves out whatever dimensions have one place")
    dims = [d % len(one.dims) for d in (given if isinstance(given, tuple) else (given,))]
    return one.without([d for d in dims if not one.dims[d]])


def _selected(planner: Planner, node: Node) -> Given:
    one, args = _given(planner, node.args["self"]), node.args
    dim = args["dim"] % len(one.dims)
    size = _places(one, dim)
    return one.cut(dim, args["index"] % size, 1).without((dim,))


def _sliced(planner: Planner, node: Node) -> Given:
    one, args = _given(planner, node.args["self"]), node.args
    dim = args.get("dim", 0) % len(one.dims)
    start, end = args.get("start") or 0, args.get("end")
    if args.get("step", 1) != 1:
        raise CaptureError(f"it takes every {args['step']}th place of a mask")
    if start == 0 and (end is None or end >= 2**31):
        return one
    size = _places(one, dim)
    end = size if end is None else min(end, size)
    start, end = (n + size if n < 0 else n for n in (start, end))
    return one.cut(dim, start, end - start)


def _places(one: Given, dim: int) -> int:
    if EXAMPLES in one.dims[dim]:
        raise CaptureError("it takes a part of a mask's examples")
    return _product(one.dims[dim])


def _sum(planner: Planner, node: Node) -> Given:
    """Read a sum over dimensions: a loop in the place of a number."""
    one, args = _given(planner, node.args["self"]), node.args
    given = args.get("dim")
    rank = len(one.dims)
    if (not isinstance(given, int) and not given) or one.kind == "input":
        raise CaptureError("it sums up what is given")
    dims = sorted(d % rank for d in (given if isinstance(given, tuple) else (given,)))
    if any(EXAMPLES in one.dims[dim] for dim in dims):
        raise CaptureError("it sums up over examples")
    sizes = {dim: _product(one.dims[dim]) for dim in dims}
    kept = tuple(() if dim in dims else one.dims[dim] for dim in range(rank))
    planner.loops += 1
    names = {dim: f"q{planner.loops}_{dim}" for dim in dims}
    total = f"sum{planner.loops}"
    heads = " ".join(
        f"for (long {names[dim]} = 0; {names[dim]} < {sizes[dim]}; {names[dim]}++)" for dim in dims
    )

    def at(places: tuple[Index, ...]) -> str:
        own: list[Index] = [
            ((Part(names[dim], sizes[dim]),) if sizes[dim] > 1 else ()) if dim in dims else place
            for dim, place in enumerate(places)
        ]
        return f"({{ real {total} = 0; {heads} {total} += {one.text(own)}; {total}; }})"

    made = Given(kept, at, _kind(node), one.tensors)
    return made if args.get("keepdim") else made.without(dims)


def _clamp(planner: Planner, node: Node) -> Given:
    one, args = _given(planner, node.args["self"]), node.args
    if one.kind not in ("whole", "real") or args.get("max") is not None:
        raise CaptureError("it keeps what is given below a number")
    low = _given(planner, args["min"])
    return _each(node, "larger_((real){0}, (real){1})", one, low)


_COMPARED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

READ: Mapping[str, Callable[[Planner, Node], Given]] = {
    **{op: _binary(f"({{0}} {sign} {{1}})", bools=True) for op, sign in _COMPARED.items()},
    "add": _binary("({0} + {1})"),
    "sub": _binary("({0} - {1})"),
    "mul": _binary("({0} * {1})", bools=True),
    "div": _binary("((real){0} / (real){1})"),
    "sum": _sum,
    "clamp": _clamp,
    "logical_and": _binary("({0} && {1})", bools=True),
    "logical_or": _binary("({0} || {1})", bools=True),
    "logical_xor": _binary("(!{0} != !{1})", bools=True),
    "bitwise_and": _binary("({0} && {1})", bools=True, numbers=False),
    "bitwise_or": _binary("({0} || {1})", bools=True, numbers=False),
    "bitwise_xor": _binary("(!{0} != !{1})", bools=True, numbers=False),
    "logical_not": _unary("(!{0})", "bool", "whole", "real", "input"),
    "bitwise_not": _unary("(!{0})", "bool"),
    "neg": _unary("(-{0})", "whole", "real"),
    "where": _where,
    "_to_copy": _cast,
    "full": _full,
    "full_like": _full_like,
    "scalar_tensor": _scalar,
    "arange": _arange,
    **dict.fromkeys(("alias", "clone", "detach", "expand"), _same),
    **dict.fromkeys(("view", "_unsafe_view", "reshape"), _reshaped),
    **dict.fromkeys(("permute", "transpose", "t"), _permuted),
    "unsqueeze": _unsqueezed,
    "squeeze": _squeezed,
    "select": _selected,
    "slice": _sliced,
}
"""Operations on masks, by name."""
