"""What a study leaves behind: a storage to look into, and a recipe that trains the same again."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from luthier import tune
from luthier.core import LuthierError, StorageError, StudyNotFoundError
from luthier.loop.handing_over.retrain import retrain
from luthier.loop.show import all_studies, one_study

RECIPE = {"epochs": 3, "batch_size": 16, "model": {"width": 8, "depth": 1}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("handed-over")


@pytest.fixture(scope="module")
def study(folder: Path, data: Any) -> Any:
    found = tune(
        *("mlp", data),
        budget="8 epochs",
        recipe=RECIPE,
        storage=f"sqlite:///{folder}/runs.db",
        study="small",
    )
    found.export(folder / "out")
    return found


class TestRetrain:
    @pytest.fixture
    def edited(self, study: Any, folder: Path, tmp_path: Path) -> Callable[..., Path]:
        """Return what writes the recipe with other values in its run block."""

        def write(**changes: Any) -> Path:
            keys = yaml.safe_load((folder / "out" / "recipe.yaml").read_text())
            keys["run"].update(changes)
            path = tmp_path / "recipe.yaml"
            path.write_text(yaml.safe_dump(keys))
            return path

        return write

    def test_the_run_block_brings_the_reported_score_back(self, study, data, edited, caplog):
        found = retrain(data, edited())
        training, reported = found.training, found.reported
        assert training.score == reported["log_loss"] == study.best.score
        assert training.trial.epochs == study.best.trial.epochs
        assert found.finding is None
        assert caplog.records == []

    def test_a_score_that_does_not_come_back_is_said(self, data, edited):
        found = retrain(data, edited(validation={"log_loss": 0.123}))
        assert found.finding.problem == "retrain_mismatch"
        assert "retrain_mismatch" in found.diagnosis.problems

    def test_other_data_warns_and_promises_nothing(self, data, edited, caplog):
        x, y = data
        with caplog.at_level(logging.WARNING):
            reported = retrain((x + np.float32(1), y), edited()).reported
        assert "the data differs from what" in caplog.text
        assert reported == {}

    def test_another_builder_warns_and_promises_nothing(self, data, edited, caplog):
        with caplog.at_level(logging.WARNING):
            reported = retrain(data, edited(builder="0123456789ab")).reported
        assert "the builder differs from what" in caplog.text
        assert reported == {}

    def test_another_seed_is_another_run_of_the_same_split(self, study, data, edited, caplog):
        found = retrain(data, edited(), seed=7)
        training, reported = found.training, found.reported
        assert training.trial.seed == 7
        assert training.parts.fingerprint == study.parts.fingerprint
        assert reported == {}
        assert caplog.records == []

    def test_another_metric_keeps_other_weights_and_promises_nothing(self, data, edited):
        found = retrain(data, edited(), options={"metric": "accuracy"})
        training, reported = found.training, found.reported
        assert training.score == max(training.trial.curves.metrics["accuracy"])
        assert reported == {}

    def test_options_that_say_the_same_change_nothing(self, data, edited):
        reported = retrain(data, edited(), options={"metric": "log_loss", "target": None}).reported
        assert reported

    def test_a_recipe_without_a_run_block_trains_too(self, data, tmp_path: Path):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({"network": "mlp", **RECIPE}))
        found = retrain(data, path)
        training, reported = found.training, found.reported
        assert (training.trial.state, training.trial.epochs, reported) == ("finished", 3, {})

    def test_a_missing_file_is_told(self, data: Any):
        with pytest.raises(LuthierError, match="no file 'absent"):
            retrain(data, "absent.yaml")


class TestShow:
    def test_all_studies_with_their_trials(self, study: Any, folder: Path):
        ((record, history),) = all_studies(f"sqlite:///{folder}/runs.db")
        assert record == study.record
        assert history.epochs == 8

    def test_one_study(self, study: Any, folder: Path):
        record, history = one_study(f"sqlite:///{folder}/runs.db", "small")
        assert (record.name, len(history.trials)) == ("small", len(study.trials))

    def test_a_study_that_is_not_there_is_told_with_those_that_are(self, study, folder: Path):
        with pytest.raises(StudyNotFoundError, match=r"no study 'large' .* It holds 'small'\."):
            one_study(f"sqlite:///{folder}/runs.db", "large")

    def test_looking_makes_no_storage(self, tmp_path: Path):
        with pytest.raises(StorageError, match="no file"):
            all_studies(f"sqlite:///{tmp_path}/absent.db")
        assert list(tmp_path.iterdir()) == []
