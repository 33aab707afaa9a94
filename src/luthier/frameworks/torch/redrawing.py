"""Initial weights as PyTorch's layers draw them by themselves."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

FAR = 1.5  # times the largest weight of a layer's own draw, or a part of it: no draw is so far off
FEW = 8  # weights: the largest of fewer is a matter of luck


def redraw(network: nn.Module) -> None:
    """Draw all weights anew from torch's generator, by each layer's own rule."""
    for layer in network.modules():
        if callable(reset := getattr(layer, "reset_parameters", None)):
            reset()


def unusual(network: nn.Module) -> bool:
    """Tell whether some weights are none that their layer would draw; nothing is changed by it.

    >>> net = nn.Sequential(nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 2))
    >>> before = unusual(net)
    >>> _ = nn.init.constant_(net[0].bias, -5.0)
    >>> before, unusual(net)
    (False, True)
    """
    try:
        twin = copy.deepcopy(network)
    except Exception:  # what cannot be copied is not compared
        return False
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        redraw(twin)
    pairs = zip(network.parameters(), twin.parameters(), strict=True)
    return any(_differ(own, drawn) for own, drawn in pairs if own.numel() >= FEW)


def _differ(own: Tensor, drawn: Tensor) -> bool:
    """Tell whether weights reach elsewhere than a draw, or are all one number where it is none."""
    with torch.no_grad():
        given, usual = float(own.abs().max()), float(drawn.abs().max())
        alike = bool(own.min() == own.max()) and bool(drawn.min() < drawn.max())
    return alike or not usual / FAR <= given <= FAR * usual
