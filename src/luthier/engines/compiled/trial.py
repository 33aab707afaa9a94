"""One trial on a compiled program: what the host decides before an epoch, and reads after it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from luthier.catalog import losses, metrics, optimizers, schedules
from luthier.catalog.order import epoch_order
from luthier.core import Curves, Recipe, Rehearsal, State
from luthier.core.keys import MASK, fold, threshold
from luthier.engines.compiled.carry import Carry, Draws, Numbers, Outcome, Settings, Steps
from luthier.engines.compiled.lowered import Lowered
from luthier.engines.compiled.tables import Tables
from luthier.engines.compiled.xla import exact

MOST = 16  # epochs of one call: more would save little, and nothing is heard meanwhile
MEMORY = 1 << 20  # bytes that a call keeps of its epochs, to be filled anew by each
_VECTOR = "weights."  # what the state calls the average of all trainable weights

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Shape:
    """What a trial shares with those of its signature.

    Args:
        network: The network.
        program: Its compiled chunk of epochs.
        tables: The data.
        batch_size: Rows of a step.
    """

    network: Lowered
    program: Any
    tables: Tables
    batch_size: int

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.tables.count // self.batch_size


class Trial:
    """One trial in progress.

    Args:
        shape: Network, program and data.
        recipe: How to train.
        seed: Decides data order and masks.
        state: A new trial's initial state, or where one was taken.
    """

    def __init__(self, shape: Shape, recipe: Recipe, seed: int, state: State) -> None:
        self.shape, self.recipe, self.seed = shape, recipe, seed
        self.optimizer = optimizers.by_name(recipe.optimizer, shape.network.framework)
        self.examples = shape.tables.examples(recipe.class_weight)
        weights, network = state.group("weights"), shape.network
        self.names = tuple(weights)
        changing = network.updates
        self.carry = Carry(
            weights={name: weights[name] for name in network.trainable},
            buffers={name: weights[name] for name in changing},
            slots=tuple(
                self._parted(state.group("slots").get(name), weights)
                for name in self.optimizer.slots
            ),
            average={
                **self._parted(state.group("ema").get(_VECTOR), weights, kept=True),
                **{
                    name: state.group("ema").get(name, weights[name])
                    for name in changing
                    if np.issubdtype(weights[name].dtype, np.floating)
                },
            },
        )
        self.fixed = {k: v for k, v in weights.items() if k not in {*network.trainable, *changing}}
        self.best: Mapping[str, Any] = state.group("best")
        rates = network.rates
        kept = sum(value.nbytes for value in weights.values())
        outputs = shape.tables.rows.val_target.nbytes
        self.most = max(1, min(MOST, MEMORY // (kept + outputs)))
        draws = Draws(
            words=np.array(fold(seed), np.uint32),
            thresholds=np.array([min(threshold(rate), MASK) for rate in rates], np.uint32),
            scales=np.array([0.0 if r >= 1 else 1 / (1 - r) for r in rates], np.float32),
        )
        with exact():
            self.carry, self.fixed, self.draws, self.settings = jax.device_put(
                (self.carry, self.fixed, draws, np.array(_settings(recipe)))
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

    def train(self, epochs: int) -> Curves:
        """Train up to so many epochs, evaluate each and keep the best weights.

        A call of the program trains several, and less than all where a schedule reads the last
        validation loss; so fewer epochs may come back than were asked for.
        """
        started = time.perf_counter()
        epochs = 1 if self.recipe.schedule == "plateau" else min(epochs, self.most)
        steps = self._steps(epochs)
        outcomes, kept = self._run(steps, self.shape.steps, epochs)
        rows, best = [], None
        for index, shown in enumerate(outcomes):
            row = self._row(shown, float(steps.numbers[index, -1, 0]))
            rows.append(row)
            if self._is_best(row["metrics"][self.shape.tables.task.metric]):
                best = index
            self.val_losses.append(row["val_loss"])
            self.epochs, self.step = self.epochs + 1, self.step + self.shape.steps
            self.finite = math.isfinite(row["train_loss"]) and math.isfinite(row["val_loss"])
            if not self.finite:
                break
        if best is not None:
            values = {name: np.asarray(value)[best].copy() for name, value in kept.items()}
            self.best = {name: values.get(name, self.fixed.get(name)) for name in self.names}
        seconds = (time.perf_counter() - started) / len(rows)
        return Curves.from_epochs([{**row, "seconds": seconds} for row in rows])

    def _row(self, shown: Outcome, rate: float) -> dict[str, Any]:
        """Return the values of one epoch."""
        means = shown.steps.astype(np.float64).mean(0)
        return {
            "train_loss": float(means[0]),
            "train_loss_eval": float(shown.losses[0]),
            "penalty": float(means[1]),
            "val_loss": float(shown.losses[1]),
            "metrics": self._scores(shown.val_outputs),
            "learning_rate": rate,
            "signals": {"gradient_norm": float(means[2]), **self._signals(shown.kernels)},
        }

    def rehearse(self, steps: int) -> Rehearsal:
        """Take the next few steps and evaluate, without the epoch's bookkeeping."""
        steps = min(steps, self.shape.steps)
        (shown,), _ = self._run(self._steps(1), steps, 1)
        self.step += steps
        seen = shown.steps[:steps].astype(np.float64)
        losses, norms = tuple(seen[:, 0].tolist()), tuple(seen[:, 2].tolist())
        sample, val = float(shown.losses[0]), float(shown.losses[1])
        return Rehearsal(losses, norms, sample, val, self.state())

    def _run(self, steps: Steps, count: int, epochs: int) -> tuple[list[Outcome], Any]:
        """Run the program for some epochs, or for some steps of one."""
        span, rows = np.array([self.step, count, epochs]), self.shape.tables.rows
        settings, draws = self.settings, self.draws
        with exact():
            self.carry, vectors, kept = self.shape.program(
                self.carry, self.fixed, self.examples, steps, span, settings, draws, rows
            )
        kernels = self.shape.network.kernels
        sizes = (steps.rows.shape[1], kernels, len(rows.val_target))
        return [Outcome.parted(v, *sizes) for v in np.asarray(vectors)[:epochs]], kept

    def _steps(self, epochs: int) -> Steps:
        """Return the next epochs' batches, learning rates, mixup shares and average's decays."""
        tables, count, size = self.shape.tables, self.shape.steps, self.shape.batch_size
        rows = np.zeros((self.most, count, size), np.int32)
        numbers = np.zeros((self.most, count, 3))
        for index in range(epochs):
            rows[index] = epoch_order(self.seed, self.epochs + index, tables.count, size)
            numbers[index] = np.array(self._numbers(self.step + index * count)).T
        return Steps(rows, numbers)

    def _numbers(self, first: int) -> Numbers:
        """Return what the steps of an epoch are given."""
        count = self.shape.steps
        total = self.recipe.epochs * count
        progress = schedules.Progress(first, total, count, self.val_losses)
        steps = range(first, first + count)
        return Numbers(
            rate=schedules.learning_rates(self.recipe, progress, count),
            share=self._shares(steps),
            decay=[self._decay(step + 1) for step in steps],
        )

    def _shares(self, steps: range) -> list[float]:
        alpha = self.recipe.mixup
        return [losses.mixup_share(self.seed, n, alpha) if alpha else 1.0 for n in steps]

    def _decay(self, step: int) -> float:
        """Return the average's decay; it grows, or the start would linger."""
        if self.recipe.ema is None or step == 1:
            return 0.0
        return min(self.recipe.ema, (1 + step) / (10 + step))

    def _scores(self, outputs: Array) -> dict[str, float]:
        tables = self.shape.tables
        values = outputs.astype(np.float64)
        if tables.task.kind == "regression":
            values = values * np.asarray(tables.task.target_scale)
            values = values + np.asarray(tables.task.target_mean)
        return {
            name: metrics.by_name(name).compute(values, tables.truth, tables.truth_weight)
            for name in tables.task.metrics
        }

    def _is_best(self, score: float) -> bool:
        """Tell whether a score is the best so far, and remember it if so."""
        sign = 1.0 if self.shape.tables.task.direction == "minimize" else -1.0
        better = self.best_score is None or sign * score < sign * self.best_score
        if not (math.isfinite(score) and better):
            return False
        self.best_score = score
        return True

    def _live(self) -> dict[str, Any]:
        values = {**self.fixed, **self.carry.buffers, **self.carry.weights}
        return {name: values[name] for name in self.names}

    def _signals(self, norms: Array) -> dict[str, float]:
        """Return gradient norm and relative update of each kernel, at the epoch's last step."""
        signals: dict[str, float] = {}
        kernels = self.shape.network.trainable[: self.shape.network.kernels]
        for name, gradient, size, change in zip(kernels, *norms.tolist(), strict=True):
            signals[f"gradient_norm/{name}"] = gradient
            signals[f"update_ratio/{name}"] = change / size if size else math.nan
        return signals

    def state(self) -> State:
        """Return all that the trial needs to go on bit for bit."""
        carry = self.carry
        average: dict[str, Any] = {}
        if self.recipe.ema is not None and self.step:
            buffers = {k: v for k, v in carry.average.items() if k not in carry.weights}
            average = {_VECTOR: self._joined(carry.average), **buffers}
        slots = zip(self.optimizer.slots, carry.slots, strict=True)
        groups: dict[str, Mapping[str, Any]] = {
            "weights": self._live(),
            "slots": {name: self._joined(parts) for name, parts in slots},
            "ema": average,
            "best": self.best,
        }
        return State(
            {
                f"{group}/{name}": np.array(value)
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

    def _joined(self, parts: Mapping[str, Any]) -> Array:
        """Join arrays to the flat vector that every engine stores, kernels first."""
        names = self.shape.network.trainable
        return np.concatenate([np.asarray(parts[name]).reshape(-1) for name in names])

    def _parted(
        self, vector: Any, weights: Mapping[str, Any], *, kept: bool = False
    ) -> dict[str, Any]:
        """Undo `_joined`; without a vector, return zeros, or the weights themselves if `kept`."""
        names, parts, start = self.shape.network.trainable, {}, 0
        for name in names:
            like = weights[name]
            if vector is None:
                parts[name] = like if kept else np.zeros_like(like)
            else:
                parts[name] = np.asarray(vector[start : start + like.size]).reshape(like.shape)
            start += like.size
        return parts


def _settings(recipe: Recipe) -> Settings:
    return Settings(
        momentum=recipe.momentum,
        beta1=recipe.beta1,
        beta2=recipe.beta2,
        epsilon=recipe.epsilon,
        l1=recipe.l1,
        l2=recipe.l2,
        weight_decay=recipe.weight_decay,
        clip_norm=math.inf if recipe.clip_norm is None else recipe.clip_norm,
        label_smoothing=recipe.label_smoothing,
    )
