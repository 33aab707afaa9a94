"""A data set's parts as tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from luthier.catalog.losses import soft_targets
from luthier.catalog.order import sample_rows
from luthier.core import Arrays, Part, Task, sample_size

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.float32}


@dataclass(frozen=True, eq=False)
class Rows:
    """One part: inputs, targets as the losses want them, weights, and what metrics compare."""

    inputs: tuple[Tensor, ...]
    target: Tensor
    weight: Tensor
    truth: np.ndarray
    truth_weight: np.ndarray | None

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True, eq=False)
class Tensors:
    """Training part, a fixed sample of it, and validation part.

    Args:
        key: What they were made from.
        task: What is to be learned.
        train, sample, val: The parts.
        labels: Class of each training row; empty for regression.
    """

    key: tuple[str, str, str]
    task: Task
    train: Rows
    sample: Rows
    val: Rows
    labels: np.ndarray

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
            labels=train.target if task.kind == "classification" else np.empty(0, np.int64),
        )


def _rows(part: Part, task: Task, dtype: torch.dtype, loss: str) -> Rows:
    inputs = tuple(
        torch.from_numpy(np.ascontiguousarray(x)).to(dtype)
        if np.issubdtype(x.dtype, np.floating)
        else torch.from_numpy(np.ascontiguousarray(x))
        for x in part.inputs
    )
    target = torch.from_numpy(np.ascontiguousarray(part.target))
    if task.kind == "classification":
        single = torch.tensor([[0.0], [1.0]])  # the probability of the second class
        table = single if loss == "binary_cross_entropy" else torch.eye(task.n_outputs)
        target = soft_targets(target, table)
        truth = part.target
    else:
        scale, mean = np.asarray(task.target_scale), np.asarray(task.target_mean)
        truth = part.target.astype(np.float64) * scale + mean
    weight = np.ones(len(part), np.float32) if part.weight is None else part.weight
    return Rows(inputs, target.to(dtype), torch.from_numpy(weight).to(dtype), truth, part.weight)
