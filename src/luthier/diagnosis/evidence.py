"""What rules read off a run."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from luthier.core import Run, Series

DRAWN = 48  # points of a curve that go into a finding: two a character of its sparkline
LARGEST = 1e100  # beyond it squares overflow, and nothing is learnt from a loss
# Names of metrics that are better when lower; all others are taken as better when higher.
_LOWER = re.compile(
    r"loss|err|mse|mae|rmse|mape|msle|perplexity|ppl|nll|deviance|wer|cer|fid|brier|entropy|kl"
    r"|distance|hinge|(^|_)fpr|(^|_)fnr",
    re.IGNORECASE,
)


def curve(name: str, series: Sequence[float]) -> dict[str, tuple[float | None, ...]]:
    """Return a series as evidence, thinned to what is drawn of it.

    >>> curve("loss", (1.0, math.nan))
    {'loss': (1.0, None)}
    """
    if len(series) > DRAWN:
        series = [series[round(i * (len(series) - 1) / (DRAWN - 1))] for i in range(DRAWN)]
    return {name: tuple(one if math.isfinite(one) else None for one in series)}


def finite(series: Series) -> list[float]:
    """Return the values up to the first one that is no number, or too large to compute with.

    >>> finite((2.0, 1.0, math.nan, 3.0))
    [2.0, 1.0]
    """
    end = next((i for i, one in enumerate(series) if not abs(one) < LARGEST), len(series))
    return list(series[:end])


def training(run: Run) -> tuple[str, list[float]]:
    """Return the training loss that says most: in evaluation mode if measured, else running."""
    fair = finite(run.curves.train_loss_eval)
    return ("train_loss_eval", fair) if fair else ("train_loss", finite(run.curves.train_loss))


def chance(run: Run) -> float | None:
    """Return the loss of guessing, if the task tells: log K for classes, 1 for scaled numbers.

    >>> from luthier.core import Task
    >>> round(chance(Run(task=Task("classification", "log_loss", "minimize", (4,), 10))), 3)
    2.303
    """
    task, loss = run.task, None if run.recipe is None else run.recipe.loss
    if task is None:  # whoever watched the loss function knows
        return run.trace.facts.get("loss_of_guessing")
    if task.kind == "classification":
        entropy = loss in (None, "cross_entropy", "binary_cross_entropy")
        return math.log(task.n_outputs) if entropy and task.n_outputs > 1 else None
    return 1.0 if task.target_scale and loss in (None, "mse") else None


@dataclass(frozen=True)
class Goal:
    """The metric that decides, turned so that lower is better.

    Args:
        name: As it was logged.
        values: One an epoch, up to the first that is no number.
        sign: 1.0 where the metric itself is better when lower, else -1.0.
    """

    name: str
    values: list[float]
    sign: float


def goal(run: Run) -> Goal | None:
    """Return the metric that decides: the task's, else the first one logged, else val_loss.

    >>> from luthier.core import Curves
    >>> goal(Run(Curves(metrics={"val_accuracy": (0.5, 0.75)}))).values
    [-0.5, -0.75]
    """
    task, metrics = run.task, run.curves.metrics
    if task is not None and task.metric in metrics:
        name, sign = task.metric, 1.0 if task.direction == "minimize" else -1.0
    elif metrics:
        name = next(iter(metrics))
        sign = 1.0 if lower_is_better(name) else -1.0
    else:
        values = finite(run.curves.val_loss)
        return Goal("val_loss", values, 1.0) if values else None
    values = [sign * one for one in finite(metrics[name])]
    return Goal(name, values, sign) if values else None


def lower_is_better(name: str) -> bool:
    """Guess from a metric's name whether lower values are better.

    >>> lower_is_better("val_rmse"), lower_is_better("val_acc")
    (True, False)
    """
    return bool(_LOWER.search(name))


def accuracy(run: Run) -> list[float]:
    """Return the share of right answers, epoch by epoch, where a metric is named so.

    >>> from luthier.core import Curves
    >>> accuracy(Run(Curves(metrics={"f1": (0.3,), "val_acc": (50.0, 75.0)})))
    [0.5, 0.75]
    """
    named = (values for name, values in run.curves.metrics.items() if "acc" in name.lower())
    values = finite(next(named, ()))
    if not values or min(values) < 0.0 or max(values) > 100.0:
        return []
    return [one / 100.0 for one in values] if max(values) > 1.0 else values


def keeps_best(run: Run) -> bool:
    """Tell whether the best epoch's weights are kept, so that later epochs do no harm."""
    return bool(run.trace.facts.get("keeps_best"))


def adversarial(run: Run) -> bool:
    """Tell whether two losses pull against each other: then neither of them need fall."""
    return bool(run.trace.facts.get("adversarial"))


def steps(run: Run) -> int | None:
    """Return the optimizer's steps an epoch, if they are known."""
    found = run.trace.facts.get("steps_per_epoch")
    return None if found is None else int(found)


def scale(run: Run) -> float | None:
    """Return what there is to learn, to measure losses in: guessing's, else what was gained."""
    guess, (_, values) = chance(run), training(run)
    if guess is not None or not values:
        return guess
    gained = values[0] - min(values)
    return gained if gained > 0.0 else None


def pretrained(run: Run, *, share: float = 0.5) -> bool:
    """Tell whether the first epoch already lies far below guessing: weights that had learnt."""
    guess, values = chance(run), finite(run.curves.train_loss)
    return guess is not None and bool(values) and values[0] < share * guess


def step_size(run: Run) -> float | None:
    """Return by how much one step changes a weight tensor, relative to its size, in the middle.

    >>> from luthier.core import Curves
    >>> step_size(Run(Curves(signals={"update_ratio/w": (0.1, 0.3, 0.2)})))
    0.2
    """
    series = [s for key, s in run.curves.signals.items() if key.startswith("update_ratio/")]
    known = [one for values in series for one in values if math.isfinite(one)]
    return statistics.median(known) if known else None


def moved(run: Run) -> float | None:
    """Return how far weights can have moved in the whole training, relative to their size.

    The sum of what single steps moved bounds what they moved together.
    """
    count = steps(run)
    series = [
        values for key, values in run.curves.signals.items() if key.startswith("update_ratio/")
    ]
    if count is None or not series:
        return None
    epochs = zip(*series, strict=False)
    known = [[one for one in epoch if math.isfinite(one)] for epoch in epochs]
    return float(count * sum(statistics.median(epoch) for epoch in known if epoch))
