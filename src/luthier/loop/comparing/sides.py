"""What a user names on one side of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from luthier.catalog import families
from luthier.core import Build, Curves, LuthierError, Recipe, did_you_mean
from luthier.data.tables import TABLE_ENDINGS

TRAINED, PREDICTIONS, RUNS = "something to train", "predictions", "runs"
ARRAYS = (".npy", ".npz")


def kind_of(side: Any) -> str:
    """Return what one side is: something to train, predictions, or runs.

    Raises:
        LuthierError: for what is none of them.

    >>> kind_of("mlp"), kind_of({"learning_rate": 0.1}), kind_of({"val_loss": [1.0, 0.5]})
    ('something to train', 'something to train', 'runs')
    >>> kind_of(np.zeros(5))
    'predictions'
    """
    if isinstance(side, (Build, Recipe)) or (callable(side) and not isinstance(side, type)):
        return TRAINED
    if isinstance(side, Mapping):
        series = any(isinstance(v, Sequence) and not isinstance(v, str) for v in side.values())
        return RUNS if series else TRAINED
    if isinstance(side, np.ndarray):
        return PREDICTIONS
    if isinstance(side, Curves):
        return RUNS
    if isinstance(side, (str, Path)):
        return _kind_of_text(str(side))
    if isinstance(side, (list, tuple)) and side:
        first = side[0]
        return PREDICTIONS if isinstance(first, (int, float)) else kind_of(first)
    return RUNS  # a data frame or a history, which the logs' reader knows or refuses


def files_of(side: Any) -> list[Any]:
    """Return the single files or objects of a side: of a folder, of a pattern, or of a list.

    Raises:
        LuthierError: where there are none.
    """
    if isinstance(side, (list, tuple)):
        return [one for each in side for one in files_of(each)]
    if not isinstance(side, (str, Path)):
        return [side]
    path = Path(side)
    if path.is_dir():
        events = any(path.glob("events.out.tfevents*"))
        found: list[Any] = [path] if events else sorted(_of_folder(path))
    else:
        found = _matching(str(side)) if _pattern(side) else [path]
    if not found or not all(Path(one).exists() for one in found):
        raise LuthierError(
            f"there is nothing at '{side}'. A side is a file, a folder or a pattern in quotes. "
            "Write the path of one that exists."
        )
    return found


def _of_folder(path: Path) -> list[Path]:
    """Return a folder's runs: its files, or its folders with what lies in them."""
    files = [one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")]
    if files:
        return files
    inner = [one for one in path.iterdir() if one.is_dir()]
    events = [one for one in inner if any(one.glob("events.out.tfevents*"))]
    return events or [file for one in inner for file in one.iterdir() if file.is_file()]


def _matching(pattern: str) -> list[Path]:
    path = Path(pattern)
    return sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor))))


def _kind_of_text(text: str) -> str:
    name = text.partition("#")[0]
    known = [family.name for family in families.ALL]
    path = Path(text)
    if name in known or ".py" in name or path.suffix in (".yaml", ".yml"):
        return TRAINED
    if not _pattern(text) and not path.exists():
        raise LuthierError(
            f"there is no '{text}'.{did_you_mean(text, known)} A side is a family, "
            "FILE.py:function, a recipe.yaml, a file of predictions, or logs. Check its name."
        )
    first = files_of(text)[0]
    return PREDICTIONS if holds_predictions(Path(first)) else RUNS


def holds_predictions(path: Path) -> bool:
    """Tell whether a file has a prediction for each row, and not a line for each epoch."""
    suffix = path.suffix.lower()
    if suffix in ARRAYS:
        return True
    if suffix not in TABLE_ENDINGS or not path.is_file():
        return False
    if TABLE_ENDINGS[suffix] != "csv":
        return True
    with path.open(encoding="utf-8", errors="replace") as lines:
        header = lines.readline()
    names = [name.strip().strip('"') for name in header.replace("\t", ",").split(",")]
    return any(is_prediction(name) for name in names)


def is_prediction(name: str) -> bool:
    """Tell whether a column is one that `luthier predict` writes.

    >>> [is_prediction(name) for name in ("prediction", "probability_yes", "val_loss")]
    [True, True, False]
    """
    return name == "prediction" or name.startswith(("prediction_", "probability_"))


def name_of(side: Any, letter: str) -> str:
    """Return what a side is called in texts: a file's name, or its letter."""
    if isinstance(side, (str, Path)):
        return str(side)
    named = getattr(side, "__name__", None)
    return str(named) if named else letter


def _pattern(side: str | Path) -> bool:
    return any(mark in str(side) for mark in "*?[")
