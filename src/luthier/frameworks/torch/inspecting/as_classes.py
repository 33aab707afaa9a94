"""Class numbers that are learnt as amounts: a copy learns them as classes."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Setup
from luthier.frameworks.torch.inspecting.bench import Bench
from luthier.frameworks.torch.inspecting.loss_facts import NUMBERS
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.rows import Rows
from luthier.frameworks.torch.seeded import seeded

_CLASSES = (3, 30)  # two are one line either way; more whole numbers than that are amounts


def as_classes(bench: Bench, setup: Setup) -> None:
    """Train a copy with an output for each whole number, where the user's has one for all.

    Args:
        bench: Gets the fit ``as_classes``.
        setup: What was measured.
    """
    if setup.loss.kind not in NUMBERS or not isinstance(bench.data, Rows):
        return
    if setup.output.op != "none" or setup.output.shape[1:] != (1,):
        return
    low, count = numbered(bench.data.target)
    if not _CLASSES[0] <= count <= _CLASSES[1] or head_of(bench.model) is None:
        return

    def entropy(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, target.flatten().long() - low)

    def widen(twin: nn.Module) -> None:
        found = head_of(twin)
        if found is not None:
            parent, name, layer = found
            with seeded(0):
                setattr(parent, name, nn.Linear(layer.in_features, count).to(layer.weight))

    shares = torch.bincount(bench.data.target.flatten().long() - low, minlength=count).double()
    shares = shares / shares.sum()
    guess = float(-(shares * shares.clamp(min=1e-12).log()).sum())
    bench.best("as_classes", change=widen, objective=Objective(entropy), guess=guess)


def numbered(target: Tensor) -> tuple[int, int]:
    """Return the lowest and how many there are, of targets that number classes; else 0 and 0.

    >>> numbered(torch.tensor([[0.0], [2.0], [1.0]])), numbered(torch.tensor([0.5, 2.0]))
    ((0, 3), (0, 0))
    """
    values: Tensor = target.flatten().double().unique()  # type: ignore[no-untyped-call]
    low, count = float(values[0]), len(values)
    whole = bool((values == low + torch.arange(count, device=values.device)).all())
    return (int(low), count) if whole and low in (0.0, 1.0) else (0, 0)


def head_of(model: nn.Module) -> tuple[nn.Module, str, nn.Linear] | None:
    """Return the last layer with one unit: what holds it, by which name, and itself."""
    found = None
    for parent in model.modules():
        for name, layer in parent.named_children():
            if isinstance(layer, nn.Linear) and layer.out_features == 1:
                found = parent, name, layer
    return found
