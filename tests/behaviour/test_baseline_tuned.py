"""--baseline-tuned: two searches with the same budget, one claim."""

from pathlib import Path

import pytest

import luthier
from luthier import Float, Int
from luthier.catalog.nuisance import NUISANCE

RECIPE = {"epochs": 2, "batch_size": 16, "model": {"width": 4, "depth": 1}}
SPACE = {"learning_rate": Float(1e-4, 1e-1, log=True), "model.width": Int(4, 32)}


def run(folder: Path, space: dict = SPACE, budget: str = "64 epochs") -> luthier.Study:
    return luthier.tune(
        "mlp",
        "iris",
        budget=budget,
        recipe=RECIPE,
        space=space,
        storage=f"sqlite:///{folder}/runs.db",
        study="iris",
        engine="torch_eager",
        baseline_tuned=True,
    )


def test_both_searches_have_the_same_budget_and_the_rest_confirms(tmp_path: Path):
    study = run(tmp_path)
    store = study.storage
    baseline, main = store.history("iris-baseline"), study.history
    assert baseline.epochs + main.epochs <= 64
    assert abs(baseline.epochs - main.searched.epochs) <= RECIPE["epochs"]
    assert {trial.recipe.model["width"] for trial in baseline.trials} == {4}
    assert set(store.record("iris-baseline").space.parameters) <= set(NUISANCE)
    proof = study.to_json()["proof"]
    assert proof["baseline_tuned"]
    assert "a baseline tuned over learning_rate in" in proof["against"]
    confirming = {trial.recipe for trial in main.confirming}
    if proof["verdict"] is not None:
        assert confirming == {study.best.recipe, baseline.best.recipe}
        assert not {trial.seed for trial in main.confirming} & {0}
    again = run(tmp_path)
    assert len(again.history.trials) == len(main.trials)


def test_without_it_the_claim_is_the_other_one(tmp_path: Path):
    study = luthier.tune(
        "mlp",
        "iris",
        budget="12 epochs",
        recipe=RECIPE,
        storage=f"sqlite:///{tmp_path}/runs.db",
        engine="torch_eager",
    )
    assert study.to_json()["proof"]["against"] == "the recipe that the search began with"
    assert len(study.storage.studies()) == 1


@pytest.mark.parametrize("name", ["learning_rate", "model.width"])
def test_two_searches_that_are_one_are_refused(tmp_path: Path, name: str):
    with pytest.raises(luthier.LuthierError, match="two searches that differ"):
        run(tmp_path, {name: SPACE[name]})
