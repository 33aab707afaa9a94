"""How a network's tensors lie in the memory of a C program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from luthier.core import CaptureError
from luthier.engines.native.machine import Machine

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Place:
    """Where a tensor lies: rows of whole vectors, the rest of each row zero.

    Args:
        offset: Numbers before it.
        rows, columns: Its size there.
        stride: Numbers of a row with what fills it up.
        turned: Whether the tensor lies transposed, as a linear layer multiplies by it, or as a
            convolution does: an output's column, and a row for every pixel and channel.
        shape: Of the tensor itself.
    """

    offset: int
    rows: int
    columns: int
    stride: int
    turned: bool
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers it takes, filled up."""
        return self.rows * self.stride

    def view(self, memory: Array) -> Array:
        """Return the tensor as a view into some memory."""
        whole = memory[self.offset : self.offset + self.size].reshape(self.rows, self.stride)
        part = whole[:, : self.columns]
        if not self.turned:
            return part.reshape(self.shape)
        sides = self.shape[2:]
        apart = whole.reshape(*sides, self.shape[1], self.stride)[..., : self.columns]
        return apart.transpose(len(sides) + 1, len(sides), *range(len(sides)))


@dataclass(frozen=True)
class Memory:
    """All tensors of a network one after the other.

    What trains comes first, kernels before the rest; then running statistics; then what is
    fixed.

    Args:
        places: Of each tensor.
        kernels, trained, changing, size: Where each of these kinds ends.
        held: Arrays that are the same in every trial.
    """

    places: Mapping[str, Place]
    kernels: int
    trained: int
    changing: int
    size: int
    held: Mapping[str, Array] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tensors: Mapping[str, Array],
        kernels: Iterable[str],
        others: Iterable[str],
        changing: Iterable[str],
        fixed: Iterable[str],
        turned: frozenset[str],
        machine: Machine,
        held: Mapping[str, Array],
    ) -> Memory:
        """Place tensors.

        Raises:
            CaptureError: for one that is no vector, no matrix, and no kernel of images.
        """
        places: dict[str, Place] = {}
        ends, offset = [], 0
        for group in (kernels, others, changing, fixed):
            for name in group:
                shape = tensors[name].shape
                if not shape or (prod(shape[:-2]) > 1 and name not in turned):
                    raise CaptureError(
                        f"'{name}' has the shape {shape}, and C programs take one or two dimensions"
                    )
                rows, columns = prod(shape[:-1]), shape[-1]
                if name in turned:
                    rows, columns = prod(shape[1:]), shape[0]
                stride = machine.padded(columns)
                places[name] = Place(offset, rows, columns, stride, name in turned, shape)
                offset += rows * stride
            ends.append(offset)
        first, second, third, last = ends
        return cls(places, first, second, third, last, held)

    def filled(self, tensors: Mapping[str, Array], dtype: Any) -> Array:
        """Return new memory that holds these tensors, and zeros elsewhere."""
        memory = np.zeros(self.size, dtype)
        for name, value in {**self.held, **tensors}.items():
            self.places[name].view(memory)[...] = value
        return memory

    def joined(self, memory: Array, names: Iterable[str]) -> Array:
        """Return tensors as the one flat vector that every engine stores."""
        return np.concatenate([self.places[name].view(memory).reshape(-1) for name in names])

    def parted(self, vector: Array, names: Iterable[str], dtype: Any) -> Array:
        """Undo `joined`."""
        memory, start = np.zeros(self.size, dtype), 0
        for name in names:
            place = self.places[name]
            count = place.rows * place.columns
            place.view(memory)[...] = vector[start : start + count].reshape(place.shape)
            start += count
        return memory
