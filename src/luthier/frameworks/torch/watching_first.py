"""The first batch of a watched training: what the set-up rules can tell without a copy."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from luthier.core import LossFacts
from luthier.frameworks.torch.inspecting.graph_ops import op_of
from luthier.frameworks.torch.inspecting.loss_calls import LossCalls
from luthier.frameworks.torch.inspecting.loss_facts import kind_of, loss_facts
from luthier.frameworks.torch.inspecting.objective import Objective
from luthier.frameworks.torch.inspecting.output_facts import output_facts, target_facts
from luthier.frameworks.torch.inspecting.scales import standard
from luthier.frameworks.torch.watching_guard import Guard

ROWS = 8  # with fewer, a loss of guessing is that of chance
VALUES = 1 << 16  # of the outputs: of larger batches some rows are kept
_NORMS = (
    nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Embedding, nn.EmbeddingBag
)  # fmt: skip


class FirstBatch:
    """Keeps one batch's outputs and targets, and measures them when somebody asks.

    Args:
        model: The network.
        loss: The loss; only those of torch are measured, for they change nothing when called.
        guard: Keeps hooks from breaking anything.
    """

    def __init__(self, model: nn.Module, loss: Any, guard: Guard) -> None:
        self._model, self._guard = model, guard
        self._bad: tuple[int, int] | None = None  # values that are no numbers, of so many rows
        own = isinstance(loss, nn.Module) and type(loss).__module__.startswith("torch.nn")
        self._loss = loss if own else None
        self._kept: tuple[Tensor, Tensor, str] | None = None
        self._inputs: tuple[float, float, bool] | None = None
        self._facts: dict[str, Any] | None = None

    def came(self, batch: Tensor) -> None:
        """Take note of the first inputs."""
        if self._inputs is None and batch.is_floating_point() and batch.numel():
            x = batch.detach()
            self._inputs = float(x.min()), float(x.max()), standard(x) or self._normalises()

    def attach(self) -> list[Any]:
        """Look at the inputs of one sampled step, for values that are no numbers."""
        if self._bad:
            return []
        return [self._model.register_forward_pre_hook(self._guard.hook(self._entered))]

    def _entered(self, module: nn.Module, args: Any) -> None:
        for x in args[:1] if module.training else ():  # masks may hold minus infinity
            if isinstance(x, Tensor) and x.is_floating_point() and not bool(x.isfinite().all()):
                self._bad = int((~x.isfinite()).sum()), len(x)

    def answered(
        self, output: Tensor, target: Tensor, loss: nn.Module | None = None, op: str | None = None
    ) -> None:
        """Take note of the first outputs and targets, and of what the outputs came from.

        Args:
            output: Of the network.
            target: What the loss got beside it.
            loss: What it was found to be, where nobody said it.
            op: The operation that the outputs came from, where they have no graph any more.
        """
        self._loss = self._loss or loss
        done = self._kept is not None or self._facts is not None
        if done or self._loss is None or output.ndim == 0:
            return
        rows = min(len(output), max(VALUES * len(output) // max(output.numel(), 1), 1))
        if rows < ROWS or len(target) != len(output):
            rows = len(output)
            if rows < ROWS or output.numel() > VALUES:
                return
        kept = output.detach()[:rows].float().cpu().clone(), target.detach()[:rows].cpu().clone()
        self._kept = (*kept, op_of(output) if op is None else op)

    def facts(self) -> dict[str, Any]:
        """Return what is plain to see: inputs that stand out, and the facts that rules ask for."""
        found: dict[str, Any] = {"fair_training_loss": self._is_fair()}
        if self._bad:
            found["nonfinite_inputs"] = self._bad
        if self._inputs is not None and not self._inputs[2]:
            found["inputs_reach"] = self._inputs[:2]
        if self._facts is None and self._kept is not None:
            self._facts = self._measured(*self._kept)
            self._kept = None
        return found if self._facts is None else {**found, "first_batch": self._facts}

    def _measured(self, output: Tensor, target: Tensor, op: str) -> dict[str, Any]:
        facts, loss = output_facts(output, target, op), LossFacts()
        if facts.finite and self._loss is not None:
            objective = Objective(_Plain(self._loss))
            # Where nothing bounds the outputs and shapes fit, the kind of loss says enough.
            plain = op == "none" and (
                output.shape == target.shape or facts.target_type == "classes"
            )
            with torch.enable_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what torch warns of is for rules to say
                loss = (
                    _kind(objective, output, target)
                    if plain
                    else loss_facts(objective, output, target, op)
                )
        return {
            "data": dataclasses.asdict(target_facts(target)),
            "output": dataclasses.asdict(facts),
            "loss": dataclasses.asdict(loss),
        }

    def _is_fair(self) -> bool:
        """Tell whether a training loss would be the same in evaluation mode, but for the weights.

        Nothing draws dropout masks or mixes rows, and labels are not smoothed.
        """
        if self._loss is None or getattr(self._loss, "label_smoothing", 0.0) > 0.0:
            return False
        return not any(map(_differs, self._model.modules()))

    def _normalises(self) -> bool:
        """Tell whether a layer that takes care of scales stands before all others with weights."""
        layers = [m for m in self._model.modules() if not list(m.children())]
        weighted = [m for m in layers if list(m.parameters()) or isinstance(m, _NORMS)]
        return bool(weighted) and isinstance(weighted[0], _NORMS)


class _Plain:
    """A copy of a loss on the CPU: hooks of the user's own are not called."""

    def __init__(self, module: nn.Module) -> None:
        self._module = copy.deepcopy(module).cpu().float()
        self.__name__ = type(module).__name__

    def __call__(self, output: Tensor, target: Tensor) -> Any:
        return self._module.forward(output, target)


def _differs(layer: nn.Module) -> bool:
    """Tell whether a layer does in training what it does not in evaluation."""
    if isinstance(layer, nn.modules.dropout._DropoutNd):
        return layer.p > 0.0
    if isinstance(layer, (nn.RNNBase, nn.MultiheadAttention)):
        return layer.dropout > 0.0
    return isinstance(layer, nn.modules.batchnorm._BatchNorm)


def _kind(objective: Objective, output: Tensor, target: Tensor) -> LossFacts:
    leaf = output.clone().requires_grad_()
    with LossCalls() as calls:
        value = objective.of(leaf, target)
    return calls.told(LossFacts(kind_of(objective, value, leaf), initial=float(value.detach())))
