"""Short plans are trained where one is; long ones, and searches, get workers."""

from types import SimpleNamespace

import pytest

from luthier.core import Curves, History, Recipe, Step, Trial
from luthier.loop.working.brief import brief

RECIPE = Recipe(epochs=10)


def history(seconds: float) -> History:
    curves = Curves(train_loss=(1.0,) * 10, seconds=(seconds,) * 10)
    return History((Trial(0, RECIPE, 0, "finished", curves=curves),))


def work(*steps: Step | None) -> SimpleNamespace:
    plan = (lambda *_: [step for step in steps if step]) if steps else None
    return SimpleNamespace(plan=plan, study=SimpleNamespace(space=None))


@pytest.mark.parametrize(("seconds", "expected"), [(0.1, True), (1.0, False)])
def test_what_takes_less_than_a_start_is_brief(seconds: float, expected: bool):
    assert brief(work(Step(10, recipe=RECIPE)), history(seconds)) is expected


def test_what_goes_on_counts_from_where_it_is():
    assert brief(work(Step(12, trial=0)), history(1.0))


def test_nothing_left_is_brief():
    assert brief(work(None), history(1.0))


def test_a_search_is_not_and_neither_is_what_has_no_pace():
    assert not brief(work(), history(0.1))
    assert not brief(work(Step(1, recipe=RECIPE)), History())
