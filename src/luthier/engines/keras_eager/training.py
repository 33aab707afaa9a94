"""A trial in progress: its epochs, its best weights, its state."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from luthier.catalog import losses, optimizers, schedules
from luthier.catalog.order import epoch_order
from luthier.core import Curves, Recipe, Rehearsal, State
from luthier.core.keys import MASK, fold, threshold
from luthier.engines.keras_eager.augment import augmented, noisy
from luthier.engines.keras_eager.backends import Backend
from luthier.engines.keras_eager.network import Network
from luthier.engines.keras_eager.program import SETTINGS, Carry, Epoch, Examples, Given
from luthier.engines.keras_eager.tables import Tables

_VECTOR = "weights."  # what the state calls the average of all trainable weights
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Programs:
    """What trials of one signature share: an epoch of training, and a pass of evaluation."""

    network: Network
    epoch: Epoch
    evaluate: Any


class Training:
    """One trial in progress.

    Args:
        backend: Where it computes.
        programs: Network, training and evaluation.
        rates: Rate of each dropout call.
        loss: Name of the loss.
        tables: The data.
        recipe: How to train.
        seed: Decides data order and masks.
        state: A new trial's initial state, or where one was taken.
    """

    def __init__(
        self,
        backend: Backend,
        programs: Programs,
        rates: tuple[float, ...],
        loss: str,
        tables: Tables,
        recipe: Recipe,
        seed: int,
        state: State,
    ) -> None:
        self.backend, self.programs, self.rates = backend, programs, rates
        self.tables, self.recipe, self.seed = tables, recipe, seed
        self.loss, self.network = losses.by_name(loss), programs.network
        self.loss_name = loss
        self.slot_names = optimizers.by_name(recipe.optimizer, "keras").slots
        count = len(tables.train.target)
        size = recipe.batch_size
        self.batch = count if isinstance(size, str) else min(size, count)
        self.steps = count // self.batch
        self.carry = self._carry(state)
        self.best: Mapping[str, Array] = state.group("best")
        self.examples = Examples(
            tuple(ops.convert_to_tensor(x) for x in tables.train.inputs),
            ops.convert_to_tensor(tables.train.target),
            ops.convert_to_tensor(tables.weights(recipe.class_weight)),
        )
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

    def epoch(self) -> Curves:
        """Train one epoch, evaluate, keep the best weights; return the epoch's values."""
        started = time.perf_counter()
        seen, norms, rate = self._train(self.steps)
        self.epochs, self.step = self.epochs + 1, self.step + self.steps
        outputs = self._outputs()
        train, val = self.tables.losses(self.loss, outputs)
        scores = self.tables.scores(outputs)
        self._keep_best(scores[self.tables.task.metric])
        self.val_losses.append(val)
        means = seen.astype(np.float64).mean(0)
        curves = Curves(
            train_loss=(float(means[0]),),
            train_loss_eval=(train,),
            penalty=(float(means[1]),),
            val_loss=(val,),
            metrics={name: (value,) for name, value in scores.items()},
            learning_rate=(rate,),
            signals={"gradient_norm": (float(means[2]),), **self._signals(norms)},
            seconds=(time.perf_counter() - started,),
        )
        self.finite = curves.finite
        return curves

    def rehearse(self, steps: int) -> Rehearsal:
        """Take the next few steps and evaluate, without the epoch's bookkeeping."""
        steps = min(steps, self.steps)
        seen, _, _ = self._train(steps)
        self.step += steps
        train, val = self.tables.losses(self.loss, self._outputs())
        rows = seen[:steps].astype(np.float64)
        return Rehearsal(
            tuple(rows[:, 0].tolist()), tuple(rows[:, 2].tolist()), train, val, self.state()
        )

    def _train(self, count: int) -> tuple[Array, Array, float]:
        """Take steps of the next epoch; return what each showed, norms, and the last rate."""
        total = len(self.tables.train.target)
        order = epoch_order(self.seed, self.epochs, total, self.batch)
        numbers, examples = self._numbers(), self.examples
        if self.recipe.augmentation != "none" or self.recipe.noise:
            examples, order = self._varied(order)
        given = Given(
            rows=ops.convert_to_tensor(order.astype(np.int64)),
            numbers=_double(numbers),
            first=ops.convert_to_tensor(np.int64(self.step)),
            count=ops.convert_to_tensor(np.int64(count)),
            settings=_double([_setting(self.recipe, name) for name in SETTINGS]),
            words=ops.convert_to_tensor(np.array(fold(self.seed), np.int64)),
            bounds=ops.convert_to_tensor(
                np.array([min(threshold(rate), MASK) for rate in self.rates], np.int64)
            ),
            scales=_double([0.0 if r >= 1 else 1 / (1 - r) for r in self.rates]),
        )
        self.carry, seen, norms = self.programs.epoch(self.carry, examples, given)
        return _array(seen), _array(norms), float(numbers[max(count, 1) - 1, 0])

    def _numbers(self) -> Array:
        """Return learning rate, mixup share and average's decay of each step of an epoch."""
        recipe = self.recipe
        total = recipe.epochs * self.steps
        progress = schedules.Progress(self.step, total, self.steps, self.val_losses)
        steps = range(self.step, self.step + self.steps)
        shares = [
            losses.mixup_share(self.seed, n, recipe.mixup) if recipe.mixup else 1.0 for n in steps
        ]
        rates = schedules.learning_rates(recipe, progress, self.steps)
        return np.array([rates, shares, [self._decay(n + 1) for n in steps]]).T

    def _decay(self, step: int) -> float:
        """Return the average's decay; it grows, or the start would linger."""
        if self.recipe.ema is None or step == 1:
            return 0.0
        return min(self.recipe.ema, (1 + step) / (10 + step))

    def _varied(self, order: Array) -> tuple[Examples, Array]:
        """Return an epoch's rows in their order, varied, and their new numbers."""
        tables, shape, recipe = self.tables, self.tables.task.input_shape, self.recipe
        first = tables.train.inputs[0]
        last = shape[0] > 4 >= shape[-1]
        amount = recipe.noise * tables.spread if recipe.noise else None
        steps: list[Array] = []
        for step, rows in enumerate(order, self.step):
            x = first[rows]
            if recipe.augmentation != "none":
                x = augmented(x, recipe.augmentation, self.seed, step, last=last)
            steps.append(x if amount is None else noisy(x, amount, self.seed, step))
        varied = np.concatenate(steps)
        rows = order.reshape(-1)
        rest = [x[rows] for x in tables.train.inputs[1:]]
        weight = tables.weights(self.recipe.class_weight)[rows]
        examples = Examples(
            tuple(ops.convert_to_tensor(x) for x in (varied, *rest)),
            ops.convert_to_tensor(tables.train.target[rows]),
            ops.convert_to_tensor(weight),
        )
        return examples, np.arange(len(rows)).reshape(order.shape)

    def _outputs(self) -> Array:
        """Return the outputs of sample and validation part, of averaged weights if there are."""
        carry = self.carry
        tensors = {**carry.buffers, **carry.weights}
        if self.recipe.ema is not None:
            tensors = {**tensors, **carry.average}
        passes = [
            _array(self.programs.evaluate(tensors, tuple(ops.convert_to_tensor(x) for x in part)))
            for part in self.tables.passes
        ]
        rows = len(self.tables.sample.target) + len(self.tables.val.target)
        return np.concatenate(passes)[:rows].astype(self.tables.train.target.dtype)

    def _keep_best(self, score: float) -> None:
        sign = 1.0 if self.tables.task.direction == "minimize" else -1.0
        better = self.best_score is None or sign * score < sign * self.best_score
        if math.isfinite(score) and better:
            self.best_score = score
            average = self.carry.average if self.recipe.ema is not None else {}
            values = {**self.carry.buffers, **self.carry.weights, **average}
            self.best = {name: _array(values[name]) for name in self.network.names}

    def _signals(self, norms: Array) -> dict[str, tuple[float, ...]]:
        """Return gradient norm and relative update of each kernel, at the epoch's last step."""
        signals: dict[str, tuple[float, ...]] = {}
        kernels = self.network.trainable[: self.network.kernels]
        for name, gradient, size, change in zip(kernels, *norms.tolist(), strict=True):
            signals[f"gradient_norm/{name}"] = (gradient,)
            signals[f"update_ratio/{name}"] = (change / size if size else math.nan,)
        return signals

    def state(self) -> State:
        """Return all that the trial needs to go on bit for bit."""
        carry, live = self.carry, {**self.carry.buffers, **self.carry.weights}
        average: dict[str, Any] = {}
        if self.recipe.ema is not None and self.step:
            average = {name: carry.average[name] for name in self.network.averaged}
            average[_VECTOR] = self._joined(carry.average)
        slots = zip(self.slot_names, carry.slots, strict=True)
        groups: dict[str, Mapping[str, Any]] = {
            "weights": {name: live[name] for name in self.network.names},
            "slots": {name: self._joined(parts) for name, parts in slots},
            "ema": average,
            "best": self.best,
        }
        return State(
            {
                f"{group}/{name}": _array(value)
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

    def _carry(self, state: State) -> Carry:
        network, weights = self.network, state.group("weights")
        averages = state.group("ema")
        vector = averages.get(_VECTOR)
        parts = {**weights, **(self._parted(vector, weights) if vector is not None else {})}
        own = self.recipe.ema is not None
        names = (*network.trainable, *network.averaged) if own else ()
        slots = state.group("slots")
        return Carry(
            weights={n: ops.convert_to_tensor(np.array(weights[n])) for n in network.trainable},
            buffers={n: ops.convert_to_tensor(np.array(weights[n])) for n in network.buffers},
            slots=tuple(
                {
                    n: ops.convert_to_tensor(np.array(value))
                    for n, value in self._parted(slots.get(slot), weights).items()
                }
                for slot in self.slot_names
            ),
            average={n: ops.convert_to_tensor(np.array(averages.get(n, parts[n]))) for n in names},
        )

    def _joined(self, parts: Mapping[str, Any]) -> Array:
        """Join arrays to the flat vector that every engine stores, kernels first."""
        return np.concatenate([_array(parts[n]).reshape(-1) for n in self.network.trainable])

    def _parted(self, vector: Any, weights: Mapping[str, Array]) -> dict[str, Array]:
        """Undo `_joined`; without a vector, return zeros."""
        parts, start = {}, 0
        for name in self.network.trainable:
            like = weights[name]
            flat = np.zeros(like.size, like.dtype) if vector is None else np.asarray(vector)[start:]
            parts[name] = flat[: like.size].reshape(like.shape)
            start += like.size
        return parts


def _array(value: Any) -> Array:
    return np.array(ops.convert_to_numpy(value))


def _double(values: Any) -> Any:
    return ops.convert_to_tensor(np.array(values, np.float64), dtype="float64")


def _setting(recipe: Recipe, name: str) -> float:
    value = recipe.get(name)
    return math.inf if value is None else float(value)
