"""One trial on a program of epochs: what the host decides before them, and reads after them."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from luthier.catalog import losses, metrics, optimizers, schedules
from luthier.catalog.order import epoch_orders
from luthier.core import Curves, Recipe, Rehearsal, State
from luthier.core.keys import MASK, fold, threshold
from luthier.engines.chunks.exchange import Draws, Numbers, Outcome, Settings, Steps
from luthier.engines.chunks.tables import Tables

MOST = 16  # epochs of one call: more would save little, and nothing is heard meanwhile
MEMORY = 1 << 20  # bytes that a call keeps of its epochs, to be filled anew by each
VECTOR = "weights."  # what the state calls the average of all trainable weights

Array = np.ndarray[Any, Any]
N = TypeVar("N", bound="Network")


class Network(Protocol):
    """What the host must know of a network."""

    @property
    def framework(self) -> str:
        """Whose formulas its optimizers have."""
        ...

    @property
    def trainable(self) -> tuple[str, ...]:
        """Names of the parameters that train: those with two dimensions or more first."""
        ...

    @property
    def kernels(self) -> int:
        """How many of them have two dimensions or more."""
        ...

    @property
    def rates(self) -> tuple[float, ...]:
        """Rate of each dropout call of a training pass."""
        ...


@dataclass(frozen=True, eq=False)
class Shape(Generic[N]):
    """What a trial shares with those of its signature.

    Args:
        network: The network.
        program: Its compiled chunk of epochs.
        tables: The data.
        batch_size: Rows of a step.
    """

    network: N
    program: Any
    tables: Tables
    batch_size: int

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return self.tables.count // self.batch_size


class Trial(ABC, Generic[N]):
    """One trial in progress.

    Args:
        shape: Network, program and data.
        recipe: How to train.
        seed: Decides data order and masks.
        state: A new trial's initial state, or where one was taken.
    """

    losses_are_exact = False  # whether a loss may stand for the metric that is the same formula

    def __init__(self, shape: Shape[N], recipe: Recipe, seed: int, state: State) -> None:
        self.shape, self.recipe, self.seed = shape, recipe, seed
        self.optimizer = optimizers.by_name(recipe.optimizer, shape.network.framework)
        self.examples = shape.tables.examples(recipe.class_weight)
        weights = state.group("weights")
        self.names = tuple(weights)
        self.best: Mapping[str, Any] = state.group("best")
        kept = sum(value.nbytes for value in weights.values())
        outputs = shape.tables.rows.val_target.nbytes
        self.most = max(1, min(MOST, MEMORY // (kept + outputs)))
        self.settings = np.array(_settings(recipe))
        rates = shape.network.rates
        self.draws = Draws(
            words=np.array(fold(seed), np.uint32),
            thresholds=np.array([min(threshold(rate), MASK) for rate in rates], np.uint32),
            scales=np.array([0.0 if r >= 1 else 1 / (1 - r) for r in rates], np.float32),
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
        self._place(state)

    @abstractmethod
    def _place(self, state: State) -> None:
        """Hand weights, moments and averages to the program."""

    @abstractmethod
    def _run(self, steps: Steps, count: int, epochs: int) -> Sequence[Outcome]:
        """Run the program for some epochs of `count` steps; return what each showed."""

    @abstractmethod
    def _evaluated(self, index: int) -> Mapping[str, Any]:
        """Return weights and buffers as the last run evaluated them after one of its epochs."""

    @abstractmethod
    def _groups(self) -> Mapping[str, Mapping[str, Any]]:
        """Return weights, slots and averages, as a state holds them."""

    def train(self, epochs: int) -> Curves:
        """Train up to so many epochs, evaluate each and keep the best weights.

        A call of the program trains several, and less than all where a schedule reads the last
        validation loss; so fewer epochs may come back than were asked for.
        """
        started = time.perf_counter()
        epochs = 1 if self.recipe.schedule == "plateau" else min(epochs, self.most)
        steps = self._steps(epochs)
        shown = self._run(steps, self.shape.steps, epochs)
        return self._read(shown, steps, lambda: time.perf_counter() - started)

    def _read(
        self, epochs: Sequence[Outcome], steps: Steps, seconds: Callable[[], float]
    ) -> Curves:
        """Read what epochs showed, up to the first that is not finite; keep the best weights."""
        rows, best = [], None
        for index, shown in enumerate(epochs):
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
            self._keep(best)
        each = seconds() / len(rows)
        return Curves.from_epochs([{**row, "seconds": each} for row in rows])

    def _keep(self, index: int) -> None:
        """Keep the weights of one of the last run's epochs: they are the best so far."""
        self.best = self._evaluated(index)

    def rehearse(self, steps: int) -> Rehearsal:
        """Take the next few steps and evaluate, without the epoch's bookkeeping."""
        steps = min(steps, self.shape.steps)
        (shown,) = self._run(self._steps(1), steps, 1)
        self.step += steps
        seen = shown.steps[:steps].astype(np.float64)
        losses, norms = tuple(seen[:, 0].tolist()), tuple(seen[:, 2].tolist())
        sample, val = float(shown.losses[0]), float(shown.losses[1])
        return Rehearsal(losses, norms, sample, val, self.state())

    def state(self) -> State:
        """Return all that the trial needs to go on bit for bit."""
        groups = {**self._groups(), "best": self.best}
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

    def _row(self, shown: Outcome, rate: float) -> dict[str, Any]:
        """Return the values of one epoch."""
        means = shown.steps.astype(np.float64).mean(0)
        return {
            "train_loss": float(means[0]),
            "train_loss_eval": float(shown.losses[0]),
            "penalty": float(means[1]),
            "val_loss": float(shown.losses[1]),
            "metrics": self._scores(shown.val_outputs, float(shown.losses[1])),
            "learning_rate": rate,
            "signals": {"gradient_norm": float(means[2]), **self._signals(shown.kernels)},
        }

    def _steps(self, epochs: int) -> Steps:
        """Return the next epochs' batches, learning rates, mixup shares and average's decays."""
        tables, count, size = self.shape.tables, self.shape.steps, self.shape.batch_size
        rows = np.zeros((self.most, count, size), np.int32)
        numbers = np.zeros((self.most, count, 3))
        coming = range(self.epochs, self.epochs + epochs)
        rows[:epochs] = epoch_orders(self.seed, coming, tables.count, size)
        for index in range(epochs):
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

    def _scores(self, outputs: Array, val_loss: float) -> dict[str, float]:
        tables = self.shape.tables
        values = outputs.astype(np.float64)
        if tables.task.kind == "regression":
            values = values * np.asarray(tables.task.target_scale)
            values = values + np.asarray(tables.task.target_mean)
        known = {"log_loss": val_loss} if self._is_log_loss and math.isfinite(val_loss) else {}
        return {
            name: known[name]
            if name in known
            else metrics.by_name(name).compute(values, tables.truth, tables.truth_weight)
            for name in tables.task.metrics
        }

    @property
    def _is_log_loss(self) -> bool:
        """Tell whether the loss on validation rows is their log-loss, to the last digits."""
        loss = self.shape.tables.key[2]
        return self.losses_are_exact and loss in ("cross_entropy", "binary_cross_entropy")

    def _is_best(self, score: float) -> bool:
        """Tell whether a score is the best so far, and remember it if so."""
        sign = 1.0 if self.shape.tables.task.direction == "minimize" else -1.0
        better = self.best_score is None or sign * score < sign * self.best_score
        if not (math.isfinite(score) and better):
            return False
        self.best_score = score
        return True

    def _signals(self, norms: Array) -> dict[str, float]:
        """Return gradient norm and relative update of each kernel, at the epoch's last step."""
        signals: dict[str, float] = {}
        kernels = self.shape.network.trainable[: self.shape.network.kernels]
        for name, gradient, size, change in zip(kernels, *norms.tolist(), strict=True):
            signals[f"gradient_norm/{name}"] = gradient
            signals[f"update_ratio/{name}"] = change / size if size else math.nan
        return signals


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
