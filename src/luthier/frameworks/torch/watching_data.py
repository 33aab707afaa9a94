"""What the loss function sees of a sampled step: the loss, the labels, the loss of guessing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from luthier.frameworks.torch.watching_first import FirstBatch
from luthier.frameworks.torch.watching_guard import Guard
from luthier.frameworks.torch.watching_outputs import Outputs

CLASSES = 100_000  # labels that are counted at most


class Data:
    """A hook on a loss module, attached for sampled steps alone.

    Of a loss that is a function, or a module that the loop does not call, the gradient of the
    outputs tells what it can.
    """

    def __init__(
        self,
        loss_fn: Callable[..., Any] | None,
        guard: Guard,
        first: FirstBatch,
        outputs: Outputs,
    ) -> None:
        self._loss, self._guard, self._first, self._outputs = loss_fn, guard, first, outputs
        # A module is waited for through one step: each hook on a network compiles it once more.
        self._waits, self._called = isinstance(loss_fn, nn.Module), False
        self._losses: list[Tensor] = []
        self._guesses: list[float] = []
        self._labels: Counter[int] = Counter()
        self._agreements: list[float] = []

    def attach(self) -> list[Any]:
        """Attach the hook for one step."""
        self._losses = []
        handles = [] if self._waits or self._called else self._outputs.attach()
        if isinstance(self._loss, nn.Module):
            hook = self._guard.hook(self._computed)
            handles.append(self._loss.register_forward_hook(hook))
        return handles

    def write(self, row: dict[str, Any]) -> None:
        """Write the mean loss of one step."""
        answer = self._outputs.answer()
        self._waits = False
        if answer is not None and not self._called:
            loss, output, target, op = answer
            self._losses.append(loss(output.float(), target))
            self._first.answered(output, target, loss, op)
            self._counted(loss, output, target)
        if self._losses:
            row["loss"] = math.fsum(map(float, self._losses)) / len(self._losses)
        self._losses = []

    def facts(self) -> dict[str, Any]:
        """Return the loss of guessing, and how often two rows of a batch share a label.

        Of random batches the latter is what it is for any two rows, whatever the batch's size.
        """
        facts: dict[str, Any] = {}
        if self._guesses:
            facts["loss_of_guessing"] = math.fsum(self._guesses) / len(self._guesses)
        total = sum(self._labels.values())
        if self._agreements and total > 1:
            facts["label_agreement"] = sum((n / total) ** 2 for n in self._labels.values())
            within = math.fsum(self._agreements) / len(self._agreements)
            facts["label_agreement_within_batches"] = within
        return facts

    def _computed(self, module: nn.Module, args: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return
        self._called = True
        if len(args) < 2 or not isinstance(args[1], Tensor):
            return
        if output.ndim == 0 and len(self._losses) < 64:
            self._losses.append(output.detach())
        self._first.answered(args[0], args[1])
        if getattr(module, "reduction", "") == "mean":
            self._counted(module, args[0].detach(), args[1].detach())

    def _counted(self, module: nn.Module, rows: Tensor, target: Tensor) -> None:
        """Take note of a batch's labels, and of the loss of guessing."""
        same = None
        if not target.is_floating_point() and target.ndim == 1 and len(target) > 1:
            same = self._count(target)
        guess = _guess(module, rows, target, same)
        if guess is not None and len(self._guesses) < 1000:
            self._guesses.append(guess)

    def _count(self, labels: Tensor) -> float:
        """Count labels; return how often two rows have the same."""
        counts = Counter(labels.tolist())
        if len(self._labels) < CLASSES:
            self._labels.update(counts)
        n = len(labels)
        same = sum(c * (c - 1) for c in counts.values()) / (n * (n - 1))
        if len(self._agreements) < 1000:
            self._agreements.append(same)
        return same


def _guess(module: nn.Module, rows: Tensor, target: Tensor, same: float | None) -> float | None:
    """Return the loss of a network that has learnt nothing; None where that is not known."""
    if isinstance(module, (nn.CrossEntropyLoss, nn.NLLLoss)):
        # Labels that all differ number the pairs of a contrastive loss.
        if same == 0.0 or rows.ndim < 2:
            return None
        # Rows of shares add up to one; rows of several truths to more.
        shares = float(target.sum(1).mean()) if target.is_floating_point() else 1.0
        return shares * math.log(rows.shape[1])
    if isinstance(module, (nn.BCEWithLogitsLoss, nn.BCELoss)):
        # An adversary's target is one number throughout.
        weighted = getattr(module, "pos_weight", None) is not None
        return None if weighted or bool((target == target.flatten()[0]).all()) else math.log(2.0)
    if isinstance(module, nn.MSELoss) and len(target) > 1:
        spread = float(target.float().var(dim=0).mean())
        return spread if spread > 0.0 and target.shape == rows.shape else None
    return None
