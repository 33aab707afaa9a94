"""Whether what a network says of one row depends on the other rows of the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.seeded import seeded

_LEAST = 4  # rows
_CLEAR = 1e-3  # of the outputs' size: rounding differs with a batch's layout
_TIME_FIRST = (nn.RNNBase, nn.MultiheadAttention)


def mixes(model: nn.Module, objective: Objective, inputs: tuple[Tensor, ...]) -> bool | None:
    """Tell whether rows' outputs change when the other half of the rows does.

    It is asked in evaluation mode, where normalisation and dropout mix and draw nothing.

    Returns:
        None where that cannot be told: few rows, outputs of another kind, a normalisation that
        keeps no statistics, or a network that returns something else for the very same rows.
    """
    if any(
        isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_mean is None
        for m in model.modules()
    ):
        return None
    rows = min(len(x) for x in inputs)
    if rows < _LEAST:
        return None
    half = rows // 2
    given = tuple(x[:rows] for x in inputs)
    # A copy of one row in place of the others: mere order is nothing to a sum over rows, and what
    # a recurrent layer says of a row depends on those before it alone.
    late = tuple(torch.cat([x[:half], x[:1].expand_as(x[half:])]) for x in given)
    early = tuple(torch.cat([x[-1:].expand_as(x[:half]), x[half:]]) for x in given)
    modes = {module: module.training for module in model.modules()}
    model.eval()

    def of(batch: tuple[Tensor, ...]) -> Tensor:
        with torch.no_grad(), seeded(0):
            outputs: Tensor = objective.outputs(model, batch)
        return outputs.double()

    try:
        first, again, after, before = (of(batch) for batch in (given, given, late, early))
    except Exception:
        return None
    finally:
        for module, training in modes.items():
            module.training = training
    if len(first) != rows or not torch.equal(first, again) or not bool(first.isfinite().all()):
        return None
    gaps = (after[:half] - first[:half]).abs().max(), (before[half:] - first[half:]).abs().max()
    return float(max(gaps)) > _CLEAR * max(float(first.abs().max()), 1e-12)


def time_first(model: nn.Module) -> tuple[str, ...]:
    """Return the layers that take time, and not rows, as their first dimension.

    >>> time_first(nn.Sequential(nn.LSTM(2, 3)))
    ('0',)
    """
    return tuple(
        name or type(module).__name__
        for name, module in model.named_modules()
        if isinstance(module, _TIME_FIRST) and not module.batch_first
    )
