"""Short trainings of copies: what changes when one thing is otherwise."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from luthier.core import Fit
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.stopwatch import Stopwatch
from luthier.frameworks.torch.seeded import seeded

_DROPOUTS = nn.modules.dropout._DropoutNd
Optimizer = torch.optim.Optimizer
Change = Callable[[nn.Module], None]


class Uncopied(Exception):
    """A network that cannot be copied; the text says why."""


def copied(model: nn.Module) -> nn.Module:
    """Return a copy to train, with dropout off: a few steps tell more without its noise.

    Raises:
        Uncopied: where the network cannot be copied.
    """
    try:
        twin = copy.deepcopy(model)
    except Exception as error:
        raise Uncopied(f"{type(error).__name__}: {error}") from None
    for own, other in zip(model.parameters(), twin.parameters(), strict=True):
        if own is other:
            raise Uncopied("its copy shares weights with it")
    if not model.training:
        twin.train()
    for layer in twin.modules():
        if isinstance(layer, _DROPOUTS):
            layer.eval()
        elif isinstance(layer, (nn.RNNBase, nn.MultiheadAttention)):
            layer.dropout = 0.0
    return twin


def fit(
    twin: nn.Module,
    objective: Objective,
    batches: Iterable[Any],
    probe: Any,
    optimizer: Optimizer,
    *,
    steps: int,
    mode: Callable[[], Any] | None = None,
    penalty: Callable[[], Tensor] | None = None,
    guess: float | None = None,
    aim: float | None = None,
    teacher: Callable[[nn.Module, Any], Tensor] | None = None,
    seconds: float = math.inf,
    evaluated: bool = False,
    course: Sequence[float] = (),
) -> Fit:
    """Train a copy for some steps.

    Args:
        twin: The copy.
        objective: The user's loss.
        batches: What steps take.
        probe: The batch that the loss is measured on, before and after.
        optimizer: Holds the copy's weights.
        steps: How many; fewer where the loss ceases to be a number, or reaches the aim.
        mode: Returns what forward passes run within.
        penalty: What is added to the loss.
        guess: Goes into the result.
        aim: A loss that is good enough; looked for every ten steps.
        teacher: The loss to train with, where it isn't the objective; `mode` is then its own.
        seconds: After which it ends early; with a machine at rest none does.
        evaluated: Measure in evaluation mode: with dropout on, training mode is noise.
        course: Factors on the rate, from the first step to the last.
    """
    within = mode or contextlib.nullcontext
    held = [p for group in optimizer.param_groups for p in group["params"]]
    rates = [float(group["lr"]) for group in optimizer.param_groups]

    def measured() -> float:
        modes = [(m, m.training) for m in twin.modules()] if evaluated else []
        for module, _ in modes:
            module.training = False
        with torch.no_grad(), within() if teacher is None else contextlib.nullcontext():
            value = float(objective(twin, probe))
        for module, training in modes:
            module.training = training
        return value if math.isfinite(value) else math.inf

    began, done = Stopwatch(), 0
    with seeded(0):
        first = last = measured()
        for done, batch in zip(range(1, steps + 1), batches, strict=False):
            with within():
                loss = (teacher or objective)(twin, batch)
            total = loss if penalty is None else loss + penalty()
            if not total.requires_grad or not torch.isfinite(total):
                last = math.inf if total.requires_grad else last
                break
            grads = torch.autograd.grad(total, held, allow_unused=True)
            for parameter, grad in zip(held, grads, strict=True):
                parameter.grad = grad
            if course:
                factor = course[(done - 1) * len(course) // steps]
                for group, rate in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
            optimizer.step()
            if began.seconds() > seconds:
                break
            if aim is not None and done % 10 == 0 and measured() < aim:
                break
        if last != math.inf:
            last = measured()
    return Fit(done, first, last, rates[0], guess)


def rebuilt(
    optimizer: Optimizer | None,
    model: nn.Module,
    twin: nn.Module,
    by: float = 1.0,
    *,
    everything: bool = False,
    **settings: Any,
) -> Optimizer | None:
    """Return the user's optimizer for a copy's weights, fresh; None where it cannot be made anew.

    Args:
        optimizer: The user's.
        model: The user's network.
        twin: Its copy.
        by: Factor on its learning rates.
        everything: Give its last group the weights, too, that it does not hold.
        settings: What its groups have instead.
    """
    if optimizer is None:
        return None
    pairs = zip(model.parameters(), twin.parameters(), strict=True)
    mapped = {id(own): other for own, other in pairs}
    groups = []
    for group in optimizer.param_groups:
        held = [mapped[id(p)] for p in group["params"] if id(p) in mapped and p.requires_grad]
        if held:
            plain = {k: v for k, v in group.items() if k not in ("params", "initial_lr")}
            rate = peak_rate(group) * by
            same = {k: v for k, v in settings.items() if k in plain}
            groups.append({**plain, "lr": rate, **same, "params": held})
    if not groups:
        return None
    if everything:
        known = {id(p) for group in groups for p in group["params"]}
        groups[-1]["params"] += [
            p for p in twin.parameters() if p.requires_grad and id(p) not in known
        ]
    if type(optimizer) is torch.optim.LBFGS:
        return None
    make: Any = type(optimizer)
    for extra in ({}, {"lr": groups[0]["lr"]}):  # some ask for a rate beside the groups
        with contextlib.suppress(Exception):
            made: Optimizer = make(groups, **extra)
            return made
    return None


def peak_rate(group: Mapping[str, Any]) -> float:
    """Return a group's rate: a schedule that warms up has lowered it, and the peak counts.

    >>> peak_rate({"lr": 0.004, "initial_lr": 0.004, "max_lr": 0.1})
    0.1
    """
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))


def adam(twin: nn.Module, rate: float) -> Optimizer:
    """Return an optimizer that every network can use, over all that may be trained."""
    return torch.optim.Adam([p for p in twin.parameters() if p.requires_grad], lr=rate)


def repeated(batch: Any) -> Iterator[Any]:
    """Yield one batch for ever."""
    while True:
        yield batch
