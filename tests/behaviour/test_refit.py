"""--refit: the chosen recipe on training and validation rows, labelled as not validated."""

from pathlib import Path

import numpy as np
import pytest
import yaml

import luthier

RECIPE = {"epochs": 4, "batch_size": 16, "model": {"width": 8, "depth": 1}}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refit")
    study = luthier.tune(
        "mlp",
        "iris",
        budget="12 epochs",
        recipe=RECIPE,
        storage=f"sqlite:///{folder}/runs.db",
        engine="torch_eager",
    )
    study.export(folder / "out", refit=True)
    assert study.to_json()["refit"] == {
        "folder": "refit",
        "rows": 120,  # 90 train and 30 validate
        "epochs": study.best.trial.curves.best_epoch("log_loss", "minimize"),
        "validated": False,
    }
    return folder / "out"


def test_it_predicts_and_is_another_network_than_the_validated_one(out: Path, tmp_path: Path):
    iris, rows = luthier.read("iris"), tmp_path / "rows.csv"
    header, values = ",".join(f'"{name}"' for name in iris.names), iris.raw["numeric"][:10]
    rows.write_text("\n".join([header, *(",".join(map(str, row)) for row in values)]))
    found, _ = luthier.predict(out / "refit", rows)
    validated, _ = luthier.predict(out, rows)
    assert found.probabilities.shape == (10, 3)
    assert not np.allclose(found.probabilities, validated.probabilities)


def test_its_recipe_says_that_nothing_validated_it(out: Path):
    run = yaml.safe_load((out / "refit" / "recipe.yaml").read_text())["run"]
    assert "not validated" in run["refit"]
    assert run["validation"] == {}


def test_the_validated_network_still_repeats_its_score(out: Path):
    run = yaml.safe_load((out / "recipe.yaml").read_text())["run"]
    assert "refit" not in run
    assert run["validation"]
