"""Against networks whose layers, initial weights or inputs stand in the way."""

from __future__ import annotations

from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.stability import normalising, slower


def started(patient: Patient, problem: str) -> list[Cure]:
    """Return other initial weights: the layers' own, He's for ReLU, Glorot's for what saturates.

    Source: He et al. 2015; Glorot & Bengio 2010.
    """
    found = []
    if "redraw" in patient.edits:
        advice = "Draw all weights anew, as the layers do by themselves"
        found.append(Cure(problem, advice, {"initialiser": None}, "redraw"))
    found += [
        Cure(problem, advice, {"initialiser": name})
        for name, advice in (
            ("kaiming_normal", "Draw the weights anew, by He"),
            ("xavier_uniform", "Draw the weights anew, by Glorot"),
        )
        if patient.recipe.initialiser != name
    ]
    if patient.recipe.initialiser is not None:
        found.append(Cure(problem, "Take the layers' own weights", {"initialiser": None}))
    return found


def scaled(patient: Patient, problem: str) -> list[Cure]:
    """Return scaled inputs."""
    if not patient.tabular or patient.recipe.preprocessing in ("tokens", "standard"):
        return []
    return [Cure(problem, "Scale the inputs to variance 1", {"preprocessing": "standard"})]


def ranked(patient: Patient, problem: str) -> list[Cure]:
    """Return inputs as their ranks: a few rows in another unit spoil means and variances."""
    if not patient.tabular or patient.recipe.preprocessing in ("tokens", "quantile"):
        return []
    return [Cure(problem, "Scale the inputs by their ranks", {"preprocessing": "quantile"})]


def unsaturated(patient: Patient, problem: str) -> list[Cure]:
    """Return hidden layers that do not saturate."""
    found = []
    if argument := patient.argument("activation", "relu", "gelu"):
        found.append(Cure(problem, "Take ReLU in hidden layers", argument))
    if "relu_hidden" in patient.edits:
        found.append(Cure(problem, "Take ReLU in hidden layers", edit="relu_hidden"))
    return found


def vanishing(patient: Patient, problem: str) -> list[Cure]:
    """Return what lets gradients through; in deep networks ReLU alone may die, so both first."""
    found = []
    if {"relu_hidden", "normalise"} <= set(patient.edits):
        advice = "Take ReLU in hidden layers, and normalise before it"
        found.append(Cure(problem, advice, edit="relu_hidden+normalise"))
    found += [*unsaturated(patient, problem), *normalising(patient, problem)]
    return [*found, *started(patient, problem)]


def saturated(patient: Patient, problem: str) -> list[Cure]:
    """Return what keeps units where they bend."""
    found = [*scaled(patient, problem), *unsaturated(patient, problem)]
    return [*found, *normalising(patient, problem), *started(patient, problem)[:1]]


def dead(patient: Patient, problem: str) -> list[Cure]:
    """Return what keeps units alive."""
    found = []
    if argument := patient.argument("activation", "leaky_relu", "gelu", "silu", "tanh"):
        found.append(Cure(problem, "Take an activation that cannot die", argument))
    if "leaky_relu" in patient.edits:
        found.append(Cure(problem, "Take leaky ReLU, which cannot die", edit="leaky_relu"))
    found += [*normalising(patient, problem), *started(patient, problem)]
    return [*found, *slower(patient, problem)[1:2]]


def bent(patient: Patient, problem: str) -> list[Cure]:
    """Return a network that is no straight line."""
    found = []
    if argument := patient.argument("activation", "relu", "gelu"):
        found.append(Cure(problem, "Put ReLU between the layers", argument))
    if "relu_between" in patient.edits:
        found.append(Cure(problem, "Put ReLU between the layers", edit="relu_between"))
    return found


def logits(patient: Patient, problem: str) -> list[Cure]:
    """Return a network without its last activation: losses here take logits, or numbers."""
    if "without_last_activation" not in patient.edits:
        return []
    advice = "Take the last activation out: the loss takes logits, or plain numbers"
    return [Cure(problem, advice, edit="without_last_activation")]


def thawed(patient: Patient, problem: str) -> list[Cure]:
    """Return a network all of whose weights are trained."""
    if "train_all" not in patient.edits:
        return []
    return [Cure(problem, "Train the weights that are frozen, too", edit="train_all")]
