"""What races: first, where that helps nothing, and beside a cure that was taken. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, inf

import numpy as np

from luthier.core import Diagnosis, Finding, Recipe
from luthier.diagnosis.cures import (
    Cure,
    Patient,
    around,
    begun_again,
    cures,
    drawn,
    keeping,
    together,
    unusual,
)
from luthier.loop.repair.course import Course

FIRST = 5  # cures of the first finding, which race before any others do
VAGUE = ("not_learning", "cannot_overfit_one_batch", "underfitting", "plateau")  # not what is wrong
OTHERS = 6  # of all findings, which race where none of those helps, beside a sound recipe
LAST = 6  # draws beside all cures at once, where none helped by itself
DRAWN = 4  # draws beside other numbers of a mended recipe
LATER = 6  # candidates of the rounds after the first
TREATED = 4  # of them, against what is found: the rest are the numbers of the mended recipe
ENOUGH = 0.1  # of the loss before: what could still be gained is less than a tenth of the harm
MUCH = 0.5  # of the loss before: a cure that leaves more may have mended one fault of two
GETS_ON = 0.1  # of the validation loss, less in a last quarter: mended ones end within a tenth
TOO_LITTLE = (
    "slow_convergence", "learning_rate_too_low", "too_few_epochs", "plateau", "underfitting",
)  # fmt: skip
CAUSES = (
    "learning_rate_too_low", "learning_rate_too_high", "over_regularised", "optimizer_settings",
    "batch_too_small", "batch_too_large", "unscaled_inputs",
)  # fmt: skip


def enough(before: float, after: float) -> bool:
    """Tell whether so little of the loss is left that no other change can matter.

    >>> enough(1.2, 0.1), enough(1.2, 0.5), enough(inf, 0.5)
    (True, False, False)
    """
    return 0 <= after <= ENOUGH * before < inf


def likely(loud: Sequence[Finding], patient: Patient) -> list[Cure]:
    """Return what most often mends: the first cure of the first finding, and all at once.

    Of 136 faults that were repaired, these two mended 75. Nothing where it is not told what is
    wrong.

    Args:
        loud: Warnings and errors, the first to act on first; one at least.
        patient: What they were found in.
    """
    if loud[0].problem in VAGUE:
        return []
    both = together(loud, patient, more=_odd(patient))
    return [*cures(loud[:1], patient, most=1), *([both] if both else ())]


def first_race(loud: Sequence[Finding], patient: Patient) -> list[Cure]:
    """Return what races first: against the first finding, and against all of them at once.

    With all of them goes what is unusual of the recipe, for two faults hide each other.

    Where it is not told what is wrong, a sound recipe as a whole is among them: two faults are
    often what is behind a training that learns nothing.

    Args:
        loud: Warnings and errors, the first to act on first; one at least.
        patient: What they were found in.
    """
    both = together(loud, patient, more=_odd(patient))
    found = [*cures(loud[:1], patient, most=FIRST), *([both] if both else ())]
    return [*found, *(_sound(loud, patient)[:2] if loud[0].problem in VAGUE else ())]


def other_race(findings: Sequence[Finding], patient: Patient) -> list[Cure]:
    """Return what races where the first race helped nothing.

    Args:
        findings: All, hints among them; a warning or an error comes first.
        patient: What they were found in.
    """
    loud = [one for one in findings if one.severity != "info"]
    tried, sound = first_race(loud, patient), _sound(loud, patient)
    more = [*unusual(patient), *cures(findings, patient)]
    left = [one for one in more if one not in tried]
    return [*sound[:2], *left[:OTHERS], *sound[2:]]


def last_race(loud: Sequence[Finding], patient: Patient, rng: np.random.Generator) -> list[Cure]:
    """Return what races where no cure helps by itself: all at once, with other numbers drawn.

    The usual numbers of an optimizer help nothing beside a rate that was chosen for others.

    Args:
        loud: Warnings and errors, the first to act on first; none where only trials speak.
        patient: What they were found in.
        rng: Draws.
    """
    odd = _odd(patient)
    known = [*odd, *cures(loud[:1], patient, most=1)]
    one = together(loud, patient, more=odd) or next(iter(known), None)
    if one is None:
        return []
    now = replace(patient, recipe=one.on(patient.recipe))
    others = [*around(now, one.problem)[:2], *drawn(now, one.problem, LAST, rng)]
    return [one.beside(other) for other in others]


def _odd(patient: Patient) -> list[Cure]:
    """Return the cures of what is unusual, each by itself."""
    return [one for one in unusual(patient) if not one.parts]


def _sound(loud: Sequence[Finding], patient: Patient) -> list[Cure]:
    """Return a sound recipe as a whole, with the changes to the layers that findings call for."""
    both, first = together(loud, patient), cures(loud[:1], patient, most=1)
    edits = both.edit if both else first[0].edit if first else ""
    return begun_again(patient, loud[0].problem, edits=edits)


def quiet(course: Course, patient: Patient, checked: Sequence[Finding], seen: Diagnosis) -> bool:
    """Tell whether nothing is known to be wrong any more: what is left is tuning.

    Args:
        course: Where the repair stands; a cure was taken.
        patient: What was given.
        checked: What was found before training.
        seen: In the training with the cure.
    """
    now = replace(patient, recipe=course.after)
    return not _wrong(course, checked, seen) and not unusual(now)


def beside(
    course: Course,
    patient: Patient,
    checked: Sequence[Finding],
    seen: Diagnosis,
    *,
    before: float,
    after: float,
    rng: np.random.Generator,
    val_loss: Sequence[float] = (),
) -> list[Cure]:
    """Return what to try on a recipe that a cure has helped.

    First against what is found in its training, and what nothing treats yet of what the check
    found, or of what the recipe itself has wrong. Then its rate and what goes with that, where the
    cure is a value that only trials tell, or where `MUCH` of the loss is left; the rate alone where
    the training still got on as it ended; and draws around it where the cure was a guess. Else,
    beside a change to the layers, the inputs or a regulariser, the rate stays: it was chosen for a
    network that learns.

    Args:
        course: Where the repair stands; a cure was taken.
        patient: What was given.
        checked: What was found before training.
        seen: In the training with the cure.
        before: Loss of what was given.
        after: Loss with the cure.
        rng: Draws other numbers, where many are tried.
        val_loss: Of that training, by epoch.
    """
    now = replace(patient, recipe=course.after)
    treated = [*unusual(now), *cures(_wrong(course, checked, seen), now, most=LATER)]
    problem = course.taken[-1].problem
    found = [one for one in treated if not _undoes(one, patient.recipe, course.taken)][:TREATED]
    guessed = any(one.guessed for one in course.taken)
    near = around(now, problem)
    wide = drawn(now, problem, DRAWN, rng) if guessed else []
    if not guessed and 0 <= after <= MUCH * before:
        rates = [one for one in near if one.settings.keys() == {"learning_rate"}]
        near = rates if falls(val_loss) else []
    tuned = [one for one in near if not _undoes(one, patient.recipe, course.taken)]
    kept = keeping(patient, course.taken[-1])
    return distinct([*[*kept, *found, *tuned][:LATER], *wide], course.after)


def falls(losses: Sequence[float]) -> bool:
    """Tell whether a training still got on in its last quarter.

    >>> falls([1.0, 0.5, 0.4, 0.3]), falls([1.0, 0.5, 0.31, 0.3]), falls([])
    (True, False, False)
    """
    if not losses:
        return False
    return losses[-1] < (1 - GETS_ON) * losses[ceil(0.75 * len(losses)) - 1]


def distinct(queue: Sequence[Cure], recipe: Recipe) -> list[Cure]:
    """Return the first cure that makes each recipe of one."""
    found: dict[Recipe, Cure] = {}
    for one in queue:
        found.setdefault(one.on(recipe), one)
    return list(found.values())


def ordered(checked: Sequence[Finding], seen: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return what was found before and in the training, each problem once, the loud ones first."""
    names = {one.problem for one in checked}
    both = [*checked, *(one for one in seen if one.problem not in names)]
    return tuple(sorted(both, key=lambda one: ("error", "warning", "info").index(one.severity)))


def _wrong(course: Course, checked: Sequence[Finding], seen: Diagnosis) -> list[Finding]:
    treated = {cure.problem for cure in course.taken}
    # A recipe that was broken is not mended while it learns too little, if only perhaps.
    wrong = [
        one
        for one in ordered(seen.findings, ())
        if one.severity != "info" or one.problem in TOO_LITTLE
    ]
    wrong += [
        one
        for one in course.findings
        if one.severity != "info"
        and one.problem not in treated
        and (one in checked or one.problem in CAUSES)
    ]
    return wrong


def _undoes(cure: Cure, given: Recipe, taken: Sequence[Cure]) -> bool:
    """Tell whether a cure would set back what another one has changed."""
    changed = {key for one in taken for key in one.settings}
    return any(key in changed and given.get(key) == new for key, new in cure.settings.items())
