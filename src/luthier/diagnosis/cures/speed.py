"""Against trainings that learn too little: higher rates, the optimizer's usual numbers, longer."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.stability import off_settings, short, slower

SHORT, HASTY = 10, 500  # epochs and steps: fewer of both end before most networks have learnt
LONGER = 4  # times as long
HIGHER = (3.0, 10.0, 30.0, 100.0)
SOUND = "adamw"  # needs the least tuning of its rate across networks and data


def slow(patient: Patient, problem: str) -> list[Cure]:
    """Return what to try against a training that gets on too slowly.

    >>> from luthier.core import Recipe
    >>> found = slow(Patient(Recipe(optimizer="sgd", learning_rate=1e-4)), "learning_rate_too_low")
    >>> [cure.settings["learning_rate"] for cure in found if "learning_rate" in cure.settings][:3]
    [1.0, 0.3, 0.001]
    """
    recipe = patient.recipe
    found = [*usual(patient, problem), *brisk(patient, problem), *sound(patient, problem)]
    found += [*faster(patient, problem), *unhindered(patient, problem)]
    found += scheduled(patient, problem)
    if recipe.batch_size == "full":
        found.append(Cure(problem, "Take smaller batches", {"batch_size": 32}))
    return found


def unhindered(patient: Patient, problem: str) -> list[Cure]:
    """Return a recipe without what keeps steps, or the weights that are judged, from moving."""
    recipe, found = patient.recipe, []
    if recipe.clip_norm is not None and recipe.clip_norm < 0.1:
        found.append(Cure(problem, "Clip far less", {"clip_norm": 1.0}))
    if recipe.ema is not None and recipe.ema > 0.99:
        found.append(Cure(problem, "Do not average the weights", {"ema": None}))
    return found


def stuck(patient: Patient, problem: str) -> list[Cure]:
    """Return what to try where nothing is learnt: up, down, and all usual."""
    found = [*usual(patient, problem), *sound(patient, problem)]
    return [*found, *faster(patient, problem)[1:3], *slower(patient, problem)[1:3]]


def faster(patient: Patient, problem: str) -> list[Cure]:
    """Return higher rates, up to the highest that is worth searching."""
    known, rate = optimizers.by_name(patient.recipe.optimizer), patient.recipe.learning_rate
    rates = [rate * by for by in HIGHER if 0 < rate * by <= known.learning_rates.high]
    start = known.default_learning_rate
    if start > rate and not any(0.5 < start / one < 2 for one in rates):
        rates.append(start)
    return [Cure(problem, "Raise the rate", {"learning_rate": short(one)}) for one in rates]


def brisk(patient: Patient, problem: str) -> list[Cure]:
    """Return rates above the usual one where the given one lies below: short runs need them."""
    known, rate = optimizers.by_name(patient.recipe.optimizer), patient.recipe.learning_rate
    start = known.default_learning_rate
    if rate >= start:
        return []
    rates = [by * start for by in (10.0, 3.0) if by * start <= known.learning_rates.high]
    advice = "Take a rate above the usual one"
    return [Cure(problem, advice, {"learning_rate": short(one)}) for one in rates]


def usual(patient: Patient, problem: str) -> list[Cure]:
    """Return the usual numbers of the optimizer, where they are others."""
    known = optimizers.by_name(patient.recipe.optimizer)
    settings = off_settings(patient)
    found = []
    if settings:
        found.append(Cure(problem, "Take the optimizer's usual settings", settings))
        start: dict[str, Value] = {**settings, "learning_rate": known.default_learning_rate}
        found.append(Cure(problem, "Take the optimizer's usual settings and rate", start))
    return found


def sound(patient: Patient, problem: str) -> list[Cure]:
    """Return another optimizer, with all that it usually has."""
    if patient.recipe.optimizer in ("adam", SOUND):
        return []
    known = optimizers.by_name(SOUND)
    start: dict[str, Value] = {**known.usual, "optimizer": SOUND}
    rate = known.default_learning_rate
    return [
        Cure(problem, f"Take {SOUND} at its usual rate", {**start, "learning_rate": rate}),
        # Short trainings have too few steps for the usual one.
        Cure(problem, f"Take {SOUND} at a high rate", {**start, "learning_rate": 10 * rate}),
    ]


def scheduled(patient: Patient, problem: str) -> list[Cure]:
    """Return a cosine instead of another schedule, or of none."""
    if patient.recipe.schedule == "cosine":
        return []
    settings: dict[str, Value] = {"schedule": "cosine"}
    return [Cure(problem, "Let the rate fall by a cosine", settings)]


def longer(patient: Patient, problem: str) -> list[Cure]:
    """Return twice the epochs."""
    return [Cure(problem, "Train twice as long", {"epochs": 2 * patient.recipe.epochs})]


def unhurried(patient: Patient, problem: str) -> list[Cure]:
    """Return four times the epochs, where they are few, and few steps as well.

    >>> from luthier.core import Recipe
    >>> found = [unhurried(Patient(Recipe(epochs=3), steps=n), "x") for n in (60, 6000, 0)]
    >>> [[cure.settings for cure in one] for one in found]
    [[{'epochs': 12}], [], []]
    """
    recipe = patient.recipe
    if recipe.epochs >= SHORT or not 0 < patient.steps < HASTY:
        return []
    return [Cure(problem, "Train four times as long", {"epochs": LONGER * recipe.epochs})]
