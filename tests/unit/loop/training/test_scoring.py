"""Scores are in the target's own units, and the test part has one name however prepared."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from luthier.core import Arrays, Part, Recipe, Task, Trial
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.training import scoring


def part(target: np.ndarray, weight: np.ndarray | None = None) -> Part:
    rows = np.arange(len(target))
    return Part((np.zeros((len(target), 1), np.float32),), target, weight, rows)


class TestPartScores:
    def test_regression_is_scored_in_the_targets_own_units(self):
        task = Task(
            *("regression", "rmse", "minimize", (1,), 1),
            target_mean=(100.0,),
            target_scale=(10.0,),
            shown=("mae", "r2"),
        )
        scaled = part(np.array([[0.0], [1.0]], np.float32))
        arrays = Arrays(task, scaled, scaled, None, "key")
        scores = scoring.part_scores(arrays, np.array([[0.5], [1.5]]), scaled)
        assert scores["rmse"] == pytest.approx(5.0)
        assert scores["mae"] == pytest.approx(5.0)
        assert scores["r2"] == pytest.approx(0.0)

    def test_classes_are_scored_by_every_metric_the_deciding_one_first(self):
        task = Task("classification", "log_loss", "minimize", (1,), 2, shown=("accuracy",))
        rows = part(np.array([0, 1]))
        arrays = Arrays(task, rows, rows, None, "key")
        scores = scoring.part_scores(arrays, np.array([[5.0, 0.0], [5.0, 0.0]]), rows)
        assert list(scores) == ["log_loss", "accuracy"]
        assert scores["accuracy"] == 0.5

    def test_rows_count_by_their_weight(self):
        task = Task("classification", "accuracy", "maximize", (1,), 2)
        rows = part(np.array([0, 1]), np.array([3.0, 1.0], np.float32))
        arrays = Arrays(task, rows, rows, None, "key")
        outputs = np.array([[5.0, 0.0], [5.0, 0.0]])
        assert scoring.part_scores(arrays, outputs, rows)["accuracy"] == pytest.approx(0.75)


class TestTestScores:
    @pytest.fixture
    def trained(self, parts: Assembly) -> tuple[Assembly, Trial, Any]:
        run = parts.trainer("torch_eager").start(parts.recipe, 0, until=3)
        while not run.ended:
            run.epoch()
        curves, state = run.news()
        return parts, Trial(0, parts.recipe, 0, curves=curves), state

    def test_they_are_those_of_the_best_weights(self, trained: Any):
        parts, trial, state = trained
        swapped = replace(parts.arrays, test=parts.arrays.val)
        scores = scoring.test_scores(parts.framework, parts.build, trial, state, swapped)
        best = trial.curves.score("log_loss", "minimize")
        assert scores["log_loss"] == pytest.approx(best, rel=1e-5)

    def test_without_a_test_part_there_are_none(self, trained: Any):
        parts, trial, state = trained
        for test in (None, part(np.array([], np.int64))):
            arrays = replace(parts.arrays, test=test)
            assert not scoring.test_scores(parts.framework, parts.build, trial, state, arrays)


class TestTestHash:
    def test_it_is_the_same_however_the_rows_are_prepared(self, parts: Assembly):
        one, other = (parts.preparation.arrays(Recipe(preprocessing=p)) for p in ("none", "minmax"))
        assert scoring.test_hash("data", one) == scoring.test_hash("data", other)

    def test_other_rows_or_other_data_have_another_one(self, parts: Assembly, data: Any):
        other = assemble(parts.build.function, data, recipe=parts.recipe, seed=1)
        name = scoring.test_hash("data", parts.arrays)
        assert scoring.test_hash("data", other.arrays) != name
        assert scoring.test_hash("other", parts.arrays) != name

    def test_no_test_part_has_a_name_too(self, parts: Assembly):
        assert scoring.test_hash("data", replace(parts.arrays, test=None))
