"""A data set's parts as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from luthier.catalog.augmentation import spread
from luthier.catalog.losses import soft_targets
from luthier.catalog.order import sample_rows
from luthier.core import IGNORED, Arrays, Part, Task, sample_size

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass(frozen=True, eq=False)
class Rows:
    """One part.

    Args:
        inputs: Of the network.
        target: Numbers; or the class of each row, or of each of its positions, one beyond the
            last class where nothing counts.
        weight: Of each row.
        shares: What the loss takes for each class, and zeros at the end; None for numbers.
        truth, truth_weight: What metrics compare.
    """

    inputs: tuple[Tensor, ...]
    target: Tensor
    weight: Tensor
    shares: Tensor | None
    truth: np.ndarray
    truth_weight: np.ndarray | None

    def __len__(self) -> int:
        return len(self.target)

    def wanted(self, target: Tensor) -> Tensor:
        """Return targets as a loss takes them, with the shares of classes on the last axis."""
        return target if self.shares is None else soft_targets(target, self.shares)

    def weighed(self, weight: Tensor, target: Tensor, classes: Tensor | None) -> Tensor:
        """Return the weight of each row, or of each position, from that of rows and of classes."""
        if classes is None:
            return weight
        return weight.view(-1, *[1] * (target.ndim - 1)) * classes[target]

    @cached_property
    def spread(self) -> Tensor:
        """What noise of the first input is measured in."""
        return torch.from_numpy(spread(self.inputs[0].numpy()))

    @property
    def counted(self) -> Tensor | None:
        """The weight of each class where a row has several: 0 for what is ignored; else None."""
        if self.shares is None or self.target.ndim == 1:
            return None
        return torch.ones(len(self.shares), dtype=self.weight.dtype).index_fill(
            0, torch.tensor([len(self.shares) - 1]), 0.0
        )


@dataclass(frozen=True, eq=False)
class Tensors:
    """Training part, a fixed sample of it, and validation part.

    Args:
        key: What they were made from.
        task: What is to be learned.
        train, sample, val: The parts.
    """

    key: tuple[str, str, str]
    task: Task
    train: Rows
    sample: Rows
    val: Rows

    @classmethod
    def of(cls, arrays: Arrays, precision: str, loss: str) -> Tensors:
        """Convert prepared arrays, at the precision and for the loss of a recipe."""
        dtype, task, train = _DTYPES[precision], arrays.task, arrays.train
        chosen = sample_rows(len(train), sample_size(len(train)))
        sample = Part(
            tuple(x[chosen] for x in train.inputs),
            train.target[chosen],
            None if train.weight is None else train.weight[chosen],
            train.rows[chosen],
        )
        return cls(
            key=(arrays.key, precision, loss),
            task=task,
            train=_rows(train, task, dtype, loss),
            sample=_rows(sample, task, dtype, loss),
            val=_rows(arrays.val, task, dtype, loss),
        )


def _rows(part: Part, task: Task, dtype: torch.dtype, loss: str) -> Rows:
    inputs = tuple(
        torch.from_numpy(np.ascontiguousarray(x)).to(dtype)
        if np.issubdtype(x.dtype, np.floating)
        else torch.from_numpy(np.ascontiguousarray(x))
        for x in part.inputs
    )
    target, shares = torch.from_numpy(np.ascontiguousarray(part.target)), None
    if task.kind == "classification":
        single = torch.tensor([[0.0], [1.0]])  # the probability of the second class
        table = single if loss == "binary_cross_entropy" else torch.eye(task.n_outputs)
        shares = torch.cat([table, torch.zeros(1, table.shape[1])]).to(dtype)
        target = target.masked_fill(target == IGNORED, len(table))
        truth = part.target
    else:
        target = target.to(dtype)
        scale, mean = np.asarray(task.target_scale), np.asarray(task.target_mean)
        truth = part.target.astype(np.float64) * scale + mean
    given = np.ones(len(part), np.float32) if part.weight is None else part.weight
    weight = torch.from_numpy(given).to(dtype)
    return Rows(inputs, target, weight, shares, truth, part.weight)
