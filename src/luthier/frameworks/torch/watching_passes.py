"""Forward passes of the whole network: in which mode, with which rows, in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from luthier.frameworks.torch.watching_clock import Clock
from luthier.frameworks.torch.watching_first import FirstBatch
from luthier.frameworks.torch.watching_guard import Guard

HEAD = 3  # batches at the beginning of an epoch that tell one order from another
NUMBERS = 32  # of a batch that tell it from another
LATE = 0.97  # share of an epoch after which its evaluation is waited for: a hook slows each step
ALL = 8  # epochs at the beginning that are all looked at
EVERY = 4  # of later ones, one in so many
SHORT = 20  # steps of an epoch that is too short to take the hook off meanwhile
_MODES = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


class Passes:
    """Counts forward passes through a hook on the network, towards the end of epochs.

    A pass without gradient through layers in training mode is no evaluation yet: generators and
    teachers do that at every step. Passes since the last step, just before a validation value is
    logged, are one.

    Args:
        model: The network.
        clock: Counts the steps of all optimizers.
        guard: Keeps hooks from breaking anything.
    """

    def __init__(
        self, model: nn.Module, clock: Clock, guard: Guard, first: FirstBatch | None = None
    ) -> None:
        self._model, self._clock, self._guard, self._first = model, clock, guard, first
        named = [(n, m) for n, m in model.named_modules() if isinstance(m, _MODES)]
        self._modes = [(n, m) for n, m in named if getattr(m, "p", 1.0) > 0.0]
        # In place, `model.compile()`: a hook would be compiled too.
        self._compiled = getattr(model, "_compiled_call_impl", None) is not None
        self._counts = dict.fromkeys(
            ("validations", "validations_in_train_mode", "orders_compared", "orders_repeated"), 0
        )
        self._hook: Any = None
        self._head_hook: Any = None
        self._step = 0  # since which nothing was stepped, and what passed since
        self._forwards = self._blind = self._fair = 0
        self._most = 0  # passes with gradient that one step took
        self._marked = self._epochs = 0
        self._late = self._next = math.inf  # when the hook is due, and when to call `wake`
        self._rows = 0
        self._order: list[int] = []
        self._order_before: list[int] = []
        self._sensitive: set[str] = set()
        self._one_batch = self._called = False

    def open(self) -> None:
        """Attach the hooks."""
        self.wake()
        self._attach_head()

    def close(self) -> None:
        """Remove the hooks."""
        for hook in (self._hook, self._head_hook):
            if hook is not None:
                hook.remove()
        self._hook = self._head_hook = None

    def pause(self) -> tuple[bool, bool]:
        """Remove the hooks for a while; return which there were."""
        there = (self._hook is not None, self._head_hook is not None)
        self.close()
        return there

    def resume(self, there: tuple[bool, bool]) -> None:
        """Attach the hooks that `pause` removed."""
        if there[0]:
            self.wake()
        if there[1]:
            seen = self._order
            self._attach_head()
            self._order = seen

    def wake(self) -> float:
        """Attach the hook that counts, or take it off; return the step at which to call again."""
        if self._compiled:
            return math.inf
        if self._hook is None:
            self._hook = self._model.register_forward_pre_hook(self._guard.hook(self._entered))
            return math.inf
        self._hook.remove()
        self._hook = None
        return self._late

    def mark(self, *, validated: bool) -> float:
        """Judge an epoch: what was evaluated, in what order it trained.

        Returns:
            The step at which to call `wake`.
        """
        now = self._clock.steps
        forwards, blind, fair = (
            (self._forwards, self._blind, self._fair) if self._step == now else (0, 0, 0)
        )
        # With gradients, passes in training mode are more than one step takes; else unclear.
        passes = blind or (forwards if forwards > 2 * max(self._most, 1) else 0)
        if validated and (passes or fair):
            self._counts["validations"] += 1
            self._counts["validations_in_train_mode"] += bool(passes and not fair)
        if len(self._order) == HEAD and self._head_hook is None:
            self._compare()
        if validated:
            self._step = -1
        length, self._marked = now - self._marked, now
        if not length:  # the same epoch, in another call
            return self._next
        self._epochs += 1
        looked_at = length <= SHORT or self._epochs < ALL or (self._epochs + 1) % EVERY == 0
        self._late = now + min(LATE * length, length - 2) - 1 if looked_at else math.inf
        if looked_at:
            self._attach_head()
        # Validation may follow this call: the hook goes with the next step.
        on = self._hook is not None
        self._next = math.inf if on and length <= SHORT else now + 1 if on else self._late
        return self._next

    def counts(self) -> dict[str, int]:
        """Return counts of epochs."""
        return self._counts

    def facts(self) -> dict[str, Any]:
        """Return what layers differ between the modes."""
        kinds = dict.fromkeys(type(m).__name__ for n, m in self._modes if n in self._sensitive)
        return {
            "mode_layers": tuple(kinds),
            "one_batch": self._one_batch,
            "passes_per_step": self._most,
        }

    def settings(self) -> dict[str, Any]:
        """Return the batch size, if it was seen."""
        return {"batch_size": self._rows} if self._rows else {}

    def notes(self) -> list[str]:
        """Return what could not be seen."""
        if self._compiled:
            return ["forward passes are compiled in place, and not seen"]
        if self._clock.steps and not self._called:
            return ["the watched network itself was never called: its passes were not seen"]
        return []

    def _entered(self, module: nn.Module, args: Any) -> None:
        if self._step != self._clock.steps:
            self._most = max(self._most, self._forwards)
            self._step = self._clock.steps
            self._forwards = self._blind = self._fair = 0
        if torch.is_grad_enabled():
            if module.training:
                self._forwards += 1
            else:
                self._fair += 1
        elif self._in_train_mode():
            self._blind += 1
        else:
            self._fair += 1

    def _in_train_mode(self) -> bool:
        training = [name for name, layer in self._modes if layer.training]
        self._sensitive.update(training)
        return bool(training)

    def _attach_head(self) -> None:
        if self._head_hook is not None or self._compiled:
            return
        self._order = []
        look = self._guard.hook(self._began)
        self._head_hook = self._model.register_forward_pre_hook(look, with_kwargs=True)

    def _began(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        """Take note of one of an epoch's first batches."""
        self._called = True
        if not torch.is_grad_enabled() or not module.training:
            return
        self._in_train_mode()
        batch = next(_tensors((args, kwargs)), None)
        if batch is not None and batch.ndim > 0 and batch.layout == torch.strided:
            self._rows = max(self._rows, len(batch))
            if self._first is not None:
                self._first.came(batch)
            row = batch.detach()[:1].flatten()
            row = row[:: max(1, row.numel() // NUMBERS)]
            self._order.append(hash((tuple(batch.shape), tuple(row.tolist()))))
        if batch is None or len(self._order) == HEAD:
            self._head_hook.remove()
            self._head_hook = None

    def _compare(self) -> None:
        """Compare the order of an epoch with that of the one before."""
        self._one_batch = len(set(self._order)) == 1
        if not self._one_batch:
            if self._order_before:
                self._counts["orders_compared"] += 1
                self._counts["orders_repeated"] += self._order == self._order_before
            self._order_before = self._order
        self._order = []


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _tensors(one)
