"""What networks may cost is read, measured and kept."""

import pytest
import torch

import luthier
from luthier.core import OVER, Bound, Curves, Goal, LuthierError, Recipe
from luthier.loop.limits import Limits, read_limits


def wine(**options):
    options = {"budget": "60 epochs", "storage": "sqlite://", "engine": "torch_eager", **options}
    return luthier.tune("mlp", "wine", **options)


class TestReading:
    def test_names_have_short_forms(self):
        found = read_limits({"params": 10, "latency": 2}, ["training_time"], ())
        assert found.most == {"parameters": 10.0, "latency_ms": 2.0}
        assert found.goals == (Goal("training_seconds"),)

    def test_a_metric_knows_its_direction(self):
        found = read_limits(None, ["accuracy", "log_loss"], ["accuracy", "log_loss"])
        assert [goal.direction for goal in found.goals] == ["maximize", "minimize"]

    def test_an_objective_may_trade_whatever_it_reports(self):
        found = read_limits(None, {"throughput": "maximize"}, None)
        assert found.goals == (Goal("throughput", "maximize"),)

    def test_a_metric_is_limited_on_its_bad_side(self):
        known = ["accuracy", "log_loss"]
        found = read_limits(["accuracy=0.9", "log_loss<=0.3", "params=10"], None, known)
        assert found.bounds == (
            Bound("accuracy", "maximize", 0.9),
            Bound("log_loss", "minimize", 0.3),
        )
        assert found.most == {"parameters": 10.0}
        assert read_limits({"accuracy": 0.9}, None, known).bounds == found.bounds[:1]

    def test_an_objective_says_which_side_of_a_number_is_good(self):
        found = read_limits(["size<=100", "throughput>=3"], None, None)
        assert found.bounds == (
            Bound("size", "minimize", 100.0),
            Bound("throughput", "maximize", 3.0),
        )
        with pytest.raises(LuthierError, match="the objective alone knows"):
            read_limits({"size": 100}, None, None)

    @pytest.mark.parametrize(
        ("limits", "objectives", "told"),
        [
            (["parms=3"], None, "'parms' is nothing that can be limited"),
            (["accuracy<=0.9"], None, "Write --limit 'accuracy>=0.9'"),
            (["accuracy=high"], None, "'high' is no number"),
            (["params>=9"], None, "nobody wants a network that costs at least"),
            (["params"], None, "names no value"),
            (["params=many"], None, "'many' is no number above 0"),
            (["params=-1"], None, "'-1' is no number above 0"),
            (None, ["beauty"], "nobody measures 'beauty' here"),
            (None, {"accuracy": "up"}, "Write 'minimize' or 'maximize'"),
        ],
    )
    def test_mistakes_are_told(self, limits, objectives, told):
        with pytest.raises(LuthierError, match=told):
            read_limits(limits, objectives, ["accuracy"])

    def test_a_record_keeps_them(self):
        asked = read_limits(["params=1e5", "accuracy=0.9"], ["accuracy"], ["accuracy"])
        assert asked.to_json() == {
            "limits": {"parameters": 1e5},
            "goals": [["accuracy", "maximize"]],
            "bounds": [["accuracy", "maximize", 0.9]],
        }
        assert Limits().to_json() == {}


class TestKept:
    def test_no_network_over_the_limit_is_trained_an_epoch(self):
        study = wine(
            limits={"parameters": 900}, budget="80 epochs", recipe={"model": {"width": 16}}
        )
        over = [t for t in study.trials if str(t.cause).startswith(OVER)]
        assert over
        assert {t.epochs for t in over} == {0}
        sound = [t for t in study.trials if t.epochs]
        assert all(t.curves.signals["parameters"][0] <= 900 for t in sound)
        assert any(note.startswith(f"{len(over)} of") for note in study.summary.notes)

    def test_a_default_that_is_too_large_makes_room(self):
        study = wine(limits=["params=900"])
        first = study.trials[0]
        assert first.curves.signals["parameters"][0] <= 900
        assert any("began the search" in note for note in study.summary.notes)

    def test_a_start_of_the_users_own_is_not_changed_silently(self):
        with pytest.raises(LuthierError, match="the recipe to start from is over the limit"):
            wine(limits=["params=90"], recipe={"model": {"width": 64}})

    def test_a_limit_that_nothing_keeps_is_told(self):
        with pytest.raises(LuthierError, match="so was each of"):
            wine(limits=["params=3"])

    def test_a_training_that_takes_too_long_ends_after_three_epochs(self):
        study = wine(limits={"training_seconds": 1e-4}, recipe={"epochs": 10})
        assert {t.epochs for t in study.trials} == {3}
        assert str(study.trials[0].cause).startswith(f"{OVER}: training_seconds")

    def test_the_first_epochs_do_not_tell_yet(self):
        limits = Limits({"training_seconds": 1.0})
        assert limits.too_slow(Curves(seconds=(9.0, 9.0)), Recipe(epochs=9)) is None
        assert limits.too_slow(Curves(seconds=(9.0, 0.1, 0.1)), Recipe(epochs=9)) is None

    def test_latency_is_that_of_one_row(self):
        study = wine(objectives=["latency_ms"], budget="20 epochs")
        latency = study.trials[0].curves.signals["latency_ms"]
        assert len(set(latency)) == 1
        assert 0 < latency[0] < 1000

    def test_a_network_in_training_mode_could_not_answer_one_row(self):
        def build(n_features, n_outputs):
            return torch.nn.Sequential(
                torch.nn.Linear(n_features, 8),
                torch.nn.BatchNorm1d(8),
                torch.nn.Linear(8, n_outputs),
            )

        options = {"budget": "4 epochs", "storage": "sqlite://", "objectives": ["latency_ms"]}
        assert luthier.tune(build, "wine", **options).trials[0].epochs

    def test_without_limits_nothing_is_measured(self):
        assert "parameters" not in wine(budget="4 epochs").trials[0].curves.signals

    def test_the_winner_keeps_a_limit_on_another_metric_where_any_trial_does(self):
        study = wine(limits={"log_loss": 0.2}, metric="accuracy", budget="80 epochs")
        best, history = study.best.trial, study.history
        kept = [t for t in history.searched.trials if not history.excess(t) and t.epochs]
        assert (history.excess(best) == 0) == bool(kept)
        assert history.rank(best) == min(map(history.rank, history.searched.trials))
        assert any("the limit log_loss <= 0.2" in note for note in study.summary.notes)

    def test_a_study_that_goes_on_keeps_limits_that_are_not_said_again(self, tmp_path):
        options = {"storage": f"sqlite:///{tmp_path}/s.db", "metric": "accuracy"}
        wine(limits=["roc_auc=0.9"], budget="20 epochs", **options)
        study = wine(budget="40 epochs", **options)
        assert all("roc_auc" in t.curves.metrics for t in study.trials if t.epochs)
        assert study.history.bounds == (Bound("roc_auc", "maximize", 0.9),)
        # What a story says to type asks for them again, for whoever begins anew.
        told = [command for command, _ in study.story({}).commands]
        assert any("--limit 'roc_auc>=0.9'" in command for command in told)

    def test_where_no_trial_keeps_it_the_nearest_wins(self):
        study = wine(limits={"log_loss": 1e-9}, metric="accuracy", budget="40 epochs")
        nearest = min(study.history.searched.trials, key=study.history.excess)
        assert study.best.trial == nearest
        assert any("breaks the limit" in note for note in study.summary.notes)

    def test_so_does_that_of_an_objective(self):
        def objective(trial):
            width = trial.suggest_int("width", 1, 64)
            for epoch in range(3):
                trial.report(1 / width, epoch, size=width)
            return 1 / width

        options = {"storage": "sqlite://", "limits": ["size<=20"]}
        study = luthier.tune(objective, budget="12 trials", **options)
        small = [t.recipe.model["width"] for t in study.trials if t.recipe.model["width"] <= 20]
        assert study.best.recipe.model["width"] == max(small)


class TestFront:
    def test_a_study_shows_it(self):
        study = wine(objectives=["parameters"], budget="64 epochs", recipe={"epochs": 8})
        values = [one.values for one in study.front]
        assert values
        assert [v["parameters"] for v in values] == sorted(
            (v["parameters"] for v in values), reverse=True
        )
        assert study.front[0].trial == study.best.trial
        data = study.to_json()["front"]
        assert [one["trial"] for one in data] == [one.trial.number for one in study.front]

    def test_so_does_that_of_an_objective(self):
        def objective(trial):
            width = trial.suggest_int("width", 1, 64, log=True)
            for epoch in range(4):
                trial.report(1 / width + 1 / (epoch + 1), epoch, size=width)
            return 1 / width + 0.25

        study = luthier.tune(
            objective, budget="12 trials", storage="sqlite://", objectives=["size"]
        )
        assert len(study.front) > 3

    def test_one_objective_has_none(self):
        assert wine(budget="4 epochs").to_json()["front"] is None
