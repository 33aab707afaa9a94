"""What a repair came to, as the record that is told."""

from __future__ import annotations

from collections.abc import Sequence

from luthier.core import (
    EDITS,
    MODEL_PREFIX,
    Diagnosis,
    Edit,
    Finding,
    History,
    Recipe,
    Trial,
    chosen,
)
from luthier.diagnosis.cures import Cure
from luthier.loop.repair.course import Course, Tried
from luthier.loop.repair.curing import Curing
from luthier.loop.repair.proof import Proven
from luthier.proof import BETTER
from luthier.report.repair import Attempt, Change, Repaired
from luthier.search.race import trial_of


def outcome_of(
    course: Course,
    proven: Proven | None,
    curing: Curing,
    history: History,
    edits: Sequence[Edit],
) -> Repaired:
    """Return what is told of a repair.

    Args:
        course: Where finding ended.
        proven: What proving came to; None where there was nothing to prove.
        curing: What decided.
        history: All trainings.
        edits: Changes to the network that were safe, with their code.
    """
    verdict = None if proven is None else proven.verdict
    outcome = _outcome(course, proven)
    first = trial_of(history, curing.patient.recipe)
    trials = history.searched.trials
    changes = _changes(course, proven, history, curing.patient.recipe, edits)
    return Repaired(
        outcome=outcome,
        metric=history.metric,
        direction=history.direction,
        diagnosis=Diagnosis("run", course.findings, _seen(first)),
        changes=changes if outcome == "repaired" else (),
        verdict=verdict,
        before=() if proven is None else proven.before,
        after=() if proven is None else proven.after,
        judged_on="test" if proven is None else proven.judged_on,
        openings=None if proven is None else proven.openings,
        tried=tuple(_attempt(one, history) for one in course.tried),
        full=curing.patient.recipe.epochs,
        check_epochs=curing.spent,
        find_epochs=sum(trial.epochs for trial in trials),
        prove_epochs=sum(trial.epochs for trial in history.confirming),
        seconds=history.seconds,
        to_do=_to_do(course, curing, history, repaired=outcome == "repaired"),
        notes=_notes(proven),
    )


def _outcome(course: Course, proven: Proven | None) -> str:
    if course.steps or (proven is not None and proven.verdict is None):
        return "stopped"
    if course.healthy:
        return "healthy"
    if proven is None:
        return "not_repaired"
    better = proven.verdict is not None and proven.verdict.verdict == BETTER
    return "repaired" if better else "unproven"


def _changes(
    course: Course,
    proven: Proven | None,
    history: History,
    recipe: Recipe,
    edits: Sequence[Edit],
) -> tuple[Change, ...]:
    found, brought = [], (None,) * len(course.taken) if proven is None else proven.contributions
    for index, cure in enumerate(course.taken):
        after = cure.on(recipe)
        made = chosen(cure.edit, edits)
        found.append(
            Change(
                advice=made[0].advice if len(made) == 1 else cure.advice,
                problem=cure.problem,
                settings=_settings(cure, recipe),
                code=tuple(line for edit in made for line in edit.code),
                before=_score(history, recipe),
                after=_score(history, after),
                contribution=brought[index] if index < len(brought) else None,
            )
        )
        recipe = after
    return tuple(found)


def _settings(cure: Cure, recipe: Recipe) -> dict[str, tuple[object, object]]:
    return {
        key: (recipe.get(key), new)
        for key, new in cure.settings.items()
        if key != f"{MODEL_PREFIX}{EDITS}" and recipe.get(key) != new
    }


def _score(history: History, recipe: Recipe) -> float | None:
    trial = trial_of(history, recipe)
    return None if trial is None or trial.state == "failed" else history.score(trial)


def _attempt(one: Tried, history: History) -> Attempt:
    trial = one.trial
    score = None if trial is None or trial.state == "failed" else history.score(trial)
    epochs = 0 if trial is None else trial.epochs
    return Attempt(one.cure.advice, one.cure.problem, score, epochs, one.taken)


def _to_do(course: Course, curing: Curing, history: History, *, repaired: bool) -> tuple[str, ...]:
    """Return what is left for a person: of what is still wrong, advice that no recipe can take."""
    left: Sequence[Finding] = course.findings
    if repaired:
        trial = trial_of(history, course.after)
        left = () if trial is None else curing.diagnose(trial).findings
    texts = []
    for finding in left:
        advice = [one.advice for one in finding.prescriptions if repaired or not one.change]
        if finding.severity != "info" and advice:
            still = "still " if repaired else ""
            texts.append(f"{still}{finding.problem}: {advice[0]}")
    return tuple(texts)


def _notes(proven: Proven | None) -> tuple[str, ...]:
    if proven is None:
        return ()
    notes = []
    if proven.exploded:
        notes.append(
            f"{proven.exploded} of the {len(proven.before)} trainings before were worse than "
            "guessing; the gain counts them as guessing"
        )
    if proven.judged_on != "test":
        notes.append(
            "there are no test rows: the fresh seeds were judged on the validation rows that chose "
            "the changes, which flatters them a little"
        )
    elif opened := proven.openings:
        notes.append(
            f"these test rows had been opened {opened} time{'s' * (opened > 1)} before: the "
            "verdict is exploratory"
        )
    return tuple(notes)


def _seen(trial: Trial | None) -> str:
    return "" if trial is None else f"the set-up, and a training of {trial.epochs} epochs"
