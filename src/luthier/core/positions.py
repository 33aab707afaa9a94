"""What a target's shape means: one class a row, or one at each position of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.core.task import Task

IGNORED = -100  # the class of a position that counts nothing, as torch's cross-entropies have it


@dataclass(frozen=True)
class Positions:
    """Where a network's outputs have their classes, and for how many positions of a row.

    Tokens have a class at each of (length,) positions, pixels at each of (high, wide). Whoever
    computes with outputs takes `matrix`, and has an example a position from then on: losses and
    metrics know of no positions. Its arrays may be NumPy's, PyTorch's or JAX'.

    Args:
        shape: Of one row's target; empty for one class, or some numbers, a row.
        axis: Which axis of the outputs has the classes: 1, as torch's losses take it, or -1, as
            language models return it; None for a single logit at each position without an axis.
    """

    shape: tuple[int, ...] = ()
    axis: int | None = 1

    @classmethod
    def of(cls, task: Task, outputs: tuple[int, ...], rows: int) -> Positions:
        """Read the shape of a network's outputs for some rows of a task.

        Raises:
            ValueError: for outputs that do not fit; its text says what was expected.

        >>> from luthier.core import Task
        >>> tags = Task("classification", "log_loss", "minimize", (7,), 3, positions=(7,))
        >>> Positions.of(tags, (9, 3, 7), 9).axis, Positions.of(tags, (9, 7, 3), 9).axis
        (1, -1)
        """
        shape, row = task.positions, outputs[1:]
        if outputs[:1] == (rows,):
            if row == shape or (not shape and len(row) == 1):
                return cls(shape, None if shape else 1)
            second, last = row[1:] == shape, row[:-1] == shape
            if shape and second and last and row[0] > 1:
                raise ValueError(
                    f"which axis has the {row[0]} classes and which the {row[0]} positions "
                    "cannot be told. Pad every row by one position, with the target "
                    f"{IGNORED} there, which counts nothing"
                )
            if shape and (second or last):
                return cls(shape, 1 if second else -1)
        second_or_last = {(rows, task.n_outputs, *shape), (rows, *shape, task.n_outputs)}
        raise ValueError(f"{' or '.join(map(str, sorted(second_or_last)))} was expected")

    def width(self, outputs: tuple[int, ...]) -> int:
        """Return how many outputs each class, or row of numbers, is told by.

        >>> Positions((7,), -1).width((9, 7, 3)), Positions().width((9,))
        (3, 1)
        """
        return 1 if self.axis is None or len(outputs) == 1 else outputs[self.axis]

    def matrix(self, outputs: Any) -> Any:
        """Return outputs as (examples, classes): a row each, or a position each in C order.

        >>> import numpy as np
        >>> Positions((2,), 1).matrix(np.array([[[1, 2], [3, 4], [5, 6]]])).tolist()
        [[1, 3, 5], [2, 4, 6]]
        """
        if not self.shape:
            return outputs[:, None] if outputs.ndim == 1 else outputs
        if self.axis is None:
            return outputs.reshape(-1, 1)
        if self.axis == 1:
            rows, classes = outputs.shape[:2]
            return outputs.reshape(rows, classes, -1).swapaxes(1, 2).reshape(-1, classes)
        return outputs.reshape(-1, outputs.shape[-1])
