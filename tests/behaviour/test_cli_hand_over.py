"""What `--out` hands over works: the same scores again, a script without luthier, predictions."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import luthier as api

Luthier = Callable[..., Any]
Table = Callable[..., Path]

FILES = {
    "recipe.yaml",
    "model.safetensors",
    "preprocessing.json",
    "study.json",
    "report.html",
    "train.py",
}
SEEDS = tuple(range(1, 9))
# Runs the script as it stands and once a seed, in one process: importing PyTorch takes longest.
EACH_SEED = """
import re, runpy, sys
data = re.search(r"^DATA = '(.*)'", open("out/train.py").read(), re.MULTILINE)[1]
for arguments in ([], *([data, seed] for seed in sys.argv[1:])):
    sys.argv = ["train.py", *arguments]
    runpy.run_path("out/train.py", run_name="__main__")
"""


@pytest.fixture(params=["classes", "amounts", "images", "series"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> list[object]:
    """Return what tunes one kind of data."""
    kind: str = request.param
    if kind in ("classes", "amounts"):
        target = {"classes": "bought", "amounts": "spent"}[kind]
        path = request.getfixturevalue("table")(target)
        return [path.name, "--target", target]
    if kind == "images":
        return [request.getfixturevalue("pictures").name]
    return [request.getfixturevalue("series").name, "--model", "lstm.py:build"]


def options(command: list[object]) -> dict[str, object]:
    """Return the arguments of `luthier.tune` that a command's options are."""
    names = [str(word).removeprefix("--") for word in command[1::2]]
    found = dict(zip(names, command[2::2], strict=True))
    return {"build": found.pop("model", None), "data": command[0], **found}


def test_what_is_handed_over_works(
    command: list[object], luthier: Luthier, python: Callable[..., Any], tmp_path: Path
) -> None:
    ran = luthier("tune", *command, "--epochs", 40, "--out", "out", "--json")
    assert ran.code == 0, ran.err
    out, summary = tmp_path / "out", ran.json
    written = {path.name for path in out.iterdir()}
    assert written == FILES | ({"lstm.py"} if "lstm.py:build" in command else set())
    assert json.loads((out / "study.json").read_text()) == summary

    again = luthier("train", command[0], "--recipe", "out/recipe.yaml")
    assert again.code == 0
    assert "the same, bit for bit" in again.out
    assert again.err == ""


def test_the_script_reaches_the_score_without_luthier(
    command: list[object], luthier: Luthier, python: Callable[..., Any], tmp_path: Path
) -> None:
    """Train the winner with eight seeds, by luthier and by the script.

    Both draw other random numbers, so only their means compare. The bound is four standard errors
    of the difference: chance breaks it once in a thousand choices of seeds. A script that splits
    otherwise, or has the learning rate or the dropout wrong by a factor, breaks it.
    """
    ran = luthier("tune", *command, "--epochs", 40, "--out", "out", "--json")
    assert ran.code == 0, ran.err
    recipe = yaml.safe_load(Path("out/recipe.yaml").read_text())
    run = recipe["run"]
    metric = run["metric"]

    script = python("-c", EACH_SEED, *SEEDS)
    assert script.code == 0, script.err
    assert Path("retrained.pt").exists()
    ours = [found[metric] for found in _scores(script.out, "validation")][1:]
    assert len(_scores(script.out, "test")) == 1 + len(SEEDS)
    keys = {key: value for key, value in recipe.items() if key not in ("run", "version", "network")}
    theirs = [
        api.train(
            **options(command),
            recipe=keys,
            split=api.SplitPlan(**run["split"]),
            epochs=run["epochs_trained"],
            seed=seed,
        ).score
        for seed in SEEDS
    ]
    error = np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / len(SEEDS))
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * error, (ours, theirs)


def test_predictions_are_those_of_the_best_model(command: list[object], luthier: Luthier) -> None:
    luthier("tune", *command, "--epochs", 20, "--out", "out")
    printed = luthier("predict", command[0], "--model", "out", "--json")
    assert printed.code == 0, printed.err

    study = api.tune(**options(command), budget="20 epochs")
    preparation = study.parts.preparation
    preprocessing = preparation.prepared(study.best.recipe).preprocessing
    inputs = preprocessing.inputs(preparation.dataset)
    count = len(preparation.dataset)
    import torch

    with torch.no_grad():
        outputs = study.best_model()(*(torch.from_numpy(np.array(x)) for x in inputs)).numpy()
    expected = preprocessing.decode(outputs)
    assert len(printed.json) == count
    if expected.probabilities is None:
        found = [row["prediction"] for row in printed.json]
        assert np.allclose(found, expected.values, rtol=1e-5)
    else:
        assert [row["prediction"] for row in printed.json] == list(expected.values)
        found = [list(row["probabilities"].values()) for row in printed.json]
        assert np.allclose(found, expected.probabilities, atol=1e-5)


def _scores(printed: str, part: str) -> list[dict[str, float]]:
    """Return the scores of a part in each run of the script."""
    lines = [line for line in printed.splitlines() if line.startswith(part)]
    return [ast.literal_eval(line.removeprefix(part).strip()) for line in lines]
