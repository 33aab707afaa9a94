"""Numbers that hardly anyone chooses: where no rule speaks, they are looked at first. Pure."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import EDITS, MODEL_PREFIX, Value
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.layers import bent, logits, ranked, thawed, unsaturated
from luthier.diagnosis.cures.speed import unhindered

# Each bound lies beyond what the catalog's spaces search, and before what harms by itself.
HIGHEST = {"l1": 0.01, "l2": 0.01, "weight_decay": 0.5, "dropout": 0.5, "label_smoothing": 0.3}
USUAL = {"l1": 0.0, "l2": 0.0, "weight_decay": 0.01, "dropout": 0.1, "label_smoothing": 0.0}
LONG = 0.95  # a momentum or beta1 above it remembers more than twenty steps
COARSE = 1e-3  # an epsilon above it outweighs most gradients
STRAIGHT = ("identity", "linear", "none")
FLAT = ("sigmoid", "hardsigmoid")  # in hidden layers: each takes three quarters of a gradient away
FEW, SOME = 2, 32  # rows of a step: too few for a mean, and the usual number


def unusual(patient: Patient) -> list[Cure]:
    """Return the usual value of each number that is far from it: all of them as one, then each.

    Inputs with rows far beyond all others are among them, for these decide on every scale; and
    what is odd about layers: frozen or odd weights, an activation at the end, sigmoids between,
    or none.
    Of such a number it is likely enough that it is a fault for a trial to be worth its epochs,
    also where what it costs is too little for a rule to speak.

    >>> from luthier.core import Recipe
    >>> recipe = Recipe(optimizer="adam", batch_size="full", ema=0.9999, weight_decay=0.05)
    >>> for one in unusual(Patient(recipe)):
    ...     print(one.problem, one.settings)
    batch_too_large {'batch_size': 32, 'ema': None}
    batch_too_large {'batch_size': 32}
    over_regularised {'ema': None}
    >>> unusual(Patient(Recipe(optimizer="adam")))
    []
    """
    recipe = patient.recipe
    found = []
    if recipe.batch_size == "full":
        found.append(Cure("batch_too_large", "Take smaller batches", {"batch_size": SOME}))
    elif not isinstance(recipe.batch_size, str) and recipe.batch_size <= FEW:
        found.append(Cure("batch_too_small", "Take larger batches", {"batch_size": SOME}))
    if settings := _optimizer(patient):
        advice = "Take the optimizer's usual settings"
        found.append(Cure("optimizer_settings", advice, settings))
    strong: dict[str, Value] = {
        key: USUAL[key] for key, most in HIGHEST.items() if float(recipe.get(key) or 0.0) > most
    }
    if strong:
        found.append(Cure("over_regularised", "Take the regularisers back", strong))
    found += unhindered(patient, "over_regularised")
    if patient.outlying:
        found += ranked(patient, "unscaled_inputs")
    found += _layers(patient)
    if len(found) < 2:
        return found
    every: dict[str, Value] = {}
    for one in found:
        every |= one.settings
    advice = "; ".join(one.advice for one in found)
    edits = "+".join(one.edit for one in found if one.edit)
    return [Cure(found[0].problem, advice, every, edits, tuple(found)), *found]


def _layers(patient: Patient) -> list[Cure]:
    """Return changes to layers, each of which is there where the layers give a reason alone."""
    made = {*str(patient.recipe.get(f"{MODEL_PREFIX}{EDITS}") or "").split("+")}
    found = [
        *thawed(patient, "parameters_not_trained"),
        *logits(patient, "wrong_output_activation"),
    ]
    if "redraw" in patient.edits:
        advice = "Draw all weights anew, as the layers do by themselves"
        found.append(Cure("bad_initialisation", advice, {"initialiser": None}, "redraw"))
    if patient.recipe.get(f"{MODEL_PREFIX}activation") in FLAT:
        found += unsaturated(patient, "saturated_units")[:1]
    straight = patient.recipe.get(f"{MODEL_PREFIX}activation") in STRAIGHT
    if straight or "relu_between" in patient.edits:
        found += bent(patient, "missing_nonlinearity")[:1]
    return [one for one in found if one.edit not in made or not one.edit]


def _optimizer(patient: Patient) -> dict[str, Value]:
    """Return the optimizer's usual numbers where its own are far from them."""
    recipe = patient.recipe
    usual = optimizers.by_name(recipe.optimizer).usual
    far = {
        "momentum": recipe.momentum > LONG,
        "beta1": recipe.beta1 > LONG,
        "epsilon": recipe.epsilon > COARSE,
    }
    return {key: usual[key] for key, is_far in far.items() if is_far and key in usual}
