"""The course of a repair as a plan: what a study trains next, from its history alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

import numpy as np

from luthier.core import Diagnosis, Finding, History, Recipe, Space, Step, Trial
from luthier.diagnosis.cures import Cure, Patient, keeping, unusual
from luthier.loop.repair.choosing import chosen_of, loss_of, worst_of
from luthier.loop.repair.course import Course, Tried
from luthier.loop.repair.probing import by_trial, far, probes
from luthier.loop.repair.queueing import (
    beside,
    distinct,
    enough,
    first_race,
    last_race,
    likely,
    ordered,
    other_race,
    quiet,
)
from luthier.search.race import cost, race, trial_of

FIND = 12.0  # trainings that finding may cost, the check's and the first one among them
CHECK = 3.0  # of them at most that the check's count for: what is left must pay for two races
ROUNDS = 3  # that a cure wins, at most: what takes more is another network
SUSPECTED = 9  # tried where a number of the recipe is unusual: that, and other rates
REACH = 0.5  # of the loss: where more than that has to go, longer trainings are not begun
LIKELY = 0.3  # of the loss, that a likely cure must take away by itself; else the others race, too
LITTLE = 0.03  # of what guessing loses: who gained no more learnt nothing, as that rule has it
LEAST = 0.05  # of the loss, that a change must bring: less is what seeds differ by


@dataclass(frozen=True)
class Curing:
    """Train the recipe, try cures of what is found, take the best, and try what is left on it.

    What most often mends comes first by itself. Where that does not, the first finding's cures
    race; all others and a sound recipe as a whole where none of them helps. Then greedy, forward:
    the new training is diagnosed, and what is still wrong is treated beside what was taken, in one
    race with other rates and optimizers. It ends as soon as nothing is found to be wrong any more
    or so little of the loss is left that nothing can matter, as nothing is clearly better, or as
    what finding may cost is spent: what is left then is tuning.

    Args:
        checked: What was found before training.
        patient: The recipe, and what can be changed beside it.
        diagnose: What rules say of a training.
        spent: Epochs that the check's short trainings were worth.
        find: Trainings that all this may cost, with them.
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
        findings = ordered(self.checked, self.diagnose(first).findings)
        course = Course((), findings, after=recipe)
        spent = recipe.epochs + min(self.spent, CHECK * recipe.epochs)
        loud = [one for one in findings if one.severity != "info"]
        if loud:
            course, pending, spent = self._treated(history, course, loud, spent)
            if course.steps:
                return course
        else:
            course, best, spent = self._probed(history, course, spent)
            if course.steps or best is None:
                return course
            pending = self._later(history, course, best)
        rounds = min(len(course.taken), 1)
        while pending and rounds < ROUNDS:
            course, best, spent = self._raced(history, course, pending.pop(0), spent)
            if course.steps:
                return course
            if best is not None:
                rounds += 1
                course = course.taking(best)
                pending = self._later(history, course, best)
        return course

    def _treated(
        self, history: History, course: Course, loud: Sequence[Finding], spent: float
    ) -> tuple[Course, list[list[Cure]], float]:
        """Return where the likely cures lead, the races that come next, and what all has cost."""
        quick = likely(loud, self.patient)
        tried, best, after = self._raced(history, course, quick, spent, least=LIKELY)
        if tried.steps:
            return tried, [], spent
        if best is not None and self._mends(tried, best):
            taken = tried.taking(best)
            return taken, self._later(history, taken, best), after
        races = [
            first_race(loud, self.patient),
            other_race(course.findings, self.patient),
            last_race(loud, self.patient, _rng(history, course)),
        ]
        # The likely ones run again beside the others: as far as one training further at most.
        return course, races, spent + (self.patient.recipe.epochs if quick else 0)

    def _later(self, history: History, course: Course, best: Tried) -> list[list[Cure]]:
        """Return the race after a cure was taken, if there need be one."""
        before = loss_of(history, self.patient.recipe)
        after = worst_of(history, best.recipe)
        if best.trial is None or enough(before, after):
            return []
        seen = self.diagnose(best.trial)
        if quiet(course, self.patient, self.checked, seen):  # but for what need not have changed
            kept = keeping(self.patient, best.cure)
            return [kept] if kept else []
        losses = best.trial.curves.val_loss
        return [
            beside(
                course,
                self.patient,
                self.checked,
                seen,
                before=before,
                after=after,
                rng=_rng(history, course),
                val_loss=losses,
            )
        ]

    def _probed(
        self, history: History, course: Course, spent: float
    ) -> tuple[Course, Tried | None, float]:
        """Return what a few other rates come to, where no rule says what is wrong.

        Only what is far better counts: what is a little better is found by tuning. Where a number
        of the recipe is one that hardly anyone chooses, it is looked at first, and what is clearly
        better counts: it goes to the proof. Where nothing was learnt, what helps against that is
        tried; if nothing does, there may be nothing to learn.
        """
        recipe = self.patient.recipe
        suspects, loss = unusual(self.patient), loss_of(history, recipe)
        queue, least = [*suspects, *probes(self.patient)], far(loss, self.guessing)
        if self.guessing < inf and loss >= self.guessing - LITTLE * abs(self.guessing):
            unlearnt = Finding("not_learning", "warning", "Nothing was learnt.")
            queue = [*suspects, *first_race([unlearnt], self.patient), *queue]
        if suspects:
            queue, least = queue[:SUSPECTED], LEAST
        queue = distinct(queue, recipe)
        if least > REACH:  # out of reach, and too dear to see
            queue = [one for one in queue if one.on(recipe).epochs <= recipe.epochs]
        course, best, spent = self._raced(
            history, course, queue, spent, least=least, named=bool(suspects)
        )
        if best is None and suspects and not course.steps:
            wide = last_race((), self.patient, _rng(history, course))
            course, best, spent = self._raced(history, course, wide, spent, least=least)
        if best is None:
            return course, None, spent
        before, after = (
            None if trial is None else history.score(trial)
            for trial in (trial_of(history, course.after), best.trial)
        )
        if before is None or after is None:
            return course, None, spent
        seen = by_trial(best.cure, self.patient, history, before, after)
        course = replace(course, findings=(seen, *course.findings)).taking(best)
        return course, best, spent

    def _raced(
        self,
        history: History,
        course: Course,
        queue: Sequence[Cure],
        spent: float,
        *,
        least: float = LEAST,
        named: bool = True,
    ) -> tuple[Course, Tried | None, float]:
        """Return where a race of cures stands, the best of them, and what all has cost then.

        Args:
            history: What was trained.
            course: What was tried before.
            queue: The cures.
            spent: What all has cost so far.
            least: Share of the loss that the best must take away.
            named: Whether something is known to be wrong. Then a training that ends well is
                believed with one seed; among guesses, luck would pick the best.
        """
        known = {one.recipe for one in course.tried}
        base = course.after
        queue = [one for one in distinct(queue, base) if one.on(base) not in known]
        # What is tried beside a cure must not spoil it: a second seed has to be paid for, too.
        kept_back = base.epochs if course.taken else 0
        racing = self._affordable(queue, base, spent + kept_back)
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
            sure = [one.recipe for one in tried if named and self._sure(one)]
            steps, taken, more = chosen_of(
                history, recipes, base, left=left, least=least, sure=sure
            )
            best = next((one for one in tried if one.recipe == taken), None)
            spent += more
        kept = [replace(one, taken=one is best) for one in tried]
        course = replace(course, steps=tuple(steps), tried=(*course.tried, *kept))
        return course, best, spent

    def _mends(self, course: Course, best: Tried) -> bool:
        """Tell whether a likely cure is to be taken though others did not race beside it.

        A value among many may be the wrong one while anything is wrong with the training.
        """
        if best.trial is None or not best.cure.guessed:
            return True
        seen = self.diagnose(best.trial)
        return quiet(course.taking(best), self.patient, self.checked, seen)

    def _sure(self, one: Tried) -> bool:
        """Tell whether no luck is behind a training: its cure is known, or nothing is wrong."""
        if not one.cure.guessed:
            return True
        if one.trial is None or one.trial.state != "finished":
            return False
        return all(seen.severity == "info" for seen in self.diagnose(one.trial).findings)

    def _affordable(self, queue: Sequence[Cure], base: Recipe, spent: float) -> list[Cure]:
        """Return the first cures whose race what is left of the budget pays for."""
        budget = self.find * self.patient.recipe.epochs - spent
        count = len(queue)
        while count and cost([cure.on(base) for cure in queue[:count]]) > budget:
            count -= 1
        return list(queue[:count])


def _rng(history: History, course: Course) -> np.random.Generator:
    """Return what draws: the same whoever asks, and another one as more was tried."""
    return np.random.default_rng([history.seed, len(course.tried)])
