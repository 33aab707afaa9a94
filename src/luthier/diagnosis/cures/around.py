"""Around a recipe that works again: the few numbers that decide most, a step up and down."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.layers import started
from luthier.diagnosis.cures.speed import scheduled, sound, unhindered, usual
from luthier.diagnosis.cures.stability import normalising, short

STEP = 10**0.5  # half an order of magnitude: the tuning playbook's grid


def around(patient: Patient, problem: str) -> list[Cure]:
    """Return other rates, the optimizer's usual numbers, another optimizer, and what steadies.

    >>> from luthier.core import Recipe
    >>> [c.settings for c in around(Patient(Recipe(optimizer="adam", learning_rate=1e-3)), "x")][:2]
    [{'learning_rate': 0.0032}, {'learning_rate': 0.00032}]
    """
    recipe = patient.recipe
    known = optimizers.by_name(recipe.optimizer).learning_rates
    higher, lower = STEP * recipe.learning_rate, recipe.learning_rate / STEP
    found = []
    if higher <= known.high:
        found.append(Cure(problem, "Raise the rate", {"learning_rate": short(higher)}))
    if lower >= known.low:
        found.append(Cure(problem, "Lower the rate", {"learning_rate": short(lower)}))
    found += usual(patient, problem)[:1]
    found += sound(patient, problem)[1:]
    found += normalising(patient, problem)[:1]
    return [*found, *unhindered(patient, problem), *scheduled(patient, problem),
            *started(patient, problem)[:1]]  # fmt: skip
