"""Where nothing that speaks against one fault helps: begin again from what is known to work."""

from __future__ import annotations

from luthier.catalog import optimizers
from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.layers import scaled
from luthier.diagnosis.cures.regularisation import freed
from luthier.diagnosis.cures.speed import SOUND

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
    advice = "Begin again from a sound recipe"
    return [
        Cure(problem, advice, {**settings, "learning_rate": one}, with_edit)
        for one in (10 * rate, rate)
        for with_edit in dict.fromkeys((edit, edits))
    ]
