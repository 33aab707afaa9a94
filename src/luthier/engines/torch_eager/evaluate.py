"""Loss and metrics of a network in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from luthier.catalog import metrics
from luthier.core import Positions, Task, pass_rows
from luthier.engines.torch_eager.tensors import Rows


def outputs_of(module: nn.Module, inputs: tuple[Tensor, ...], positions: Positions) -> Tensor:
    """Return the outputs for all examples, in evaluation mode, without gradients.

    The chunks are fixed, since their size can change results in the last bit.
    """
    module.eval()
    with torch.no_grad():
        size = pass_rows(positions.shape)
        chunks = zip(*(torch.split(x, size) for x in inputs), strict=True)
        return torch.cat([positions.matrix(module(*chunk)) for chunk in chunks])


def mean_loss(
    per_example: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, rows: Rows
) -> float:
    """Return the weighted mean of a loss."""
    target = rows.wanted(rows.target)
    weight = rows.weighed(rows.weight, rows.target, rows.counted).reshape(-1)
    losses = per_example(outputs, target.reshape(len(weight), -1))
    return float((losses * weight).sum() / weight.sum())


def scores(outputs: Tensor, rows: Rows, task: Task) -> dict[str, float]:
    """Return the task's metrics: of logits, or of predictions in the target's own units."""
    values = outputs.double().numpy()
    if task.kind == "regression":
        values = values * np.asarray(task.target_scale) + np.asarray(task.target_mean)
    return {
        name: metrics.by_name(name).compute(values, rows.truth, rows.truth_weight)
        for name in task.metrics
    }
