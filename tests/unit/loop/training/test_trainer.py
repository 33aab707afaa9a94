"""A training says when it has ended, and why; what a network raises is its own cause."""

import math
from typing import Any

import pytest

from luthier.core import Curves, Recipe
from luthier.loop.training.trainer import TrialError, TrialRun

GOAL = ("log_loss", "minimize")


def after(*losses: float, until: int = 10, patience: int | None = None) -> TrialRun:
    """Return a training that went so far."""
    curves = Curves(train_loss=losses, val_loss=losses, metrics={"log_loss": losses})
    recipe = Recipe(epochs=10, early_stopping=patience)
    return TrialRun(None, recipe, GOAL, until, curves, lambda epochs, seconds: None)  # type: ignore[arg-type]


class TestEnd:
    @pytest.mark.parametrize(
        ("run", "ended", "outcome"),
        [
            (after(), False, "paused"),
            (after(1.0, 0.9), False, "paused"),
            (after(1.0, 0.9, until=2), True, "paused"),
            (after(*[1.0] * 10), True, "finished"),
            (after(1.0, math.nan), True, "failed"),
            (after(math.inf), True, "failed"),
            (after(math.nan, 1.0), False, "paused"),
            (after(*[1.0] * 9, math.nan), True, "failed"),
            (after(0.5, 0.6, 0.7, patience=2), True, "finished"),
            (after(0.5, 0.6, 0.7, patience=3), False, "paused"),
            (after(0.5, 0.6, 0.4, patience=2), False, "paused"),
            (after(0.5, 0.5, 0.5, patience=2), True, "finished"),
            (after(0.5, 0.6, 0.7), False, "paused"),
        ],
        ids=lambda value: str(value.curves.val_loss) if isinstance(value, TrialRun) else None,
    )
    def test_when_and_how_it_ends(self, run: TrialRun, ended: bool, outcome: str):
        assert run.ended is ended
        assert run.outcome()[0] == outcome

    def test_a_failure_has_a_cause_and_nothing_else_has(self):
        assert after(1.0, math.nan).outcome()[1] == (
            "nan_loss: the loss is not a number after epoch 2"
        )
        assert after(1.0).outcome()[1] is None


class TestTraining:
    def test_it_goes_on_an_epoch_at_a_time_to_where_it_shall(self, parts: Any):
        run, lengths = parts.trainer("torch_eager").start(parts.recipe, 0, until=3), []
        while not run.ended:
            run.epoch()
            lengths.append(len(run.curves))
        assert lengths == [1, 2, 3]
        assert run.outcome() == ("paused", None)
        assert run.curves.val_loss[2] < run.curves.val_loss[0]

    def test_news_are_told_once(self, parts: Any):
        run = parts.trainer("torch_eager").start(parts.recipe, 0, until=3)
        run.epoch()
        first, _ = run.news()
        run.epoch()
        run.epoch()
        later, state = run.news()
        assert first + later == run.curves
        assert (len(first), len(later), len(run.news()[0])) == (1, 2, 0)
        assert state.extra["epoch"] == 3

    def test_from_a_state_it_goes_on_bit_for_bit(self, parts: Any):
        whole = parts.trainer("torch_eager").start(parts.recipe, 0, until=4)
        for _ in range(4):
            whole.epoch()
        begun = parts.trainer("torch_eager").start(parts.recipe, 0, until=2)
        begun.epoch()
        begun.epoch()
        curves, state = begun.news()
        rest = parts.trainer("torch_eager").start(parts.recipe, 0, 4, curves, state)
        assert rest.news()[0] == Curves()
        rest.epoch()
        rest.epoch()
        assert rest.curves.val_loss == whole.curves.val_loss

    def test_a_state_that_has_arrived_trains_nothing(self, parts: Any):
        run = parts.trainer("torch_eager").start(parts.recipe, 0, 2, Curves(val_loss=(1.0, 0.9)))
        assert run.ended


class TestFaults:
    def start(self, parts: Any, **changes: Any) -> TrialRun:
        return parts.trainer("torch_eager").start(parts.recipe.replace(changes), 0, until=2)

    @pytest.mark.parametrize(
        ("fault", "cause"),
        [
            ("raises", "ValueError: it does not train"),
            ("out of memory", "out_of_memory: DefaultCPUAllocator: can't allocate memory"),
        ],
    )
    def test_what_a_network_raises_in_training_is_the_trials_cause(self, parts, fault, cause):
        run = self.start(parts, **{"model.fault": fault})
        with pytest.raises(TrialError, match=cause):
            run.epoch()
        assert len(run.curves) == 0

    def test_a_loss_that_is_no_number_is_an_outcome_and_no_error(self, parts: Any):
        run = self.start(parts, **{"model.fault": "nan"})
        run.epoch()
        assert run.diverged
        assert run.ended

    @pytest.mark.parametrize(
        ("changes", "cause"),
        [
            ({"model.fault": "never built"}, "raised TypeError: it cannot be built"),
            ({"model.widht": 3}, "has no argument 'widht'"),
            ({"optimizer": "adamm"}, "adamm"),
        ],
    )
    def test_a_network_that_cannot_begin_is_the_trials_cause(self, parts, changes, cause):
        with pytest.raises(TrialError, match=cause):
            self.start(parts, **changes)

    def test_pythons_own_word_for_memory_counts_too(self, parts: Any):
        from luthier.loop.training.trainer import trial_errors

        with pytest.raises(TrialError, match="out_of_memory: 8 GB"), trial_errors():
            raise MemoryError("8 GB")

    def test_a_wish_to_stop_is_no_trials_cause(self):
        from luthier.loop.training.trainer import trial_errors

        with pytest.raises(KeyboardInterrupt), trial_errors():
            raise KeyboardInterrupt
