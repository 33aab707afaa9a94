"""What a network returns, as facts."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from luthier.core import DataFacts, OutputFacts
from luthier.frameworks.torch.inspecting.graph_ops import op_of


def output_facts(output: Tensor, target: Tensor, op: str | None = None) -> OutputFacts:
    """Return facts of outputs beside their targets.

    Args:
        output: With its graph, or without it where `op` says what it came from.
        target: Theirs.
        op: The operation that the outputs come from.
    """
    values = output.detach().double()
    wide = values.ndim >= 2 and values.shape[1] > 1
    whole = not target.is_floating_point()
    finite = bool(torch.isfinite(values).all())
    sums = values.sum(1) if wide else values.new_zeros(1)
    logs = values.logsumexp(1) if wide else values.new_ones(1)
    spread = float(values.std(0).max()) if len(values) > 1 else 1.0
    return OutputFacts(
        op=op_of(output) if op is None else op,
        shape=tuple(output.shape),
        target_shape=tuple(target.shape),
        target_type="classes" if whole else "shares" if _shares(target) else "numbers",
        tags=_tags(target),
        low=float(values.min()),
        high=float(values.max()),
        zero_share=float((values == 0).double().mean()),
        sums_to_one=finite and bool((values >= 0).all() and (sums - 1).abs().max() < 1e-3),
        logs_of_shares=finite and bool(logs.abs().max() < 1e-3),
        constant=finite and spread <= 1e-5 * max(float(values.abs().max()), 1e-30),
        finite=finite,
    )


def target_facts(target: Tensor) -> DataFacts:
    """Return what a batch tells of targets."""
    values = target.double()
    whole = not target.is_floating_point() and target.ndim == 1
    binary = bool(((values == 0) | (values == 1)).all()) and values[0].numel() == 1
    classes = Counter(target.flatten().long().tolist()) if whole or binary else Counter[int]()
    return DataFacts(
        rows=len(target),
        classes={str(name): count for name, count in classes.items()},
        target_low=float(values.min()),
        target_high=float(values.max()),
        target_mean=float(values.mean()),
        target_std=float(values.std()) if values.numel() > 1 else 0.0,
    )


def _tags(target: Tensor, often: float = 0.05) -> bool:
    """Tell whether several things are true of a row at once, and of one row in twenty at least."""
    if target.ndim != 2 or target.shape[1] < 2 or not len(target):
        return False
    ones = target == 1
    several = (ones.sum(1) > 1).double().mean()
    return bool((ones | (target == 0)).all()) and float(several) >= often


def _shares(target: Tensor) -> bool:
    if target.ndim != 2 or target.shape[1] < 2 or not bool((target >= 0).all()):
        return False
    return bool((target.double().sum(1) - 1).abs().max() < 1e-4)
