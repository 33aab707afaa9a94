"""Dataset: what was read, in one neutral form, before any split or preprocessing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from luthier.core import DataError

ARRAYS = ("numeric", "codes", "tensor", "target", "weight", "group", "time", "given")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to learn from: numbers and categories by column, or one n-dimensional array.

    Args:
        raw: ``numeric`` (rows, columns) float64 with NaN where missing; ``codes`` (rows, columns)
            number of each text in ``levels``, -1 where missing; or ``tensor``; ``target`` class
            numbers or float64 (rows, outputs), None for rows that are to be predicted;
            ``weight``, ``group``, ``time``; ``given`` part of each row (0 train, 1 validation,
            2 test) where the data came split.
        kind: ``classification`` or ``regression``.
        classes: The labels in the order of their numbers.
        names: Names of the numeric columns.
        categories: Names of the columns of texts.
        reading: How to read the same again: plain data.
        path: The file, folder or bundled name; empty for Python objects.
        left_out: Reason for each column that is not learned from.
        notes: What was done to the data, one plain sentence each.
        row_names: Name of each row that is to be predicted, where rows are files.
    """

    raw: Mapping[str, Any]
    kind: str
    classes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    reading: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    row_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        frozen = dict(self.raw)
        for name in ARRAYS:
            if frozen[name] is not None:
                frozen[name] = frozen[name].view()
                frozen[name].setflags(write=False)
        object.__setattr__(self, "raw", frozen)

    def __len__(self) -> int:
        tensor = self.raw["tensor"]
        return len(self.raw["numeric"]) if tensor is None else len(tensor)

    @property
    def source(self) -> str:
        """Where the data came from, in words."""
        return self.path or "Python objects"

    @cached_property
    def fingerprint(self) -> str:
        """A short hash of the content: the same content has the same one wherever it lies."""
        about = {
            "kind": self.kind,
            "classes": self.classes,
            "names": self.names,
            "categories": self.categories,
            "levels": self.raw["levels"],
        }
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for name in ARRAYS:
            values = self.raw[name]
            if values is not None:
                digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
                digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:12]


def check_rows(rows: int, where: str, *, min_rows: int = 20) -> None:
    """Refuse a handful of rows.

    Args:
        rows: How many there are.
        where: Where they came from.
        min_rows: Fewer rows leave fewer than four to validate on, which decide nothing.

    Raises:
        DataError: for too few rows.
    """
    if rows < min_rows:
        raise DataError(
            f"{where} has {rows} rows. Training, validation and test need at least {min_rows} "
            "together. Give more rows."
        )


def checked(dataset: Dataset) -> Dataset:
    """Return the data set if a network can learn from it.

    Raises:
        DataError: for too few rows, infinite values, or weights that are no weights.
    """
    raw = dataset.raw
    check_rows(len(dataset), dataset.source)
    for index, name in enumerate(dataset.names):
        _refuse_infinite(raw["numeric"][:, index], f"column '{name}'")
    if raw["tensor"] is not None:
        _refuse_infinite(raw["tensor"], "the inputs")
    weight = raw["weight"]
    if weight is not None:
        bad = int((~np.isfinite(weight) | (weight < 0)).sum())
        if bad or not weight.any():
            what = (
                f"{bad} weights are negative, missing or infinite" if bad else "all weights are 0"
            )
            raise DataError(
                f"{what}. A weight says how much a row counts: a number from 0 up, some above 0. "
                "Correct them, or leave weights out."
            )
    return dataset


def save_npz(dataset: Dataset, path: str | Path) -> None:
    """Write the data in its neutral form, for a script that has no file to read."""
    raw = dataset.raw
    arrays = {name: raw[name] for name in ARRAYS if raw[name] is not None}
    np.savez_compressed(Path(path), **arrays, levels=np.array(json.dumps(raw["levels"])))


def _refuse_infinite(values: Any, where: str) -> None:
    if values.dtype.kind != "f":
        return
    count = int(np.isinf(values).sum())
    if count:
        raise DataError(
            f"{where} holds {count} infinite values. Inputs are finite numbers, or missing. "
            "Correct them, or leave them empty: missing values are filled in."
        )
