"""Train: one recipe, one seed, the same result every time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from luthier.core import Curves, Diagnosis, Recipe, State, Trial
from luthier.core.show_html import trial_html
from luthier.data import SplitPlan
from luthier.engines.devices import engine_on
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.evidence import diagnose_trial
from luthier.loop.handing_over.report import write_diagnosis
from luthier.loop.training.choice import AUTO
from luthier.loop.training.trainer import TrialError
from luthier.loop.working.interrupt import interruptible
from luthier.report.text import metrics_text
from luthier.report.training import training_text

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Training:
    """One recipe, trained.

    Args:
        trial: Recipe, seed, state and curves.
        score: The best validation score, that of the weights `model()` has; None if it failed.
        parts: Builder, data and framework.
        state: Weights and all else that it would need to go on; None if it failed.
    """

    trial: Trial
    score: float | None
    parts: Assembly
    state: State | None = field(default=None, repr=False)

    @property
    def metrics(self) -> Mapping[str, float]:
        """All validation metrics at the epoch whose weights are kept."""
        task = self.parts.arrays.task
        epoch = self.trial.curves.best_epoch(task.metric, task.direction)
        return {} if epoch is None else self.trial.curves.epoch(epoch - 1)["metrics"]

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with it, with evidence; nothing where nothing is."""
        return diagnose_trial(self.trial, self.parts)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write its diagnosis and its curves as one HTML file; return the file written."""
        return write_diagnosis(path, self.diagnosis, self.trial.curves, self.trial.recipe.network)

    def __repr__(self) -> str:
        return f"<Training of {self.trial.recipe.network}: {metrics_text(self.metrics)}>"

    def __str__(self) -> str:
        task = self.parts.arrays.task
        text = training_text(self.trial, (task.metric, task.direction), {})
        return text if self.trial.state == "failed" else f"{text}\n\n{self.diagnosis}"

    def _repr_html_(self) -> str:
        return trial_html(self.trial) + self.diagnosis._repr_html_()

    def model(self) -> Any:
        """Return the live network with its best weights, in evaluation mode."""
        if self.state is None:
            raise ValueError(f"the training failed: {self.trial.cause}")
        task = self.parts.preparation.arrays(self.trial.recipe).task
        return self.parts.framework.restore(self.parts.build, self.trial.recipe, task, self.state)


def train(
    build: str | Callable[..., Any] | None,
    data: Any,
    *,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
    seed: int = 0,
    epochs: int | None = None,
    target: str | None = None,
    task: str | None = None,
    metric: str | None = None,
    sample_weight: Any = None,
    group: str | None = None,
    time: str | None = None,
    split: SplitPlan | None = None,
    engine: str = "auto",
    device: str = "auto",
    framework: str | None = None,
    notify: Callable[[Curves], None] | None = None,
) -> Training:
    """Train one recipe. The same call on the same machine gives the same numbers.

    Args:
        build: A family, ``FILE.py:function``, or a function that returns a network.
        data: As for `luthier.tune`.
        recipe: What to train; the keys it leaves out take a sound default.
        seed: Decides initial weights, data order and masks, and the split unless one is given.
        epochs: Stop here, on a schedule that still runs towards the recipe's own epochs.
        target: As for `luthier.tune`, and so are all that follow.
        task: What kind.
        metric: Decides which epoch's weights are kept.
        sample_weight: Weight of each row.
        group: Column whose equal values stay in one split.
        time: Column to split by in time.
        split: How to split.
        engine: What trains.
        device: ``cpu`` or ``cuda``; ``auto`` takes the CPU, as one trial leaves a GPU idle.
        framework: Whose networks a family makes: ``torch`` (the default) or ``keras``.
        notify: Called with the curves as they grow, several times a second.

    Raises:
        LuthierError: for a mistake in what was passed; its text says what to change.
    """
    parts = assemble(
        build,
        data,
        recipe=recipe,
        target=target,
        task=task,
        metric=metric,
        sample_weight=sample_weight,
        group=group,
        time=time,
        split=split,
        seed=seed,
        framework=framework,
    )
    engine = engine_on(device, engine, parts.framework.name, many=False)
    return train_assembled(parts, seed=seed, epochs=epochs, engine=engine, notify=notify)


def train_assembled(
    parts: Assembly,
    *,
    seed: int = 0,
    epochs: int | None = None,
    engine: str = "auto",
    notify: Callable[[Curves], None] | None = None,
) -> Training:
    """Train the recipe of parts that were put together already."""
    recipe, trainer, state = parts.recipe, parts.trainer(engine), None
    curves, outcome, cause, engine_name = Curves(), "failed", None, ""
    try:
        run = trainer.start(recipe, seed, min(epochs or recipe.epochs, recipe.epochs))
        engine_name = run.engine.name
        if engine not in (AUTO, engine_name):  # it was asked for by name, and does not train this
            log.warning("%s", "; ".join(trainer.choice.reasons))
        with interruptible() as stop:
            while not run.ended and not stop.asked:
                run.advance()
                if notify is not None:
                    notify(run.curves)
        curves = run.curves
        _, state = run.news()
        outcome, cause = run.outcome()
    except TrialError as error:
        cause = str(error)
    trial = Trial(0, recipe, seed, outcome, engine_name, curves, cause)
    task = parts.arrays.task
    return Training(trial, curves.score(task.metric, task.direction), parts, state)
