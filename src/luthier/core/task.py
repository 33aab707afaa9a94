"""What is to be learned, and the prepared data it is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Task:
    """What is to be learned from which inputs, and how success is measured.

    Args:
        kind: ``classification`` or ``regression``.
        metric: Name in `luthier.catalog.metrics` of the metric that decides.
        direction: ``minimize`` or ``maximize`` it.
        input_shape: Shape of one row of the first input.
        n_outputs: Number of classes, or of numbers to predict.
        classes: The labels in the order of the outputs; empty for regression.
        cardinalities: Number of categories of each column of the second input, if there is one.
        target_mean, target_scale: What regression targets were centred and scaled with.
        shown: Metrics that are reported beside the one that decides.
        positions: Shape of one row's target where it has a class at each position; else empty.
    """

    kind: str
    metric: str
    direction: str
    input_shape: tuple[int, ...]
    n_outputs: int
    classes: tuple[str, ...] = ()
    cardinalities: tuple[int, ...] = ()
    target_mean: tuple[float, ...] = ()
    target_scale: tuple[float, ...] = ()
    shown: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()

    @property
    def n_features(self) -> int:
        """The number of values of one row of the first input."""
        count = 1
        for size in self.input_shape:
            count *= size
        return count

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric that is computed, the deciding one first."""
        return (self.metric, *(name for name in self.shown if name != self.metric))


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one split, ready for a network.

    Args:
        inputs: One array an input of the network, rows first: float32, or int64 for codes.
        target: int64 class numbers of shape (rows,), or (rows, *positions) with `IGNORED` where
            nothing counts; or float32 of shape (rows, outputs).
        weight: float32 weight of each row, or None where all count the same.
        rows: int64 position of each row in the data set.
    """

    inputs: tuple[Array, ...]
    target: Array
    weight: Array | None
    rows: Array

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class Arrays:
    """The splits of a data set, prepared for one setting of the preprocessing keys.

    Args:
        task: What is to be learned.
        train, val: The parts that training and selection use.
        test: Opened once, after the search; None where there is none.
        key: What decides the values: equal keys mean equal arrays.
    """

    task: Task
    train: Part
    val: Part
    test: Part | None
    key: str
