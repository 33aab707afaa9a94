"""Prepare the splits of a data set for a network: fit on training rows, apply to all."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.core import IGNORED, Arrays, DataError, Part, Recipe, Task
from luthier.data.apply import category_codes, ordinals
from luthier.data.dataset import Dataset
from luthier.data.fit import ENCODINGS, check_choice, fit_categories, fit_scaler
from luthier.data.measure import choose_metric
from luthier.data.preprocessing import Preprocessing
from luthier.data.split import Splits


@dataclass(frozen=True, eq=False)
class Prepared:
    """What training reads, and what turns new rows into the same."""

    arrays: Arrays
    preprocessing: Preprocessing


def prepare(
    dataset: Dataset,
    splits: Splits,
    recipe: Recipe,
    *,
    metric: str | None = None,
    also: tuple[str, ...] = (),
    imbalance: float = 3.0,
    rare_count: int = 2,
    rare_share: float = 0.005,
) -> Prepared:
    """Prepare a data set as a recipe's preprocessing keys say.

    Args:
        dataset: What was read.
        splits: Which rows train, validate and test.
        recipe: ``preprocessing``, ``encoding`` and ``imputation`` are used.
        metric: What decides; a sound default where None.
        also: Further metrics to show.
        imbalance: See `luthier.data.measure.choose_metric`.
        rare_count: See `luthier.data.fit.fit_categories`.
        rare_share: See `luthier.data.fit.fit_categories`.

    Raises:
        DataError: for a choice that there is not, or that does not fit the data.

    >>> from luthier.data.read import read
    >>> from luthier.data.split import split
    >>> iris = read("iris")
    >>> prepare(iris, split(iris), Recipe()).arrays.task.input_shape
    (4,)
    """
    raw = dict(dataset.raw)
    train = splits.train
    constants = _fit_inputs(dataset, raw, train, recipe, rare_count, rare_share)
    mean, scale = _fit_target(dataset, raw["target"][train])
    weight = None if raw["weight"] is None else float(raw["weight"][train].mean())
    if weight == 0:
        raise DataError(
            "every training row has weight 0. A weight says how much a row counts; some must. "
            "Correct the weights, or leave them out."
        )
    constants |= {
        "classes": list(dataset.classes),
        "target_mean": mean,
        "target_scale": scale,
        "weight_mean": weight,
    }
    preprocessing = Preprocessing(constants, dict(dataset.reading))
    parts = [
        Part(
            preprocessing.inputs(dataset, rows),
            preprocessing.targets(dataset, rows),
            preprocessing.weights(dataset, rows),
            rows,
        )
        for rows in (train, splits.val, splits.test)
    ]
    target = parts[0].target
    positions = tuple(target.shape[1:]) if dataset.classes else ()
    counts = np.bincount(target[target != IGNORED]) if dataset.classes else ()
    name, direction, shown = choose_metric(
        dataset.kind, counts, metric, imbalance=imbalance, positions=len(positions), also=also
    )
    embedded = constants["form"] == "table" and constants["encoding"] == "embedding"
    task = Task(
        kind=dataset.kind,
        metric=name,
        direction=direction,
        input_shape=tuple(parts[0].inputs[0].shape[1:]),
        n_outputs=len(dataset.classes) or target.shape[1],
        classes=dataset.classes,
        cardinalities=tuple(c["size"] for c in constants["categories"]) if embedded else (),
        target_mean=tuple(mean),
        target_scale=tuple(scale),
        shown=shown,
        positions=positions,
    )
    key = json.dumps([dataset.fingerprint, splits.key, constants], sort_keys=True)
    arrays = Arrays(
        task=task,
        train=parts[0],
        val=parts[1],
        test=parts[2] if len(splits.test) else None,
        key=hashlib.sha256(key.encode()).hexdigest()[:12],
    )
    return Prepared(arrays, preprocessing)


def _fit_inputs(
    dataset: Dataset,
    raw: dict[str, Any],
    train: Any,
    recipe: Recipe,
    rare_count: int,
    rare_share: float,
) -> dict[str, Any]:
    """Return the constants of the inputs."""
    check_choice("encoding", recipe.encoding, ENCODINGS)
    tensor = raw["tensor"]
    if recipe.preprocessing == "tokens":
        _check_tokens(raw["numeric"] if tensor is None else tensor, dataset)
        return {"form": "tokens", "encoding": "onehot", "categories": []}
    if tensor is not None:
        grey = dataset.reading.get("layout") == "none"
        axis = None if grey else channel_axis(tensor.shape)
        # Bytes are the usual form of images: 0..1 is what networks for images expect.
        images = tensor.dtype == np.uint8 and (tensor.ndim >= 4 or grey)
        divide = 255.0 if images and recipe.preprocessing != "raw" else 1.0
        taken = tensor[train]
        flat = taken.reshape(-1, 1) if axis is None else (
            np.moveaxis(taken, axis, -1).reshape(-1, tensor.shape[axis])
        )  # fmt: skip
        values = flat.astype(np.float64) / divide
        return {
            "form": "tensor",
            "encoding": "onehot",
            "categories": [],
            "axis": axis,
            "divide": divide,
            "scaler": fit_scaler(values, recipe.preprocessing, recipe.imputation),
        }
    # Without texts all encodings mean the same arrays, and equal arrays have equal keys.
    encoding = recipe.encoding if dataset.categories else "onehot"
    categories = fit_categories(
        raw,
        train,
        dataset.categories,
        encoding,
        rare_count=rare_count,
        rare_share=rare_share,
    )
    values = raw["numeric"][train]
    indicators = np.flatnonzero(np.isnan(values).any(axis=0)).tolist()
    if encoding == "ordinal":
        values = np.concatenate(
            [values, ordinals(category_codes(raw, train, categories), categories)], axis=1
        )
    return {
        "form": "table",
        "encoding": encoding,
        "categories": categories,
        "indicators": indicators,
        "scaler": fit_scaler(values, recipe.preprocessing, recipe.imputation),
    }


def channel_axis(shape: tuple[int, ...], *, most_channels: int = 4) -> int:
    """Return the axis of channels: 1 for images, the last for series.

    Images whose last axis is as short as colours are, and whose second is not, have it last.

    >>> channel_axis((9, 3, 32, 32)), channel_axis((9, 32, 32, 3)), channel_axis((9, 50, 6))
    (1, 3, 2)
    """
    if len(shape) == 3:
        return 2
    return len(shape) - 1 if shape[-1] <= most_channels < shape[1] else 1


def _fit_target(dataset: Dataset, target: Any) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of regression targets; nothing for classes."""
    if dataset.classes:
        return [], []
    scale = target.std(axis=0)
    return target.mean(axis=0).tolist(), np.where(scale > 0, scale, 1.0).tolist()


def _check_tokens(values: Any, dataset: Dataset) -> None:
    whole = bool((np.isfinite(values) & (values >= 0) & (np.floor(values) == values)).all())
    if dataset.categories or not values.shape[1] or not whole:
        raise DataError(
            "preprocessing is 'tokens', but the inputs are not all whole numbers from 0 up. "
            "Tokens are the row numbers of an embedding. Set preprocessing to 'none' or "
            "'standard'."
        )
