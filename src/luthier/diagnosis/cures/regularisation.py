"""Against trainings that are held back, and against those that learn rows by heart."""

from __future__ import annotations

from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient


def freed(patient: Patient, problem: str) -> list[Cure]:
    """Return a recipe without what holds it back: all at once, then each alone.

    >>> from luthier.core import Recipe
    >>> [c.settings for c in freed(Patient(Recipe(l2=1.0, dropout=0.9)), "over_regularised")]
    [{'l2': 0.0, 'dropout': 0.1}, {'l2': 0.0}, {'dropout': 0.1}]
    """
    recipe = patient.recipe
    found: dict[str, Value] = {}
    for key in ("l1", "l2", "label_smoothing", "mixup"):
        if recipe.get(key):
            found[key] = 0.0
    if recipe.weight_decay > 0.01:
        found["weight_decay"] = 0.01
    if recipe.dropout is not None and recipe.dropout > 0.1:
        found["dropout"] = 0.1
    if not found:
        return []
    cures = [Cure(problem, "Take the regularisers back", found)]
    if len(found) > 1:
        cures += [Cure(problem, "Take one back", {key: value}) for key, value in found.items()]
    return cures


def held(patient: Patient, problem: str) -> list[Cure]:
    """Return stronger regularisers, each alone."""
    recipe = patient.recipe
    found: list[tuple[str, dict[str, Value]]] = [
        ("Raise weight decay", {"weight_decay": max(10 * recipe.weight_decay, 0.1)})
    ]
    if recipe.dropout is not None and recipe.dropout < 0.3:
        found.append(("Raise dropout", {"dropout": 0.3}))
    if recipe.label_smoothing == 0 and problem != "too_many_epochs":
        found.append(("Smooth the labels", {"label_smoothing": 0.1}))
    if recipe.schedule == "constant":
        found.append(("Let the rate fall by a cosine", {"schedule": "cosine"}))
    return [Cure(problem, advice, settings) for advice, settings in found]
