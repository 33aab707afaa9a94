"""How a trial trains: one page."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from luthier.catalog import losses, optimizers, schedules
from luthier.core import Curves, Positions, Recipe, Rehearsal, State
from luthier.core.keys import fold
from luthier.engines.torch_eager.batches import Batches, batch
from luthier.engines.torch_eager.dropout import KeyedDropout
from luthier.engines.torch_eager.evaluate import mean_loss, outputs_of, scores
from luthier.engines.torch_eager.flat import Flat
from luthier.engines.torch_eager.ops import torch_ops
from luthier.engines.torch_eager.tensors import Rows, Tensors

_GENERATOR = 5
_TINY = torch.finfo(torch.float32).tiny
_VECTOR = "weights."  # what the average calls the flat vector; no buffer's name ends in a dot


class Training:
    """One trial in progress.

    Args:
        module: A fresh network; its values are replaced by the state's.
        loss: Name of the loss, as the framework settled it.
        tensors: The data.
        positions: How the network's outputs are read.
        recipe: How to train.
        seed: Decides data order and masks.
        state: A new trial's initial state, or where one was taken.
    """

    def __init__(
        self,
        module: nn.Module,
        loss: str,
        tensors: Tensors,
        positions: Positions,
        recipe: Recipe,
        seed: int,
        state: State,
    ) -> None:
        self.recipe, self.seed, self.tensors = recipe, seed, tensors
        self.module, self.positions = module, positions
        self.optimizer = optimizers.by_name(recipe.optimizer)
        self.loss = losses.by_name(loss)
        self.batches = Batches.of(len(tensors.train), recipe.batch_size)
        self.class_weights = _class_weights(tensors.train, recipe.class_weight)
        _load(self.module, state.group("weights"))
        self.flat = Flat(self.module)
        slots, zeros = state.group("slots"), torch.zeros_like(self.flat.weights)
        self.slots = tuple(
            torch.from_numpy(slots[name].copy()) if name in slots else zeros
            for name in self.optimizer.slots
        )
        self.average = _tensors(state.group("ema"))
        self.best = _tensors(state.group("best"))
        extra: dict[str, Any] = {
            "epoch": 0,
            "step": 0,
            "best": None,
            "val_losses": [],
            "finite": True,
            **state.extra,
        }
        self.epochs: int = extra["epoch"]
        self.step: int = extra["step"]
        self.best_score: float | None = extra["best"]
        self.val_losses: list[float] = list(extra["val_losses"])
        self.finite: bool = extra["finite"]
        self.rate = 0.0
        self.change = (self.flat.weights, self.flat.weights)

    def epoch(self) -> Curves:
        """Train one epoch, evaluate, keep the best weights; return the epoch's values."""
        started = time.perf_counter()
        sums = torch.zeros(3, dtype=torch.float64)  # data loss, penalty, gradient norm
        self.module.train()
        for rows in self.batches.order(self.seed, self.epochs):
            sums += self._step(rows)
        sums /= self.batches.steps
        self.epochs += 1
        with self._averaged():
            train, _ = self._evaluate(self.tensors.sample)
            val, metrics = self._evaluate(self.tensors.val)
            self._keep_best(metrics[self.tensors.task.metric])
        self.val_losses.append(val)
        curves = Curves(
            train_loss=(float(sums[0]),),
            train_loss_eval=(train,),
            penalty=(float(sums[1]),),
            val_loss=(val,),
            metrics={name: (value,) for name, value in metrics.items()},
            learning_rate=(self.rate,),
            signals={"gradient_norm": (float(sums[2]),), **self._signals()},
            seconds=(time.perf_counter() - started,),
        )
        self.finite = curves.finite
        return curves

    def rehearse(self, steps: int) -> Rehearsal:
        """Take the next few steps and evaluate, without the epoch's bookkeeping."""
        self.module.train()
        rows = self.batches.order(self.seed, self.epochs)[:steps]
        seen = [self._step(chosen).tolist() for chosen in rows]
        with self._averaged():
            sample, _ = self._evaluate(self.tensors.sample)
            val, _ = self._evaluate(self.tensors.val)
        losses, norms = tuple(row[0] for row in seen), tuple(row[2] for row in seen)
        return Rehearsal(losses, norms, sample, val, self.state())

    def _step(self, rows: Tensor) -> Tensor:
        recipe, flat, module = self.recipe, self.flat, self.module
        total = recipe.epochs * self.batches.steps
        progress = schedules.Progress(self.step, total, self.batches.steps, self.val_losses)
        self.rate = schedules.learning_rate(recipe, progress)
        inputs, target, weight = batch(
            self.tensors.train, self.class_weights, rows, recipe, self.seed, self.step
        )

        _seed(fold(self.seed, _GENERATOR, self.step)[0])
        flat.gradients.zero_()
        with self._precision(), KeyedDropout(self.seed, self.step):
            outputs = self.positions.matrix(module(*inputs)).to(target.dtype)
        weight = weight.reshape(-1)
        per_example = self.loss.per_example(torch_ops, outputs, target.reshape(len(weight), -1))
        # A batch may hold nothing but rows of weight 0: it teaches nothing, and costs nothing.
        loss = (per_example * weight).sum() / weight.sum().clamp(min=_TINY)
        loss.backward()
        flat.collect()

        with torch.no_grad():
            penalty = self._penalise()
            norm = flat.gradients.norm()
            if recipe.clip_norm is not None:
                flat.gradients.mul_((recipe.clip_norm / (norm + 1e-6)).clamp(max=1.0))
            self.step += 1
            old = flat.weights.clone()
            if recipe.weight_decay:
                flat.weights[: flat.kernels].mul_(1 - self.rate * recipe.weight_decay)
            settings = optimizers.Settings.of(recipe, self.rate)
            new, self.slots = self.optimizer.update(
                torch_ops, flat.weights, flat.gradients, self.slots, self.step, settings
            )
            flat.weights.copy_(new)
            self.change = (old, new)
            self._update_average()
        return torch.stack([loss.detach().double(), penalty.double(), norm.double()])

    def _penalise(self) -> Tensor:
        """Add the gradient of l1 * sum|w| + l2 * sum w^2 over kernels; return its value."""
        recipe, flat = self.recipe, self.flat
        kernels, gradients = flat.weights[: flat.kernels], flat.gradients[: flat.kernels]
        penalty = torch.zeros((), dtype=kernels.dtype)
        if recipe.l1:
            penalty = penalty + recipe.l1 * kernels.abs().sum()
            gradients.add_(kernels.sign(), alpha=recipe.l1)
        if recipe.l2:
            penalty = penalty + recipe.l2 * kernels.square().sum()
            gradients.add_(kernels, alpha=2 * recipe.l2)
        return penalty

    def _update_average(self) -> None:
        """Average weights and float buffers; the decay grows, or the start would linger."""
        if self.recipe.ema is None:
            return
        live = self._averages()
        if not self.average:
            self.average = {name: value.clone() for name, value in live.items()}
        decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        for name, value in live.items():
            self.average[name].mul_(decay).add_(value, alpha=1 - decay)

    def _averages(self) -> dict[str, Tensor]:
        """Return what is averaged. Buffers are looked up anew: a forward pass may replace them."""
        buffers = self.module.named_buffers()
        return {_VECTOR: self.flat.weights, **{k: b for k, b in buffers if b.is_floating_point()}}

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Put averaged weights in place for a while, where the recipe asks for them."""
        if self.recipe.ema is None or not self.average:
            yield
            return
        live = self._averages()
        kept = {name: value.clone() for name, value in live.items()}
        for name, value in live.items():
            value.copy_(self.average[name])
        yield
        for name, value in live.items():
            value.copy_(kept[name])

    def _evaluate(self, rows: Rows) -> tuple[float, dict[str, float]]:
        # In the weights' own precision, as whoever is handed the weights will evaluate them.
        _seed(0)
        outputs = outputs_of(self.module, rows.inputs, self.positions).to(rows.weight.dtype)
        loss = mean_loss(partial(self.loss.per_example, torch_ops), outputs, rows)
        return loss, scores(outputs, rows, self.tensors.task)

    def _keep_best(self, score: float) -> None:
        sign = 1.0 if self.tensors.task.direction == "minimize" else -1.0
        better = self.best_score is None or sign * score < sign * self.best_score
        if math.isfinite(score) and better:
            self.best_score = score
            self.best = {name: value.clone() for name, value in _values(self.module).items()}

    def _signals(self) -> dict[str, tuple[float, ...]]:
        """Return gradient norm and relative update of each kernel, at the epoch's last step."""
        old, new = self.change
        gradients, sizes = self.flat.norms(self.flat.gradients), self.flat.norms(old)
        changes = self.flat.norms(new - old)
        signals: dict[str, tuple[float, ...]] = {}
        for name, gradient, size, change in zip(
            self.flat.kernel_names, gradients, sizes, changes, strict=True
        ):
            signals[f"gradient_norm/{name}"] = (gradient,)
            signals[f"update_ratio/{name}"] = (change / size if size else math.nan,)
        return signals

    def _precision(self) -> AbstractContextManager[Any]:
        if self.recipe.precision == "bfloat16":
            return torch.autocast("cpu", dtype=torch.bfloat16)
        return nullcontext()

    def state(self) -> State:
        """Return all that the trial needs to go on bit for bit."""
        slots = zip(self.optimizer.slots, self.slots, strict=True)
        groups: dict[str, Mapping[str, Tensor]] = {
            "weights": _values(self.module),
            "slots": dict(slots),
            "ema": self.average,
            "best": self.best,
        }
        return State(
            {
                f"{group}/{name}": value.detach().clone().numpy()
                for group, values in groups.items()
                for name, value in values.items()
            },
            {
                "epoch": self.epochs,
                "step": self.step,
                "best": self.best_score,
                "val_losses": list(self.val_losses),
                "finite": self.finite,
            },
        )


def _seed(seed: int) -> None:
    """Seed every generator that a forward pass may draw from."""
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def _values(module: nn.Module) -> dict[str, Tensor]:
    """Return every parameter and buffer once, ties under their first name."""
    return {
        name: value.detach()
        for name, value in (*module.named_parameters(), *module.named_buffers())
    }


def _load(module: nn.Module, arrays: Mapping[str, Any]) -> None:
    with torch.no_grad():
        for name, value in _values(module).items():
            value.copy_(torch.from_numpy(np.array(arrays[name])))


def _tensors(arrays: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def _class_weights(part: Rows, wanted: str | None) -> Tensor | None:
    """Return each class's weight: n / (classes * count of the class) if balanced."""
    counted = part.counted
    if wanted is None or part.shares is None:
        return counted
    counts = np.bincount(part.target.reshape(-1).numpy(), minlength=len(part.shares))[:-1]
    share = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return torch.from_numpy(np.append(share, 0.0)).to(part.weight.dtype)
