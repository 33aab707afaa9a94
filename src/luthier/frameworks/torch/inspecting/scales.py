"""Scales of inputs and targets: whether they stand out, and the same values without it."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.frameworks.torch.inspecting.bench import finite_spread
from luthier.frameworks.torch.inspecting.loss_facts import NUMBERS

_MILD = (0.05, 5.0)  # deviations of targets that no experiment is needed for
_REACH = (0.1, 20.0)  # of features: standardised ones reach to 4, with heavy tails to 10


def standard(x: Tensor) -> bool:
    """Tell whether inputs reach about as far as networks expect: [0, 1], [-1, 1], a deviation of 1.

    How far a feature reaches counts, not how much it varies: a rare word or a pixel at the border
    hardly varies, and is fine.
    """
    flat = x.flatten(1).double() if x.ndim == 2 else x.double().reshape(-1, 1)
    if not bool(torch.isfinite(flat).all()):
        return True
    reach = flat.abs().amax(0)
    reach = reach[reach > 0]
    return not len(reach) or (float(reach.median()) > _REACH[0] and float(reach.max()) < _REACH[1])


def scaled_inputs(x: Tensor) -> Tensor:
    """Return features, or channels of images, of mean 0 and deviation 1."""
    dims = (0,) if x.ndim == 2 else tuple(d for d in range(x.ndim) if d != 1 or x.ndim != 4)
    wide = x.double()
    mean, std = wide.mean(dims, keepdim=True), wide.std(dims, keepdim=True)
    return ((wide - mean) / torch.where(std > 0, std, 1.0)).to(x.dtype)


def ranged(x: Tensor) -> Tensor:
    """Return values that reach from 0, or -1, to 1."""
    reach = float(x.abs().max())
    return x / reach if reach > 0.0 else x


def scaled_target(kind: str, y: Tensor) -> Tensor | None:
    """Return targets of mean 0 and deviation 1; None where theirs do not stand out."""
    if kind not in NUMBERS or not y.is_floating_point():
        return None
    spread, mean = finite_spread(y), float(y.double().mean())
    if spread <= 0 or (_MILD[0] < spread < _MILD[1] and abs(mean) <= _MILD[1] * spread):
        return None
    return ((y.double() - mean) / spread).to(y.dtype)
