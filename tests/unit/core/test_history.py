"""A history says which trials there are, which one is best, and what they cost."""

import math
from dataclasses import replace

import pytest

from luthier.core import STATES, Curves, History, Recipe, Trial


def trial(number: int, *losses: float, state: str = "finished") -> Trial:
    return Trial(number, Recipe(), 0, state, curves=Curves(metrics={"val_loss": losses}))


class TestMerge:
    def test_what_changed_replaces_what_was_known_and_what_is_new_follows(self):
        known = History((trial(0, 1.0), trial(1, 2.0)), changed=3, seconds=5.0, decisions=1)
        newer = History((trial(2, 4.0), trial(1, 2.0, 1.5)), changed=7, seconds=9.0, decisions=2)
        merged = known.merge(newer)
        assert merged.trials == (trial(0, 1.0), trial(1, 2.0, 1.5), trial(2, 4.0))
        assert (merged.changed, merged.seconds, merged.decisions) == (7, 9.0, 2)

    def test_nothing_new_leaves_the_trials(self):
        known = History((trial(0, 1.0),), changed=3)
        assert known.merge(replace(known, trials=())) == known


class TestBest:
    def test_it_has_the_lowest_score_or_the_highest(self):
        trials = (trial(0, 1.0), trial(1, 0.5), trial(2, 2.0))
        assert History(trials).best == trials[1]
        assert History(trials, direction="maximize").best == trials[2]

    def test_the_first_among_equals(self):
        assert History((trial(0, 0.5), trial(1, 0.5))).best.number == 0

    def test_a_trial_counts_with_its_best_epoch(self):
        assert History((trial(0, 0.5, 0.4, 3.0), trial(1, 0.45))).best.number == 0

    def test_one_lucky_epoch_of_a_noisy_curve_does_not_choose(self):
        noisy = trial(1, *([0.9] * 10), 0.3, *([0.9] * 21))
        calm = trial(2, *([0.9] * 10), *([0.4] * 22))
        history = History((trial(0, 1.0), noisy, calm))
        assert history.score(noisy) < history.score(calm)
        assert history.best == calm

    @pytest.mark.parametrize("state", [state for state in STATES if state != "failed"])
    def test_it_may_be_in_any_state(self, state: str):
        assert History((trial(0, 1.0), trial(1, 0.5, state=state))).best.number == 1

    def test_but_failed(self):
        assert History((trial(0, 1.0), trial(1, 0.5, state="failed"))).best.number == 0

    def test_a_trial_without_a_number_is_none(self):
        assert History((trial(0), trial(1, math.nan))).best is None
        assert History().best is None


class TestLoss:
    def test_lower_is_better_whatever_the_direction(self):
        history = History(direction="maximize")
        assert history.loss(trial(0, 0.9)) < history.loss(trial(0, 0.8))

    def test_it_can_be_asked_of_the_first_epochs_alone(self):
        history = History()
        assert history.loss(trial(0, 3.0, 2.0, 1.0), epochs=2) == 2.0
        assert history.score(trial(0, 3.0, 2.0, 1.0), epochs=2) == 2.0

    @pytest.mark.parametrize(
        "lost", [trial(0), trial(0, math.nan), trial(0, 0.1, state="failed")], ids=str
    )
    def test_no_score_is_infinitely_bad(self, lost: Trial):
        assert History().loss(lost) == math.inf
        assert History(direction="maximize").loss(lost) == math.inf


def test_all_epochs_count_those_of_failed_and_pruned_trials_too():
    trials = (trial(0, 1, 1), trial(1, 1, state="failed"), trial(2, 1, 1, 1, state="pruned"))
    assert History(trials).epochs == 6


def test_counts_names_every_state():
    counts = History((trial(0, 1), trial(1, 1, state="failed"), trial(2, state="failed"))).counts()
    assert counts == {**dict.fromkeys(STATES, 0), "finished": 1, "failed": 2}
