"""The optimizer and the schedule: what they hold, and where the rate goes."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from luthier.core import OptimizerFacts, ScheduleFacts
from luthier.frameworks.torch.inspecting.fitting import peak_rate
from luthier.frameworks.torch.inspecting.graph_ops import leaves
from luthier.frameworks.torch.inspecting.layer_facts import weighted

_KINDS = {
    "Adadelta": "adadelta", "Adagrad": "adagrad", "Adam": "adam", "AdamW": "adamw",
    "Adamax": "adamax", "NAdam": "nadam", "RAdam": "radam", "RMSprop": "rmsprop",
}  # fmt: skip
_MOST = 10_000  # steps that a schedule is run ahead
_RISES = 1 / 3  # of the highest rate: one that begins below that warms up
HORIZON = 100  # steps of a schedule that is not said to end earlier
_SETTINGS = (
    "betas", "momentum", "weight_decay", "eps", "alpha", "nesterov", "dampening", "maximize"
)  # fmt: skip


def optimizer_facts(
    optimizers: Sequence[torch.optim.Optimizer],
    model: nn.Module,
    loss: Tensor | None,
    twin: nn.Module,
    reached: Sequence[str],
) -> OptimizerFacts:
    """Hold an optimizer against a network.

    Args:
        optimizers: The user's; several where several share the weights.
        model: The user's network.
        loss: Of a forward pass of `twin`; None where there is none.
        twin: Its copy, or the network itself.
        reached: Names of the layers that took part.
    """
    if not optimizers:
        return OptimizerFacts()
    groups = [group for one in optimizers for group in one.param_groups]
    held = {id(p): p for group in groups for p in group["params"]}
    own = dict(model.named_parameters())
    other = {id(p): name for name, p in twin.named_parameters()}
    listed = {id(p) for p in model.parameters()}
    used = set()
    unregistered = 0
    plain = {
        id(value)
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and value.requires_grad
    }
    for leaf in leaves(loss) if loss is not None else ():
        if id(leaf) in other:
            used.add(other[id(leaf)])
        elif id(leaf) not in listed | held.keys():
            unregistered += isinstance(leaf, nn.Parameter) or id(leaf) in plain
    asking = {name: p for name, p in own.items() if p.requires_grad}
    missing = tuple(n for n, p in asking.items() if id(p) not in held and n in used)
    cut_off: tuple[str, ...] = ()
    if loss is not None:
        cut_off = tuple(
            n for n, p in asking.items()
            if id(p) in held and n not in used and n.rpartition(".")[0] in reached
        )  # fmt: skip
    order = [n for n in reached if n in weighted(model)]
    head = order[-1] if order else ""
    first = groups[0]
    return OptimizerFacts(
        name=type(optimizers[0]).__name__,
        kind=_kind(optimizers[0], first),
        learning_rates=tuple(peak_rate(group) for group in groups),
        settings={k: _plain(first[k]) for k in _SETTINGS if k in first},
        held=sum(p.numel() for i, p in held.items() if i in listed),
        trainable=sum(p.numel() for p in asking.values()),
        missing=missing,
        unregistered=unregistered,
        foreign=sum(i not in listed for i in held),
        head_missing=bool(head) and f"{head}.weight".lstrip(".") in missing,
        cut_off=cut_off,
    )


def _kind(optimizer: torch.optim.Optimizer, group: Mapping[str, Any]) -> str:
    name = type(optimizer).__name__
    if name == "SGD":
        if not group.get("momentum"):
            return "sgd"
        return "nesterov" if group.get("nesterov") else "momentum"
    return _KINDS.get(name, name.lower() if name == "Lion" else "")


def _plain(value: Any) -> Any:
    return [float(v) for v in value] if isinstance(value, (tuple, list)) else value


def schedule_facts(
    scheduler: Any, optimizers: Sequence[torch.optim.Optimizer], epochs: int | None
) -> ScheduleFacts:
    """Run a copy of a schedule to its end, on an optimizer that holds nothing.

    Args:
        scheduler: The user's, or None.
        optimizers: What trains.
        epochs: How many are planned; a schedule steps once an epoch, unless it knows its steps.
    """
    if scheduler is None:
        return ScheduleFacts(epochs=epochs)
    name = type(scheduler).__name__
    real = getattr(scheduler, "optimizer", None)
    foreign = real is not None and bool(optimizers) and all(real is not one for one in optimizers)
    if not isinstance(real, torch.optim.Optimizer):
        return ScheduleFacts(name, epochs=epochs)
    steps = getattr(scheduler, "total_steps", None) or epochs or HORIZON
    return ScheduleFacts(name, rates_ahead(scheduler, int(steps)), epochs, foreign)


def rates_ahead(scheduler: Any, steps: int) -> tuple[float, ...]:
    """Return the first group's rate in each of a schedule's steps; none where that is not known.

    Args:
        scheduler: The user's; a copy of it is run, on an optimizer that holds nothing.
        steps: How many.
    """
    real = getattr(scheduler, "optimizer", None)
    if not isinstance(real, torch.optim.Optimizer):
        return ()
    stand_in = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    stand_in.param_groups = [
        {**{k: copy.copy(v) for k, v in g.items() if k != "params"}, "params": []}
        for g in real.param_groups
    ]
    rates: list[float] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            twin = copy.deepcopy(scheduler, {id(real): stand_in})
            rates.append(float(stand_in.param_groups[0]["lr"]))
            for _ in range(min(steps, _MOST) - 1):
                twin.step()
                rates.append(float(stand_in.param_groups[0]["lr"]))
    except Exception:  # a schedule that waits for losses cannot be run ahead
        return ()
    return tuple(rate for rate in rates if math.isfinite(rate))


def course_of(scheduler: Any, epochs: int | None, batches: int) -> tuple[float, tuple[float, ...]]:
    """Return the highest rate of a schedule as a share of its optimizer's, and its shape.

    Whether it is stepped after each batch or each epoch is not known: the higher one counts.

    Args:
        scheduler: The user's.
        epochs: How many are planned.
        batches: Of an epoch.

    Returns:
        The share; and of a schedule that warms up its rates as shares of the highest one, of which
        a short training takes as many as it has steps. Empty for others.

    >>> held = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    >>> ramp = torch.optim.lr_scheduler.LambdaLR(held, lambda step: min((step + 1) / 8, 1.0))
    >>> course_of(ramp, epochs=2, batches=2)
    (0.5, (0.25, 0.5, 0.75, 1.0))
    >>> course_of(None, epochs=5, batches=10)
    (1.0, ())
    """
    ends = getattr(scheduler, "total_steps", None)
    if ends is None and epochs is None:
        return 1.0, ()
    rates = rates_ahead(scheduler, int(ends or (epochs or 1) * max(batches, 1)))
    top = max(rates, default=0.0)
    if top <= 0.0:
        return 1.0, ()
    usual = peak_rate(scheduler.optimizer.param_groups[0])
    shape = tuple(rate / top for rate in rates) if rates[0] <= _RISES * top else ()
    return (top / usual if usual > 0.0 else 1.0), shape
