"""A budget is read from words and never exceeded, whatever is planned."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import Curves, History, LuthierError, Recipe, Step, Trial
from luthier.loop.working.budget import Budget

INF = math.inf


def history(*epochs: int, until: int = 0, seconds: float = 0.0) -> History:
    """Return a history of trials with so many epochs each."""
    trials = [
        Trial(i, Recipe(), 0, "paused", curves=Curves(val_loss=(1.0,) * n), until=until)
        for i, n in enumerate(epochs)
    ]
    return History(tuple(trials), seconds=seconds)


class TestParse:
    @pytest.mark.parametrize(
        ("text", "budget"),
        [
            ("5m", Budget(seconds=300)),
            ("90s", Budget(seconds=90)),
            ("1.5h", Budget(seconds=5400)),
            ("2 d", Budget(seconds=172_800)),
            ("10 min", Budget(seconds=600)),
            ("30 sec", Budget(seconds=30)),
            ("600 epochs", Budget(epochs=600)),
            ("600epochs", Budget(epochs=600)),
            ("1 epoch", Budget(epochs=1)),
            ("1 Trial", Budget(trials=1)),
            (" 50 trials , 1h ", Budget(trials=50, seconds=3600)),
            ("5m,600 epochs,50 trials", Budget(300, 600, 50)),
        ],
    )
    def test_what_is_read(self, text: str, budget: Budget):
        assert Budget.parse(text) == budget

    @pytest.mark.parametrize(
        "text",
        [
            *("", "5", "m", "0s", "0 epochs", "-5m", "5x", "5m,", "five m", "5m 3s", "nan s"),
            *("1e3 epochs", "0.5 epochs", "2.5 trials"),
        ],
    )
    def test_anything_else_is_answered_with_what_to_write(self, text: str):
        with pytest.raises(LuthierError) as raised:
            Budget.parse(text)
        assert str(raised.value) == (
            f"cannot read the budget '{text}'. Write a time, a number of epochs (in all, over all "
            'trials) or of trials, or several with commas: --budget 5m, --budget "600 epochs", '
            '--budget "50 trials, 1h".'
        )


class TestSpent:
    def test_time_and_epochs_end_a_study_and_trials_do_not(self):
        done = history(3, 4, seconds=10.0)
        assert Budget(seconds=10).spent(done)
        assert Budget(epochs=7).spent(done)
        assert not Budget(seconds=11, epochs=8, trials=1).spent(done)

    def test_without_a_limit_it_never_is(self):
        assert not Budget().spent(history(1000, seconds=1e9))


class TestLeft:
    def test_epochs_and_trials_are_counted(self):
        left = Budget(epochs=10, trials=3).left(history(3, 4))
        assert (left.epochs_left, left.trials_left) == (3, 1)

    def test_what_is_planned_already_is_not_left(self):
        assert Budget(epochs=10).left(history(2, until=6)).epochs_left == 4

    def test_time_counts_as_epochs_at_the_pace_so_far(self):
        assert Budget(seconds=60).left(history(5, seconds=10.0)).epochs_left == 25

    def test_the_nearer_limit_counts(self):
        assert Budget(seconds=60, epochs=8).left(history(5, seconds=10.0)).epochs_left == 3

    def test_before_the_first_epoch_time_says_nothing(self):
        assert Budget(seconds=60).left(History()).epochs_left == INF

    def test_overspent_nothing_is_left(self):
        left = Budget(seconds=1, epochs=1, trials=1).left(history(5, 5, seconds=10.0))
        assert (left.epochs_left, left.trials_left) == (0, 0)

    def test_the_trials_stay(self):
        assert Budget(epochs=9).left(history(1, 2)).trials == history(1, 2).trials


class TestAfford:
    def test_the_last_step_is_shortened(self):
        steps = [Step(8), Step(8), Step(8)]
        assert Budget(epochs=10).afford(steps, History()) == [Step(8), Step(2)]

    def test_a_trial_that_goes_on_costs_what_is_new(self):
        steps = [Step(9, trial=0), Step(9, trial=1)]
        assert Budget(epochs=14).afford(steps, history(3, 3)) == [
            Step(9, trial=0),
            Step(5, trial=1),
        ]

    def test_trials_limit_new_ones_alone(self):
        steps = [Step(2), Step(9, trial=0), Step(2)]
        assert Budget(trials=2).afford(steps, history(3)) == [Step(2), Step(9, trial=0)]

    def test_what_is_planned_already_is_paid_for(self):
        assert Budget(epochs=10).afford([Step(8)], history(2, until=6)) == [Step(4)]

    @given(
        st.integers(1, 60),
        st.integers(1, 12),
        st.lists(st.integers(0, 9), max_size=5),
        st.lists(st.tuples(st.booleans(), st.integers(1, 12)), max_size=12),
        st.integers(0, 12),
    )
    def test_it_is_never_exceeded(self, epochs, trials, reached, wanted, until):
        done = history(*reached, until=until)
        steps = [
            Step(n) if new or i >= len(reached) else Step(n, trial=i)
            for i, (new, n) in enumerate(wanted)
        ]
        budget = Budget(epochs=epochs, trials=trials)
        paid = budget.afford(steps, done)
        cost = sum(s.until - (0 if s.trial is None else reached[s.trial]) for s in paid)
        new = sum(step.trial is None for step in paid)
        assert cost <= max(epochs - done.epochs - done.planned, 0)
        assert new <= max(trials - len(reached), 0)
        assert all(s.until > (0 if s.trial is None else reached[s.trial]) for s in paid)

    @given(st.lists(st.builds(Step, st.integers(1, 12)), max_size=12))
    def test_without_a_limit_everything_is_paid_for(self, steps):
        assert Budget().afford(steps, History()) == steps
