"""The last part of a study confirms: fresh seeds, test rows, within a quarter of the budget."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from luthier import Float, Int, LuthierError, Recipe, Study, read, tune
from luthier.core import History
from luthier.loop.proving.confirm import Confirmation
from luthier.loop.show import open_study
from luthier.loop.working.budget import Budget
from luthier.report.html import study_page

RECIPE = Recipe(model={"width": 8, "depth": 1}, epochs=2, batch_size=32, learning_rate=1e-4)
EPOCHS = 48  # 24 full trainings: the fewest that pay for three fresh seeds of both


def run(folder: Path, budget: str = f"{EPOCHS} epochs", **options) -> Study:
    return tune(
        "mlp",
        "iris",
        budget=budget,
        recipe=RECIPE,
        storage=f"sqlite:///{folder}/runs.db",
        study="iris",
        engine="torch_eager",
        **options,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return run(tmp_path_factory.mktemp("undisturbed"))


def trained(history: History) -> list[tuple]:
    return [
        (t.number, t.recipe, t.seed, t.state, t.purpose, t.curves.val_loss) for t in history.trials
    ]


def test_winner_and_baseline_are_trained_with_fresh_seeds_that_chose_nothing(study: Study):
    history = study.history
    confirming = history.confirming
    assert {trial.recipe for trial in confirming} == {study.best.recipe, history.trials[0].recipe}
    assert len(confirming) == 2 * len(study.proof.seeds)
    assert not {t.seed for t in confirming} & {t.seed for t in history.searched.trials}
    assert study.best.trial.purpose == "search"


def test_the_verdict_is_kept_with_the_study(study: Study):
    kept = open_study(study.storage.url, study.name)
    assert kept.proof == study.proof
    assert "<b>Verdict: </b>" in study_page(kept.story(kept.to_json()))


def test_what_rows_add_is_computed_side_by_side_to_the_same(study: Study):
    called = []

    def compute(functions):
        called.append(len(functions))
        return [function(study.parts, study.storage) for function in functions]

    budget, trials = Budget(epochs=EPOCHS), study.history.confirming
    alone = Confirmation(study.record, study.storage, study.parts, budget, lambda plan: True)
    beside = replace(alone, compute=compute, workers=4)
    one, other = alone._contributions(trials), beside._contributions(trials)
    assert called == [4]
    assert len(one) == len(trials) > 4
    assert [rows.tolist() for rows in one] == [rows.tolist() for rows in other]


def test_a_reserve_that_the_search_had_is_told_with_the_budget_that_would_confirm(tmp_path: Path):
    """Nothing had beaten the baseline at twelve trainings but three: the search went on."""
    searched = run(tmp_path, "22 epochs")
    assert "12 full trainings of 2 epochs" in searched.proof.reason
    spent = Budget(epochs=24)
    late = Confirmation(searched.record, searched.storage, searched.parts, spent, lambda _: True)
    reason = late.run().reason
    assert "nothing had beaten the baseline" in reason
    left = late.plan(searched.history, 2).missing(searched.history)[1]
    assert f'--budget "{22 + left} epochs"' in reason


def test_it_takes_a_quarter_of_the_budget_at_most(study: Study):
    assert study.history.epochs <= EPOCHS
    assert 0 < sum(trial.epochs for trial in study.history.confirming) <= EPOCHS / 4
    assert 0 < sum(trial.epochs for trial in study.history.repeating) <= EPOCHS / 4
    assert study.history.searched.epochs >= EPOCHS / 2 - RECIPE.epochs


def test_few_rows_choose_among_finalists_on_further_splits(study: Study):
    """Thirty validation rows rank by luck: the finalists are trained on two further splits."""
    repeating = study.history.repeating
    assert len({trial.seed for trial in repeating}) == 2
    baseline = study.history.trials[0].recipe
    assert {trial.recipe for trial in repeating} >= {study.best.recipe, baseline}
    choice = study.to_json()["choice"]
    assert choice["splits"] == 2
    assert choice["winner"] == study.best.trial.number
    means = {one["trial"]: sum(one["scores"]) for one in choice["finalists"]}
    assert min(means, key=means.get) == choice["winner"]
    assert study.best.trial.purpose == "search"
    keys = {study.parts.preparation.again(trial.seed).splits.key for trial in repeating}
    assert len(keys) == 2
    assert study.parts.preparation.splits.key not in keys


def test_a_split_that_is_given_is_not_drawn_again(tmp_path: Path):
    iris = read("iris")
    x, y = iris.raw["numeric"], iris.raw["target"]
    parts = [(x[first::3], y[first::3]) for first in range(3)]
    study = tune(
        "mlp",
        tuple(parts),
        budget=f"{EPOCHS} epochs",
        recipe=RECIPE,
        storage=f"sqlite:///{tmp_path}/runs.db",
        engine="torch_eager",
    )
    assert study.history.repeating == ()
    assert study.to_json()["choice"] is None


def test_the_verdict_comes_with_all_that_it_rests_on(study: Study):
    data = study.to_json()
    proof = data["proof"]
    assert data["verdict"] in ("better", "worse", "undecided")
    assert data["p_value"] == proof["p_value"]
    assert proof["interval"][0] <= proof["difference"] <= proof["interval"][1]
    assert (data["verdict"] == "better") <= (proof["interval"][0] > 0)
    assert len(proof["best"]) == len(proof["seeds"]) >= 3
    assert data["best"]["seeds"] == [0, *proof["seeds"]]
    low, high = data["best"]["interval"]
    assert low <= sum(proof["best"]) / len(proof["best"]) <= high


def test_the_first_opening_is_confirmatory_and_a_second_one_is_not(tmp_path: Path):
    first = run(tmp_path)
    before = trained(first.history)
    again = run(tmp_path)
    assert (first.proof.openings, again.proof.openings) == (0, 1)
    assert first.proof.confirmatory
    assert not again.proof.confirmatory
    assert trained(again.history) == before  # nothing was trained again
    assert again.proof.verdict == first.proof.verdict


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("moment", [1, 4])
def test_killed_while_it_confirms_it_goes_on_and_ends_the_same(
    study: Study, tmp_path: Path, moment: int
):
    def die(history: History) -> None:
        if sum(trial.epochs > 0 for trial in history.confirming) >= moment:
            os._exit(9)

    child = os.fork()
    if child == 0:
        try:
            run(tmp_path, notify=die)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9, "it ended before it could be killed"
    resumed = run(tmp_path)
    assert trained(resumed.history) == trained(study.history)
    assert resumed.proof.verdict == study.proof.verdict


def test_more_budget_searches_on_and_keeps_what_was_confirmed(tmp_path: Path):
    first = run(tmp_path).history
    more = run(tmp_path, budget=f"{2 * EPOCHS} epochs")
    assert more.history.searched.epochs > first.searched.epochs
    assert more.history.epochs <= 2 * EPOCHS
    for before, after in zip(first.trials, more.history.trials, strict=False):
        assert (before.recipe, before.seed) == (after.recipe, after.seed)
        kept = after.curves.val_loss[: before.epochs]  # what was paused may go on
        assert kept == before.curves.val_loss


def test_a_small_budget_claims_nothing_and_says_what_could_have_been_seen(tmp_path: Path):
    small = run(tmp_path, budget="20 epochs")
    data = small.to_json()
    assert data["verdict"] is None
    assert small.history.confirming == ()
    assert small.history.epochs == 20
    reason = data["proof"]["reason"]
    assert "12 full trainings of 2 epochs" in reason or "baseline" in reason


def test_twelve_full_trainings_pay_for_a_verdict(tmp_path: Path):
    """The first training of the baseline is one of its two."""
    study = run(tmp_path, budget="24 epochs")
    confirming = study.history.confirming
    assert sum(trial.epochs for trial in confirming) <= 24 / 4
    assert study.history.epochs <= 24
    assert study.to_json()["verdict"] in ("better", "worse", "undecided")
    assert study.proof.baseline_seeds == (1, 0)
    assert len(confirming) == 3
    assert study.proof.verdict.level == 0.025


def test_where_the_difference_does_not_matter_the_cheaper_one_is_handed_over(tmp_path: Path):
    wide = RECIPE.replace({"model.width": 9, "learning_rate": 1e-6})
    # Whatever learns at all wins, and has fewer parameters.
    space = {"model.width": Int(3, 4), "learning_rate": Float(0.01, 0.1, log=True)}
    study = tune(
        "mlp",
        "iris",
        budget=f"{EPOCHS} epochs",
        recipe=wide,
        space=space,
        storage=f"sqlite:///{tmp_path}/runs.db",
        engine="torch_eager",
        min_difference=5.0,
    )
    assert study.proof.verdict.verdict == "equivalent"
    assert study.proof.best_cost.parameters < study.proof.baseline_cost.parameters
    assert study.chosen == study.best
    costly = replace(study.proof, best_cost=study.proof.baseline_cost)
    assert costly.choice == "baseline"


@pytest.mark.parametrize("options", [{"min_difference": 0.0}, {"cost": "price"}])
def test_what_is_no_size_or_no_cost_is_refused_before_anything_is_trained(
    options: dict, tmp_path: Path
):
    with pytest.raises(LuthierError, match=r"parameters, latency|above 0"):
        run(tmp_path, **options)
    assert not (tmp_path / "runs.db").exists()
