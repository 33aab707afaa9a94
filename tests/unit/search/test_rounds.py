"""What first epochs rank wrongly is held in a first round, and tuned last, whole."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from luthier import search
from luthier.core import Categorical, History, Recipe, Space, Step, Strategy
from luthier.loop.working.budget import Budget
from luthier.search.rounds import Rounds
from luthier.testing.strategies import FULL, SPACE, StrategyLaws, bowl
from luthier.testing.strategies import _trained as trained

LATE = Categorical("cosine", "linear", "one_cycle", last=True)
BOTH = Space({**SPACE.parameters, "schedule": LATE}, SPACE.baseline.replace({"schedule": "cosine"}))
TWENTY = Budget(epochs=20 * FULL)


def late_bloomer(recipe: Recipe, epoch: int) -> float:
    """Return a loss that looks worst early with one cycle, and is best with it in the end."""
    behind = {"cosine": 0.0, "linear": 0.05, "one_cycle": 5.0 if epoch < FULL else -0.05}
    return bowl(recipe, epoch) + behind[recipe.schedule]


@cache
def searched(name: str, budget: Budget = TWENTY) -> list[History]:
    """Return the history before each decision of a search, the last one after it has ended."""
    strategy, seen = Rounds(search.by_name(name)), [History()]
    while len(seen) < 400 and not budget.spent(seen[-1]):
        history = budget.left(replace(seen[-1], decisions=len(seen) - 1))
        rng = np.random.default_rng([0, history.decisions])
        steps = budget.afford(strategy(BOTH, history, rng), history)
        if not steps:
            break
        for step in steps:
            history = replace(history, trials=trained(history.trials, step, BOTH, late_bloomer))
        seen.append(history)
    return seen


def late(history: History) -> list[tuple[str, int]]:
    return [(t.recipe.schedule, t.epochs) for t in history.trials if t.recipe.schedule != "cosine"]


class TestLaws(StrategyLaws):
    """It is the strategy that it has, where nothing is left for last."""

    @pytest.fixture
    def strategy(self) -> Strategy:
        return Rounds(search.by_name("freeze_thaw"))


@pytest.mark.parametrize("name", ["freeze_thaw", "halving", "hyperband", "tpe", "random", "sobol"])
class TestRounds:
    def test_the_best_recipe_is_trained_whole_with_each_other_value(self, name: str):
        history = searched(name)[-1]
        assert late(history) == [("linear", FULL), ("one_cycle", FULL)]
        first = [t for t in history.trials if t.recipe.schedule == "cosine"]
        best = min(first, key=history.rank)
        for trial in history.trials[-2:]:
            assert set(best.recipe.difference(trial.recipe)) == {"schedule"}

    def test_what_blooms_late_is_found(self, name: str):
        best = searched(name)[-1].best
        assert best is not None
        assert best.recipe.schedule == "one_cycle"

    def test_the_first_round_knows_one_value_alone(self, name: str):
        for history in searched(name)[:-1]:
            assert not late(history)

    def test_the_whole_budget_is_spent(self, name: str):
        assert searched(name)[-1].epochs == 20 * FULL

    def test_the_same_history_gets_the_same_steps(self, name: str):
        assert searched(name) == searched.__wrapped__(name)

    def test_a_budget_in_trials_keeps_some_for_it(self, name: str):
        history = searched(name, Budget(trials=10))[-1]
        assert len(history.trials) == 10
        assert [schedule for schedule, _ in late(history)] == ["linear", "one_cycle"]


def test_it_waits_for_what_decides_the_best():
    before = searched("halving")[-2]
    running = (*before.trials[:-1], replace(before.trials[-1], state="running", until=FULL))
    seen = replace(before, trials=running, epochs_left=2.0 * FULL)
    assert Rounds(search.by_name("halving"))(BOTH, seen, np.random.default_rng(0)) == []


def test_more_budget_goes_on_with_the_first_round():
    more = replace(searched("halving")[-1], epochs_left=10.0 * FULL)
    steps = Rounds(search.by_name("halving"))(BOTH, more, np.random.default_rng(0))
    assert steps
    assert all(step.recipe is None or step.recipe.schedule == "cosine" for step in steps)


def test_what_was_cut_short_goes_on():
    history = searched("halving")[-1]
    cut = replace(history.trials[-1], state="paused", curves=history.trials[0].curves.upto(3))
    seen = replace(history, trials=(*history.trials[:-1], cut), epochs_left=FULL - 3.0)
    steps = Rounds(search.by_name("halving"))(BOTH, seen, np.random.default_rng(0))
    assert steps[-1] == Step(FULL, trial=cut.number)


@pytest.mark.parametrize(("trainings", "tried"), [(3, 0), (5, 1), (8, 2)])
def test_the_last_round_takes_no_more_than_its_share(trainings: int, tried: int):
    assert len(late(searched("halving", Budget(epochs=trainings * FULL))[-1])) == tried


def test_what_is_held_is_the_baselines_own_value():
    linear = Space({"schedule": LATE}, Recipe(schedule="linear"))
    assert linear.late == {"schedule": ("cosine", "one_cycle")}
    assert not Space({"schedule": Categorical("cosine", "linear")}).late
