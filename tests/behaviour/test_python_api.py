"""The Python interface as the README and the design promise it."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from torch.nn.functional import relu

import luthier
from luthier import Categorical, Float, Int

Table = Callable[..., Path]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def points(rows: int = 240) -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 4))
    return x, np.where(x[:, 0] + x[:, 1] > 0, "up", "down")


class Hidden(torch.nn.Module):
    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(n_features, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return relu(self.layer(x))


WIDTH = 8


def helped(n_features: int, n_outputs: int) -> torch.nn.Module:
    return torch.nn.Sequential(Hidden(n_features), torch.nn.Linear(WIDTH, n_outputs))


def build(
    n_features: int,
    n_outputs: int,
    width: Annotated[int, Int(16, 512, log=True)] = 128,
    activation: Annotated[str, Categorical("relu", "gelu", "silu")] = "relu",
) -> torch.nn.Module:
    kinds = {"relu": torch.nn.ReLU, "gelu": torch.nn.GELU, "silu": torch.nn.SiLU}
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, width), kinds[activation](), torch.nn.Linear(width, n_outputs)
    )


def test_the_example_of_the_design() -> None:
    study = luthier.tune(
        build, data=points(), budget="30 epochs", storage="sqlite:///mine.db", study="points"
    )
    assert study.best.recipe == study.best.trial.recipe
    assert study.best.score == study.summary.best.validation["log_loss"]
    assert Path("mine.db").exists()
    model = study.best_model()
    assert isinstance(model, torch.nn.Module)
    assert not model.training
    names = {path.name for path in study.export("out/")}
    assert {"recipe.yaml", "model.safetensors", "train.py", "study.json"} <= names
    assert {path.name for path in Path("out").iterdir()} >= names

    training = luthier.train(build, data=points(), recipe=study.best.recipe, seed=0)
    assert training.score is not None
    assert isinstance(training.model(), torch.nn.Module)
    again = luthier.train(build, data=points(), recipe=study.best.recipe, seed=0)
    assert again.trial.curves.val_loss == training.trial.curves.val_loss


def test_the_best_model_has_the_best_score() -> None:
    study = luthier.tune(build, data=points(), budget="30 epochs")
    arrays = study.parts.preparation.arrays(study.best.recipe)
    with torch.no_grad():
        outputs = study.best_model()(torch.from_numpy(arrays.val.inputs[0].copy()))
    labels = torch.from_numpy(np.array(arrays.val.target)).long().reshape(-1)
    loss = torch.nn.functional.cross_entropy(outputs.double(), labels)
    assert float(loss) == pytest.approx(study.best.score, rel=1e-5)


def test_what_is_exported_from_arrays_runs_alone(python: Callable[..., Any]) -> None:
    Path("net.py").write_text(
        "from torch import nn\n\n\ndef build(n_features, n_outputs):\n"
        "    return nn.Linear(n_features, n_outputs)\n"
    )
    study = luthier.tune("net.py:build", data=points(), budget="20 epochs")
    study.export("out")
    ran = python("out/train.py")
    assert ran.code == 0, ran.err
    assert "validation" in ran.out


def test_a_script_has_all_that_its_builder_needs(python: Callable[..., Any]) -> None:
    """A class, a constant and an import of the program; and nothing else of it."""
    recipe = {"epochs": 2}
    study = luthier.tune(helped, points(), budget="4 epochs", recipe=recipe, storage="sqlite://")
    study.export("out")
    script = Path("out/train.py").read_text()
    assert "class Hidden" in script
    assert "def points" not in script
    done = python("out/train.py")
    assert done.code == 0, done.err


def test_what_is_printed_is_short_and_leaves_the_test_part_closed() -> None:
    recipe = {"epochs": 2}
    study = luthier.tune(helped, points(), budget="4 epochs", recipe=recipe, storage="sqlite://")
    score = f"{study.best.score:.3g}"
    for text in (repr(study), str(study)):
        assert score in text
        assert len(text) < 300
    assert study._summary is None
    assert study.summary is not None
    assert "validation  log_loss" in str(study)
    training = luthier.train(helped, points(), recipe=recipe)
    assert len(repr(training)) < 200
    assert "val_loss" in str(training)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(library: str, table: Table) -> None:
    path = table("bought")
    frame = pd.read_csv(path) if library == "pandas" else pl.read_csv(path)
    study = luthier.tune(None, data=frame, target="bought", budget="20 epochs")
    by_path = luthier.tune(None, data=path, target="bought", budget="20 epochs")
    assert study.summary.task == "classification"
    assert study.summary.best.test["accuracy"] > 0.7
    assert study.best.score == pytest.approx(by_path.best.score, rel=0.2)


def test_given_parts() -> None:
    x, y = points(300)
    parts = ((x[:200], y[:200]), (x[200:240], y[200:240]), (x[240:], y[240:]))
    three = luthier.tune(build, data=parts, budget="10 epochs", study="three")
    assert three.summary.data["splits"] == {"train": 200, "val": 40, "test": 60}
    two = luthier.tune(build, data=parts[:2], budget="10 epochs", study="two")
    assert two.summary.data["splits"] == {"train": 200, "val": 40, "test": 0}
    assert two.summary.best.test == {}


def test_torch_data() -> None:
    x, y = points()
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(x).float(), torch.from_numpy((y == "up").astype(np.int64))
    )
    study = luthier.tune(build, data=data, budget="20 epochs")
    assert study.summary.best.test["accuracy"] > 0.8


def test_weights_are_honoured() -> None:
    x = np.repeat(np.random.default_rng(0).normal(size=(200, 2)), 2, axis=0)
    y = np.tile(["up", "down"], 200)
    trust = np.where((x[:, 0] > 0) == (y == "up"), 10.0, 0.01)
    study = luthier.tune(build, data=(x, y), sample_weight=trust, budget="20 epochs")
    with torch.no_grad():
        inputs = study.parts.preparation.arrays(study.best.recipe).test.inputs[0].copy()
        outputs = study.best_model()(torch.from_numpy(inputs))
    rows = study.parts.preparation.splits.test
    guess = np.array(study.parts.preparation.dataset.classes)[outputs.argmax(1).numpy()]
    assert (guess == np.where(x[rows, 0] > 0, "up", "down")).mean() > 0.9


def test_a_space_in_python() -> None:
    space = {"learning_rate": Float(0.01, 0.02, log=True), "model.width": Int(8, 9)}
    study = luthier.tune("mlp", data=points(), space=space, budget="20 epochs")
    others = [trial.recipe for trial in study.trials[1:]]
    assert len(others) > 2
    assert all(0.01 <= recipe.learning_rate <= 0.02 for recipe in others)
    assert {recipe.model["width"] for recipe in others} <= {8, 9}


def test_an_objective() -> None:
    seen = []

    def objective(trial: Any) -> float:
        rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
        layers = trial.suggest_int("layers", 1, 4)
        kind = trial.suggest_categorical("kind", ["a", "b"])
        assert trial.suggest_float("rate", 1e-4, 1e-1, log=True) == rate
        loss = 1.0
        for epoch in range(4):
            loss = (math.log10(rate) + 2) ** 2 + layers + (kind == "a") + 1 / (1 + epoch)
            trial.report(loss, epoch, train_loss=loss / 2)
            if trial.should_prune():
                raise luthier.Pruned
        seen.append((loss, {"rate": rate, "layers": layers, "kind": kind}))
        return loss

    study = luthier.tune(objective, direction="minimize", budget="20 trials")
    assert len(study.trials) == 20
    assert (study.best.score, study.best.recipe.model) == min(seen, key=lambda pair: pair[0])
    states = study.summary.trials
    assert states["finished"] == len(seen)
    assert states["pruned"] == 20 - len(seen) > 0
    assert study.best.trial.curves.train_loss == tuple(
        value / 2 for value in study.best.trial.curves.metrics["reported"]
    )
    more = luthier.tune(objective, direction="minimize", budget="25 trials")
    assert len(more.trials) == 25
    assert [t.recipe for t in more.trials[:20]] == [t.recipe for t in study.trials]


def test_a_bad_objective_trial_is_data() -> None:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 1:
            raise RuntimeError("no luck")
        if trial.number == 2:
            return math.nan
        if trial.number == 3:
            raise MemoryError("too large")
        return x

    study = luthier.tune(objective, direction="maximize", budget="8 trials")
    failed = {t.number: t.cause for t in study.trials if t.state == "failed"}
    assert failed.keys() == {1, 2, 3}
    assert failed[1] == "RuntimeError: no luck"
    assert "nan" in str(failed[2])
    assert "too large" in str(failed[3])
    good = [t.recipe.model["x"] for t in study.trials if t.number not in failed]
    assert study.best.score == max(good)


def test_mistakes_are_errors_of_luthiers_own() -> None:
    for arguments, says in (
        ({"build": build}, "got no data, but an objective takes one argument"),
        ({"build": "mlp"}, "got no data"),
        ({"build": build, "data": (np.zeros((3, 2)), [0, 1, 0])}, "3 rows"),
        ({"build": build, "data": points(), "budget": "soon"}, "budget"),
        ({"build": lambda trial: 1.0, "direction": "up"}, "direction"),
    ):
        with pytest.raises(luthier.LuthierError, match=says):
            luthier.tune(**arguments)
    assert not Path("luthier.db").exists()
