"""Curves: one value an epoch, gaps as NaN, and the best finite epoch."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core import Curves

NAN, INF = math.nan, math.inf
numbers = st.floats(-1e3, 1e3)


@st.composite
def full_curves(draw: st.DrawFn) -> Curves:
    """Curves with the same series in every epoch."""
    epochs = draw(st.integers(1, 6))
    series = st.lists(numbers, min_size=epochs, max_size=epochs).map(tuple)
    return Curves(
        train_loss=draw(series),
        val_loss=draw(series),
        metrics={"accuracy": draw(series)},
        signals={"gradient_norm/0.weight": draw(series)},
    )


class TestAdding:
    @given(full_curves(), full_curves())
    def test_later_epochs_follow(self, first: Curves, later: Curves):
        both = first + later
        assert len(both) == len(first) + len(later)
        assert both.val_loss == first.val_loss + later.val_loss
        assert both.metrics["accuracy"] == first.metrics["accuracy"] + later.metrics["accuracy"]

    @given(full_curves())
    def test_nothing_adds_nothing(self, curves: Curves):
        assert curves + Curves() == Curves() + curves == curves

    def test_a_series_that_begins_later_has_gaps_before(self):
        both = Curves(val_loss=(1.0, 0.9)) + Curves(val_loss=(0.8,), metrics={"f1": (0.5,)})
        assert both.val_loss == (1.0, 0.9, 0.8)
        assert repr(both.metrics["f1"]) == "(nan, nan, 0.5)"

    def test_a_series_that_ends_early_has_gaps_after(self):
        both = Curves(val_loss=(1.0,), penalty=(0.1,)) + Curves(val_loss=(0.8,))
        assert repr(both.penalty) == "(0.1, nan)"


class TestEpochs:
    @given(full_curves())
    def test_curves_are_their_epochs(self, curves: Curves):
        assert Curves.from_epochs(curves.epochs()) == curves

    def test_no_epochs_are_empty_curves(self):
        assert Curves.from_epochs([]) == Curves()
        assert len(Curves()) == 0

    def test_an_epoch_holds_what_was_observed_in_it(self):
        curves = Curves(train_loss=(1.0, 0.5), val_loss=(0.7,), metrics={"f1": (0.1, 0.2)})
        assert curves.epoch(1) == {"train_loss": 0.5, "metrics": {"f1": 0.2}, "signals": {}}

    def test_gaps_become_nan(self):
        rows = [{"metrics": {"f1": 0.5}}, {"val_loss": 1.0}, {"metrics": {"f1": 0.6}}]
        curves = Curves.from_epochs(rows)
        assert repr(curves.metrics) == "{'f1': (0.5, nan, 0.6)}"
        assert repr(curves.val_loss) == "(nan, 1.0, nan)"
        assert len(curves) == 3

    @given(full_curves(), st.integers(0, 8))
    def test_upto_is_the_beginning(self, curves: Curves, epochs: int):
        beginning = curves.upto(epochs)
        assert len(beginning) == min(epochs, len(curves))
        assert beginning.train_loss == curves.train_loss[:epochs]
        assert Curves.from_epochs([*beginning.epochs(), *curves.epochs()[epochs:]]) == curves


class TestBestEpoch:
    @pytest.mark.parametrize(
        ("values", "direction", "epoch"),
        [
            ((0.5, 0.4, 0.6), "minimize", 2),
            ((0.5, 0.4, 0.6), "maximize", 3),
            ((0.5, 0.4, 0.4), "minimize", 2),
            ((0.5, 0.6, 0.6), "maximize", 2),
            ((NAN, 0.4, NAN), "minimize", 2),
            ((INF, 0.4), "maximize", 2),
            ((-INF, 0.4), "minimize", 2),
            ((0.0, -0.0), "minimize", 1),
            ((NAN, INF), "minimize", None),
            ((), "minimize", None),
        ],
    )
    def test_it_is_the_first_of_the_best_finite_ones(self, values, direction, epoch):
        curves = Curves(metrics={"score": values})
        assert curves.best_epoch("score", direction) == epoch
        assert curves.score("score", direction) == (None if epoch is None else values[epoch - 1])

    def test_a_metric_that_was_not_observed_has_none(self):
        assert Curves(val_loss=(1.0,)).best_epoch("accuracy", "maximize") is None


class TestFinite:
    @pytest.mark.parametrize(
        ("curves", "finite"),
        [
            (Curves(train_loss=(1.0,), val_loss=(1.0,)), True),
            (Curves(train_loss=(NAN, 1.0), val_loss=(1.0, 1.0)), True),
            (Curves(train_loss=(1.0, NAN), val_loss=(1.0, 1.0)), False),
            (Curves(train_loss=(1.0,), val_loss=(INF,)), False),
            (Curves(metrics={"accuracy": (NAN,)}), True),
            (Curves(), True),
        ],
    )
    def test_it_is_about_the_losses_of_the_last_epoch(self, curves: Curves, finite: bool):
        assert curves.finite is finite


class TestSteady:
    @given(st.lists(numbers, min_size=1, max_size=15))
    def test_short_curves_have_their_score(self, losses: list[float]):
        curves = Curves(metrics={"rmse": tuple(losses)})
        for direction in ("minimize", "maximize"):
            score = curves.score("rmse", direction)
            assert curves.steady("rmse", direction) == pytest.approx(score)

    def test_a_lucky_epoch_counts_as_one_of_those_around_it(self):
        losses = (*([1.0] * 20), 0.3, *([1.0] * 19))
        assert Curves(metrics={"rmse": losses}).steady("rmse", "minimize") == pytest.approx(0.86)

    @given(st.integers(16, 100), st.floats(0.01, 10.0))
    def test_a_curve_that_still_falls_has_its_last_value(self, epochs: int, slope: float):
        losses = tuple(slope * (epochs - epoch) for epoch in range(epochs))
        assert Curves(metrics={"rmse": losses}).steady("rmse", "minimize") == pytest.approx(slope)

    def test_what_is_no_number_is_left_out(self):
        losses = (*([1.0] * 20), 0.3, NAN, *([1.0] * 19))
        curves = Curves(metrics={"rmse": losses})
        assert curves.steady("rmse", "minimize", share=1 / 41) == pytest.approx(0.3)
        assert Curves(metrics={"rmse": (NAN, INF)}).steady("rmse", "minimize") is None
