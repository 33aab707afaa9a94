"""From a captured graph to layers that C can be written for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from luthier.core import CaptureError, Forward, Node, Ref
from luthier.engines.native import planner_images as images
from luthier.engines.native.elementwise import UNARY
from luthier.engines.native.plan import Layer, Plan, joined

Array = np.ndarray[Any, Any]

_SAME = ("alias", "clone", "expand")
_RESHAPED = ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze")


def plan(forward: Forward, tensors: Mapping[str, Array]) -> Plan:
    """Return a forward pass as layers.

    Args:
        forward: The pass.
        tensors: Parameters and buffers, of which only shapes count.

    Raises:
        CaptureError: where C programs lack an operation; the text says which.
    """
    if len(forward.inputs) != 1:
        raise CaptureError(f"it has {len(forward.inputs)} inputs, and C programs take one")
    return Planner(forward, tensors).plan()


class Planner:
    """Reads the nodes of one pass.

    Images are captured with their channels first, and computed with their channels last. Rows
    that are to be images lie in planes, a channel after the other, until a layer needs them
    otherwise: a convolution reads the network's input as it is.

    Attributes:
        shapes: Of one example of every named value, as PyTorch has it.
        same: The layer's result behind a named value.
        planes: The rows behind an image that no layer has needed as pixels yet.
        layers: Those found so far.
    """

    def __init__(self, forward: Forward, tensors: Mapping[str, Array]) -> None:
        self.forward, self.tensors = forward, tensors
        (self.input,) = forward.inputs
        size = forward.sizes[0]
        self.width = prod(size)
        self.shapes: dict[str, tuple[int, ...]] = {self.input: size}
        self.same: dict[str, str] = {} if len(size) > 1 else {self.input: self.input}
        self.planes: dict[str, str] = {self.input: self.input} if len(size) > 1 else {}
        self.widths, self.pixels = {self.input: self.width}, {self.input: 1}
        self.learned: set[str] = set()  # values that depend on a tensor
        self.parameters: dict[str, str] = dict(forward.reads)
        self.transposed: dict[str, str] = {}
        self.results: dict[str, Node] = {}  # of operations with several
        self.turned: set[str] = set()
        self.straight: set[str] = set()
        self.layers: list[Layer] = []
        self.counted: dict[str, str] = {}

    def plan(self) -> Plan:
        """Read all nodes.

        Raises:
            CaptureError: where C programs lack an operation.
        """
        for node in self.forward.nodes:
            self._read(node)
        output = self.same.get(self.forward.output)
        if output is None or output == self.input:
            raise CaptureError("its output is nothing that it computed from its input")
        if self.pixels[output] > 1:
            raise CaptureError("its output is an image")
        if both := self.turned & self.straight:
            raise CaptureError(f"it multiplies by '{min(both)}' both ways round")
        return Plan(
            self.input,
            self.width,
            joined(self.layers, output),
            output,
            self.widths,
            self.pixels,
            frozenset(self.turned),
            self._counters(),
        )

    def _read(self, node: Node) -> None:
        args, op = node.args, node.op
        if op in ("permute", "t", "transpose") and self.parameter(args["self"]):
            if op == "permute" and args["dims"] != (1, 0):
                raise CaptureError(f"it permutes a parameter by {args['dims']}")
            self.transposed[node.name] = self.parameter(args["self"]) or ""
        elif op in _SAME:
            self._again(node)
        elif op in _RESHAPED:
            self._reshaped(node)
        elif op in UNARY:
            numbers = {k: v for k, v in args.items() if k != "self" and v != "none"}
            if odd := [v for v in numbers.values() if not isinstance(v, (int, float))]:
                raise CaptureError(f"it computes with {op} {odd[0]}, which C programs do not")
            self._unary(node, args["self"], {"op": op, **numbers})
        elif op in ("add", "sub", "mul"):
            self._binary(node)
        elif op in READ:
            READ[op](self, node)
        else:
            raise CaptureError(f"it computes with {op}, which C programs do not")

    def rows(self, arg: Any) -> str | None:
        """Return the rows behind an image that still lies in planes."""
        waits = isinstance(arg, Ref) and arg.name in self.planes and arg.name not in self.same
        return self.planes[arg.name] if waits else None

    def value(self, arg: Any) -> str:
        """Return the layer's result behind an argument; rows become images where they must."""
        rows = self.rows(arg)
        if rows is not None:
            size = _size(self.shapes[arg.name])
            self.same[arg.name] = self.layer("pixels", f"{arg.name}_pixels", (rows,), size)
        if isinstance(arg, Ref) and arg.name in self.same:
            return self.same[arg.name]
        raise CaptureError(f"it computes with {arg!r} where C programs want a layer's result")

    def shape(self, arg: Any) -> tuple[int, ...]:
        """Return the shape of one example of an argument."""
        if not isinstance(arg, Ref) or arg.name not in self.shapes:
            raise CaptureError(f"it computes with {arg!r} where C programs want a layer's result")
        return self.shapes[arg.name]

    def parameter(self, arg: Any) -> str | None:
        """Return the parameter or buffer that an argument is."""
        return self.parameters.get(arg.name) if isinstance(arg, Ref) else None

    def tensor(self, arg: Any, size: int) -> str:
        """Return the vector of this size that an argument is."""
        name = self.parameter(arg)
        if name is None or self.tensors[name].shape != (size,):
            raise CaptureError(f"a layer of {size} units reads {arg!r}")
        return name

    def layer(
        self,
        kind: str,
        name: str,
        inputs: tuple[str, ...],
        size: tuple[int, int],
        numbers: Mapping[str, Any] | None = None,
        tensors: Mapping[str, str] | None = None,
    ) -> str:
        """Add a layer; return the name of its result.

        Args:
            kind: Which, as in `Layer`, like the rest.
            name: Of its result.
            inputs: What it reads.
            size: Columns of its result, and rows of one example.
            numbers: What else it needs.
            tensors: The parameters and buffers that it reads.
        """
        self.widths[name], self.pixels[name] = size
        self.layers.append(Layer(kind, name, inputs, size[0], tensors or {}, numbers or {}))
        if tensors or self.learned & {*inputs}:
            self.learned.add(name)
        return name

    def add(
        self,
        node: Node,
        kind: str,
        inputs: tuple[Any, ...],
        numbers: Mapping[str, Any],
        tensors: Mapping[str, str] | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        """Add a layer for a node; without a shape its result is shaped as what it reads."""
        shapes = [self.shape(one) for one in inputs]
        if shape is None and any(one != shapes[0] for one in shapes):
            raise CaptureError("it computes with values of several shapes at once")
        shape = self.shapes[node.name] = shape or shapes[0]
        values = tuple(self.value(one) for one in inputs)
        self.same[node.name] = self.layer(kind, node.name, values, _size(shape), numbers, tensors)

    def linear(self, node: Node) -> None:
        """Read a product by a kernel."""
        args = node.args
        left, right = ("mat1", "mat2") if node.op == "addmm" else ("self", "mat2")
        if node.op == "addmm" and (args.get("beta", 1), args.get("alpha", 1)) != (1, 1):
            raise CaptureError("it scales a product")
        matrix = args[right]
        turned = isinstance(matrix, Ref) and matrix.name in self.transposed
        kernel = self.transposed[matrix.name] if turned else self.parameter(matrix)
        if kernel is None:
            raise CaptureError("it multiplies two values that it computed")
        (self.turned if turned else self.straight).add(kernel)
        outer = self.tensors[kernel].shape
        inner, width = (outer[1], outer[0]) if turned else outer
        if self.shape(args[left]) != (inner,):
            raise CaptureError(f"a product by '{kernel}' joins more than rows")
        tensors = {"kernel": kernel}
        if node.op == "addmm":
            tensors["bias"] = self.tensor(args["self"], width)
        self.add(node, "linear", (args[left],), {}, tensors, (width,))

    def batch_norm(self, node: Node) -> None:
        """Read a normalisation over rows."""
        args, width = node.args, self.shape(node.args["input"])[0]
        if args.get("running_mean") is None:
            raise CaptureError("its batch norm keeps no running statistics")
        names = ("weight", "bias", "running_mean", "running_var")
        tensors = {n: self.tensor(args[n], width) for n in names if args.get(n) is not None}
        training = args.get("training", False) and not node.op.endswith("no_training")
        numbers = {"momentum": args["momentum"], "eps": args["eps"], "training": training}
        self.add(node, "batch_norm", (args["input"],), numbers, tensors)
        self.severally(node)

    def severally(self, node: Node) -> None:
        """Have a node's result taken by its number alone."""
        self.results[node.name] = node

    def layer_norm(self, node: Node) -> None:
        """Read a normalisation over columns."""
        args, shape = node.args, self.shape(node.args["input"])
        if tuple(args["normalized_shape"]) != shape or len(shape) > 1:
            raise CaptureError(f"its layer norm is over {args['normalized_shape']}")
        names = ("weight", "bias")
        tensors = {n: self.tensor(args[n], shape[0]) for n in names if args.get(n) is not None}
        self.add(node, "layer_norm", (args["input"],), {"eps": args["eps"]}, tensors)
        self.severally(node)

    def item(self, node: Node) -> None:
        """Read one of an operation's several results."""
        source, index = node.args["of"].name, node.args["index"]
        if source not in self.results:
            raise CaptureError(f"it takes a part of {source}")
        if index == 0:
            self.same[node.name], self.shapes[node.name] = self.same[source], self.shapes[source]
        elif self.forward.updates and node.name in self.forward.updates.values():
            self._statistic(node.name, self.results[source], index)

    def _statistic(self, value: str, norm: Node, index: int) -> None:
        """Check that a running statistic replaces the one that was read."""
        read = self.parameter(norm.args[("running_mean", "running_var")[index - 3]])
        written = [name for name, v in self.forward.updates.items() if v == value]
        if written != [read]:
            raise CaptureError(f"'{read}' goes to {written}")

    def dropout(self, node: Node) -> None:
        """Read a dropout of numbers, or of whole channels."""
        shape, kept = self.shape(node.args["input"]), node.args["kept"]
        if kept not in (2, 1 + len(shape)):
            raise CaptureError(f"it drops what {kept} of its dimensions have in common")
        numbers = {"call": node.args["call"], "channels": kept < 1 + len(shape)}
        self.add(node, "dropout", (node.args["input"],), numbers)

    def _unary(self, node: Node, arg: Any, numbers: Mapping[str, Any]) -> None:
        rows = self.rows(arg)
        if rows is None:
            self.add(node, "unary", (arg,), numbers)
        else:
            size = (self.widths[rows], 1)
            self.planes[node.name] = self.layer("unary", node.name, (rows,), size, numbers)
            self.shapes[node.name] = self.shapes[arg.name]

    def _again(self, node: Node) -> None:
        """Read what changes nothing."""
        arg, size = node.args["self"], node.args.get("size")
        shape = self.shape(arg)
        if size is not None and any(
            given not in (-1, own) for given, own in zip(size[1:], shape, strict=True)
        ):
            raise CaptureError(f"it repeats a value to the shape {size}")
        self.shapes[node.name] = shape
        for known in (self.same, self.planes):
            if arg.name in known:
                known[node.name] = known[arg.name]

    def _reshaped(self, node: Node) -> None:
        """Read what gives a value another shape: its numbers stay in their order."""
        arg = node.args["self"]
        before = self.shape(arg)
        shape = self.shapes[node.name] = _reshaped(node, before)
        if arg.name not in self.same:
            rows = self.planes[arg.name]
        elif shape[0] == before[0] or (shape[0] == prod(before) == before[0]):
            self.same[node.name] = self.same[arg.name]  # an image keeps its channels
            return
        elif len(before) == 1 or self.pixels[self.same[arg.name]] == 1:
            rows = self.same[arg.name]
        else:
            image = (self.same[arg.name],)
            rows = self.layer("planes", f"{node.name}_planes", image, (prod(before), 1))
        known = self.same if prod(shape[1:]) == 1 else self.planes
        known[node.name] = rows

    def _binary(self, node: Node) -> None:
        args = node.args
        first, second = args["self"], args["other"]
        counter = self.parameter(first)
        if counter and node.op == "add" and second == 1 and self._counts(counter):
            self.counted[node.name] = counter
            return
        scale = args.get("alpha", 1)
        if isinstance(second, (int, float)) and not isinstance(second, bool):
            self._unary(node, first, {"op": f"{node.op}_number", "number": second * scale})
        elif scale != 1:
            raise CaptureError("it adds a multiple of a value")
        else:
            self.add(node, "binary", (first, second), {"op": node.op})

    def _counts(self, name: str) -> bool:
        tensor = self.tensors[name]
        return tensor.shape == () and np.issubdtype(tensor.dtype, np.integer)

    def _counters(self) -> tuple[str, ...]:
        """Return the buffers that count; every other change must be a running statistic."""
        counters = []
        for name, value in self.forward.updates.items():
            if self.counted.get(value) == name:
                counters.append(name)
            elif not any(name in layer.tensors.values() for layer in self.layers):
                raise CaptureError(f"it changes its buffer '{name}' in a way of its own")
        return tuple(counters)


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return columns and rows of a value whose example has a shape.

    >>> _size((16, 8, 8)), _size((64,))
    ((16, 64), (64, 1))
    """
    return shape[0], prod(shape[1:])


def _reshaped(node: Node, before: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that an example gets."""
    args, rank = node.args, len(before) + 1
    if node.op == "unsqueeze":
        at = args["dim"] % (rank + 1) - 1
        found = (*before[: max(at, 0)], 1, *before[max(at, 0) :])
        odd = at < 0
    elif node.op == "squeeze":
        given = args.get("dim", args.get("dims", tuple(range(1, rank))))
        dims = {one % rank for one in (given if isinstance(given, tuple) else (given,))}
        found = tuple(n for i, n in enumerate(before, 1) if i not in dims or n > 1)
        odd = 0 in dims or not found
    else:
        size = tuple(args.get("size", args.get("shape")))[1:]
        known = prod(n for n in size if n != -1)
        found = tuple(n if n != -1 else prod(before) // max(known, 1) for n in size)
        odd = not found or prod(found) != prod(before)
    if odd:
        raise CaptureError(f"it gives a value a shape that joins rows ({node.op})")
    return found


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    "addmm": Planner.linear,
    "mm": Planner.linear,
    "_native_batch_norm_legit_functional": Planner.batch_norm,
    "_native_batch_norm_legit": Planner.batch_norm,
    "_native_batch_norm_legit_no_training": Planner.batch_norm,
    "native_layer_norm": Planner.layer_norm,
    "item": Planner.item,
    "dropout": Planner.dropout,
    "convolution": images.convolution,
    "max_pool2d_with_indices": images.max_pool,
    "avg_pool2d": images.avg_pool,
    "mean": images.mean,
}
