"""The laws of a strategy. Subclass `StrategyLaws`, override its fixture, and run pytest."""

# ruff: noqa: D102 - the name of a law says what holds.
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy
import pytest

from luthier.core import (
    Categorical,
    Conditional,
    Curves,
    Float,
    History,
    Recipe,
    Space,
    Step,
    Strategy,
    Trial,
)
from luthier.testing.expect import same

FULL = 27
SPACE = Space(
    {
        "optimizer": Categorical("adamw", "momentum"),
        "learning_rate": Conditional(
            "optimizer",
            {
                "adamw": Float(1e-4, 1e-1, log=True),
                "momentum": Float(1e-3, 1.0, log=True),
            },
        ),
        "dropout": Float(0.0, 0.5),
    },
    Recipe(epochs=FULL),
)
CurveOf = Callable[[Recipe, int], float]


def bowl(recipe: Recipe, epoch: int) -> float:
    """Return a loss that falls with the epochs, lowest for a rate of 0.01 and a dropout of 0.2."""
    distance = abs(math.log10(recipe.learning_rate) + 2) + abs((recipe.dropout or 0.0) - 0.2)
    return 0.1 + distance + 1.0 / epoch


def simulate(
    strategy: Strategy,
    space: Space = SPACE,
    *,
    decisions: int = 12,
    seed: int = 0,
    epochs: float = math.inf,
    curve: CurveOf = bowl,
) -> list[tuple[History, Sequence[Step]]]:
    """Run a strategy on networks whose curves are known; return what it saw and decided."""
    history, seen = History(seed=seed), []
    for decision in range(decisions):
        left = epochs - history.epochs
        history = replace(history, decisions=decision, epochs_left=left)
        steps = strategy(space, history, numpy.random.default_rng([seed, decision]))
        seen.append((history, steps))
        for step in steps:
            history = replace(history, trials=_trained(history.trials, step, space, curve))
        if not steps or history.epochs >= epochs:
            break
    return seen


def _trained(
    trials: tuple[Trial, ...], step: Step, space: Space, curve: CurveOf
) -> tuple[Trial, ...]:
    if step.trial is None:
        recipe = step.recipe or space.baseline
        trial = Trial(len(trials), recipe, step.seed, parent=step.parent)
        trials = (*trials, trial)
    else:
        trial = trials[step.trial]
    values = tuple(curve(trial.recipe, epoch) for epoch in range(1, step.until + 1))
    failed = any(not math.isfinite(value) for value in values)
    done = step.until >= space.baseline.epochs
    state = "failed" if failed else "finished" if done else "paused"
    trained = replace(trial, state=state, curves=Curves(metrics={"val_loss": values}))
    return tuple(trained if one.number == trial.number else one for one in trials)


class StrategyLaws:
    """What every strategy keeps.

    A subclass overrides the fixture `strategy`.
    """

    @pytest.fixture
    def strategy(self) -> Strategy:
        """Return the strategy."""
        raise NotImplementedError("override the fixture `strategy`")

    def test_the_baseline_comes_first(self, strategy: Strategy) -> None:
        _, steps = simulate(strategy, decisions=1)[0]
        same(steps[0].recipe, SPACE.baseline)

    def test_the_same_history_gets_the_same_steps(self, strategy: Strategy) -> None:
        first, again = simulate(strategy), simulate(strategy)
        same([steps for _, steps in first], [steps for _, steps in again])

    def test_another_seed_tries_other_recipes(self, strategy: Strategy) -> None:
        recipes = [
            [step.recipe for step in simulate(strategy, seed=seed, decisions=1)[0][1]][1:]
            for seed in (0, 1)
        ]
        same(recipes[0] != recipes[1], True)

    def test_a_decision_leaves_the_history_alone(self, strategy: Strategy) -> None:
        for history, _ in simulate(strategy):
            same([t.number for t in history.trials], list(range(len(history.trials))))

    def test_trials_are_known_by_their_numbers_not_by_their_places(
        self, strategy: Strategy
    ) -> None:
        history, _ = simulate(strategy, decisions=6)[-1]
        apart = tuple(replace(trial, number=2 * trial.number) for trial in history.trials)
        paused = {trial.number for trial in apart if trial.state == "paused"}
        gaps = replace(history, trials=apart)  # those between them confirm, and are not shown
        steps = strategy(SPACE, gaps, numpy.random.default_rng(0))
        same({step.trial for step in steps if step.trial is not None} <= paused, True)

    def test_steps_go_forward_and_end_at_the_full_length(self, strategy: Strategy) -> None:
        for history, steps in simulate(strategy):
            epochs = {trial.number: trial.epochs for trial in history.trials}
            for step in steps:
                begin = 0 if step.trial is None else epochs[step.trial]
                same(begin < step.until <= FULL, True)

    def test_only_paused_trials_go_on_each_once_a_decision(self, strategy: Strategy) -> None:
        for history, steps in simulate(strategy):
            going = [step.trial for step in steps if step.trial is not None]
            same(len(going), len(set(going)))
            same({history.trials[number].state for number in going} <= {"paused"}, True)

    def test_no_recipe_is_tried_twice(self, strategy: Strategy) -> None:
        new = [s.recipe for _, steps in simulate(strategy) for s in steps if s.trial is None]
        identities = [recipe.identity for recipe in new if recipe is not None]
        same(len(identities), len(set(identities)))

    def test_every_recipe_lies_in_the_space(self, strategy: Strategy) -> None:
        new = [s.recipe for _, steps in simulate(strategy) for s in steps if s.trial is None]
        for recipe in (recipe for recipe in new[1:] if recipe is not None):
            for name in SPACE.parameters:
                domain = SPACE.active(name, recipe)
                same(domain is None or recipe.get(name) in domain, True)

    def test_a_space_of_two_recipes_comes_to_an_end(self, strategy: Strategy) -> None:
        space = Space({"optimizer": Categorical("adamw", "sgd")}, Recipe(epochs=FULL))
        seen = simulate(strategy, space, decisions=50)
        same(seen[-1][1], [])
        same(len(seen[-1][0].trials), 2)

    def test_failed_trials_do_not_go_on_and_do_not_stop_it(self, strategy: Strategy) -> None:
        def half_fails(recipe: Recipe, epoch: int) -> float:
            return bowl(recipe, epoch) if recipe.optimizer == "adamw" else math.nan

        seen = simulate(strategy, curve=half_fails, decisions=20)
        best = seen[-1][0].best
        same(best is not None and best.recipe.optimizer == "adamw", True)

    def test_the_best_trial_is_finished_before_the_budget_ends(self, strategy: Strategy) -> None:
        seen = simulate(strategy, decisions=200, epochs=20 * FULL)
        best = seen[-1][0].best
        same(best is not None and best.epochs == FULL, True)
