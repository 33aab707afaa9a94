"""Cures: from findings to what is worth trying, the first thing first. Pure.

A rule's own prescriptions come first, where they are changes of a recipe; then what is known to
help against its problem, in the order in which it should be tried; then the same for what the
problem explains. To add one: a function in a file of this folder, and an entry in `KNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from luthier.core import Finding, Prescription, Recipe, Value
from luthier.diagnosis.cures import layers, regularisation, speed, stability
from luthier.diagnosis.cures.anew import begun_again, keeping
from luthier.diagnosis.cures.around import around
from luthier.diagnosis.cures.cure import Cure, Patient
from luthier.diagnosis.cures.drawn import drawn
from luthier.diagnosis.cures.unusual import unusual

__all__ = [
    "KNOWN", "MOST", "Cure", "Patient", "around", "begun_again", "cures", "drawn", "keeping",
    "together", "unusual",
]  # fmt: skip

LONGEST = 2  # times the epochs, that a cure may train for
MOST = 12  # of a round: at a quarter of a training each they cost three
_Known = Callable[[Patient, str], list[Cure]]
_OF_STEPS = (stability.unstable,)
_OF_SPEED = (speed.slow,)

KNOWN: Mapping[str, tuple[_Known, ...]] = {
    "nan_loss": (layers.scaled, stability.unstable, layers.started),
    "diverging": _OF_STEPS,
    "exploding_gradients": (*_OF_STEPS, layers.started),
    "loss_spikes": _OF_STEPS,
    "oscillating": (*_OF_STEPS, speed.scheduled),
    "late_variance": (speed.scheduled, *_OF_STEPS),
    "learning_rate_too_high": _OF_STEPS,
    "learning_rate_out_of_range": (stability.slower, speed.faster, speed.usual),
    "learning_rate_too_low": _OF_SPEED,
    "slow_convergence": _OF_SPEED,
    "plateau": (*_OF_SPEED, *_OF_STEPS),
    "too_few_epochs": (speed.faster, speed.longer, speed.scheduled),
    "underfitting": (regularisation.freed, *_OF_SPEED, layers.bent, layers.logits),
    "not_learning": (
        regularisation.freed,
        layers.scaled,
        speed.stuck,
        layers.logits,
        layers.started,
        stability.normalising,
        layers.unsaturated,
    ),
    "optimizer_settings": (speed.usual, speed.sound),
    "schedule_collapses": (speed.scheduled,),
    "schedule_not_applied": (speed.scheduled,),
    "unscaled_inputs": (layers.scaled, layers.ranked, stability.normalising),
    "bad_initialisation": (layers.started, stability.normalising),
    "cannot_overfit_one_batch": (layers.logits, layers.started, stability.normalising),
    "vanishing_gradients": (layers.vanishing,),
    "saturated_units": (layers.saturated,),
    "dead_units": (layers.dead,),
    "missing_nonlinearity": (layers.bent,),
    "wrong_output_activation": (layers.logits,),
    "double_softmax": (layers.logits,),
    "wrong_loss": (layers.logits,),
    "over_regularised": (regularisation.freed,),
    "overfitting": (regularisation.held,),
    "under_regularised": (regularisation.held,),
    "too_many_epochs": (regularisation.held,),
    "parameters_not_trained": (layers.thawed,),
    "batch_too_small": (*_OF_STEPS,),
    "batch_too_large": (*_OF_SPEED,),
    "wrong_gradient_sign": (stability.slower,),
}


def cures(findings: Sequence[Finding], patient: Patient, *, most: int = MOST) -> list[Cure]:
    """Return what is worth trying, each recipe once.

    Args:
        findings: The first to act on first.
        patient: What they were found in.
        most: How many at most.

    >>> from luthier.core import Recipe
    >>> found = [Finding("over_regularised", "warning", "l2 of 1.")]
    >>> [(c.problem, c.settings) for c in cures(found, Patient(Recipe(l2=1.0)))]
    [('over_regularised', {'l2': 0.0})]
    """
    found: dict[Recipe, Cure] = {}
    for finding in findings:
        for one in (*_prescribed(finding, patient), *_known(finding, patient)):
            recipe = one.on(patient.recipe)
            if recipe != patient.recipe:
                found.setdefault(recipe, one)
    return list(found.values())[:most]


def together(
    findings: Sequence[Finding], patient: Patient, *, more: Sequence[Cure] = ()
) -> Cure | None:
    """Return the first cure of each finding as one: two faults that hide each other need both.

    Args:
        findings: The first to act on first; where two would change the same, the first does.
        patient: What they were found in.
        more: Cures that go with them; these come first.

    >>> from luthier.core import Recipe
    >>> found = [Finding(one, "error", "") for one in ("over_regularised", "unscaled_inputs")]
    >>> recipe = Recipe(l2=1.0, preprocessing="none")
    >>> dict(together(found, Patient(recipe)).settings)
    {'l2': 0.0, 'preprocessing': 'standard'}
    """
    parts: list[Cure] = []
    settings: dict[str, Value] = {}
    first = [one for finding in findings for one in cures([finding], patient, most=1)]
    for one in (*more, *first):
        if not settings.keys() & one.settings.keys() and one.edit not in _edits(parts):
            parts.append(one)
            settings |= one.settings
    if len(parts) < 2:
        return None
    advice = "; ".join(one.advice for one in parts)
    return Cure(parts[0].problem, advice, settings, "+".join(_edits(parts)), tuple(parts))


def _edits(parts: Sequence[Cure]) -> list[str]:
    return [one.edit for one in parts if one.edit]


def _prescribed(finding: Finding, patient: Patient) -> list[Cure]:
    return [
        Cure(finding.problem, one.advice.rstrip("."), settings)
        for one in finding.prescriptions
        if (settings := _settings(one, patient.recipe))
    ]


def _settings(one: Prescription, recipe: Recipe) -> dict[str, Value]:
    found = {key: new for key, (_, new) in one.change.items() if recipe.has(key)}
    epochs = found.get("epochs")
    # Ten times the epochs cost more to try than everything else together.
    far = isinstance(epochs, int) and epochs > LONGEST * recipe.epochs
    return {} if far else found


def _known(finding: Finding, patient: Patient) -> list[Cure]:
    found: list[Cure] = []
    for problem in (finding.problem, *finding.consequences):
        for known in KNOWN.get(problem, ()):
            # What a problem explains is cured with it: the cure is said to be against the cause.
            found += known(patient, finding.problem)
    return found
