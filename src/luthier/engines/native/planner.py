"""From a captured graph to layers that C can be written for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from luthier.core import CaptureError, Forward, Node, Positions, Ref
from luthier.engines.native import planner_attention as attention
from luthier.engines.native import planner_dense as dense
from luthier.engines.native import planner_given as masks
from luthier.engines.native import planner_images as images
from luthier.engines.native import planner_masked as masked
from luthier.engines.native import planner_recurrent as recurrent
from luthier.engines.native import planner_shapes as shapes
from luthier.engines.native.elementwise import UNARY
from luthier.engines.native.given import Given
from luthier.engines.native.plan import Layer, Plan, joined
from luthier.engines.native.views import COLUMN, EXAMPLE, ROW, Axis, Dim, View, of_images, of_rows

Array = np.ndarray[Any, Any]


def plan(
    forward: Forward,
    tensors: Mapping[str, Array],
    positions: Positions = Positions(),  # noqa: B008
) -> Plan:
    """Return a forward pass as layers.

    Args:
        forward: The pass.
        tensors: Parameters, buffers and constants, of which only shapes count.
        positions: How outputs are read.

    Raises:
        CaptureError: where C programs lack an operation; the text says which.
    """
    if len(forward.inputs) != 1:
        raise CaptureError(f"it has {len(forward.inputs)} inputs, and C programs take one")
    return Planner(forward, tensors).plan(positions)


def constant(name: str) -> str:
    """Return the name under which an array that a graph holds lies among the tensors."""
    return f"{name} (constant)"


@dataclass(frozen=True)
class Kernel:
    """A matrix that trains, as an operation sees it.

    Args:
        name: Of the parameter.
        turned: Whether it is seen transposed.
        rank: Dimensions that it is seen with: those that it has, after some of one place.
    """

    name: str
    turned: bool
    rank: int


class Planner:
    """Reads the nodes of one pass.

    Most operations of a graph only say where numbers are to be looked for (`View`). A layer is
    added where something is computed, or where a layer's input must lie otherwise than it does.

    Attributes:
        views: What each name of the graph means.
        scores: Products of two values, which only attention goes on with.
        answers: Comparisons of them with what rules out.
        given: What depends on the input and on fixed tensors alone: masks, before all.
        examples: How many examples shapes of the graph are made for, once one tells.
        loops: Sums of what is given, so far: each has variables of its own.
        codes: Rows of tables for the places of a sequence.
        unread: Why a name means nothing that layers could read.
        kernels: Matrices under the names that operations read them by.
        results: Operations whose results are taken one by one.
        states: Last states of a recurrence: of each layer, and each way that it goes.
        layers: Those found so far.
        pixels: Rows an example of every layer's result.
        widths: Columns of every layer's result.
        learned: Layers' results that depend on a tensor.
        turned: Kernels that are multiplied by transposed.
        straight: Those that are multiplied by as they are, or whose rows are looked up.
        across: Layers that multiply by one transposed.
    """

    def __init__(self, forward: Forward, tensors: Mapping[str, Array]) -> None:
        self.forward, self.tensors = forward, tensors
        (self.input,) = forward.inputs
        (size,) = forward.sizes
        width = prod(size)
        self.pixels, self.widths = {self.input: 1}, {self.input: width}
        flat = of_rows(self.input, (), width)
        self.views: dict[str, View] = {self.input: flat.reshaped((-1, *size))}
        self.scores: dict[str, attention.Scores] = {}
        self.answers: dict[str, attention.Answer] = {}
        held = {name: constant(name) for name in forward.constants if constant(name) in tensors}
        self.reads = {**forward.reads, **held}
        self.kernels: dict[str, Kernel] = {
            value: Kernel(name, turned=False, rank=tensors[name].ndim)
            for value, name in self.reads.items()
        }
        self.results: dict[str, Node] = {}
        self.states: dict[str, tuple[View, ...]] = {}
        self.layers: list[Layer] = []
        self.learned: set[str] = set()
        self.turned: set[str] = set()
        self.straight: set[str] = set()
        self.across: set[str] = set()
        self.counted: dict[str, str] = {}
        self.examples: int | None = None
        self.loops = 0
        self.unread: dict[str, str] = {}
        self.codes: dict[str, dense.Codes] = {}
        self.given: dict[str, Given] = masks.begin(self)

    def plan(self, positions: Positions) -> Plan:
        """Read all nodes.

        Args:
            positions: How outputs are read.

        Raises:
            CaptureError: where C programs lack an operation.
        """
        for node in self.forward.nodes:
            given = masks.read(self, node)
            try:
                self._read(node)
            except CaptureError as error:
                if not given:
                    raise
                self.unread[node.name] = str(error)
        output = self._output(positions)
        both = self.turned & self.straight
        layers = [
            self._tied(layer) if both & {*layer.tensors.values()} else layer
            for layer in self.layers
        ]
        return Plan(
            self.input,
            self.widths[self.input],
            joined(layers, output),
            output,
            self.widths,
            self.pixels,
            frozenset(self.turned - both),
            self._counters(),
        )

    def _output(self, positions: Positions) -> str:
        """Return the value of the outputs: a row for each example, or for each of its positions."""
        view, shape = self.views.get(self.forward.output), positions.shape
        if view is None:
            raise CaptureError("its output is no row of numbers")
        if shape and positions.axis is None:
            view = view.with_one(len(view.dims))
        elif shape and positions.axis == 1:
            view = view.permuted((0, *range(2, len(view.dims)), 1))
        if len(view.dims) != len(shape) + 2 or [a.kind for a in view.dims[0]] != [EXAMPLE]:
            raise CaptureError("its output is no row of numbers")
        output = self.rows(view)
        if output.dims[:-1] != of_rows(output.base, shape, 1).dims[:-1]:
            output = self.copied(view)
        if output.base == self.input or self.pixels[output.base] != prod(shape):
            raise CaptureError("its output is nothing that it computed for each example")
        return output.base

    def _read(self, node: Node) -> None:
        if node.op in UNARY:
            self._function(node)
        elif node.op in READ:
            READ[node.op](self, node)
        else:
            raise CaptureError(f"it computes with {node.op}, which C programs do not")

    def view(self, arg: Any) -> View:
        """Return what an argument means."""
        if isinstance(arg, Ref) and arg.name in self.views:
            return self.views[arg.name]
        if isinstance(arg, Ref) and arg.name in self.unread:
            raise CaptureError(self.unread[arg.name])
        raise CaptureError(f"it computes with {arg!r} where C programs want a layer's result")

    def parameter(self, arg: Any) -> str | None:
        """Return the parameter or buffer that an argument is."""
        return self.reads.get(arg.name) if isinstance(arg, Ref) else None

    def tensor(self, arg: Any, size: int) -> str:
        """Return the vector of this size that an argument is."""
        name = self.parameter(arg)
        if name is None or self.tensors[name].shape != (size,):
            raise CaptureError(f"a layer of {size} units reads {arg!r}")
        return name

    def whole(self, view: View) -> View:
        """Return a view of all that a layer made, after a copy where this one is a part of it."""
        if view.covers(self.pixels[view.base], self.widths[view.base]):
            return view
        return self.copied(view)

    def rows(self, view: View) -> View:
        """Return a view of all that a layer made, whose last dimension is its columns."""
        whole = self.whole(view)
        columns = of_rows("", (), self.widths[whole.base]).dims[-1]
        return whole if whole.dims[-1] == columns else self.copied(view)

    def image(self, view: View) -> View:
        """Return a view of all that a layer made: examples, channels in its columns, sides."""
        if len(view.dims) < 2:
            raise CaptureError("it moves a window over what is no image")
        whole = of_images(view.base, view.sides(2), self.widths[view.base])
        if self.pixels[view.base] == view.numbers(2) and view == whole:
            return view
        rank = len(view.dims)
        last = self.copied(view.permuted((0, *range(2, rank), 1)))
        return last.permuted((0, rank - 1, *range(1, rank - 1)))

    def copied(self, view: View) -> View:
        """Copy what a view shows, so that its last dimension lies in columns."""
        *outer, inner = view.dims
        rows = [axis for dim in outer for axis in dim if axis.kind != EXAMPLE]
        if any(axis.kind == EXAMPLE for axis in inner):
            raise CaptureError("it joins numbers of several rows")
        loops: list[tuple[Axis, Axis]] = []
        for kind, axes in ((ROW, rows), (COLUMN, list(inner))):
            step = prod(axis.size for axis in axes)
            for axis in axes:
                step //= axis.size
                loops.append((axis, Axis(kind, axis.size, step)))
        placed = iter([to for _, to in loops])
        dims: list[Dim] = [
            tuple(axis if axis.kind == EXAMPLE else next(placed) for axis in dim)
            for dim in view.dims
        ]
        name = f"{view.base}_copy{len(self.layers)}"
        numbers = {
            "loops": tuple(loops),
            "row": view.row,
            "column": view.column,
            "scale": view.scale,
        }
        size = (prod(a.size for a in inner), prod(a.size for a in rows))
        return View(self.layer("copy", name, (view.base,), size, numbers), tuple(dims))

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

    def alike(
        self,
        node: Node,
        kind: str,
        view: View,
        numbers: Mapping[str, Any],
        tensors: Mapping[str, str] | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        """Add a layer whose result lies as what it reads does."""
        size = (self.widths[view.base], self.pixels[view.base])
        made = self.layer(kind, node.name, (view.base, *also), size, numbers, tensors)
        self.views[node.name] = replace(view, base=made)

    def masks(self, node: Node, *, scores: bool = False) -> bool:
        """Read what masks a value, or scores of attention; tell whether it is that."""
        if scores:
            return node.op == "add" and attention.added(self, node)
        return masked.masked(self, node)

    def function(self, node: Node, arg: Any, numbers: Mapping[str, Any]) -> None:
        """Read a function of every number alone."""
        self.alike(node, "unary", self.whole(self.view(arg)), numbers)

    def _function(self, node: Node) -> None:
        numbers = {k: v for k, v in node.args.items() if k != "self" and v != "none"}
        if odd := [v for v in numbers.values() if not isinstance(v, (int, float))]:
            raise CaptureError(f"it computes with {node.op} {odd[0]}, which C programs do not")
        self.function(node, node.args["self"], {"op": node.op, **numbers})

    def counts(self, name: str) -> bool:
        """Tell whether a buffer is a whole number."""
        tensor = self.tensors[name]
        return tensor.shape == () and np.issubdtype(tensor.dtype, np.integer)

    def _tied(self, layer: Layer) -> Layer:
        """Return a layer that reads a matrix which others read the other way round."""
        if layer.kind == "linear" and layer.name in self.across:
            return replace(layer, kind="tied")
        if layer.kind in ("linear", "embedding"):
            return layer
        name = min(self.turned & self.straight & {*layer.tensors.values()})
        raise CaptureError(f"it computes with '{name}' both ways round")

    def _counters(self) -> tuple[str, ...]:
        """Return the buffers that count; every other change must be a running statistic."""
        counters = []
        for name, value in self.forward.updates.items():
            if self.counted.get(value) == name:
                counters.append(name)
            elif value in self.given or not any(
                name in layer.tensors.values() for layer in self.layers
            ):
                raise CaptureError(f"it changes its buffer '{name}' in a way of its own")
        return tuple(counters)


READ: Mapping[str, Callable[[Planner, Node], None]] = {
    **shapes.READ,
    **dense.READ,
    **images.READ,
    **attention.READ,
    **masked.READ,
    **recurrent.READ,
}
