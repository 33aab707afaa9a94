"""Whether dropout leaves too little: the same training with it and without it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from luthier.core import Setup
from luthier.frameworks.torch.inspecting.bench import Bench, planned_steps
from luthier.frameworks.torch.inspecting.fitting import copied
from luthier.frameworks.torch.inspecting.rows import Rows

_MUCH = 0.7  # a layer of 32 units is one of ten then
_FEW_UNITS = 8  # that are left of a layer
_STEPS = (3.0, 10.0)  # times those of other fits: with its noise more are needed
_DROPOUTS = nn.modules.dropout._DropoutNd


def dropped(bench: Bench, setup: Setup, rows_in_all: int) -> None:
    """Learn with dropout and without, where it leaves little of a layer, or of the outputs.

    Args:
        bench: Holds network, loss and rows.
        setup: What was measured without training.
        rows_in_all: Rows of the user's data; as many epochs as are planned are trained, where they
            are not too many steps.
    """
    most = max((m.p for m in bench.model.modules() if isinstance(m, _DROPOUTS)), default=0.0)
    if most <= 0.0 or not bench.steps:
        return
    if most < _MUCH and not setup.output.dropout and not _few_units(bench):
        return
    longer = min(max(planned_steps(setup, rows_in_all) / bench.steps, _STEPS[0]), _STEPS[1])
    for name, on in (("with_dropout", True), ("without_dropout", False)):
        change = _dropping if on else None
        bench.own_or_adam(name, longer=longer, evaluated=True, change=change)


def _few_units(bench: Bench) -> bool:
    """Tell whether dropout leaves a layer a handful of units."""
    if not isinstance(bench.data, Rows):
        return False
    twin, few = copied(bench.model), []

    def entered(module: Any, args: Any) -> None:
        x = args[0]
        few.append(module.p > 0.0 and x.ndim == 2 and (1.0 - module.p) * x.shape[1] < _FEW_UNITS)

    for module in twin.modules():
        if isinstance(module, _DROPOUTS):
            module.register_forward_pre_hook(entered)
    with torch.no_grad():
        bench.objective.outputs(twin, bench.probe[0])
    return any(few)


def _dropping(twin: nn.Module) -> None:
    for module in twin.modules():
        if isinstance(module, _DROPOUTS):
            module.train()
