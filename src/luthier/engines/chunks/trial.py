"""One trial on a program of epochs: what the host decides before them, and reads after them."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from luthier.catalog import losses, metrics, optimizers, schedules
from luthier.catalog.augmentation import kinds_of
from luthier.catalog.order import epoch_orders
from luthier.core import Curves, Recipe, Rehearsal, State
from luthier.core.keys import MASK, fold, threshold
from luthier.engines.chunks.exchange import Draws, Numbers, Outcome, Settings, Steps
from luthier.engines.chunks.tables import Tables

MOST = 16  # epochs of one call: more would save little, and nothing is heard meanwhile
ORDERS = 1 << 18  # rows in orders that are worth keeping: a search's trials share their seed
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


def shapes_of(initial: State) -> object:
    """Return the tensors' shapes: a graph may not say how wide its layers are, and a program is."""
    return tuple((name, np.shape(value)) for name, value in initial.group("weights").items())


class Trial(ABC, Generic[N]):
    """One trial in progress.

    Args:
        shape: Network, program and data.
        recipe: How to train.
        seed: Decides data order and masks.
        state: A new trial's initial state, or where one was taken.
    """

    memory_of_epochs = (
        1 << 20
    )  # bytes that a call may keep of its epochs, to be filled anew by each
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
        if shape.tables.task.positions:  # whose targets are numbers of classes
            outputs *= shape.tables.task.n_outputs
        self.most = max(1, min(MOST, self.memory_of_epochs // (kept + outputs)))
        self.settings = np.array(_settings(recipe))
        rates = shape.network.rates
        self.draws = Draws(
            words=np.array(fold(seed), np.uint32),
            thresholds=np.array([min(threshold(rate), MASK) for rate in rates], np.uint32),
            scales=np.array([0.0 if r >= 1 else 1 / (1 - r) for r in rates], np.float32),
            kinds=np.array(kinds_of(recipe.augmentation), np.uint32),
            noise=shape.tables.noise(recipe.noise),
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
        self.right: Sequence[float] = ()  # accuracy after each epoch of a call, if that is told
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

    def _read(self, shown: Sequence[Outcome], steps: Steps, seconds: Callable[[], float]) -> Curves:
        """Read what epochs showed, up to the first that is not finite; keep the best weights."""
        curves = self._curves(shown, steps.numbers[:, -1, 0].tolist())
        return self._checked(curves, seconds)

    def _checked(self, curves: Curves, seconds: Callable[[], float]) -> Curves:
        """Note what epochs came to, and when; keep the weights of the best."""
        scores = curves.metrics[self.shape.tables.task.metric]
        better = [index for index, score in enumerate(scores) if self._is_best(score)]
        if better:
            self._keep(better[-1])
        passed = len(curves)
        self.val_losses += curves.val_loss
        self.epochs, self.step = self.epochs + passed, self.step + passed * self.shape.steps
        self.finite = curves.finite
        return replace(curves, seconds=(seconds() / passed,) * passed)

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

    def _curves(self, shown: Sequence[Outcome], rates: Sequence[float]) -> Curves:
        """Return what epochs showed, up to the first whose losses are no numbers."""
        steps: Array = np.array([one.steps for one in shown], np.float64)
        means = steps.mean(1)
        losses = np.array([one.losses for one in shown], np.float64)
        finite = np.isfinite(means[:, 0]) & np.isfinite(losses[:, 1])
        count = len(shown) if finite.all() else int(finite.argmin()) + 1
        train, penalty, norm = means[:count].T.tolist()
        sample, val = losses[:count].T.tolist()
        right: Sequence[float | None] = self.right or [None] * count
        told = [self._told(*one) for one in zip(val, right[:count], strict=True)]
        scores = [self._scores(one.val_outputs, t) for one, t in zip(shown, told, strict=False)]
        return Curves(
            train_loss=tuple(train),
            train_loss_eval=tuple(sample),
            penalty=tuple(penalty),
            val_loss=tuple(val),
            metrics={name: tuple(score[name] for score in scores) for name in scores[0]},
            learning_rate=tuple(rates[:count]),
            signals={
                "gradient_norm": tuple(norm),
                **self._signals(np.array([one.kernels for one in shown[:count]], np.float64)),
            },
        )

    def _steps(self, epochs: int) -> Steps:
        """Return the next epochs' batches, learning rates, mixup shares and average's decays."""
        count = self.shape.steps
        numbers = np.zeros((self.most, count, 3))
        numbers[:epochs] = np.array(self._numbers(epochs * count)).T.reshape(epochs, count, 3)
        return Steps(self._rows(range(self.epochs, self.epochs + epochs)), numbers)

    def _rows(self, coming: range) -> Array:
        """Return the batches of the next epochs."""
        rows = np.zeros((self.most, self.shape.steps, self.shape.batch_size), np.int32)
        count = self.shape.tables.count
        drawn = _orders if rows.size <= ORDERS else epoch_orders
        rows[: len(coming)] = drawn(self.seed, coming, count, self.shape.batch_size)
        return rows

    def _numbers(self, count: int) -> Numbers:
        """Return what the next steps are given."""
        total, (first, an_epoch) = (
            self.recipe.epochs * self.shape.steps,
            (self.step, self.shape.steps),
        )
        progress = schedules.Progress(first, total, an_epoch, self.val_losses)
        return Numbers(
            rate=schedules.learning_rates(self.recipe, progress, count),
            share=self._shares(first, count),
            decay=self._decays(first, count),
        )

    def _shares(self, first: int, count: int) -> list[float]:
        """Return the share of each batch's own examples in mixup."""
        alpha = self.recipe.mixup
        if not alpha:
            return [1.0] * count
        return [losses.mixup_share(self.seed, n, alpha) for n in range(first, first + count)]

    def _decays(self, first: int, count: int) -> list[float]:
        """Return the average's decay in each step; it grows, or the start would linger."""
        most = self.recipe.ema
        if most is None:
            return [0.0] * count
        return [min(most, (2 + n) / (11 + n)) if n else 0.0 for n in range(first, first + count)]

    def _scores(self, outputs: Array | None, told: dict[str, float]) -> dict[str, float]:
        """Return an epoch's metrics; what the program told is not computed again."""
        tables, names = self.shape.tables, self.shape.tables.task.metrics
        if all(name in told for name in names):
            return {name: told[name] for name in names}
        if outputs is None:  # the program would have told, had its losses been numbers
            return dict.fromkeys(names, math.nan)
        values = outputs.astype(np.float64)
        if tables.task.kind == "regression":
            values = values * np.asarray(tables.task.target_scale)
            values = values + np.asarray(tables.task.target_mean)
        return {
            name: told[name]
            if name in told
            else metrics.by_name(name).compute(values, tables.truth, tables.truth_weight)
            for name in names
        }

    def _told(self, val_loss: float, right: float | None) -> dict[str, float]:
        """Return the metrics that the program computed."""
        if not math.isfinite(val_loss):
            return {}
        told = {"log_loss": val_loss} if self._is_log_loss else {}
        return told if right is None else {**told, "accuracy": right}

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

    def _signals(self, norms: Array) -> dict[str, tuple[float, ...]]:
        """Return gradient norm and relative update of each kernel, at each epoch's last step.

        Args:
            norms: Of gradient, weights and change, shape (epochs, 3, kernels).
        """
        signals: dict[str, tuple[float, ...]] = {}
        kernels = self.shape.network.trainable[: self.shape.network.kernels]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(norms[:, 1] != 0, norms[:, 2] / norms[:, 1], math.nan)
        for index, name in enumerate(kernels):
            signals[f"gradient_norm/{name}"] = tuple(norms[:, 0, index].tolist())
            signals[f"update_ratio/{name}"] = tuple(ratios[:, index].tolist())
        return signals


_orders = lru_cache(maxsize=16)(epoch_orders)


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
