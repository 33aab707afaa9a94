"""Refit: the chosen recipe once more, on training and validation rows, to hand over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier.core import LuthierError, State, StudyRecord, Trial
from luthier.data import Splits
from luthier.loop.assembly import Assembly
from luthier.loop.handing_over.export import export_weights
from luthier.loop.preparation import Preparation
from luthier.loop.training.train import Training, train_assembled

FOLDER = "refit"


@dataclass(frozen=True)
class Refit:
    """A network that was trained on all rows but the test part.

    Args:
        files: What was written.
        rows: It was trained on.
        epochs: It was trained for; they come on top of the budget.
    """

    files: tuple[Path, ...]
    rows: int
    epochs: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "folder": FOLDER,
            "rows": self.rows,
            "epochs": self.epochs,
            "validated": False,
        }


def refit(folder: Path, parts: Assembly, record: StudyRecord, trial: Trial) -> Refit:
    """Train a trial's recipe on training and validation rows, and write the network.

    It is trained for as many epochs as the trial's weights took, on the same schedule. No rows are
    left to say how good it is, so it is labelled as not validated; more rows seldom harm.

    Args:
        folder: Where the trial's own network was written; this one goes below it.
        parts: Builder and data.
        record: The study.
        trial: What is trained again.

    Raises:
        LuthierError: when the training fails.
    """
    training = refitted(parts, trial)
    if training.state is None:
        raise LuthierError(
            f"the refit failed: {training.trial.cause}. The network that was validated is "
            f"written; leave --refit out."
        )
    files = export_weights(folder / FOLDER, training.parts, record, training.trial, training.state)
    return Refit(tuple(files), len(training.parts.arrays.train), training.trial.epochs)


def refitted(parts: Assembly, trial: Trial) -> Training:
    """Return a trial's recipe trained on training and validation rows, with its last weights.

    Args:
        parts: Builder and data of the trial.
        trial: What is trained again.
    """
    task = parts.arrays.task
    kept = trial.curves.best_epoch(task.metric, task.direction) or trial.epochs
    # Stopping early by rows that it learns from would never stop it.
    recipe = trial.recipe.replace({"early_stopping": None})
    whole = replace(parts, preparation=_together(parts.preparation, task.metric), recipe=recipe)
    training = train_assembled(whole, seed=trial.seed, epochs=kept, engine=trial.engine or "auto")
    if training.state is None or training.trial.state == "failed":
        return replace(training, state=None)
    return replace(training, state=_last(training.state, recipe.ema))


def _together(preparation: Preparation, metric: str) -> Preparation:
    """Return the same data with validation rows among the training rows, too."""
    whole = Preparation(preparation.dataset, preparation.plan, metric)
    now = preparation.splits
    whole.splits = Splits(np.sort(np.concatenate([now.train, now.val])), now.val, now.test)
    return whole


def _last(state: State, ema: float | None) -> State:
    """Return the state with its last weights: its best ones were chosen by rows it learnt from."""
    if ema is not None:
        return state  # what is averaged over the last epochs needs no choice
    arrays = {name: value for name, value in state.arrays.items() if not name.startswith("best/")}
    return State(arrays, state.extra)
