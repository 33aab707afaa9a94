"""Predict: an exported folder and new rows to predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from luthier import frameworks
from luthier.catalog.recipe_keys import read_recipe
from luthier.core import DataError, Part, State, Task
from luthier.data import Predictions, Preprocessing, read_rows
from luthier.loop.builders import as_build
from luthier.loop.handing_over.recipes import load_recipe


def predict(folder: str | Path, rows: str | Path) -> tuple[Predictions, tuple[str, ...]]:
    """Predict rows with the network that `luthier tune --out` or `Study.export` wrote.

    Args:
        folder: What was written.
        rows: New rows in the form of the training data; a target is not needed.

    Returns:
        Predictions in the order of the rows, and the classes in the order of the probabilities.

    Raises:
        DataError: when the folder or the rows lack something.
    """
    folder = Path(folder)
    about = _about(folder)
    try:
        preprocessing = Preprocessing.from_json(about["preprocessing"])
        task = _task(about["task"])
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(folder / "preprocessing.json", error) from error
    keys = load_recipe(folder / "recipe.yaml")
    recipe, _ = read_recipe(keys)
    build = as_build(recipe.network, folder)
    framework = frameworks.load(_framework(keys))
    weights = folder / "model.safetensors"
    state = _weights(weights)
    try:
        model = framework.restore(build, recipe, task, state)
    except (KeyError, RuntimeError) as error:
        raise _damaged(weights, f"they do not fit the network of recipe.yaml: {error}") from error
    dataset = read_rows(rows, preprocessing)
    count = len(dataset)
    part = Part(preprocessing.inputs(dataset), np.zeros(count), None, np.arange(count))
    outputs = framework.outputs(model, part, task)
    if task.classes and outputs.shape[1] == 1:
        outputs = np.hstack([np.zeros_like(outputs), outputs])  # a single logit, against zero
    found = replace(preprocessing.decode(outputs), rows=dataset.row_names)
    if task.positions:
        shape = (count, *task.positions)
        probabilities = np.asarray(found.probabilities).reshape(*shape, len(task.classes))
        found = replace(found, values=found.values.reshape(shape), probabilities=probabilities)
    return found, task.classes


def _framework(keys: Mapping[str, Any]) -> str:
    """Return whose network it is: a recipe's run block says so."""
    run = keys.get("run")
    name = run.get("framework", "torch") if isinstance(run, Mapping) else "torch"
    return name if name in frameworks.NAMES else "torch"


def _about(folder: Path) -> Mapping[str, Any]:
    path = folder / "preprocessing.json"
    if not path.is_file():
        raise DataError(f"no '{path}'. --model takes a folder that `luthier tune --out DIR` wrote.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    if not isinstance(data, dict):
        raise _damaged(path, f"it holds a {type(data).__name__}")
    return data


def _task(data: Mapping[str, Any]) -> Task:
    lists = {k: tuple(v) for k, v in data.items() if isinstance(v, list)}
    return Task(**{**data, **lists})


def _weights(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(str(path))
    except (OSError, SafetensorError) as error:
        raise _damaged(path, error) from None
    return State({f"best/{name}": value for name, value in arrays.items()})


def _damaged(path: Path, reason: object) -> DataError:
    return DataError(
        f"cannot use '{path}': {' '.join(str(reason).split())}. It should be as "
        "`luthier tune --out DIR` wrote it. Run that again."
    )
