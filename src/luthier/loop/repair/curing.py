"""The course of a repair as a plan: what a study trains next, from its history alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, ClassVar

from luthier.core import Diagnosis, Finding, History, Recipe, Space, Step, Trial
from luthier.diagnosis.cures import Cure, Patient, begun_again, cures
from luthier.diagnosis.cures.speed import faster
from luthier.diagnosis.cures.stability import slower
from luthier.loop.repair.choosing import chosen_of, loss_of
from luthier.loop.repair.probing import by_trial, probes
from luthier.search.race import cost, race, trial_of

if TYPE_CHECKING:
    import numpy as np

FIND = 9.0  # trainings that finding may cost beside the check, the first one among them
ROUNDS = 3  # changes at most: what takes more is another network
FIRST = 5  # cures of the first finding, which race before any others do
LATER = 8  # candidates of the rounds after the first
TOO_LITTLE = (
    "slow_convergence", "learning_rate_too_low", "too_few_epochs", "plateau", "underfitting",
)  # fmt: skip
CAUSES = (
    "learning_rate_too_low", "learning_rate_too_high", "over_regularised", "optimizer_settings",
    "batch_too_small", "batch_too_large", "unscaled_inputs",
)  # fmt: skip
STEPS = frozenset(("learning_rate", "optimizer", "batch_size", "clip_norm", "epsilon"))
LEAST = 0.05  # of the loss, that a change must bring: less is what seeds differ by
FAR = 0.25  # of the loss, where no rule says that anything is wrong: less is tuning
UNLEARNT = 0.15  # of what guessing leaves to learn: who has learnt most of it is healthy


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
    taken. Where nothing is, other rates have one race, for what was right for the broken training
    need not be right now. Then it ends: a recipe is to be mended, not tuned.

    Args:
        checked: What was found before training.
        patient: The recipe, and what can be changed beside it.
        diagnose: What rules say of a training.
        spent: Epochs that the check's short trainings were worth; they are told, and not limited.
        find: Trainings that all this may cost beside them.
        guessing: Loss of what has learnt nothing, by the metric that decides; infinite where that
            is not known.
    """

    checked: tuple[Finding, ...]
    patient: Patient
    diagnose: Callable[[Trial], Diagnosis]
    spent: float = 0.0
    find: float = FIND
    guessing: float = inf
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
        spent = float(recipe.epochs)
        loud = [one for one in findings if one.severity != "info"]
        if loud:
            pending = [
                cures(loud[:1], self.patient, most=FIRST),
                cures(findings, self.patient),
                begun_again(self.patient, loud[0].problem),
            ]
        else:
            course, best, spent = self._probed(history, course, spent)
            if course.steps or best is None:
                return course
            pending = [self._beside(best, course)]
        tuned = not loud
        while pending and len(course.taken) < ROUNDS:
            course, best, spent = self._raced(history, course, pending.pop(0), spent)
            if course.steps:
                return course
            if best is not None:
                course = _with(course, best)
                pending = [self._left(best, course)]
                if not any(pending) and not tuned:
                    tuned, pending = True, [self._beside(best, course)]
        return course

    def _beside(self, best: Tried, course: Course) -> list[Cure]:
        """Return rates beside a cure: what was right for a broken training need not be now.

        They are looked at where the cure is one of how steps are taken. Beside a change to the
        layers or the inputs the rate is left, as it was chosen for a network that learns.
        """
        if best.cure.edit or not STEPS & best.cure.settings.keys():
            return []
        patient = replace(self.patient, recipe=course.after)
        problem = best.cure.problem
        found = [*faster(patient, problem)[:2], *slower(patient, problem)[:1]]
        return [one for one in found if not _undoes(one, self.patient.recipe, course.taken)]

    def _probed(
        self, history: History, course: Course, spent: float
    ) -> tuple[Course, Tried | None, float]:
        """Return what a few other rates come to, where no rule says what is wrong.

        Only what is far better counts: what is a little better is found by tuning.
        """
        far, queue = self._far(history), probes(self.patient)
        course, best, spent = self._raced(history, course, queue, spent, least=far)
        if best is None:
            return course, None, spent
        before, after = (
            None if trial is None else history.score(trial)
            for trial in (trial_of(history, course.after), best.trial)
        )
        if before is None or after is None:
            return course, None, spent
        seen = by_trial(best.cure, self.patient, history, before, after)
        course = _with(replace(course, findings=(seen, *course.findings)), best)
        return course, best, spent

    def _far(self, history: History) -> float:
        """Return the share of the loss that a change must bring where no rule speaks.

        At least what leaves the recipe with `UNLEARNT` of what guessing has to learn beside it: a
        loss of 0.03 instead of 0.06, where guessing gives 2.3, is tuning.
        """
        before = loss_of(history, self.patient.recipe)
        if inf in (abs(before), self.guessing) or not before:
            return FAR
        highest = (before - UNLEARNT * self.guessing) / (1 - UNLEARNT)
        return max(FAR, (before - highest) / abs(before))

    def _raced(
        self,
        history: History,
        course: Course,
        queue: Sequence[Cure],
        spent: float,
        *,
        least: float = LEAST,
    ) -> tuple[Course, Tried | None, float]:
        """Return where a race of cures stands, the best of them, and what all has cost then."""
        known = {one.recipe for one in course.tried}
        base = course.after
        racing = self._affordable([one for one in queue if one.on(base) not in known], base, spent)
        recipes = [cure.on(base) for cure in racing]
        spent += cost(recipes)
        steps = race(history, recipes) if recipes else []
        tried = [
            Tried(cure, one, trial_of(history, one))
            for cure, one in zip(racing, recipes, strict=True)
        ]
        best = None
        if not steps:
            left = self.find * self.patient.recipe.epochs - spent
            steps, taken, more = chosen_of(history, recipes, base, left=left, least=least)
            best = next((one for one in tried if one.recipe == taken), None)
            spent += more
        kept = [replace(one, taken=one is best) for one in tried]
        course = replace(course, steps=tuple(steps), tried=(*course.tried, *kept))
        return course, best, spent

    def _affordable(self, queue: Sequence[Cure], base: Recipe, spent: float) -> list[Cure]:
        """Return the first cures whose race what is left of the budget pays for."""
        budget = self.find * self.patient.recipe.epochs - spent
        count = len(queue)
        while count and cost([cure.on(base) for cure in queue[:count]]) > budget:
            count -= 1
        return list(queue[:count])

    def _left(self, best: Tried, course: Course) -> list[Cure]:
        """Return what to try beside a cure: against what is still wrong, and nothing else.

        That is what is found in its training, and what nothing treats yet of what the check found,
        or of what the recipe itself has wrong.
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
            one
            for one in course.findings
            if one.severity != "info"
            and one.problem not in treated
            and (one in self.checked or one.problem in CAUSES)
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


def _with(course: Course, best: Tried) -> Course:
    taken = (*_kept(course.taken, best.cure), best.cure)
    return replace(course, taken=taken, after=best.recipe)
