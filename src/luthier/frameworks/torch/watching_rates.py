"""Learning rates as optimizers have them, schedules that would change them, and settings."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from luthier.frameworks.seen_rates import SeenRates

_NAMES = {
    "Adadelta": "adadelta",
    "Adagrad": "adagrad",
    "Adam": "adam",
    "AdamW": "adamw",
    "Adamax": "adamax",
    "NAdam": "nadam",
    "RAdam": "radam",
    "RMSprop": "rmsprop",
}


class Rates:
    """Reads the rates of optimizers.

    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1, momentum=0.9)
    >>> rates = Rates([optimizer])
    >>> rates.settings()["optimizer"], rates.settings()["learning_rate"]
    ('momentum', 0.1)
    >>> rates.logged(0.01)
    >>> rates.counts()
    {'rates_logged': 1, 'rates_not_applied': 1}
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self._optimizers = optimizers
        self._seen = SeenRates()
        self.changed(float(optimizers[0].param_groups[0]["lr"]))
        self._schedules: list[weakref.ref[LRScheduler]] | None = None

    @property
    def last(self) -> float:
        """The rate of the last step."""
        return self._seen.last

    def changed(self, rate: float) -> None:
        """Take note of a new rate of a step: a schedule may change it again before anyone asks."""
        self._seen.used(float(rate))

    def now(self) -> float:
        """Return the rate of the last step; one that is a tensor changes without a word."""
        rate = self._optimizers[0].param_groups[0]["lr"]
        if isinstance(rate, Tensor):
            self.changed(float(rate))
        return self.last

    def logged(self, rate: float) -> None:
        """Compare a logged rate with all that any group has, or had at the last call."""
        self.now()
        groups = [g for one in self._optimizers for g in one.param_groups]
        self._seen.said(rate, {float(g["lr"]) for g in groups})

    def counts(self) -> dict[str, int]:
        """Return how many rates were logged, and how many of them no optimizer had."""
        return self._seen.counts()

    def facts(self) -> dict[str, Any]:
        """Return what was compared, and schedules with the number of their steps."""
        facts = self._seen.facts()
        if schedules := self._find():
            facts["schedules"] = tuple(
                (type(one).__name__, max(int(one._step_count) - 1, 0))
                for one in schedules
                if hasattr(one, "_step_count")  # not of the one that waits for a plateau
            )
        return facts

    def settings(self) -> dict[str, Any]:
        """Return the first optimizer's settings under a recipe's names; {} for one unknown."""
        kind, group = type(self._optimizers[0]).__name__, self._optimizers[0].param_groups[0]
        name = _NAMES.get(kind)
        if kind == "SGD":
            name = "nesterov" if group["nesterov"] else "momentum" if group["momentum"] else "sgd"
        if name is None:
            return {}
        found = {"optimizer": name, "learning_rate": self._seen.highest}
        if group.get("momentum"):
            found["momentum"] = float(group["momentum"])
        if "betas" in group:
            found["beta1"], found["beta2"] = (float(beta) for beta in group["betas"])
        if group.get("eps"):
            found["epsilon"] = float(group["eps"])
        decay = float(group.get("weight_decay") or 0.0)
        found["weight_decay" if name == "adamw" else "l2"] = decay if name == "adamw" else decay / 2
        return found

    def _find(self) -> list[LRScheduler]:
        """Return the schedules of the optimizers: they are searched for once.

        An optimizer does not know its schedules; its `step` tells that there is one.
        """
        if self._schedules is None:
            if not any(hasattr(one.step, "_wrapped_by_lr_sched") for one in self._optimizers):
                return []
            mine = {id(one) for one in self._optimizers}
            found = [one for one in gc.get_objects() if issubclass(type(one), LRScheduler)]
            self._schedules = [
                weakref.ref(one) for one in found if id(getattr(one, "optimizer", None)) in mine
            ]
        return [one for ref in self._schedules if (one := ref()) is not None]
