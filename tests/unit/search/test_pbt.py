"""A population learns a schedule: the worst go on from the best, with other values."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from luthier.core import Categorical, Curves, Float, History, Recipe, Space, Trial
from luthier.search.pbt import PBT

FULL = 20
SPACE = Space(
    {"learning_rate": Float(1e-4, 1.0, log=True), "dropout": Float(0.0, 0.5)},
    Recipe(epochs=FULL, learning_rate=0.3),
)


def simulated(loss_of, *, space=SPACE, strategy=None, epochs=10 * FULL, seed=0, most=400):
    """Run it where an epoch's gain depends on the values that hold then."""
    strategy, history = strategy or PBT(), History(seed=seed)
    for decision in range(most):
        left = epochs - history.epochs
        history = replace(history, decisions=decision, epochs_left=left)
        steps = (
            strategy(space, history, np.random.default_rng([seed, decision])) if left > 0 else []
        )
        if not steps:
            return history
        trials = list(history.trials)
        for step in steps:
            number = len(trials) if step.trial is None else step.trial
            recipe = step.recipe if step.trial is None else trials[number].recipe
            parent = step.parent if step.trial is None else trials[number].parent
            values = loss_of(recipe, step.until)
            bad = any(not math.isfinite(v) for v in values)
            state = "failed" if bad else "finished" if step.until == FULL else "paused"
            curves = Curves(metrics={"val_loss": values})
            one = Trial(number, recipe, step.seed, state, curves=curves, parent=parent)
            trials[number : number + 1] = [one]
        history = History(tuple(trials), seed=seed)
    raise AssertionError("it did not come to an end")


def wants_decay(recipe: Recipe, until: int) -> tuple[float, ...]:
    """Return losses that fall most where the rate is high early and low late."""
    loss, found = 10.0, []
    for epoch in range(until):
        wanted = 0.0 - 3.0 * epoch / FULL  # of log10
        rate = math.log10(recipe.at(epoch).learning_rate)
        loss -= 0.5 * math.exp(-((rate - wanted) ** 2))
        found.append(loss)
    return tuple(found)


def test_it_learns_a_schedule_that_no_constant_rate_is_as_good_as():
    history = simulated(wants_decay)
    constant = min(
        wants_decay(Recipe(epochs=FULL, learning_rate=10**x), FULL)[-1]
        for x in np.linspace(-4, 0, 41)
    )
    best = history.best
    assert best is not None
    assert history.loss(best) < constant
    rates = [best.recipe.at(epoch).learning_rate for epoch in (0, FULL)]
    assert rates[1] < rates[0] / 3


def test_a_copy_is_its_parents_recipe_changed_from_there_on():
    history = simulated(wants_decay)
    copies = [trial for trial in history.trials if trial.parent is not None]
    assert len(copies) > 5
    for trial in copies:
        number, epoch = trial.parent
        parent = history.trials[number]
        assert parent.epochs >= epoch
        for before in range(epoch):
            assert trial.recipe.at(before) == parent.recipe.at(before)
        assert trial.recipe.changes[-1][0] == epoch
        assert trial.seed == parent.seed


def test_the_copied_are_the_best_and_those_that_stop_the_worst():
    history = simulated(wants_decay)
    rung = PBT().rungs(FULL)[0]
    ranked = sorted(history.trials[:10], key=lambda t: t.curves.metrics["val_loss"][rung - 1])
    copied = {t.parent[0] for t in history.trials if t.parent and t.parent[1] == rung}
    assert copied <= {t.number for t in ranked[:2]}
    assert {t.epochs for t in ranked[-2:]} == {rung}
    assert all(t.epochs > rung for t in ranked[:-2])


def test_epochs_that_were_copied_count_once():
    history = simulated(wants_decay)
    assert history.epochs == 10 * FULL
    assert sum(t.epochs for t in history.trials) > history.epochs


def test_who_diverges_goes_on_from_a_sound_one():
    def half(recipe, until):
        diverges = recipe.at(0).learning_rate < 0.01 and not recipe.changes
        return (math.nan,) * until if diverges else wants_decay(recipe, until)

    history = simulated(half)
    failed = [t for t in history.trials if t.state == "failed"]
    assert failed
    rung = PBT().rungs(FULL)[0]
    assert len([t for t in history.trials if t.parent and t.parent[1] == rung]) >= len(failed)
    assert history.best.epochs == FULL


def test_what_cannot_change_within_a_training_is_chosen_among_members():
    space = Space({"optimizer": Categorical("adamw", "sgd", "lion")}, Recipe(epochs=FULL))
    history = simulated(lambda recipe, until: (float(len(recipe.optimizer)),) * until, space=space)
    assert all(trial.parent is None for trial in history.trials)
    assert len(history.trials) == 3


def test_another_population_begins_where_budget_is_left():
    history = simulated(wants_decay, epochs=25 * FULL)
    assert len([t for t in history.trials if t.parent is None]) > 10


def test_others_still_at_work_are_waited_for():
    strategy = PBT()
    curves = Curves(metrics={"val_loss": (1.0, 1.0)})
    trials = tuple(
        Trial(n, Recipe(epochs=FULL, dropout=n / 20), 0, "paused", curves=curves) for n in range(9)
    )
    running = Trial(9, Recipe(epochs=FULL, dropout=0.49), 0, "running", until=2)
    history = History((*trials, running), epochs_left=500)
    assert strategy(SPACE, history, np.random.default_rng(0)) == []


@pytest.mark.parametrize("full", [1, 2, 3, 7, 25, 40, 300])
def test_rungs_rise_and_end_at_the_full_length(full: int):
    rungs = PBT().rungs(full)
    assert rungs[-1] == full
    assert all(a < b for a, b in pairwise(rungs))
    assert len(rungs) <= 14
