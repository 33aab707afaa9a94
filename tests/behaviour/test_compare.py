"""luthier compare: two of anything, the same statistics, without tuning."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import luthier
from luthier.apps.cli import main


def small(n_features: int, n_outputs: int) -> torch.nn.Module:
    return torch.nn.Linear(n_features, n_outputs)


def blind(n_features: int, n_outputs: int) -> torch.nn.Module:
    """A network that can learn the class frequencies alone."""
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 1), torch.nn.Threshold(1e9, 0.0), torch.nn.Linear(1, n_outputs)
    )


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


def test_a_network_that_sees_its_inputs_is_better_than_one_that_does_not(storage: str):
    recipe = {"epochs": 8, "batch_size": 16, "learning_rate": 0.02}
    found = luthier.compare(
        small, blind, "iris", recipe=recipe, storage=storage, engine="torch_eager"
    )
    assert found.choice == "a"
    assert found.sentence.startswith("Take small: it is better than blind")
    assert found.verdict.interval[0] > 0
    assert found.verdict.seeds == 3  # no fourth and fifth: the first look told enough
    data = found.to_json()
    assert data["a"]["cost"]["parameters"] == 15
    assert data["a"]["cost"]["latency"] > 0
    assert data["epochs_spent"] == 2 * 3 * 8
    assert data["test_openings"] == 0
    again = luthier.compare(
        small, blind, "iris", recipe=recipe, storage=storage, engine="torch_eager"
    )
    assert again.to_json()["test_openings"] == 1
    assert "opened once before" in str(again)
    assert again.verdict == found.verdict


def test_the_same_recipe_twice_is_undecided_or_equivalent(storage: str):
    recipe = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02}
    options = {"storage": storage, "engine": "torch_eager"}
    same = luthier.compare(recipe, dict(recipe), "iris", **options)
    assert same.verdict.verdict == "undecided"
    assert same.verdict.difference == 0
    near = luthier.compare(recipe, dict(recipe), "iris", min_difference=5.0, **options)
    assert near.verdict.verdict == "equivalent"
    assert "cost alike" in near.sentence


def predictions(path: Path, truth: np.ndarray, sharpness: float, seed: int) -> Path:
    z = (2 * truth - 1) * sharpness + np.random.default_rng(seed).normal(size=len(truth))
    yes = 1 / (1 + np.exp(-2 * sharpness * z))
    lines = ["truth,probability_no,probability_yes"]
    lines += [f"{('no', 'yes')[t]},{1 - p},{p}" for t, p in zip(truth, yes, strict=True)]
    path.write_text("\n".join(lines))
    return path


def test_files_of_predictions_compare_by_row(tmp_path: Path, storage: str):
    truth = np.random.default_rng(0).integers(0, 2, 400)
    sharp = predictions(tmp_path / "sharp.csv", truth, 1.5, 1)
    dull = predictions(tmp_path / "dull.csv", truth, 0.8, 2)
    found = luthier.compare(sharp, dull, target="truth", storage=storage)
    assert found.choice == "a"
    assert found.to_json()["metric"] == "log_loss"
    assert "not on how they were made" in found.to_json()["notes"][0]
    several = [predictions(tmp_path / f"{i}.csv", truth, 1.5, 10 + i) for i in range(3)]
    many = luthier.compare(several, [dull] * 3, target="truth", storage=storage)
    assert many.verdict.seeds == 3
    assert many.to_json()["test_openings"] == 1


def test_labels_alone_are_judged_by_accuracy_and_rows_must_match(storage: str):
    truth = np.random.default_rng(0).integers(0, 3, 300)
    wrong = np.where(np.arange(300) % 3 == 0, (truth + 1) % 3, truth)
    found = luthier.compare(truth, wrong, truth, storage=storage)
    assert (found.to_json()["metric"], found.choice) == ("accuracy", "a")
    with pytest.raises(luthier.LuthierError, match="299 predictions for 300 rows"):
        luthier.compare(truth[1:], wrong, truth, storage=storage)


def test_logged_runs_are_judged_over_runs_and_one_of_each_says_nothing():
    def run(level: float) -> dict:
        return {"loss": [1.0, 0.6], "val_loss": [level + 0.5, level]}

    found = luthier.compare([run(v) for v in (0.30, 0.31, 0.32)], [run(v) for v in (0.5, 0.52)])
    assert found.choice == "a"
    single = luthier.compare(run(0.3), run(0.5))
    assert single.verdict is None
    assert single.sentence.startswith("Nothing can be said: one run of either")


def test_on_the_command_line(tmp_path: Path, storage: str, monkeypatch, capsys):
    page = tmp_path / "page.html"
    call = ["luthier", "compare", "mlp", "mlp", "--data", "iris", "--seeds", "2", "--json"]
    recipe = tmp_path / "short.yaml"
    recipe.write_text("epochs: 2\nmodel: {width: 8}\n")
    call += ["--recipe", str(recipe), "--storage", storage, "--engine", "torch_eager"]
    monkeypatch.setattr("sys.argv", [*call, "--out", str(page)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert data["verdict"] == "undecided"
    assert data["level"] == 0.025
    assert 'id="difference"' in page.read_text()


@pytest.mark.parametrize(
    ("a", "b", "options", "message"),
    [
        ("mlp", {"val_loss": [1.0, 0.5]}, {}, "Like is compared with like"),
        ("mlp", "mlp", {}, "need data to learn from"),
        ("nothing.csv", "mlp", {}, "there is no 'nothing.csv'"),
        ("mlp", "mlp", {"data": "iris", "seeds": 1}, "says nothing of another"),
    ],
)
def test_what_cannot_be_compared_is_told(a, b, options, message, storage: str):
    with pytest.raises(luthier.LuthierError, match=message):
        luthier.compare(a, b, storage=storage, **options)
