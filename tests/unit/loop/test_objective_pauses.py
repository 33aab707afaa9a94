"""Trials of an objective pause, go on where they were, and survive their process."""

import json
from pathlib import Path
from typing import Any

import pytest

from luthier import Pruned, tune
from luthier.core import (
    Categorical,
    Curves,
    History,
    LuthierError,
    Recipe,
    Space,
    StudyRecord,
    Trial,
)
from luthier.loop.objective import ObjectiveTrial, checkpoint_folder
from luthier.loop.objective.asked import merged, space_so_far
from luthier.loop.working.worker import STORE_EVERY

LENGTH = 16


class Loop:
    """A loop that saves what it needs below its checkpoint_dir, as a user's would."""

    def __init__(self, length: int = LENGTH) -> None:
        self.length = length
        self.began: list[tuple[int, int]] = []
        self.trained: list[tuple[int, int]] = []

    def __call__(self, trial: Any) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
        file = trial.checkpoint_dir / "state.json"
        self.began.append((trial.number, trial.start_step))
        value = json.loads(file.read_text()) if trial.start_step else 1.0
        for epoch in range(trial.start_step, self.length):
            value = value * (1 - 0.3 * rate)
            self.trained.append((trial.number, epoch))
            file.write_text(json.dumps(value))
            trial.report(value, epoch)
            if trial.should_prune():
                raise Pruned
        return value


def run(objective: Any, budget: str, where: str = "sqlite://", **options: Any) -> Any:
    return tune(objective, budget=budget, storage=where, study="own", **options)


class TestPauses:
    def test_trials_pause_at_rungs_and_the_good_ones_go_on(self):
        loop = Loop()
        history = run(loop, "128 epochs").history
        assert history.counts()["paused"] > 3
        assert history.counts()["finished"] >= 2
        assert len(history.trials) > 8, "more trials than 128 epochs of whole ones"
        assert history.best is not None
        assert history.best.recipe.model["rate"] > 0.3

    def test_no_epoch_is_trained_twice_and_none_is_left_out(self):
        loop = Loop()
        history = run(loop, "100 epochs").history
        assert len(set(loop.trained)) == len(loop.trained) == history.epochs == 100
        for trial in history.trials:
            values = trial.curves.metrics["reported"]
            rate = trial.recipe.model["rate"]
            assert values == pytest.approx(
                [(1 - 0.3 * rate) ** (n + 1) for n in range(len(values))]
            )

    def test_the_first_trial_trains_to_its_end(self):
        loop = Loop()
        run(loop, "40 epochs")
        assert [step for number, step in loop.began if number == 0] == [0]

    def test_what_reached_its_last_epoch_returns_its_value_though_the_budget_is_spent(self):
        history = run(Loop(), "96 epochs").history
        ended = [t for t in history.trials if t.epochs == LENGTH]
        assert {t.state for t in ended} == {"finished"}

    def test_the_same_seed_does_the_same(self):
        one, other = (run(Loop(), "64 epochs").history for _ in range(2))
        assert [t.recipe for t in one.trials] == [t.recipe for t in other.trials]
        assert [t.curves.metrics for t in one.trials[:3]] != []

    @pytest.mark.parametrize("strategy", ["halving", "hyperband", "tpe", "sobol", "random", "grid"])
    def test_every_strategy_drives_it(self, strategy: str):
        history = run(Loop(), "80 epochs", strategy=strategy).history
        assert history.epochs == 80
        assert history.best is not None

    def test_without_curves_trials_are_whole(self):
        history = run(lambda t: (t.suggest_float("x", 0, 1) - 0.3) ** 2, "30 trials").history
        assert {t.state for t in history.trials} == {"finished"}
        assert history.score(history.best) < 0.01

    def test_a_loop_that_cannot_go_on_is_never_paused(self):
        def objective(trial: Any) -> float:
            x = trial.suggest_float("x", 0, 1)
            for epoch in range(4):
                trial.report(x + 1 / (epoch + 1), epoch)
                if trial.should_prune():
                    raise Pruned
            return x

        states = {t.state for t in run(objective, "20 trials").history.trials}
        assert states <= {"finished", "pruned"}
        assert "finished" in states

    def test_steps_are_the_users_own(self):
        starts = []

        def objective(trial: Any) -> float:
            x = trial.suggest_float("x", 0, 1)
            assert trial.checkpoint_dir.is_dir()
            starts.append(trial.start_step)
            for step in range(trial.start_step, 800):
                if step % 100 == 99:
                    trial.report(x / step, step)
                    if trial.should_prune():
                        raise Pruned
            return x

        history = run(objective, "40 epochs").history
        assert {start % 100 for start in starts} == {0}
        assert max(starts) >= 200
        assert history.trials[0].epochs == 8


class TestKilled:
    def test_a_trial_goes_on_after_its_process_was_stopped(self, tmp_path: Path):
        where = f"sqlite:///{tmp_path}/runs.db"
        loop = Loop()

        class Power(BaseException):
            """As good as kill -9: nothing handles it."""

        def dies(trial: Any) -> float:
            if trial.number == 0:
                report = trial.report

                def failing(value: float, step: int) -> None:
                    report(value, step)
                    if step == 5:
                        raise Power

                trial.report = failing
            return loop(trial)

        with pytest.raises(Power):
            run(dies, "1 trials", where)
        history = run(loop, "1 trials", where).history
        assert history.trials[0].state == "finished"
        assert history.trials[0].epochs == LENGTH
        first, second = (step for number, step in loop.began if number == 0)
        assert first == 0
        assert 0 < second <= 5
        assert (tmp_path / "luthier-checkpoints" / "own" / "trial-0" / "state.json").exists()

    def test_a_second_command_knows_what_the_first_was_asked(self, tmp_path: Path):
        where = f"sqlite:///{tmp_path}/runs.db"
        run(Loop(), "32 epochs", where)
        study = run(Loop(), "96 epochs", where)
        assert study.history.epochs == 96
        assert study.record.about["asked"] == {"rate": {"float": [1e-4, 1.0], "log": True}}


class TestTrial:
    def test_no_folder_without_a_study(self):
        trial = ObjectiveTrial(0, History(), lambda rows, state: None)
        with pytest.raises(LuthierError, match=r"luthier\.tune"):
            _ = trial.checkpoint_dir

    def test_the_state_is_kept_about_once_a_second(self, tmp_path: Path):
        kept = []
        trial = ObjectiveTrial(
            0, History(), lambda rows, state: kept.append(state), folder=tmp_path
        )
        assert trial.checkpoint_dir == tmp_path
        for value in range(50):
            trial.report(float(value))
        assert sum(state is not None for state in kept) == 1, "all this took less than a second"
        assert STORE_EVERY == 1.0

    def test_a_start_is_the_first_trials(self):
        seen = []

        def objective(trial: Any) -> float:
            kind = trial.suggest_categorical("kind", ["a", "b"])
            seen.append((trial.suggest_float("rate", 0, 1), kind))
            return 0.0

        run(objective, "3 trials", recipe={"rate": 0.25, "kind": "b"})
        assert seen[0] == (0.25, "b")
        assert len({rate for rate, _ in seen}) == 3

    def test_a_start_that_is_no_mapping_is_a_mistake(self):
        with pytest.raises(LuthierError, match="by name"):
            run(lambda trial: 0.0, "1 trials", recipe="recipe.yaml")


class TestSpace:
    def test_it_is_unknown_until_a_trial_has_ended(self):
        record = StudyRecord("s", "value", "minimize", Space({}), about={"asked": {}})
        assert space_so_far(record, History()) is None

    def test_a_full_training_is_the_longest_so_far(self):
        curves = [Curves(metrics={"value": (1.0,) * n}) for n in (3, 5, 9)]
        trials = tuple(
            Trial(n, Recipe(model={"x": 0.5}), 0, state, curves=c)
            for n, (state, c) in enumerate(
                zip(("finished", "finished", "pruned"), curves, strict=True)
            )
        )
        asked = {"asked": {"x": {"float": [0, 1]}}}
        record = StudyRecord("s", "value", "minimize", Space({}), about=asked)
        space = space_so_far(record, History(trials))
        assert space is not None
        assert space.baseline.epochs == 5
        assert list(space.parameters) == ["model.x"]

    def test_choices_that_are_called_alike_are_left_out(self):
        twice = Categorical((1, 2), "(1, 2)")
        assert merged({}, {"kind": twice})["asked"] == {}


@pytest.mark.parametrize(
    ("url", "end"),
    [
        ("sqlite:///runs.db", "luthier-checkpoints/own"),
        ("sqlite:////data/runs.db", "/data/luthier-checkpoints/own"),
        ("postgresql://host/db", "luthier-checkpoints/own"),
    ],
)
def test_checkpoints_lie_beside_the_storage(url: str, end: str):
    assert checkpoint_folder(url, "own").as_posix().endswith(end)


def test_a_study_in_memory_has_its_checkpoints_among_temporary_files():
    assert checkpoint_folder("sqlite://", "own").is_dir()
