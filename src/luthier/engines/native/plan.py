"""From a captured graph to layers that C can be written for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from luthier.core import CaptureError, Forward, Node, Ref
from luthier.engines.native.elementwise import UNARY

Array = np.ndarray[Any, Any]

BATCH_NORMS = (
    "_native_batch_norm_legit_functional",
    "_native_batch_norm_legit",
    "_native_batch_norm_legit_no_training",
)
_TAKE_RELU = ("linear", "batch_norm", "layer_norm")
_SAME = ("alias", "clone", "view", "_unsafe_view", "reshape", "expand")


@dataclass(frozen=True)
class Layer:
    """One operation on values of shape (rows, width).

    Args:
        kind: linear, batch_norm, layer_norm, dropout, unary, or binary.
        name: Of its result.
        inputs: Names of the values that it reads.
        width: Of its result.
        tensors: The parameters and buffers that it reads, by their part in it.
        numbers: What else it needs.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    width: int
    tensors: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A forward pass as layers.

    Args:
        input: Name of the network's input.
        width: Numbers of one row of it.
        layers: In the order in which they are computed.
        output: Name of the result.
        widths: Of every value.
        turned: Kernels that a layer multiplies by transposed.
        counters: Buffers that count the passes.
    """

    input: str
    width: int
    layers: tuple[Layer, ...]
    output: str
    widths: Mapping[str, int]
    turned: frozenset[str]
    counters: tuple[str, ...]


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
    return _Planner(forward, tensors, _input_width(forward, tensors)).plan()


def _input_width(forward: Forward, tensors: Mapping[str, Array]) -> int:
    """Return how many numbers an input row has: what the first layer that tells expects."""
    like = {forward.inputs[0]}
    turned = {
        node.name: node.args["self"]
        for node in forward.nodes
        if node.op in ("permute", "t") and isinstance(node.args.get("self"), Ref)
    }
    for node in forward.nodes:
        refs = {name: arg for name, arg in node.args.items() if isinstance(arg, Ref)}
        if not any(ref.name in like for ref in refs.values()):
            continue
        if node.op == "native_layer_norm":
            return int(node.args["normalized_shape"][-1])
        told = refs.get("mat2") or refs.get("running_mean")
        if told is None:
            like.add(node.name)
            continue
        source = turned.get(told.name, told)
        shape = tensors[forward.reads[source.name]].shape if source.name in forward.reads else ()
        if shape:
            return int(shape[-1] if told.name in turned or len(shape) == 1 else shape[0])
    raise CaptureError("no layer tells how many inputs it has")


def _joined(layers: list[Layer], output: str) -> tuple[Layer, ...]:
    """Join a relu, and a dropout after it, to the layer whose result it alone reads.

    Each takes one pass over memory less.
    """
    readers = [name for layer in layers for name in layer.inputs]
    found: dict[str, Layer] = {}
    for layer in layers:
        before = found.get(layer.inputs[0])
        alone = readers.count(layer.inputs[0]) == 1 and layer.inputs[0] != output
        if alone and before is not None and (more := _taken(before, layer)):
            del found[before.name]
            layer = replace(before, name=layer.name, numbers={**before.numbers, **more})
        found[layer.name] = layer
    return tuple(found.values())


def _taken(before: Layer, layer: Layer) -> dict[str, Any]:
    """Return what a layer turns into in the one before it; nothing where it stays by itself."""
    if before.kind not in _TAKE_RELU or "dropout" in before.numbers:
        return {}
    if layer.kind == "unary" and layer.numbers["op"] == "relu":
        return {"relu": True}
    if layer.kind == "dropout" and "relu" in before.numbers:
        return {"dropout": layer.numbers["call"]}
    return {}


class _Planner:
    """Reads the nodes of one pass."""

    def __init__(self, forward: Forward, tensors: Mapping[str, Array], width: int) -> None:
        self.forward, self.tensors, self.width = forward, tensors, width
        self.widths = {forward.inputs[0]: width}
        self.same = {forward.inputs[0]: forward.inputs[0]}  # a value under the name it came by
        self.parameters: dict[str, str] = dict(forward.reads)
        self.transposed: dict[str, str] = {}
        self.results: dict[str, Node] = {}  # of operations with several
        self.turned: set[str] = set()
        self.straight: set[str] = set()
        self.layers: list[Layer] = []
        self.counted: dict[str, str] = {}

    def plan(self) -> Plan:
        for node in self.forward.nodes:
            self._read(node)
        output = self.same.get(self.forward.output)
        if output is None or output == self.forward.inputs[0]:
            raise CaptureError("its output is nothing that it computed from its input")
        if both := self.turned & self.straight:
            raise CaptureError(f"it multiplies by '{min(both)}' both ways round")
        return Plan(
            self.forward.inputs[0],
            self.width,
            _joined(self.layers, output),
            output,
            self.widths,
            frozenset(self.turned),
            self._counters(),
        )

    def _read(self, node: Node) -> None:
        args, op = node.args, node.op
        if op in ("permute", "t", "transpose") and self._parameter(args["self"]):
            if op == "permute" and args["dims"] != (1, 0):
                raise CaptureError(f"it permutes a parameter by {args['dims']}")
            self.transposed[node.name] = self._parameter(args["self"]) or ""
        elif op in ("addmm", "mm"):
            self._linear(node)
        elif op in BATCH_NORMS:
            self._batch_norm(node)
        elif op == "native_layer_norm":
            self._layer_norm(node)
        elif op == "item":
            self._item(node)
        elif op == "dropout":
            self._add(node, "dropout", (args["input"],), {"call": args["call"]})
            if args["kept"] != 2:
                raise CaptureError("it drops whole channels")
        elif op in _SAME:
            self._reshaped(node)
        elif op in UNARY:
            numbers = {k: v for k, v in args.items() if k != "self" and v != "none"}
            if odd := [v for v in numbers.values() if not isinstance(v, (int, float))]:
                raise CaptureError(f"it computes with {op} {odd[0]}, which C programs do not")
            self._add(node, "unary", (args["self"],), {"op": op, **numbers})
        elif op in ("add", "sub", "mul"):
            self._binary(node)
        else:
            raise CaptureError(f"it computes with {op}, which C programs do not")

    def _value(self, arg: Any) -> str:
        """Return the value behind an argument."""
        if isinstance(arg, Ref) and arg.name in self.same:
            return self.same[arg.name]
        raise CaptureError(f"it computes with {arg!r} where C programs want a layer's result")

    def _parameter(self, arg: Any) -> str | None:
        return self.parameters.get(arg.name) if isinstance(arg, Ref) else None

    def _tensor(self, arg: Any, size: int) -> str:
        name = self._parameter(arg)
        if name is None or self.tensors[name].shape != (size,):
            raise CaptureError(f"a layer of {size} units reads {arg!r}")
        return name

    def _add(
        self,
        node: Node,
        kind: str,
        inputs: tuple[Any, ...],
        numbers: Mapping[str, Any],
        tensors: Mapping[str, str] | None = None,
        width: int | None = None,
    ) -> None:
        values = tuple(self._value(one) for one in inputs)
        wide = self.widths[values[0]] if width is None else width
        if width is None and any(self.widths[v] != wide for v in values):
            raise CaptureError("it computes with values of several widths at once")
        self.layers.append(Layer(kind, node.name, values, wide, tensors or {}, numbers))
        self.widths[node.name], self.same[node.name] = wide, node.name

    def _linear(self, node: Node) -> None:
        args = node.args
        left, right = ("mat1", "mat2") if node.op == "addmm" else ("self", "mat2")
        if node.op == "addmm" and (args.get("beta", 1), args.get("alpha", 1)) != (1, 1):
            raise CaptureError("it scales a product")
        matrix = args[right]
        turned = isinstance(matrix, Ref) and matrix.name in self.transposed
        kernel = self.transposed[matrix.name] if turned else self._parameter(matrix)
        if kernel is None:
            raise CaptureError("it multiplies two values that it computed")
        (self.turned if turned else self.straight).add(kernel)
        outer = self.tensors[kernel].shape
        inner, width = (outer[1], outer[0]) if turned else outer
        if self.widths[self._value(args[left])] != inner:
            raise CaptureError(f"a product by '{kernel}' joins more than rows")
        tensors = {"kernel": kernel}
        if node.op == "addmm":
            tensors["bias"] = self._tensor(args["self"], width)
        self._add(node, "linear", (args[left],), {}, tensors, width)

    def _batch_norm(self, node: Node) -> None:
        args, width = node.args, self.widths[self._value(node.args["input"])]
        if args.get("running_mean") is None:
            raise CaptureError("its batch norm keeps no running statistics")
        names = ("weight", "bias", "running_mean", "running_var")
        tensors = {n: self._tensor(args[n], width) for n in names if args.get(n) is not None}
        training = args.get("training", False) and not node.op.endswith("no_training")
        numbers = {"momentum": args["momentum"], "eps": args["eps"], "training": training}
        self._add(node, "batch_norm", (args["input"],), numbers, tensors)
        self.results[node.name] = node
        del self.same[node.name]

    def _layer_norm(self, node: Node) -> None:
        args, width = node.args, self.widths[self._value(node.args["input"])]
        if tuple(args["normalized_shape"]) != (width,):
            raise CaptureError(f"its layer norm is over {args['normalized_shape']}")
        names = ("weight", "bias")
        tensors = {n: self._tensor(args[n], width) for n in names if args.get(n) is not None}
        self._add(node, "layer_norm", (args["input"],), {"eps": args["eps"]}, tensors)
        self.results[node.name] = node
        del self.same[node.name]

    def _item(self, node: Node) -> None:
        source, index = node.args["of"].name, node.args["index"]
        if source not in self.results:
            raise CaptureError(f"it takes a part of {source}")
        if index == 0:
            self.same[node.name] = source
        elif self.forward.updates and node.name in self.forward.updates.values():
            self._statistic(node.name, self.results[source], index)

    def _statistic(self, value: str, norm: Node, index: int) -> None:
        """Check that a running statistic replaces the one that was read."""
        read = self._parameter(norm.args[("running_mean", "running_var")[index - 3]])
        written = [name for name, v in self.forward.updates.items() if v == value]
        if written != [read]:
            raise CaptureError(f"'{read}' goes to {written}")

    def _reshaped(self, node: Node) -> None:
        size = node.args.get("size", node.args.get("shape"))
        value = self._value(node.args["self"])
        if size is not None and (len(size) != 2 or size[1] not in (-1, self.widths[value])):
            raise CaptureError(f"it gives a value the shape {size}")
        self.same[node.name] = value

    def _binary(self, node: Node) -> None:
        args = node.args
        first, second = args["self"], args["other"]
        counter = self._parameter(first)
        if counter and node.op == "add" and second == 1 and self._counts(counter):
            self.counted[node.name] = counter
            return
        scale = args.get("alpha", 1)
        if isinstance(second, (int, float)) and not isinstance(second, bool):
            number = second * scale
            self._add(node, "unary", (first,), {"op": f"{node.op}_number", "number": number})
        elif scale != 1:
            raise CaptureError("it adds a multiple of a value")
        else:
            self._add(node, "binary", (first, second), {"op": node.op})

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
