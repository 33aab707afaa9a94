"""Before against after: looks at fresh seeds until there is a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from luthier.core import Recipe, Verdict
from luthier.loop.repair.course import Course
from luthier.loop.repair.proving import Proving, alone, floored, guesses, table
from luthier.loop.repair.ranks import by_ranks
from luthier.loop.training.scoring import test_hash
from luthier.loop.working.work import Work
from luthier.proof import BETTER, UNDECIDED, judge, spending

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from luthier.loop.working.work import Plan

    Array = NDArray[Any]


@dataclass(frozen=True)
class Proven:
    """What proving came to.

    Args:
        verdict: Of after against before; None where it was stopped.
        before, after: Score of each seed.
        judged_on: ``test`` or ``validation`` rows.
        openings: How often the test rows were opened before.
        contributions: What each change brought, in their order; None where that was not measured.
        exploded: Trainings of before that were worse than guessing, and counted as guessing.
    """

    verdict: Verdict | None = None
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    judged_on: str = "test"
    openings: int | None = None
    contributions: tuple[float | None, ...] = ()
    exploded: int = 0


def prove(
    course: Course, work: Work, looks: tuple[int, ...], launch: Callable[[Plan], bool]
) -> Proven:
    """Train before and after with fresh seeds; where after is better, also without each change.

    Args:
        course: What was found.
        work: The study.
        looks: Numbers of seeds at which to judge.
        launch: Has a plan trained; False where someone asked to stop.
    """
    before, after = work.study.space.baseline, course.after
    arrays, sign = work.parts.arrays, _sign(work)
    test = arrays.test is not None and len(arrays.test) > 0
    proven, opened = Proven(judged_on="test" if test else "validation"), None
    for seeds, level in zip(looks, spending(looks), strict=True):
        plan = Proving((after, before), seeds)
        if not launch(plan) or not _complete(plan, work):
            return proven
        if test and opened is None:
            key = test_hash(work.parts.preparation.dataset.fingerprint, arrays)
            opened = work.storage.opened(key, work.study.name)
        tables = [_table(work, plan, recipe, test=test) for recipe in (after, before)]
        held = [
            floored(one, guesses(work.parts, recipe, test=test), work.study.direction)
            for recipe, one in zip((after, before), tables, strict=True)
        ]
        last = seeds == looks[-1] and len(looks) > 1
        verdict = judge(
            sign * held[0], sign * held[1], level=level / (1 + last), seed=work.study.seed
        )
        if last and verdict.verdict == UNDECIDED:
            verdict = by_ranks(sign * held[0], sign * held[1], verdict)
        proven = Proven(
            verdict,
            tuple(tables[1].mean(axis=1).tolist()),
            tuple(tables[0].mean(axis=1).tolist()),
            proven.judged_on,
            opened,
            (verdict.difference,) if len(course.taken) == 1 else (None,) * len(course.taken),
            sum(bool((one != other).any()) for one, other in zip(held[1], tables[1], strict=True)),
        )
        if verdict.verdict != UNDECIDED:
            break
    if proven.verdict is None or proven.verdict.verdict != BETTER or len(course.taken) == 1:
        return proven
    without = tuple(_without(course, index, before) for index in range(len(course.taken)))
    plan = Proving(without, alone(len(without)))
    if not launch(plan) or not _complete(plan, work):
        return proven
    whole = _table(work, Proving((after,), plan.seeds), after, test=test).mean()
    parts = [_table(work, plan, recipe, test=test).mean() for recipe in without]
    brought = tuple(float(sign * (whole - one)) for one in parts)
    return replace(proven, contributions=brought)


def _without(course: Course, index: int, before: Recipe) -> Recipe:
    """Return the repaired recipe without one of its changes."""
    recipe = before
    for number, cure in enumerate(course.taken):
        if number != index:
            recipe = cure.on(recipe)
    return recipe


def _complete(plan: Proving, work: Work) -> bool:
    """Tell whether all was trained, as far as it goes: what failed is complete."""
    wanted = plan.wanted(work.storage.history(work.study.name))
    return all(
        one.trial is not None and (one.trial.state == "failed" or not one.left) for one in wanted
    )


def _table(work: Work, plan: Proving, recipe: Recipe, *, test: bool) -> Array:
    history = work.storage.history(work.study.name)
    found = table(
        work.parts, work.storage, work.study.name, plan.trials(history, recipe), test=test
    )
    return found


def _sign(work: Work) -> float:
    return 1.0 if work.study.direction == "maximize" else -1.0
