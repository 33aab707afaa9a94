"""The schedule that a population learnt is a recipe, and comes to the same when trained alone."""

from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.core import Recipe


@pytest.mark.parametrize("engine", ["torch_eager", "auto"])
def test_the_winner_of_a_population_is_trained_again_bit_for_bit(
    luthier: Any, tmp_path: Path, engine: str
):
    ran = luthier(
        *("tune", "wine", "--strategy", "pbt", "--epochs", "80", "--engine", engine, "--seed", "1"),
        *("--recipe", "start.yaml", "--out", "out", "--json"),
    )
    assert ran.code == 0, ran.err
    written = (tmp_path / "out" / "recipe.yaml").read_text()
    trials = luthier("show", ran.json["study"], "--json").json["all_trials"]
    assert any("changes" in t["recipe"] for t in trials)
    assert ran.json["epochs_spent"] == 80
    if "changes" in ran.json["best"]["recipe"]:
        assert "changes:" in written
        assert not (tmp_path / "out" / "train.py").exists()
    again = luthier("train", "wine", "--recipe", "out/recipe.yaml")
    assert "the same, bit for bit" in again.out


@pytest.fixture(autouse=True)
def start(tmp_path: Path) -> None:
    (tmp_path / "start.yaml").write_text("epochs: 8\nlearning_rate: 0.1\n")


def test_a_training_with_changes_is_the_same_in_pieces(tmp_path: Path):
    import luthier as lu

    changes = [{"after": 2, "learning_rate": 0.003, "dropout": 0.3}, {"after": 4, "l2": 0.01}]
    recipe = {"epochs": 6, "optimizer": "adamw", "learning_rate": 0.02}
    recipe |= {"schedule": "constant", "changes": changes}
    options: dict[str, Any] = {"recipe": recipe, "engine": "torch_eager"}
    whole = lu.train("mlp", "wine", **options).trial
    cut = lu.train("mlp", "wine", epochs=4, **options).trial
    assert whole.curves.val_loss[:4] == cut.curves.val_loss
    plain = lu.train("mlp", "wine", recipe={**recipe, "changes": []}, engine="torch_eager").trial
    assert plain.curves.val_loss[:2] == whole.curves.val_loss[:2]
    assert plain.curves.val_loss[2] != whole.curves.val_loss[2]
    assert whole.curves.learning_rate == (0.02, 0.02, 0.003, 0.003, 0.003, 0.003)
    assert whole.curves.penalty[3] == 0 < whole.curves.penalty[4]
    assert isinstance(whole.recipe, Recipe)


def test_an_objective_cannot_be_copied():
    with pytest.raises(luthier.LuthierError, match="pbt"):
        luthier.tune(lambda trial: 1.0, budget="3 trials", storage="sqlite://", strategy="pbt")
