"""Where what is known helps nothing: several numbers at once, drawn around the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.catalog import optimizers
from luthier.core import Value
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.layers import ranked, scaled, started
from luthier.diagnosis.cures.regularisation import freed
from luthier.diagnosis.cures.speed import SOUND, unhindered
from luthier.diagnosis.cures.stability import normalising, short

if TYPE_CHECKING:
    import numpy as np

WIDE = 10.0  # times a rate, up and down: a decade, as the grids of the tuning playbook
OFTEN, SELDOM = 1 / 2, 1 / 3  # that a draw has a change


def drawn(patient: Patient, problem: str, count: int, rng: np.random.Generator) -> list[Cure]:
    """Return some recipes around the given one, drawn from all that cures change.

    What trains badly for a reason that no rule knows is mended by a random search that is long
    enough; a race makes four draws of what would be one.

    Args:
        patient: What is to be cured.
        problem: What it is against.
        count: How many.
        rng: Draws.

    >>> import numpy as np
    >>> from luthier.core import Recipe
    >>> patient = Patient(Recipe(optimizer="sgd", learning_rate=0.1))
    >>> found = drawn(patient, "x", 40, np.random.default_rng(0))
    >>> rates = [one.on(patient.recipe).learning_rate for one in found]
    >>> 1e-4 <= min(rates) < max(rates) <= 1.0
    True
    """
    return [_draw(patient, problem, rng) for _ in range(count)]


def _draw(patient: Patient, problem: str, rng: np.random.Generator) -> Cure:
    recipe = patient.recipe
    known = optimizers.by_name(recipe.optimizer)
    settings: dict[str, Value] = {}
    rate = recipe.learning_rate
    if recipe.optimizer not in ("adam", SOUND) and rng.random() < OFTEN:
        known = optimizers.by_name(SOUND)
        settings |= {**known.usual, "optimizer": SOUND}
        rate = known.default_learning_rate
    elif rng.random() < SELDOM:
        rate = known.default_learning_rate
    low, high = known.learning_rates.low, known.learning_rates.high
    factor = WIDE ** float(rng.uniform(-1.0, 1.0))
    settings["learning_rate"] = short(min(max(factor * rate, low), high))
    if rng.random() < OFTEN:
        settings["schedule"] = "cosine"
    for one in (freed(patient, problem)[:1], unhindered(patient, problem)[:1]):
        if one and rng.random() < OFTEN:
            settings |= one[0].settings
    inputs = [*scaled(patient, problem), *ranked(patient, problem)]
    if inputs and rng.random() < OFTEN:
        settings |= inputs[int(rng.integers(len(inputs)))].settings
    edits = []
    for several in (started(patient, problem), normalising(patient, problem)):
        if several and rng.random() < SELDOM:
            cure = several[int(rng.integers(len(several)))]
            settings |= cure.settings
            edits.append(cure.edit)
    if recipe.clip_norm is None and rng.random() < SELDOM:
        settings["clip_norm"] = 1.0
    changed = {key: new for key, new in settings.items() if recipe.get(key) != new}
    advice = "Change several numbers at once"
    return Cure(problem, advice, changed, "+".join(filter(None, edits)))
