"""Studies to draw: made up, with failures, gaps, and texts that try to be markup."""

from __future__ import annotations

import math
import random
from typing import Any

from luthier.core import (
    Categorical,
    Conditional,
    Curves,
    Diagnosis,
    Finding,
    Float,
    History,
    Prescription,
    Recipe,
    Space,
    Step,
    Storage,
    StudyRecord,
    Trial,
)
from luthier.report.html import Story

SPACE = Space(
    {
        "optimizer": Categorical("adamw", "momentum"),
        "learning_rate": Float(1e-4, 1e-1, log=True),
        "momentum": Conditional("optimizer", {"momentum": Float(0.8, 0.99)}),
        "dropout": Float(0.0, 0.5),
        "model.activation": Categorical("relu", "<b>gelu</b>"),
    },
    Recipe(optimizer="adamw", learning_rate=1e-3, dropout=0.1, model={"activation": "relu"}),
)


def drawn_history(count: int, seed: int = 0) -> History:
    """Return trials whose loss is decided by the learning rate alone, and some that failed."""
    draw = random.Random(seed)  # noqa: S311
    trials = []
    for number in range(count):
        recipe = SPACE.decode([draw.random() for _ in SPACE.parameters])
        if number == 0:
            recipe = SPACE.baseline
        failed = number % 17 == 5
        epochs = 2 if failed else 20 if number % 6 == 0 else 5
        off = abs(math.log10(recipe.learning_rate) + 2)
        floor = 0.05 + 0.3 * off
        val = tuple(floor + math.exp(-epoch / 3) for epoch in range(epochs))
        if failed:
            val = (2.0, math.nan)
        curves = Curves(
            train_loss=tuple(0.8 * one for one in val),
            train_loss_eval=tuple(0.7 * one for one in val),
            val_loss=val,
            metrics={"log_loss": val, "accuracy": tuple(1 - one / 3 for one in val)},
            learning_rate=(recipe.learning_rate,) * epochs,
            seconds=(0.1,) * epochs,
        )
        state = "failed" if failed else "finished" if epochs == 20 else "paused"
        cause = "<script>alert(1)</script>" if failed else None
        trials.append(Trial(number, recipe, 0, state, "torch_eager", curves, cause))
    return History(tuple(trials), "log_loss", "minimize", seconds=61.0)


def drawn_diagnosis() -> Diagnosis:
    """Return two findings, one with a beginning; their texts try to be markup."""
    advice = Prescription("Raise <i>weight decay</i>.", change={"weight_decay": (0.0, 0.01)})
    first = Finding(
        "overfitting",
        "warning",
        "Overfitting since epoch 3: </script><img src=x onerror=alert(1)>",
        since=3,
        evidence={"val_loss": (0.9, 0.5, 0.7), "best": 0.5},
        prescriptions=(advice,),
    )
    return Diagnosis("run", (first, Finding("too_few_epochs", "info", "Short.")), "20 epochs")


def drawn_story(count: int = 60, **changes: Any) -> Story:
    """Return a story of so many trials."""
    record = StudyRecord(
        "digits</title><script>alert(2)</script>",
        "log_loss",
        "minimize",
        SPACE,
        about={"task": "classification", "data": '"><img src=x>.csv', "model": "mlp"},
    )
    parts: dict[str, Any] = {
        "record": record,
        "history": drawn_history(count),
        "diagnosis": drawn_diagnosis(),
        "recipe": "network: mlp\n",
        "commands": (("luthier report 'a <b>'", "writes the report"),),
        "versions": {"luthier": "0.1.0"},
        **changes,
    }
    return Story(**parts)


def store(storage: Storage, record: StudyRecord, history: History) -> None:
    """Write a study into a storage as its workers would have."""
    storage.open(record)
    steps = [Step(20, recipe=trial.recipe, seed=trial.seed) for trial in history.trials]
    storage.plan(record.name, 0, steps)
    for trial in history.trials:
        claim = storage.claim(record.name, "ada:1:1:0", 1e6)
        if claim is None:
            raise RuntimeError(f"the step of trial {trial.number} is gone")
        storage.assign(record.name, trial.number, trial.engine)
        storage.advance(record.name, claim, trial.curves, None, seconds=1.0)
        storage.finish(record.name, claim, trial.state, trial.cause)
