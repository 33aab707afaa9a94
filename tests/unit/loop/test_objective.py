"""An objective asks for values, reports, is pruned, and fails without ending the study."""

import math
import time
from collections import Counter
from typing import Any

import pytest

from luthier import Pruned, tune
from luthier.core import Curves, History, LuthierError, Recipe, SpaceError, Trial
from luthier.loop.objective import ObjectiveTrial
from luthier.loop.working.worker import GIVE_UP


def asking(number: int = 0, seed: int = 0, history: History | None = None) -> ObjectiveTrial:
    return ObjectiveTrial(number, history or History(seed=seed), lambda rows, params: None)


def run(objective: Any, budget: str = "1 trials", **options: Any) -> History:
    return tune(objective, budget=budget, storage="sqlite://", **options).history


class TestSuggest:
    def test_values_lie_in_their_range(self):
        for number in range(50):
            trial = asking(number)
            assert 1e-4 <= trial.suggest_float("rate", 1e-4, 1e-1, log=True) <= 1e-1
            assert trial.suggest_int("width", 8, 64, step=8) in range(8, 65, 8)
            assert trial.suggest_categorical("kind", ["a", "b"]) in "ab"

    def test_they_are_spread_over_it(self):
        drawn = [asking(number).suggest_int("width", 0, 3) for number in range(800)]
        assert all(150 < count < 250 for count in Counter(drawn).values())
        logs = [math.log10(asking(n).suggest_float("r", 1e-4, 1, log=True)) for n in range(800)]
        assert sum(logs) / len(logs) == pytest.approx(-2, abs=0.15)

    def test_parameters_are_drawn_independently(self):
        trials = [asking(number) for number in range(800)]
        pairs = Counter((t.suggest_int("a", 0, 1), t.suggest_int("b", 0, 1)) for t in trials)
        assert all(150 < count < 250 for count in pairs.values())

    def test_asked_again_it_is_the_same_value(self):
        trial = asking()
        assert trial.suggest_float("rate", 0, 1) == trial.suggest_float("rate", 0, 1)
        assert trial.params == {"rate": trial.suggest_float("rate", 0, 1)}

    def test_the_order_of_asking_changes_nothing(self):
        one, other = asking(), asking()
        first = (one.suggest_float("a", 0, 1), one.suggest_float("b", 0, 1))
        last = (other.suggest_float("b", 0, 1), other.suggest_float("a", 0, 1))
        assert first == last[::-1]

    def test_another_seed_or_number_draws_another_value(self):
        drawn = {asking(n, seed).suggest_float("a", 0, 1) for n in (0, 1) for seed in (0, 1)}
        assert len(drawn) == 4

    def test_another_range_within_a_trial_is_a_mistake(self):
        trial = asking()
        value = trial.suggest_float("rate", 0, 1)
        with pytest.raises(LuthierError) as raised:
            trial.suggest_float("rate", 5, 6)
        assert str(raised.value) == (
            f"parameter 'rate' was {value} within this trial, which does not lie in "
            "Float(low=5, high=6, log=False). Ask with the same range each time."
        )

    def test_an_impossible_range_is_told(self):
        with pytest.raises(SpaceError, match="low <= high"):
            asking().suggest_int("width", 8, 1)

    @pytest.mark.parametrize(
        ("choice", "recorded"),
        [("adam", "adam"), (None, None), ((64, 64), "(64, 64)"), (Recipe, "Recipe")],
        ids=["text", "none", "tuple", "class"],
    )
    def test_a_choice_may_be_anything_and_is_recorded_as_what_it_is_called(self, choice, recorded):
        seen = []

        def objective(trial: ObjectiveTrial) -> float:
            seen.append(trial.suggest_categorical("kind", [choice]))
            trial.report(2.0)
            trial.report(1.0)
            return 1.0

        history = run(objective)
        assert seen == [choice]
        assert history.trials[0].state == "finished"
        assert history.trials[0].recipe.model == {"kind": recorded}


class TestValue:
    def test_a_trials_score_is_what_the_objective_returned(self):
        def objective(trial: ObjectiveTrial) -> float:
            for epoch in range(4):
                trial.report(10.0 - epoch, epoch, train_loss=1.0 / (epoch + 1), f1=0.5)
            return 3.0

        history = run(objective)
        trial = history.trials[0]
        assert trial.epochs == 4
        assert history.score(trial) == 3.0
        assert trial.curves.metrics["reported"] == (10.0, 9.0, 8.0, 7.0)
        assert trial.curves.metrics["f1"] == (0.5,) * 4
        assert trial.curves.train_loss == (1.0, 1 / 2, 1 / 3, 1 / 4)
        assert repr(trial.curves.metrics["value"]) == "(nan, nan, nan, 3.0)"

    def test_without_reports_a_trial_counts_as_one_epoch(self):
        history = run(lambda trial: 2.5)
        assert history.trials[0].epochs == 1
        assert history.score(history.trials[0]) == 2.5

    def test_epochs_that_are_reported_again_change_nothing(self):
        def objective(trial: ObjectiveTrial) -> float:
            for epoch in (0, 1, 2, 1, 2, 3):
                trial.report(float(epoch), epoch)
            return 0.0

        assert run(objective).trials[0].curves.metrics["reported"] == (0.0, 1.0, 2.0, 3.0)

    @pytest.mark.parametrize(("direction", "best"), [("minimize", 0), ("maximize", 3)])
    def test_the_best_trial_is_what_the_direction_says(self, direction: str, best: int):
        history = run(lambda trial: trial.number, "4 trials", direction=direction)
        assert history.best.number == best

    def test_another_direction_is_a_mistake(self):
        with pytest.raises(LuthierError, match="direction 'up' is neither of"):
            run(lambda trial: 0.0, direction="up")


class TestPruning:
    def test_a_pruned_trial_keeps_its_reports_and_has_no_score(self):
        def objective(trial: ObjectiveTrial) -> float:
            trial.report(0.1)
            raise Pruned

        history = run(objective)
        trial = history.trials[0]
        assert (trial.state, trial.epochs, trial.cause) == ("pruned", 1, "the objective ended it")
        assert history.best is None

    def test_it_is_advised_for_what_lies_behind_half_of_the_others(self):
        others = tuple(
            Trial(n, Recipe(), 0, "finished", curves=Curves(metrics={"reported": (float(n),) * 5}))
            for n in range(6)
        )
        for value, advice in [(9.0, True), (0.0, False)]:
            trial = asking(6, history=History(others))
            for _ in range(3):
                trial.report(value)
            assert trial.should_prune() is advice

    def test_it_is_not_advised_at_the_beginning(self):
        trial = asking()
        assert not trial.should_prune()


class TestFaults:
    def history(self, misbehave: Any) -> History:
        def objective(trial: ObjectiveTrial) -> float:
            trial.report(1.0)
            return misbehave() if trial.number == 1 else 1.0

        return run(objective, "3 trials")

    @pytest.mark.parametrize(
        ("misbehave", "cause"),
        [
            (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
            (lambda: math.nan, "nan_loss: the objective returned nan"),
            (lambda: -math.inf, "nan_loss: the objective returned -inf"),
            (lambda: None, "TypeError: float() argument must be"),
        ],
    )
    def test_a_trial_that_fails_is_recorded_and_the_study_goes_on(self, misbehave, cause: str):
        history = self.history(misbehave)
        assert [t.state for t in history.trials] == ["finished", "failed", "finished"]
        assert history.trials[1].cause.startswith(cause)
        assert history.best.number == 0

    @pytest.mark.parametrize("budget", ["1h", "1000 epochs", "1000 trials"])
    @pytest.mark.parametrize("error", [ValueError("wrong"), Pruned()])
    def test_one_that_never_gets_anywhere_ends_the_study(self, budget: str, error: Exception):
        calls = []

        def objective(trial: ObjectiveTrial) -> float:
            calls.append(trial.number)
            raise error

        with pytest.raises(LuthierError, match="ended before their first epoch; the last one:"):
            run(objective, budget)
        assert len(calls) == GIVE_UP

    def test_time_counts_for_trials_that_report_nothing_too(self):
        def objective(trial: ObjectiveTrial) -> float:
            time.sleep(0.02)
            if trial.number < 2:
                raise ValueError
            return 1.0

        history = run(objective, "0.03s")
        assert {t.state for t in history.trials} == {"failed"}
        assert len(history.trials) <= 2
        assert history.seconds >= 0.03


class TestInterrupted:
    def test_what_a_dead_process_began_is_a_failed_trial(self, tmp_path):
        options = {"storage": f"sqlite:///{tmp_path}/runs.db", "study": "own"}

        def interrupted(trial: ObjectiveTrial) -> float:
            trial.report(1.0)
            trial.report(0.5)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            tune(interrupted, budget="2 trials", **options)
        history = tune(lambda trial: 1.0, budget="2 trials", **options).history
        assert [(t.state, t.cause) for t in history.trials] == [
            ("failed", "interrupted"),
            ("finished", None),
        ]

    def test_a_larger_budget_goes_on(self, tmp_path):
        options = {"storage": f"sqlite:///{tmp_path}/runs.db", "study": "own"}
        tune(lambda trial: 1.0, budget="2 trials", **options)
        assert len(tune(lambda trial: 1.0, budget="5 trials", **options).trials) == 5
