"""Where nothing that speaks against one fault helps: begin again from what is known to work."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.layers import scaled
from luthier.diagnosis.cures.regularisation import freed
from luthier.diagnosis.cures.speed import SOUND
from luthier.diagnosis.cures.unusual import unusual

ADVICE = "Begin again from a sound recipe"
STEPS = ("optimizer", "learning_rate", "momentum", "beta1", "beta2", "epsilon", "schedule")
_EDITS = ("relu_hidden", "leaky_relu", "normalise", "train_all")


def begun_again(patient: Patient, problem: str, *, edits: str = "") -> list[Cure]:
    """Return a sound recipe as a whole, at a high and at the usual rate, with and without edits.

    Two faults at once, such as dead units and a rate too low to revive them, hide each other:
    each cure alone helps nothing.

    Args:
        patient: What is to be cured.
        problem: What it is against.
        edits: Changes to the network that are made in any case.

    >>> from luthier.core import Recipe
    >>> found = begun_again(Patient(Recipe(optimizer="sgd", l2=1.0)), "not_learning")
    >>> [(c.settings["optimizer"], c.settings["learning_rate"], c.settings["l2"]) for c in found]
    [('adamw', 0.01, 0.0), ('adamw', 0.001, 0.0)]
    """
    known, recipe = optimizers.by_name(SOUND), patient.recipe
    settings: dict[str, Value] = {
        **known.usual, "optimizer": SOUND, "initialiser": "kaiming_normal", "schedule": "cosine",
    }  # fmt: skip
    if recipe.batch_size == "full":
        settings["batch_size"] = 32
    for cure in (*freed(patient, problem)[:1], *scaled(patient, problem)):
        settings.update(cure.settings)
    safe = [*filter(None, edits.split("+")), *(name for name in _EDITS if name in patient.edits)]
    edit = "+".join(dict.fromkeys(safe))
    rate = known.default_learning_rate
    return [
        Cure(problem, ADVICE, {**settings, "learning_rate": one}, with_edit)
        for one in (10 * rate, rate)
        for with_edit in dict.fromkeys((edit, edits))
    ]


def keeping(patient: Patient, taken: Cure) -> list[Cure]:
    """Return a beginning from a sound recipe that keeps the given optimizer, rate and schedule.

    What was wrong may have been the initial weights alone; whoever gave the recipe had reasons.
    Numbers of it that hardly anyone chooses are not kept.

    Args:
        patient: What was given.
        taken: The cure that began again.

    >>> from luthier.core import Recipe
    >>> patient = Patient(Recipe(optimizer="sgd", learning_rate=0.1))
    >>> again = keeping(patient, begun_again(patient, "not_learning")[0])[0]
    >>> again.settings["optimizer"], again.settings["initialiser"]
    ('sgd', 'kaiming_normal')
    """
    if taken.advice != ADVICE:
        return []
    given = {key: patient.recipe.get(key) for key in STEPS}
    for one in unusual(patient)[:1]:
        given |= one.settings
    advice = f"{ADVICE}, but for the optimizer and its rate"
    return [Cure(taken.problem, advice, {**taken.settings, **given}, taken.edit)]
