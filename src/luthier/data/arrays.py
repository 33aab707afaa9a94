"""Arrays of a NumPy archive, or of Python objects, in the form that splits read. NumPy only.

This module is written into exported scripts as it stands, so it imports nothing of luthier
but what is written beside it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.data.labels import class_numbers, coded, keep_classes


def read_npz(path: str, reading: dict[str, Any]) -> dict[str, Any]:
    """Read the arrays that ``reading`` names, one entry a part."""
    with np.load(path, allow_pickle=False) as archive:
        return arrays_raw(
            [archive[part["x"]] for part in reading["parts"]],
            [archive[part["y"]] for part in reading["parts"]],
            reading,
        )


def arrays_raw(
    inputs: list[NDArray[Any]],
    targets: list[NDArray[Any]],
    reading: dict[str, Any],
    weight: NDArray[Any] | None = None,
) -> dict[str, Any]:
    """Return inputs and targets, one array a part, as one set of rows."""
    x = stacked_inputs(inputs, reading["form"], reading.get("layout", "first"))
    raw: dict[str, Any] = {
        "numeric": x if reading["form"] == "matrix" else np.zeros((len(x), 0)),
        "codes": np.zeros((len(x), 0), np.int64),
        "levels": [],
        "tensor": None if reading["form"] == "matrix" else x,
        "target": stacked_target(targets, reading) if targets else None,
        "weight": weight,
        "group": None,
        "time": None,
        "given": None,
    }
    if len(inputs) > 1:
        numbers = [part["part"] for part in reading["parts"]]
        raw["given"] = np.repeat(np.array(numbers, np.int64), [len(x) for x in inputs])
    return keep_classes(raw)


def stacked_inputs(inputs: list[NDArray[Any]], form: str, layout: str = "first") -> NDArray[Any]:
    """Return the rows of all parts: float64 as a matrix, else as they are."""
    x = np.concatenate(inputs)
    if form == "matrix":
        return x.astype(np.float64)
    if form != "image" or layout == "none":
        return x
    # Grey images get the axis of channels that colour images have.
    return x[..., None] if layout == "last" else x[:, None]


def stacked_target(targets: list[NDArray[Any]], reading: dict[str, Any]) -> NDArray[Any]:
    """Return class numbers, one a row or one a position; or float64 of shape (rows, outputs)."""
    y = np.concatenate(targets)
    if reading["target_form"] == "positions":
        labels = y.reshape(len(y), *reading["positions"]).astype(np.int64)
        if len(reading["classes"]) == 2:  # any two values, such as 0 and 255; else the numbers
            first, second = map(int, reading["classes"])
            labels = np.where(labels == first, 0, np.where(labels == second, 1, labels))
        return labels
    if reading["target_form"] == "onehot":
        y = y.argmax(axis=1)
    elif y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if reading["kind"] == "classification":
        return class_numbers(*coded(y), reading["classes"])
    return y.astype(np.float64).reshape(len(y), -1)


def read_saved(path: str, reading: dict[str, Any]) -> dict[str, Any]:
    """Read what luthier's ``save_npz`` wrote; nothing is left to decide."""
    with np.load(path, allow_pickle=False) as archive:
        raw: dict[str, Any] = {name: archive.get(name) for name in reading["arrays"]}
        raw["levels"] = json.loads(str(archive["levels"]))
    return raw
