"""Loss and metrics of a network in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from luthier.catalog import metrics
from luthier.core import CHUNK, Task
from luthier.engines.torch_eager.tensors import Rows


def outputs_of(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return the outputs for all rows, in evaluation mode, without gradients.

    The chunks are fixed, since their size can change results in the last bit.
    """
    module.eval()
    with torch.no_grad():
        chunks = zip(*(torch.split(x, CHUNK) for x in inputs), strict=True)
        return torch.cat([as_matrix(module(*chunk)) for chunk in chunks])


def as_matrix(outputs: Tensor) -> Tensor:
    """Return outputs of shape (rows,) as (rows, 1), so that nothing broadcasts silently."""
    return outputs.unsqueeze(1) if outputs.ndim == 1 else outputs


def mean_loss(
    per_example: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, rows: Rows
) -> float:
    """Return the weighted mean of a loss."""
    losses = per_example(outputs, rows.target)
    return float((losses * rows.weight).sum() / rows.weight.sum())


def scores(outputs: Tensor, rows: Rows, task: Task) -> dict[str, float]:
    """Return the task's metrics: of logits, or of predictions in the target's own units."""
    values = outputs.double().numpy()
    if task.kind == "regression":
        values = values * np.asarray(task.target_scale) + np.asarray(task.target_mean)
    return {
        name: metrics.by_name(name).compute(values, rows.truth, rows.truth_weight)
        for name in task.metrics
    }
