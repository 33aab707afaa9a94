"""How many rows a network is looked at with, so that looking takes its share of the time alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Rows
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch
from luthier.frameworks.torch.seeded import seeded

PROBE = 256  # rows that losses are measured on: a mean over fewer is noise, over more no better
LEAST = 8  # normalisation needs two, and telling whether rows mix four
PASSES = 16  # forward passes that looking takes: 9 of its own, and gradients for as much again
_VALUES = 1_000_000  # of all outputs: the best ones are searched in a hundred steps


def rows_to_look_at(
    model: nn.Module, objective: Objective, data: Rows, seconds: float
) -> tuple[int, float]:
    """Return how many rows to look at a network with, and what one forward pass of them takes.

    Fast networks get all that are worth it; it is tried with few rows first, then with four times
    as many, until looking would take too long.

    Args:
        model: The network.
        objective: The user's loss.
        data: The user's rows.
        seconds: That looking may take.

    >>> rows = Rows((torch.ones(300, 2),), torch.ones(300, 1), 32)
    >>> rows_to_look_at(nn.Linear(2, 1), Objective(nn.MSELoss()), rows, 10.0)[0]
    256
    """
    wanted = min(max(PROBE, data.batch_size), len(data))
    rows, took = min(LEAST, wanted), 0.0
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        first, wide = _forward(model, objective, data, rows)  # the first pass warms up
        took = min(first, _forward(model, objective, data, rows)[0])
        most = max(_VALUES // max(wide, 1), LEAST)
        wanted = min(wanted, most)
        while rows < wanted and 4 * took * PASSES <= seconds:
            rows = min(4 * rows, wanted)
            took, _ = _forward(model, objective, data, rows)
    except Exception:  # what it cannot stand is said when it is looked at
        return wanted, took
    finally:
        for module, training in modes.items():
            module.training = training
    if rows < wanted and took > 0.0:
        more = min(int(rows * seconds / (took * PASSES)), wanted)
        if more > rows:
            rows, took = more, took * more / rows
    return rows, took


def _forward(model: nn.Module, objective: Objective, data: Rows, rows: int) -> tuple[float, int]:
    """Return the seconds of a forward pass, and how many values it returns for a row."""
    inputs, _ = data.take(torch.arange(rows))
    began = Stopwatch()
    with torch.no_grad(), seeded(0):
        output = objective.outputs(model, inputs)
    took = began.seconds()
    wide = math.prod(output.shape[1:]) if isinstance(output, Tensor) else 1
    return took, wide
