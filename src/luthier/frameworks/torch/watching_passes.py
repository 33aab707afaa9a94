"""Forward passes of the whole network: in which mode, with which rows, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

HEAD = 3  # batches at the beginning of an epoch that tell one order from another
NUMBERS = 32  # of a batch that tell it from another
_MODES = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._BatchNorm)


class Passes:
    """Counts forward passes through one hook on the network that stays attached.

    A pass without gradient through layers in training mode is no evaluation yet: generators and
    teachers do that at every step. Passes since the last step, just before a validation value is
    logged, are one.
    """

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        named = [(n, m) for n, m in model.named_modules() if isinstance(m, _MODES)]
        self._modes = [(n, m) for n, m in named if getattr(m, "p", 1.0) > 0.0]
        # In place, `model.compile()`: a hook would be compiled too.
        self._compiled = getattr(model, "_compiled_call_impl", None) is not None
        self._counts = dict.fromkeys(
            ("validations", "validations_in_train_mode", "orders_compared", "orders_repeated"), 0
        )
        self._forwards = self._blind = self._fair = 0
        self._since = (0, 0, 0)
        self._most = 0  # passes with gradient that one step took
        self._look, self._rows = HEAD, 0
        self._order: list[int] = []
        self._order_before: list[int] = []
        self._sensitive: set[str] = set()
        self._one_batch = False

    def attach(self) -> list[Any]:
        """Attach the hook."""
        if self._compiled:
            return []
        return [self._model.register_forward_pre_hook(self._entered, with_kwargs=True)]

    def stepped(self) -> None:
        """Take note that an optimizer stepped: what came before was training."""
        now = (self._forwards, self._blind, self._fair)
        self._most = max(self._most, now[0] - self._since[0])
        self._since = now

    def mark(self, *, validated: bool) -> None:
        """Take note of an epoch's end: judge what was evaluated, and in what order it trained."""
        forwards, blind, fair = (
            now - then
            for now, then in zip(
                (self._forwards, self._blind, self._fair), self._since, strict=True
            )
        )
        # With gradients, passes in training mode are more than one step takes; else unclear.
        passes = blind or (forwards if forwards > 2 * max(self._most, 1) else 0)
        if validated and (passes or fair):
            self._counts["validations"] += 1
            self._counts["validations_in_train_mode"] += bool(passes and not fair)
        if not self._look:  # else steps are logged, and the epoch goes on
            self._compare()
        self._since = (self._forwards, self._blind, self._fair)

    def _compare(self) -> None:
        if len(self._order) == HEAD and len(set(self._order)) > 1:
            if self._order_before:
                self._counts["orders_compared"] += 1
                self._counts["orders_repeated"] += self._order == self._order_before
            self._order_before = self._order
        self._one_batch = len(set(self._order)) == 1
        self._order, self._look = [], HEAD

    def counts(self) -> dict[str, int]:
        """Return counts of epochs."""
        return self._counts

    def facts(self) -> dict[str, Any]:
        """Return what layers differ between the modes."""
        kinds = dict.fromkeys(type(m).__name__ for n, m in self._modes if n in self._sensitive)
        return {"mode_layers": tuple(kinds), "one_batch": self._one_batch}

    def settings(self) -> dict[str, Any]:
        """Return the batch size, if it was seen."""
        return {"batch_size": self._rows} if self._rows else {}

    def notes(self) -> list[str]:
        """Return what could not be seen."""
        if self._compiled:
            return ["forward passes are compiled in place, and not seen"]
        if not self._forwards + self._blind + self._fair:
            return ["the watched network itself was never called: its passes were not seen"]
        return []

    def _entered(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if torch.compiler.is_compiling():  # a counter would be compiled, and again at each value
            return
        if torch.is_grad_enabled():
            if not module.training:
                self._fair += 1
                return
            self._forwards += 1
            if self._look:
                self._look -= 1
                self._take(next(_tensors((args, kwargs)), None))
            return
        training = [name for name, layer in self._modes if layer.training]
        if training:
            self._blind += 1
            self._sensitive.update(training)
        else:
            self._fair += 1

    def _take(self, batch: Tensor | None) -> None:
        self._sensitive.update(name for name, layer in self._modes if layer.training)
        if batch is None or batch.ndim == 0 or batch.layout != torch.strided:
            return
        self._rows = max(self._rows, len(batch))
        row = batch.detach()[:1].flatten()
        row = row[:: max(1, row.numel() // NUMBERS)]
        self._order.append(hash((tuple(batch.shape), tuple(row.tolist()))))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from _tensors(one)
