"""What is tried where no rule speaks: whoever asks for a repair has seen something."""

from __future__ import annotations

from math import inf

from luthier.catalog import optimizers
from luthier.core import Finding, History, Prescription
from luthier.diagnosis.cures import Cure, Patient
from luthier.diagnosis.cures.layers import logits, ranked, scaled, started, thawed
from luthier.diagnosis.cures.regularisation import freed
from luthier.diagnosis.cures.speed import unhindered, unhurried, usual

FAR = 0.25  # of the loss, where no rule says that anything is wrong: less is tuning
UNLEARNT = 0.15  # of what guessing leaves to learn: who has learnt most of it is healthy
FACTORS = (10.0, 3.0, 1 / 3, 1 / 10)  # of the rate, which decides more than all else


def probes(patient: Patient) -> list[Cure]:
    """Return what decides most: rates, initial weights, scales, and what holds a training back.

    >>> from luthier.core import Recipe
    >>> found = probes(Patient(Recipe(optimizer="adam", learning_rate=1e-3)))
    >>> [one.settings["learning_rate"] for one in found if "learning_rate" in one.settings]
    [0.01, 0.003, 0.00033, 0.0001]
    """
    recipe = patient.recipe
    known = optimizers.by_name(recipe.optimizer).learning_rates
    found = unhurried(patient, "too_few_epochs")
    for factor in FACTORS:
        rate = float(f"{factor * recipe.learning_rate:.2g}")
        low = factor > 1
        if (rate <= known.high) if low else (rate >= known.low):
            problem = "learning_rate_too_low" if low else "learning_rate_too_high"
            advice = "Raise the rate" if low else "Lower the rate"
            found.append(Cure(problem, advice, {"learning_rate": rate}))
    if recipe.batch_size == "full":
        found.append(Cure("batch_too_large", "Take smaller batches", {"batch_size": 32}))
    found += usual(patient, "optimizer_settings")[:1]
    found += unhindered(patient, "over_regularised")
    found += [*scaled(patient, "unscaled_inputs"), *ranked(patient, "unscaled_inputs")]
    found += freed(patient, "over_regularised")[:1]
    found += started(patient, "bad_initialisation")[:1]
    layers = [
        *thawed(patient, "parameters_not_trained"),
        *logits(patient, "wrong_output_activation"),
    ]
    return [*layers, *found]


def far(before: float, guessing: float) -> float:
    """Return the share of the loss that a change must bring where no rule speaks.

    At least what leaves the recipe with `UNLEARNT` of what guessing has to learn beside it: a loss
    of 0.03 instead of 0.06, where guessing gives 2.3, is tuning.

    Args:
        before: Loss of the recipe.
        guessing: Loss of what has learnt nothing; infinite where that is not known.

    >>> far(0.06, 2.3) > 1, far(1.9, 2.3)
    (True, 0.25)
    """
    if inf in (abs(before), guessing) or not before:
        return FAR
    highest = (before - UNLEARNT * guessing) / (1 - UNLEARNT)
    return max(FAR, (before - highest) / abs(before))


def by_trial(
    cure: Cure, patient: Patient, history: History, before: float, after: float
) -> Finding:
    """Return what a probe has found that no rule had seen.

    Args:
        cure: What helped.
        patient: What it helped.
        history: Says what is measured.
        before: Score without it.
        after: Score with it.
    """
    change = {key: (patient.recipe.get(key), new) for key, new in cure.settings.items()}
    one = Prescription(f"{cure.advice}.", change=change)
    what = one.settings if change else cure.advice
    return Finding(
        problem=cure.problem,
        severity="warning",
        confidence=0.8,
        summary=f"By trial, for no rule had seen it: {what} takes the validation "
        f"{history.metric} from {before:.3g} to {after:.3g}, with two seeds.",
        evidence={"without": before, "with": after},
        prescriptions=(one,),
    )
