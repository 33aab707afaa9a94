"""Against trainings that blow up or jump: the tuning playbook's order, the rate last.

Source: Godbole et al. 2023, "Deep Learning Tuning Playbook", on identifying and mitigating
instability: warm-up, clipping, the optimizer, where normalisation and residual connections stand,
and only then a lower rate, which slows down what is not unstable.
"""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient

WARMUP = 0.1  # of the run: the playbook's longest without training for longer
LOWER = (3.0, 10.0, 30.0, 100.0)  # half an order of magnitude apart: the playbook's grid


def unstable(patient: Patient, problem: str) -> list[Cure]:
    """Return what to try, in order.

    >>> from luthier.core import Recipe
    >>> found = unstable(Patient(Recipe(optimizer="adam", learning_rate=0.1)), "diverging")
    >>> [cure.advice for cure in found][:2], found[-1].settings
    (['Warm up', 'Clip gradients'], {'learning_rate': 0.001})
    """
    recipe = patient.recipe
    found = []
    if recipe.warmup < WARMUP / 2:
        found.append(Cure(problem, "Warm up", {"warmup": WARMUP}))
    if recipe.clip_norm is None:
        found.append(Cure(problem, "Clip gradients", {"clip_norm": 1.0}))
    settings = off_settings(patient)
    if settings:
        found.append(Cure(problem, "Take the optimizer's usual settings", settings))
    return [*found, *normalising(patient, problem), *slower(patient, problem)]


def normalising(patient: Patient, problem: str) -> list[Cure]:
    """Return where normalisation can be had, and residual blocks that begin as the identity."""
    found = []
    bare = patient.recipe.get("model.normalisation") in ("none", None)
    if bare and (argument := patient.argument("normalisation", "batch", "layer")):
        found.append(Cure(problem, "Normalise before the activations", argument))
    if "normalise" in patient.edits:
        found.append(Cure(problem, "Normalise before the activations", edit="normalise"))
    if "zero_residual" in patient.edits:
        advice = "Let each residual block begin as the identity"
        found.append(Cure(problem, advice, edit="zero_residual"))
    return found


def slower(patient: Patient, problem: str) -> list[Cure]:
    """Return lower rates, down to the lowest that is worth searching; a negative one is turned."""
    recipe = patient.recipe
    known = optimizers.by_name(recipe.optimizer)
    rate = recipe.learning_rate
    if rate < 0:
        return [Cure("wrong_gradient_sign", "Go downhill", {"learning_rate": -rate})]
    rates = [rate / by for by in LOWER if rate / by >= known.learning_rates.low]
    usual = known.default_learning_rate
    if usual < rate and not any(0.5 < usual / one < 2 for one in rates):
        rates.append(usual)
    return [Cure(problem, "Lower the rate", {"learning_rate": short(one)}) for one in rates]


def off_settings(patient: Patient) -> dict[str, Value]:
    """Return the usual values of the optimizer's own numbers, where they are others."""
    recipe = patient.recipe
    usual = optimizers.by_name(recipe.optimizer).usual
    return {
        key: value
        for key, value in usual.items()
        if key not in ("optimizer", "learning_rate") and recipe.get(key) != value
    }


def short(value: float) -> float:
    """Return a number that a person would write."""
    return float(f"{value:.2g}")
