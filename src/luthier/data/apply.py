"""Prepared arrays from raw ones and fitted constants. NumPy only.

This module is written into exported scripts as it stands, so it imports nothing of luthier.
Constants are plain data; arithmetic is float64, what networks get is float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def prepared_inputs(
    raw: dict[str, Any], rows: NDArray[Any], constants: dict[str, Any]
) -> tuple[NDArray[Any], ...]:
    """Return the inputs of a network for some rows."""
    if constants["form"] == "tokens":
        source = raw["numeric"] if raw["tensor"] is None else raw["tensor"]
        return (source[rows].astype(np.int64),)
    if constants["form"] == "tensor":
        return (scaled_tensor(raw["tensor"][rows], constants),)
    values = raw["numeric"][rows]
    codes = category_codes(raw, rows, constants["categories"])
    if constants["encoding"] == "ordinal":
        values = np.concatenate([values, ordinals(codes, constants["categories"])], axis=1)
    pieces = [scaled(values, constants["scaler"]), np.isnan(values[:, constants["indicators"]])]
    if constants["encoding"] == "onehot":
        for index, category in enumerate(constants["categories"]):
            shown = np.arange(0 if category["rare"] else 1, category["size"])
            pieces.append(codes[:, index : index + 1] == shown)
    inputs = np.concatenate([piece.astype(np.float32) for piece in pieces], axis=1)
    return (inputs, codes) if constants["encoding"] == "embedding" else (inputs,)


def scaled(values: NDArray[Any], scaler: dict[str, Any]) -> NDArray[Any]:
    """Fill what is missing, then scale each column."""
    filled = np.where(np.isnan(values), np.array(scaler["fill"], np.float64), values)
    if scaler["knots"]:
        columns = [np.interp(filled[:, i], x, z) for i, (x, z) in enumerate(scaler["knots"])]
        return np.column_stack(columns)
    shifted = filled - np.array(scaler["center"], np.float64)
    result: NDArray[Any] = shifted / np.array(scaler["scale"], np.float64)
    return result


def scaled_tensor(values: NDArray[Any], constants: dict[str, Any]) -> NDArray[Any]:
    """Scale each channel of images or series."""
    axis = constants["axis"]
    if axis is None:  # grey images without an axis of channels
        return scaled_tensor(values[..., None], {**constants, "axis": -1})[..., 0]
    moved = np.moveaxis(values, axis, -1)
    flat = moved.reshape(-1, moved.shape[-1]).astype(np.float64) / constants["divide"]
    result = scaled(flat, constants["scaler"]).astype(np.float32).reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(result, -1, axis))


def category_codes(
    raw: dict[str, Any], rows: NDArray[Any], categories: list[dict[str, Any]]
) -> NDArray[Any]:
    """Return category numbers: 0 is rare or never seen, then missing, then the levels."""
    codes = np.zeros((len(rows), len(categories)), np.int64)
    for index, category in enumerate(categories):
        first = 1 + category["missing"]
        number = {level: first + i for i, level in enumerate(category["levels"])}
        table = [number.get(level, 0) for level in raw["levels"][index]]
        # Missing values are coded -1, the last entry.
        table.append(int(category["missing"]))
        codes[:, index] = np.array(table, np.int64)[raw["codes"][rows, index]]
    return codes


def ordinals(codes: NDArray[Any], categories: list[dict[str, Any]]) -> NDArray[Any]:
    """Return category numbers as shares of the largest."""
    largest = np.array([max(1, category["size"] - 1) for category in categories], np.float64)
    return codes / largest


def prepared_target(
    raw: dict[str, Any], rows: NDArray[Any], constants: dict[str, Any]
) -> NDArray[Any]:
    """Return class numbers, or standardised numbers of shape (rows, outputs)."""
    target: NDArray[Any] = raw["target"][rows]
    if not constants["target_scale"]:
        return target.astype(np.int64)
    centred = target - np.array(constants["target_mean"], np.float64)
    scaled_target: NDArray[Any] = centred / np.array(constants["target_scale"], np.float64)
    return scaled_target.astype(np.float32)


def prepared_weight(
    raw: dict[str, Any], rows: NDArray[Any], constants: dict[str, Any]
) -> NDArray[Any] | None:
    """Return weights whose mean over the training part is one, or None without weights."""
    if raw["weight"] is None:
        return None
    weight: NDArray[Any] = raw["weight"][rows] / constants["weight_mean"]
    return weight.astype(np.float32)
