"""Arrays: from a NumPy archive, scikit-learn's bundle or Python. What they hold is decided here."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from luthier.core import DataError
from luthier.data.arrays import arrays_raw
from luthier.data.bundled import bundle_raw
from luthier.data.bundles import bundle
from luthier.data.dataset import Dataset, check_rows, checked
from luthier.data.file import check_size
from luthier.data.labels import coded
from luthier.data.positions import has_positions, inspect_positions
from luthier.data.target import Target, inspect_target

_PART_NUMBER = {"train": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}


def open_archive(path: Path, max_bytes: int) -> dict[str, Any]:
    """Return the arrays of an NPZ file.

    Raises:
        DataError: for a file that is broken, or holds Python objects.
    """
    check_size(path, max_bytes)
    if not zipfile.is_zipfile(path):
        raise _broken(path, "it is no zip archive")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except ValueError as error:
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise DataError(
                f"{path} holds Python objects. luthier never unpickles data: it could run any "
                "code. Save plain arrays: np.savez(path, X=X.astype(float), y=y.astype(str))"
            ) from None
        raise _broken(path, error) from None
    except (OSError, EOFError, AttributeError, KeyError, zipfile.BadZipFile) as error:
        raise _broken(path, error) from None


def read_archive(path: Path, *, task: str | None, max_bytes: int) -> Dataset:
    """Read ``X`` and ``y``, or ``X_train`` and ``y_train`` with more parts, from an NPZ file."""
    arrays = open_archive(path, max_bytes)
    by_lower = {name.lower(): name for name in arrays}
    parts: list[dict[str, Any]] = []
    if "x" in by_lower and "y" in by_lower:
        parts.append({"x": by_lower["x"], "y": by_lower["y"], "part": 0})
    else:
        for part, number in _PART_NUMBER.items():
            x, y = by_lower.get(f"x_{part}"), by_lower.get(f"y_{part}")
            if x and y:
                parts.append({"x": x, "y": y, "part": number})
    if not parts or parts[0]["part"] != 0:
        raise DataError(
            f"{path} holds the arrays {', '.join(sorted(arrays)) or 'none'}. luthier looks for X "
            "and y, or X_train and y_train with X_val, y_val and X_test, y_test beside them. "
            "Save them so: np.savez(path, X=X, y=y)"
        )
    return from_arrays(
        [arrays[part["x"]] for part in parts],
        [arrays[part["y"]] for part in parts],
        {"reader": "npz", "parts": parts},
        str(path),
        task=task,
    )


def read_bundle(name: str, *, task: str | None, images: bool) -> Dataset:
    """Read a data set that scikit-learn bundles."""
    if images and name != "digits":
        raise DataError(
            f"'{name}' is a table, and images are needed: cnn learns from nothing else. Of the "
            "bundled data only digits has them. Take a network for tables, mlp or resnet."
        )
    kind = task or ("regression" if name == "diabetes" else "classification")
    bunch = bundle(name)
    y = bunch.target
    if kind == "classification" and len(bunch.target_names):
        y = np.array([str(label) for label in bunch.target_names])[y]
    found = inspect_target("target", *coded(y), None if y.dtype.kind == "U" else y, kind)
    reading = {
        "reader": "bundled",
        "form": "tensor" if images else "matrix",
        "row_shape": [1, 8, 8] if images else [int(bunch.data.shape[1])],
        "target_form": "values",
        "kind": found.kind,
        "classes": list(found.classes),
    }
    return checked(
        Dataset(
            raw=bundle_raw(bunch, reading),
            kind=found.kind,
            classes=found.classes,
            names=() if images else tuple(str(feature) for feature in bunch.feature_names),
            reading=reading,
            path=name,
        )
    )


def from_arrays(
    inputs: list[Any],
    targets: list[Any],
    reading: dict[str, Any],
    path: str,
    *,
    task: str | None,
    weight: Any | None = None,
) -> Dataset:
    """Decide what arrays are, and bring them into the neutral form.

    Args:
        inputs: Features, one array a part.
        targets: Targets, one array a part.
        reading: Where they came from; completed here.
        path: Where they came from; empty for Python objects.
        task: What kind of task the user says it is.
        weight: Weight of each row.

    Raises:
        DataError: for arrays that do not fit together or cannot be learned from.
    """
    where = path or "the data"
    for index, (x, y) in enumerate(zip(inputs, targets, strict=True)):
        _check_pair(x, y, where, inputs[0], f"part {index + 1} of " if len(inputs) > 1 else "")
        if y.shape[1:] != targets[0].shape[1:]:
            raise DataError(
                f"part {index + 1} of {where} has targets of shape {y.shape[1:]} a row, the first "
                f"part of {targets[0].shape[1:]}. All parts need the same. Prepare them alike."
            )
    form = input_form(inputs[0])
    shape = [int(size) for size in inputs[0].shape[1:]]
    reading = {**reading, "form": form, "row_shape": shape, "target_form": "values"}
    y = np.concatenate(targets)
    check_rows(len(y), where)
    if has_positions(y, task) and not _one_hot(y):
        reading["target_form"] = "positions"
        shape_of_row, found = inspect_positions(y)
        reading["positions"] = list(shape_of_row)
    else:
        reading["target_form"], found = _inspect(y, task)
    reading = {**reading, "kind": found.kind, "classes": list(found.classes)}
    if weight is not None:
        weight = _row_weights(weight, targets)
    raw = arrays_raw(inputs, targets, reading, weight)
    notes = list(found.notes)
    if form == "image":
        notes.append("bytes of shape (rows, height, width) taken for grey images, scaled to 0..1.")
    if found.kind == "regression" and y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iu":
        notes.append(
            f"whole numbers of shape (rows, {y.shape[1]}) taken for {y.shape[1]} amounts a row; "
            "task='classification' takes them for a class at each position."
        )
    names = tuple(f"x{i}" for i in range(raw["numeric"].shape[1]))
    return checked(
        Dataset(raw, found.kind, found.classes, names, (), reading, path, notes=tuple(notes))
    )


def input_form(x: Any) -> str:
    """Return matrix for two dimensions, image for grey bytes without channels, else tensor."""
    if x.ndim == 2:
        return "matrix"
    return "image" if x.ndim == 3 and x.dtype == np.uint8 else "tensor"


def check_inputs(x: Any, where: str) -> None:
    """Refuse inputs that are no array of numbers with rows first."""
    if x.dtype.kind not in "biuf":
        raise DataError(
            f"the inputs of {where} are of type {x.dtype}. An array of inputs holds numbers. "
            "Give texts and mixed columns as a data frame or a table file."
        )
    if x.ndim < 2 or 0 in x.shape[1:]:
        raise DataError(
            f"the inputs of {where} have shape {x.shape}. They need a row for each example and "
            "features beside it: (rows, features) or more dimensions. Use X.reshape(-1, 1) for "
            "a single feature."
        )


def _check_pair(x: Any, y: Any, where: str, first: Any, part: str) -> None:
    check_inputs(x, f"{part}{where}")
    if y.ndim == 0 or 0 in y.shape[1:] or (y.ndim > 2 and y.dtype.kind not in "biuf"):
        raise DataError(
            f"the targets of {part}{where} have shape {y.shape}. They are labels or numbers of "
            "shape (rows,), numbers of shape (rows, outputs), or class numbers at each position: "
            "(rows, length) or (rows, high, wide). Reshape them."
        )
    if not len(x):
        raise DataError(
            f"{part}{where} has no rows. A network learns from rows. Check how it was cut."
        )
    if len(x) != len(y):
        raise DataError(
            f"{part}{where} has {len(x)} rows of inputs and {len(y)} of targets. Both need the "
            "same rows in the same order. Check how they were cut."
        )
    if x.shape[1:] != first.shape[1:]:
        raise DataError(
            f"{part}{where} has rows of shape {x.shape[1:]}, the first part of "
            f"{first.shape[1:]}. All parts need the same features. Prepare them alike."
        )


def _inspect(y: Any, task: str | None) -> tuple[str, Target]:
    """Return how targets are given (values or onehot), and what they ask for."""
    if y.ndim == 2 and y.shape[1] > 1:
        if y.dtype.kind not in "biuf":
            raise DataError(
                f"targets of shape {y.shape} hold texts. Several outputs are numbers. Give one "
                "label a row: shape (rows,)."
            )
        if _one_hot(y) and task != "regression":
            codes, levels = coded(y.argmax(axis=1))
            return "onehot", inspect_target("y", codes, levels, None, "classification")
        for index in range(y.shape[1]):
            column = y[:, index].astype(np.float64)
            inspect_target(
                f"y[:, {index}]", *coded(column), column[~np.isnan(column)], "regression"
            )
        return "values", Target("regression")
    flat = y.reshape(len(y))
    codes, levels = coded(flat)
    numbers = flat.astype(np.float64)[codes >= 0] if flat.dtype.kind in "iuf" else None
    return "values", inspect_target("y", codes, levels, numbers, task)


def _one_hot(y: Any) -> bool:
    """Tell rows of a single 1."""
    return bool(y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


def _row_weights(weight: Any, targets: list[Any]) -> Any:
    """Return the weight of each row; rows of later parts count one if only training is weighted."""
    weight = np.array(weight, np.float64).reshape(-1)
    rows = sum(len(y) for y in targets)
    if len(weight) == len(targets[0]) < rows:
        weight = np.concatenate([weight, np.ones(rows - len(weight))])
    if len(weight) != rows:
        raise DataError(
            f"sample_weight has {len(weight)} values for {rows} rows. It needs one a row, or one "
            "for each row of the training part. Check how it was cut."
        )
    return weight


def _broken(path: Path, error: Exception | str) -> DataError:
    return DataError(
        f"cannot read {path} as a NumPy archive: {error}. An .npz file is what np.savez writes. "
        "Write it again: np.savez(path, X=X, y=y)"
    )
