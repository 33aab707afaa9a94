"""Numbers that no weight has a part in, such as masks, as expressions of C.

They are never stored: whoever reads one writes its expression, for the place that it asks about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod

from luthier.core import CaptureError

EXAMPLES = 0  # as a size: a program leaves open how many there are


@dataclass(frozen=True)
class Part:
    """A place among so many.

    Args:
        text: As C counts it, from 0.
        size: How many there are.
    """

    text: str
    size: int


Index = tuple[Part, ...]
"""A place in a dimension, by the places in what the dimension joins; none where it has one."""


@dataclass(frozen=True, eq=False)
class Given:
    """Numbers, of which C computes each where it is asked for.

    Args:
        dims: Sizes of what each dimension joins; none for one place.
        at: Writes the number at a place. In the text, ``<X>`` is the network's input and ``<D>``
            how far apart its rows lie, ``<W:name>`` and ``<S:name>`` are the same of a tensor.
        kind: ``bool``, ``whole`` or ``real``; ``input`` for the network's input, which may be any.
        tensors: Those that it reads.
    """

    dims: tuple[tuple[int, ...], ...]
    at: Callable[[tuple[Index, ...]], str]
    kind: str
    tensors: frozenset[str] = frozenset()

    def text(self, places: Sequence[Index]) -> str:
        """Write the number at a place of what it is broadcast to.

        >>> Given(((), (3,)), lambda places: places[1][0].text, "whole").text(
        ...     [(Part("b", EXAMPLES),), (Part("t", 4),), (Part("s", 3),)]
        ... )
        's'
        """
        own = places[len(places) - len(self.dims) :]
        if len(own) != len(self.dims):
            raise CaptureError("it broadcasts a mask to fewer dimensions than it has")
        if any(dim and not index for dim, index in zip(self.dims, own, strict=True)):
            raise CaptureError("it repeats a value in the places of a mask")
        return self.at(tuple(i if d else () for d, i in zip(self.dims, own, strict=True)))

    def viewed(
        self,
        dims: tuple[tuple[int, ...], ...],
        how: Callable[[tuple[Index, ...]], tuple[Index, ...]],
    ) -> Given:
        """Return the same numbers in other places: `how` turns new places into old ones."""
        return replace(self, dims=dims, at=lambda places: self.text(how(places)))

    def numbers(self) -> int:
        """Return how many there are, of one example."""
        return prod(size for dim in self.dims for size in dim if size != EXAMPLES)

    def of_examples(self) -> bool:
        """Tell whether examples have their own."""
        return any(EXAMPLES in dim for dim in self.dims)

    def permuted(self, order: Sequence[int]) -> Given:
        """Change the order of dimensions."""

        def how(places: tuple[Index, ...]) -> tuple[Index, ...]:
            return tuple(places[order.index(i)] for i in range(len(order)))

        return self.viewed(tuple(self.dims[i] for i in order), how)

    def with_one(self, at: int) -> Given:
        """Add a dimension of one place."""
        dims = (*self.dims[:at], (), *self.dims[at:])
        return self.viewed(dims, lambda places: (*places[:at], *places[at + 1 :]))

    def without(self, gone: Sequence[int]) -> Given:
        """Leave out dimensions of one place."""
        kept = [i for i in range(len(self.dims)) if i not in gone]

        def how(places: tuple[Index, ...]) -> tuple[Index, ...]:
            return tuple(places[kept.index(i)] if i in kept else () for i in range(len(self.dims)))

        return self.viewed(tuple(self.dims[i] for i in kept), how)

    def cut(self, dim: int, start: int, size: int) -> Given:
        """Keep some places of a dimension."""
        if not self.dims[dim] and (start, size) == (0, 1):
            return self
        if len(self.dims[dim]) != 1 or self.dims[dim] == (EXAMPLES,):
            raise CaptureError("it takes a part of a mask's examples")
        (whole,) = self.dims[dim]

        def how(places: tuple[Index, ...]) -> tuple[Index, ...]:
            text = f"({start} + {flat(places[dim])})" if start else flat(places[dim])
            return (*places[:dim], (Part(text, whole),), *places[dim + 1 :])

        kept = (size,) if size > 1 else ()
        return self.viewed((*self.dims[:dim], kept, *self.dims[dim + 1 :]), how)

    def expanded(self, sizes: Sequence[int]) -> Given:
        """Repeat what has one place."""
        more = len(sizes) - len(self.dims)
        old = (*(() for _ in range(more)), *self.dims)
        dims = tuple(
            dim or ((size,) if size > 1 else ()) for dim, size in zip(old, sizes, strict=True)
        )
        return self.viewed(dims, lambda places: places[more:])

    def reshaped(self, sizes: Sequence[int], examples: int | None) -> Given:
        """Cut and join dimensions.

        Args:
            sizes: Of all dimensions, as PyTorch has them: -1 for the rest.
            examples: How many there are in this graph, if that is known.

        Raises:
            CaptureError: where a size would be cut into pieces of different lengths.
        """
        odd = CaptureError(f"it gives a mask of {self.numbers()} numbers the shape {tuple(sizes)}")
        count = (examples or 0) if self.of_examples() else 1
        if -1 in sizes:
            known = prod(size for size in sizes if size != -1)
            if not count or (count * self.numbers()) % known:
                raise odd
            sizes = [count * self.numbers() // known if size == -1 else size for size in sizes]
        count = prod(sizes) // self.numbers()
        left = [size for dim in self.dims for size in dim][::-1]
        dims: list[tuple[int, ...]] = []
        for need in sizes:
            dim: list[int] = []
            if left and left[-1] == EXAMPLES and count == 1:
                dim.append(left.pop())  # a single example has no size to be known by
            while need > 1:
                if not left:
                    raise odd
                size = left.pop()
                real = count if size == EXAMPLES else size
                if need % real == 0:
                    dim.append(size)
                    need //= real
                elif size % need == 0 and size != EXAMPLES:
                    dim.append(need)
                    left.append(size // need)
                    need = 1
                else:
                    raise odd
            dims.append(tuple(dim))
        if left:
            raise odd
        old = self.dims
        return self.viewed(tuple(dims), lambda places: grouped([p for i in places for p in i], old))


def grouped(parts: Sequence[Part], dims: Sequence[tuple[int, ...]]) -> tuple[Index, ...]:
    """Return places in dimensions of these sizes, from the same places counted otherwise.

    >>> grouped([Part("i", 6)], [(2,), (3,)])
    ((Part(text='(i / 3)', size=2),), (Part(text='(i % 3)', size=3),))
    >>> grouped([Part("b", EXAMPLES), Part("h", 2)], [(EXAMPLES, 2), ()])
    ((Part(text='b', size=0), Part(text='h', size=2)), ())
    """
    odd = CaptureError("it reads a mask in places that do not fit it")
    left = list(parts)[::-1]
    found: list[Index] = []
    for dim in dims:
        index: list[Part] = []
        for size in dim:
            if size == EXAMPLES:
                if not left or left[-1].size != EXAMPLES:
                    raise odd
                index.append(left.pop())
                continue
            need = size
            while need > 1:
                if not left or left[-1].size == EXAMPLES:
                    raise odd
                part = left.pop()
                if need % part.size == 0:
                    index.append(part)
                    need //= part.size
                elif part.size % need == 0:
                    inside = part.size // need
                    index.append(Part(f"({part.text} / {inside})", need))
                    left.append(Part(f"({part.text} % {inside})", inside))
                    need = 1
                else:
                    raise odd
        found.append(tuple(index))
    if left:
        raise odd
    return tuple(found)


def flat(index: Index) -> str:
    """Return a place in a dimension as one number.

    >>> flat((Part("y", 4), Part("x", 3)))
    '(y * 3 + x)'
    """
    if any(part.size == EXAMPLES for part in index):
        raise CaptureError("it tells examples apart by their places in a batch")
    if not index:
        return "0"
    text = index[0].text
    for part in index[1:]:
        text = f"({text} * {part.size} + {part.text})"
    return text


def fixed(value: float) -> Given:
    """Return a number that is the same everywhere."""
    kind = "bool" if isinstance(value, bool) else "whole" if isinstance(value, int) else "real"
    return Given((), lambda places: literal(value), kind)


def literal(value: float) -> str:
    """Write a number.

    >>> literal(True), literal(-3), literal(0.5), literal(float("-inf"))
    ('1', '(-3)', 'R(0.5)', '(-INFINITY)')
    """
    if isinstance(value, int):
        return str(int(value)) if value >= 0 else f"({int(value)})"
    if value != value:
        raise CaptureError("its mask holds no number")
    if value in (float("inf"), float("-inf")):
        return "INFINITY" if value > 0 else "(-INFINITY)"
    return f"R({value!r})"
