"""Objectives: loops of the user's own in Optuna's vocabulary; their trials can pause."""

from luthier.loop.objective.trial import ObjectiveTrial
from luthier.loop.objective.work import (
    ObjectiveWork,
    checkpoint_folder,
    objective_record,
    start_values,
    tune_objective,
)

__all__ = [
    "ObjectiveTrial",
    "ObjectiveWork",
    "checkpoint_folder",
    "objective_record",
    "start_values",
    "tune_objective",
]
