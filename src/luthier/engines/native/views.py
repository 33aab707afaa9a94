"""Values as a graph sees them: reshaped, permuted and cut, while their numbers stay in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

from luthier.core import CaptureError

EXAMPLE, ROW, COLUMN = "example", "row", "column"


@dataclass(frozen=True)
class Axis:
    """Places in a value that are equally far apart.

    Args:
        kind: Whether the places are examples, rows of an example, or columns.
        size: How many; 1 for examples, whose number a program leaves open.
        step: How far apart, in rows or columns.
    """

    kind: str
    size: int
    step: int = 1


SOME = 1_000_003  # examples, while nobody says how many: a prime, so that no size divides it

Dim = tuple[Axis, ...]
"""A dimension: axes, the outermost first, that a reshape made one. None where it has one place."""


@dataclass(frozen=True)
class View:
    """What a name of the graph means: places of a layer's result, in some order.

    Args:
        base: Name of the layer's result.
        dims: Its dimensions as PyTorch has them, examples among them.
        row, column: Where it begins.
        scale: What its numbers are multiplied with; for parts of a value alone.
    """

    base: str
    dims: tuple[Dim, ...]
    row: int = 0
    column: int = 0
    scale: float = 1.0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Axes of all dimensions, the outermost first."""
        return tuple(axis for dim in self.dims for axis in dim)

    @property
    def is_image(self) -> bool:
        """Whether its second dimension lies in columns, and those after it in rows."""
        kinds = [{axis.kind for axis in dim} for dim in self.dims]
        return kinds[1] <= {COLUMN} and all(kind <= {ROW} for kind in kinds[2:])

    @property
    def size(self) -> int:
        """Numbers of an example."""
        return prod(axis.size for axis in self.axes)

    def covers(self, rows: int, columns: int) -> bool:
        """Tell whether it is all of a value with so many rows an example, and columns."""
        if (self.row, self.column, self.scale) != (0, 0, 1.0):
            return False
        for kind, size in ((ROW, rows), (COLUMN, columns)):
            reached = 1
            for axis in sorted(self._of(kind), key=lambda axis: axis.step):
                if axis.step != reached:
                    return False
                reached *= axis.size
            if reached != size:
                return False
        return len(self._of(EXAMPLE)) == 1

    def places(self, dim: int) -> int:
        """Return the size of a dimension, of those that examples are no part of."""
        if any(axis.kind == EXAMPLE for axis in self.dims[dim]):
            raise CaptureError("it counts its examples")
        return prod(axis.size for axis in self.dims[dim])

    def sides(self, first: int) -> tuple[int, ...]:
        """Return the sizes of the dimensions from one on."""
        return tuple(self.places(dim) for dim in range(first, len(self.dims)))

    def numbers(self, first: int) -> int:
        """Return how many places the dimensions from one on have together."""
        return prod(self.sides(first))

    def _of(self, kind: str) -> list[Axis]:
        return [axis for axis in self.axes if axis.kind == kind]

    def permuted(self, order: Sequence[int]) -> View:
        """Change the order of dimensions."""
        return replace(self, dims=tuple(self.dims[i] for i in order))

    def reshaped(self, sizes: Sequence[int], count: int | None = None) -> View:
        """Cut and join dimensions.

        Args:
            sizes: Of all dimensions, as PyTorch has them: examples among them, -1 for the rest.
            count: How many examples they are made for, if that is known.

        Raises:
            CaptureError: where an axis would be cut into pieces of different lengths.

        >>> of_rows("x", (6,), 8).reshaped((32, 6, 2, 4)).dims[2:]
        ((Axis(kind='column', size=2, step=4),), (Axis(kind='column', size=4, step=1),))
        """
        odd = CaptureError(f"it gives a value of {self.size} numbers a row the shape {sizes}")
        known = prod(size for size in sizes if size != -1)
        examples = (count or SOME) if -1 in sizes else known // self.size
        sizes = [size if size != -1 else examples * self.size // known for size in sizes]
        left = [replace(a, size=examples) if a.kind == EXAMPLE else a for a in self.axes[::-1]]
        dims = []
        for need in sizes:
            dim: list[Axis] = []
            if left and left[-1].size == 1:  # a single example has no size to be known by
                dim.append(left.pop())
            while need > 1:
                if not left:
                    raise odd
                axis = left.pop()
                if need % axis.size == 0:
                    dim.append(axis)
                    need //= axis.size
                elif axis.size % need == 0 and axis.kind != EXAMPLE:
                    inside = axis.size // need
                    dim.append(Axis(axis.kind, need, axis.step * inside))
                    left.append(Axis(axis.kind, inside, axis.step))
                    need = 1
                else:
                    raise odd
            dims.append(_joined(dim))
        if left:
            raise odd
        return replace(self, dims=tuple(dims))

    def cut(self, dim: int, start: int, size: int) -> View:
        """Keep some of a dimension's places.

        Raises:
            CaptureError: where they are not equally far apart, or are examples.
        """
        axes = self.dims[dim]
        if not axes and (start, size) == (0, 1):
            return self  # the only place there is
        if len(axes) != 1 or axes[0].kind == EXAMPLE:
            raise CaptureError("it takes a part of rows that belong together")
        (axis,) = axes
        kept = (replace(axis, size=size),) if size > 1 else ()
        dims = (*self.dims[:dim], kept, *self.dims[dim + 1 :])
        if axis.kind == ROW:
            return replace(self, dims=dims, row=self.row + start * axis.step)
        return replace(self, dims=dims, column=self.column + start * axis.step)

    def without(self, dims: Iterable[int]) -> View:
        """Leave out dimensions of one place."""
        gone = {*dims}
        return replace(self, dims=tuple(d for i, d in enumerate(self.dims) if i not in gone))

    def with_one(self, at: int) -> View:
        """Add a dimension of one place."""
        return replace(self, dims=(*self.dims[:at], (), *self.dims[at:]))


def of_rows(base: str, rows: Sequence[int], columns: int) -> View:
    """Return the whole of a value: examples, rows in some dimensions, columns.

    >>> of_rows("x", (), 3).dims
    ((Axis(kind='example', size=1, step=1),), (Axis(kind='column', size=3, step=1),))
    """
    dims: list[Dim] = [(Axis(EXAMPLE, 1),)]
    step = prod(rows)
    for size in rows:
        step //= size
        dims.append(_joined([Axis(ROW, size, step)]))
    return View(base, (*dims, _joined([Axis(COLUMN, columns)])))


def of_images(base: str, sides: Sequence[int], columns: int) -> View:
    """Return the whole of an image: examples, channels, sides.

    >>> [dim[0].kind for dim in of_images("x", (8, 6), 3).dims]
    ['example', 'column', 'row', 'row']
    """
    whole = of_rows(base, sides, columns)
    last = len(whole.dims) - 1
    return whole.permuted((0, last, *range(1, last)))


def _joined(axes: Iterable[Axis]) -> Dim:
    """Join axes that go on where the one inside them ends; leave out those of one place."""
    found: list[Axis] = []
    for axis in axes:
        if axis.kind == EXAMPLE:
            axis = Axis(EXAMPLE, 1)
        elif axis.size == 1:
            continue
        before = found[-1] if found else None
        if before and before.kind == axis.kind and before.step == axis.size * axis.step:
            found[-1] = Axis(axis.kind, before.size * axis.size, axis.step)
        else:
            found.append(axis)
    return tuple(found)
