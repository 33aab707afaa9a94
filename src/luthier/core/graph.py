"""Graph: a network as neutral operations on named values, which any engine can lower."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.core.task import Array


@dataclass(frozen=True)
class Ref:
    """A value that another operation computed, or that is read; by name."""

    name: str


def refs(args: Iterable[Any]) -> Iterator[Ref]:
    """Return all values that some arguments read, within tuples too.

    >>> [one.name for one in refs((Ref("a"), 2, (Ref("b"), (Ref("c"),))))]
    ['a', 'b', 'c']
    """
    for arg in args:
        if isinstance(arg, Ref):
            yield arg
        elif isinstance(arg, tuple):
            yield from refs(arg)


@dataclass(frozen=True)
class Node:
    """One operation.

    Args:
        name: What its result is called.
        op: Which operation: a name of PyTorch's core operators such as ``addmm``, or one of
            ``dropout``, ``detach`` and ``item``.
        args: Its arguments by name: plain data, with a `Ref` where a value is read.
        dtypes: Type of each result, as its reference computes it; an engine keeps to them.
    """

    name: str
    op: str
    args: Mapping[str, Any]
    dtypes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Forward:
    """One forward pass, in training mode or in evaluation mode.

    Args:
        inputs: Names of the network's inputs, rows first.
        reads: The parameter or buffer behind each value that is read, by the value's name.
        constants: Arrays that the network holds and that are neither.
        nodes: The operations, in an order in which they can be computed.
        output: Name of the result.
        updates: Which value replaces a buffer after the pass, by the buffer's name.
        sizes: Shape of one row of each input.

    >>> relu = Node("y", "relu", {"self": Ref("x")}, ("float32",))
    >>> Forward(("x",), {}, {}, (relu,), "y", {}).operations
    {'relu'}
    """

    inputs: tuple[str, ...]
    reads: Mapping[str, str]
    constants: Mapping[str, Array]
    nodes: tuple[Node, ...]
    output: str
    updates: Mapping[str, str]
    sizes: tuple[tuple[int, ...], ...] = ()

    @property
    def operations(self) -> set[str]:
        """The kinds of operations that occur."""
        return {node.op for node in self.nodes}

    @cached_property
    def readers(self) -> Mapping[str, Sequence[Node]]:
        """The operations that read each value; one that reads it twice is there twice."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for ref in refs(node.args.values()):
                found.setdefault(ref.name, []).append(node)
        return found

    @property
    def told(self) -> frozenset[str]:
        """The values that leave the pass: its output, and the new ones of buffers."""
        return frozenset((self.output, *self.updates.values()))

    @cached_property
    def text(self) -> str:
        """All of it as text: equal texts compute the same."""
        lines = [repr((self.inputs, self.sizes, sorted(self.reads.items()), self.output))]
        lines += [repr(sorted(self.updates.items()))]
        for name, array in sorted(self.constants.items()):
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            lines.append(f"{name} {array.dtype} {array.shape} {digest}")
        lines += [f"{n.name} {n.op} {sorted(n.args.items())!r} {n.dtypes}" for n in self.nodes]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Graph:
    """A network in both modes.

    Args:
        train: What a training step computes, for a full batch.
        evaluate: What evaluation computes, for `rows` rows at a time.
        rows: Rows of one evaluation pass; what is left over is padded.
        trainable: Names of the parameters that train: those with two dimensions or more first.
        kernels: How many of them have two dimensions or more.
        rates: Rate of each dropout call of a training pass. They are inputs of a program, no
            part of it: networks that differ in them alone share one.
    """

    train: Forward
    evaluate: Forward
    rows: int
    trainable: tuple[str, ...]
    kernels: int
    rates: tuple[float, ...] = field(default=())

    @cached_property
    def key(self) -> str:
        """A hash of all but the rates: equal keys mean the same program."""
        text = f"{self.train.text}\n{self.evaluate.text}\n{self.rows} {self.trainable}"
        return hashlib.sha256(text.encode()).hexdigest()
