"""The course of a repair as a plan: what a study trains next, from its history alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, ClassVar

from luthier.core import Diagnosis, Finding, History, Recipe, Space, Step, Trial
from luthier.diagnosis.cures import Cure, Patient, cures
from luthier.search.race import cost, race, trial_of

if TYPE_CHECKING:
    import numpy as np

FIND = 8.0  # trainings that finding may cost beside the check, the first one among them
ROUNDS = 3  # changes at most: what takes more is another network
FIRST = 5  # cures of the first finding, which race before any others do
LATER = 8  # candidates of the rounds after the first
TOO_LITTLE = (
    "slow_convergence", "learning_rate_too_low", "too_few_epochs", "plateau", "underfitting",
)  # fmt: skip
LEAST = 0.05  # of the loss, that a change must bring: less is what seeds differ by


@dataclass(frozen=True)
class Tried:
    """One cure that was tried.

    Args:
        cure: It.
        recipe: The recipe with it, and with what was taken before.
        trial: Its training, as far as it went; None where the budget did not reach.
        taken: Whether it is part of the repair.
    """

    cure: Cure
    recipe: Recipe
    trial: Trial | None
    taken: bool = False


@dataclass(frozen=True)
class Course:
    """Where a repair stands.

    Args:
        steps: What is to be trained next; nothing once it is decided.
        findings: What was wrong.
        taken: The changes, in the order in which they were found.
        tried: All that was tried.
        after: The repaired recipe; the given one where nothing helped.
    """

    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()
    taken: tuple[Cure, ...] = ()
    tried: tuple[Tried, ...] = ()
    after: Recipe = field(default_factory=Recipe)

    @property
    def healthy(self) -> bool:
        """Whether nothing called for a repair."""
        return all(one.severity == "info" for one in self.findings)


@dataclass(frozen=True)
class Curing:
    """Train the recipe, try cures of what is found, take the best, and try what is left on it.

    The first finding's cures race first, and all others where none of them helps. Then greedy,
    forward: the new training is diagnosed, and what is still wrong is treated beside what was
    taken. Where nothing is, it ends: a recipe is to be mended, not tuned.

    Args:
        checked: What was found before training.
        patient: The recipe, and what can be changed beside it.
        diagnose: What rules say of a training.
        spent: Epochs that the check's short trainings were worth; they are told, and not limited.
        find: Trainings that all this may cost beside them.
    """

    checked: tuple[Finding, ...]
    patient: Patient
    diagnose: Callable[[Trial], Diagnosis]
    spent: float = 0.0
    find: float = FIND
    purpose: ClassVar[str] = "repair"

    def __call__(self, space: Space, history: History, rng: np.random.Generator) -> list[Step]:
        """Return what comes next."""
        return list(self.course(history).steps)

    def course(self, history: History) -> Course:
        """Return where the repair stands: a function of what was trained."""
        recipe = self.patient.recipe
        first = trial_of(history, recipe)
        if first is None:
            return Course((Step(recipe.epochs, recipe=recipe, seed=history.seed),), after=recipe)
        if first.state == "paused" and first.epochs < recipe.epochs:
            return Course((Step(recipe.epochs, trial=first.number),), after=recipe)
        findings = _ordered(self.checked, self.diagnose(first).findings)
        course = Course((), findings, after=recipe)
        if course.healthy:
            return course
        loud = [one for one in findings if one.severity != "info"]
        pending = [cures(loud[:1], self.patient, most=FIRST), cures(findings, self.patient)]
        spent = recipe.epochs
        while pending and len(course.taken) < ROUNDS:
            known = {one.recipe for one in course.tried}
            queue = [cure for cure in pending.pop(0) if cure.on(course.after) not in known]
            racing = self._affordable(queue, course.after, spent)
            recipes = [cure.on(course.after) for cure in racing]
            spent += cost(recipes)
            steps = race(history, recipes) if recipes else []
            tried = [
                Tried(cure, one, trial_of(history, one))
                for cure, one in zip(racing, recipes, strict=True)
            ]
            best = None if steps else self._best(history, tried, course.after)
            kept = [replace(one, taken=one is best) for one in tried]
            course = replace(course, steps=tuple(steps), tried=(*course.tried, *kept))
            if steps:
                return course
            if best is not None:
                taken = (*_kept(course.taken, best.cure), best.cure)
                course = replace(course, taken=taken, after=best.recipe)
                pending = [self._left(best, course)]
        return course

    def _affordable(self, queue: Sequence[Cure], base: Recipe, spent: float) -> list[Cure]:
        """Return the first cures whose race what is left of the budget pays for."""
        budget = self.find * self.patient.recipe.epochs - spent
        count = len(queue)
        while count and cost([cure.on(base) for cure in queue[:count]]) > budget:
            count -= 1
        return list(queue[:count])

    def _best(self, history: History, tried: Sequence[Tried], base: Recipe) -> Tried | None:
        """Return what is clearly better than the recipe before it; None where nothing is."""
        done = [one for one in tried if one.trial is not None and _complete(one.trial)]
        best = min(done, key=lambda one: _loss(history, one.trial), default=None)
        if best is None:
            return None
        before = _loss(history, trial_of(history, base))
        now = _loss(history, best.trial)
        if now == inf or before == inf:
            return best if now < before else None
        return best if before - now >= LEAST * abs(before) else None

    def _left(self, best: Tried, course: Course) -> list[Cure]:
        """Return what to try beside a cure: against what is still wrong, and nothing else.

        That is what is found in its training, and what the check found and nothing treats yet.
        """
        treated = {cure.problem for cure in course.taken}
        found = () if best.trial is None else self.diagnose(best.trial).findings
        # A recipe that was broken is not mended while it learns too little, if only perhaps.
        wrong = [
            one
            for one in _ordered(found, ())
            if one.severity != "info" or one.problem in TOO_LITTLE
        ]
        wrong += [
            one for one in self.checked if one.severity != "info" and one.problem not in treated
        ]
        patient = replace(self.patient, recipe=course.after)
        return [
            cure
            for cure in cures(wrong, patient, most=LATER)
            if not _undoes(cure, self.patient.recipe, course.taken)
        ]


def _ordered(checked: Sequence[Finding], seen: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return what was found before and in the training, each problem once, the loud ones first."""
    names = {one.problem for one in checked}
    both = [*checked, *(one for one in seen if one.problem not in names)]
    return tuple(sorted(both, key=lambda one: ("error", "warning", "info").index(one.severity)))


def _undoes(cure: Cure, given: Recipe, taken: Sequence[Cure]) -> bool:
    """Tell whether a cure would set back what another one has changed."""
    changed = {key for one in taken for key in one.settings}
    return any(key in changed and given.get(key) == new for key, new in cure.settings.items())


def _kept(taken: Sequence[Cure], cure: Cure) -> tuple[Cure, ...]:
    """Return the cures that another one does not replace: a rate is raised once."""
    return tuple(
        one for one in taken if one.edit or not one.settings.keys() <= cure.settings.keys()
    )


def _complete(trial: Trial) -> bool:
    return trial.state == "finished" or trial.epochs >= trial.recipe.epochs


def _loss(history: History, trial: Trial | None) -> float:
    return inf if trial is None else history.loss(trial)
