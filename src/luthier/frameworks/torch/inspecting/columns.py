"""Targets of several columns: whether one loss of all of them sees those that vary least."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Setup
from luthier.frameworks.torch.inspecting.bench import Bench, planned_steps
from luthier.frameworks.torch.inspecting.loss_facts import NUMBERS
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Batch, Rows

_MOST = 16  # columns: of more, as of pixels, some that hardly vary matter to nobody
_APART = 10.0  # times less: squared, a hundredth of the loss
_STEPS = 10.0  # times those of other fits, at most


def columns(bench: Bench, setup: Setup, rows_in_all: int) -> None:
    """Learn targets as they are and each column standardised, where columns vary differently.

    Both copies are measured alike: by the squared error of the columns that vary least, as a share
    of their variance.

    Args:
        bench: Holds network, loss and rows.
        setup: What was measured without training.
        rows_in_all: Rows of the user's data; as many epochs as are planned are trained, where they
            are not too many steps.
    """
    rows, shape = bench.data, setup.output.shape
    if not isinstance(rows, Rows) or setup.loss.kind not in NUMBERS or not bench.steps:
        return
    y = rows.target
    if len(shape) != 2 or shape != setup.output.target_shape or not 2 <= shape[1] <= _MOST:
        return
    if setup.output.target_type != "numbers" or setup.output.tags or not bool(y.isfinite().all()):
        return
    mean, std = y.double().mean(0), y.double().std(0)
    narrow = (std > 0) & (std * _APART < std.max())
    if not bool(narrow.any()):
        return
    mean, std = mean.to(y.dtype), torch.where(std > 0, std, 1.0).to(y.dtype)

    def raw(outputs: Tensor, target: Tensor) -> Tensor:
        return scaled((outputs - mean) / std, (target - mean) / std)

    def scaled(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.mse_loss(outputs[:, narrow], target[:, narrow])

    def own(twin: nn.Module, batch: Batch) -> Tensor:
        return bench.objective(twin, batch)

    alike = replace(rows, target=(y - mean) / std)
    longer = min(max(planned_steps(setup, rows_in_all) / bench.steps, 1.0), _STEPS)
    for name, data, measure in (("columns_raw", rows, raw), ("columns_scaled", alike, scaled)):
        bench.own_or_adam(
            name, data=data, objective=Objective(measure), teacher=own, guess=1.0, longer=longer
        )
