"""What a study found: the record that text, JSON and files are made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from luthier.core import Compromise, Diagnosis, Proof, Recipe


@dataclass(frozen=True)
class Outcome:
    """A recipe and what it reached.

    Args:
        trial: Number of its trial.
        recipe: What was trained.
        validation: Metrics on the validation part, at the epoch whose weights are kept.
        test: Metrics on the test part; empty where it was not opened.
        epoch: That epoch, counted from 1.
        epochs: Epochs trained in all.
        seed: Seed of the trial.
    """

    trial: int
    recipe: Recipe
    validation: Mapping[str, float]
    test: Mapping[str, float]
    epoch: int
    epochs: int
    seed: int


@dataclass(frozen=True)
class Beside:
    """A model without a network, fitted to the same training rows.

    Args:
        name: ``linear`` or ``trees``.
        validation: Metrics on the validation part.
        test: Metrics on the test part; empty where there is none.
        seconds: That fitting took.
    """

    name: str
    validation: Mapping[str, float]
    test: Mapping[str, float]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "validation": {name: _number(value) for name, value in self.validation.items()},
            "test": {name: _number(value) for name, value in self.test.items()} or None,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Summary:
    """What a study found and what it cost.

    Args:
        study, storage: Where it lives.
        task: classification or regression.
        metric, direction: What decided.
        best: The winner; None where no trial has a score.
        baseline: The first trial.
        epochs_spent: Of all trials.
        seconds: Of search.
        trials: Number of trials by state.
        engine: What trained them.
        test_openings: How often this test part was opened before.
        notes: What a reader should know about the data.
        data: Facts about the data.
        diagnosis: Of the winner's training.
        report: Name of the page that tells it all, beside ``study.json``.
        proof: Whether the winner beats the baseline; None where nobody confirmed.
        choice: How the finalists did on further splits of small data; None where there were none.
        refit: What was trained on training and validation rows; None where nothing was.
        references: What models without a network reach, for tables.
        importances: What mattered in the search, and the best trial of each value.
        front: The trials that no other one beats; None where the metric is the only objective.
    """

    study: str
    storage: str
    task: str
    metric: str
    direction: str
    best: Outcome | None
    baseline: Outcome | None
    epochs_spent: int
    seconds: float
    trials: Mapping[str, int]
    engine: str
    test_openings: int = 0
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    report: str | None = None
    proof: Proof | None = None
    references: tuple[Beside, ...] = ()
    refit: Mapping[str, Any] | None = None
    choice: Mapping[str, Any] | None = None
    front: tuple[Compromise, ...] | None = None
    importances: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints and ``study.json`` holds; null is what is not known."""
        proof = self.proof or Proof()
        verdict = proof.verdict
        return {
            "study": self.study,
            "storage": self.storage,
            "task": self.task,
            "metric": self.metric,
            "direction": self.direction,
            "best": self._outcome(self.best, proof.best_interval, proof.seeds),
            "baseline": self._outcome(self.baseline, proof.baseline_interval, proof.baseline_seeds),
            "verdict": None if verdict is None else verdict.verdict,
            "p_value": None if verdict is None else verdict.p_value,
            "proof": None if self.proof is None else self.proof.to_json(),
            "references": [one.to_json() for one in self.references],
            "choice": None if self.choice is None else dict(self.choice),
            "front": None if self.front is None else [one.to_json() for one in self.front],
            "importances": None if self.importances is None else dict(self.importances),
            "refit": None if self.refit is None else dict(self.refit),
            "epochs_spent": self.epochs_spent,
            "seconds": round(self.seconds, 3),
            "trials": dict(self.trials),
            "engine": self.engine,
            "findings": [] if self.diagnosis is None else self.diagnosis.to_json()["findings"],
            "test_openings": self.test_openings,
            "notes": list(self.notes),
            "data": dict(self.data),
            "report": self.report,
        }

    def _outcome(
        self,
        outcome: Outcome | None,
        interval: tuple[float, float] | None,
        seeds: tuple[int, ...],
    ) -> dict[str, Any] | None:
        if outcome is None:
            return None
        return {
            "trial": outcome.trial,
            "recipe": outcome.recipe.to_json(),
            "validation_score": _number(outcome.validation.get(self.metric)),
            "test_score": _number(outcome.test.get(self.metric)),
            "interval": None if interval is None else list(interval),
            "seeds": [outcome.seed, *(seed for seed in seeds if seed != outcome.seed)],
            "validation": {name: _number(value) for name, value in outcome.validation.items()},
            "test": {name: _number(value) for name, value in outcome.test.items()} or None,
            "epoch": outcome.epoch,
            "epochs": outcome.epochs,
        }


def _number(value: float | None) -> float | None:
    """Return a number that JSON can hold."""
    return value if value is not None and math.isfinite(value) else None
