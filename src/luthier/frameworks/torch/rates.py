"""Rates of a network's dropout calls, which differ among networks that share a graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from luthier.core import CaptureError
from luthier.frameworks.torch.fingerprint import fingerprint
from luthier.frameworks.torch.marking import Marking
from luthier.frameworks.torch.recurrent import whole_recurrences
from luthier.frameworks.torch.seeded import seeded


def rates_of(module: nn.Module, batch: Sequence[Tensor]) -> tuple[float, ...]:
    """Return the rate of each dropout call of a training pass, by taking two.

    Args:
        module: A network that nobody needs any more.
        batch: Inputs; their values do not matter.

    Raises:
        CaptureError: where the second pass differs from the first, as no graph can.
    """
    before = fingerprint(module)
    passes = []
    for _ in range(2):
        with seeded(0), torch.no_grad(), whole_recurrences(module), Marking() as marking:
            module.train()(*batch)
        passes.append(tuple(marking.rates))
    if passes[0] != passes[1]:
        raise CaptureError("its dropout changes from one pass to the next")
    if fingerprint(module) != before:
        raise CaptureError("it changes attributes of its own as it runs")
    return passes[0]
