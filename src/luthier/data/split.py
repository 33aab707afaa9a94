"""Splits: which rows train, which select, which are kept for the end."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from luthier.core import DataError
from luthier.data.dataset import Dataset
from luthier.data.draw import split_rows


@dataclass(frozen=True)
class SplitPlan:
    """How to split. Groups and time order come with the data, and so do parts that are given.

    Args:
        test: Share of the rows that is opened once, at the end.
        val: Share that selects between recipes; a fifth each is the field's custom, and leaves
            most rows to learn from.
        seed: Another seed draws other rows.
    """

    test: float = 0.2
    val: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.test < 1 and 0 < self.val < 1 and self.test + self.val < 1):
            raise DataError(
                f"the split has test={self.test} and val={self.val}. Both are shares of the rows, "
                "val above 0, and together below 1. Use SplitPlan(test=0.2, val=0.2)."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Splits:
    """The rows of each part, int64 in rising order; test is empty where none was given."""

    train: Any
    val: Any
    test: Any

    @property
    def key(self) -> str:
        """A short hash of the rows: equal splits have equal keys."""
        digest = hashlib.sha256()
        for rows in (self.train, self.val, self.test):
            digest.update(f"{len(rows)}:".encode())
            digest.update(np.ascontiguousarray(rows).astype("<i8").tobytes())
        return digest.hexdigest()[:12]


def split(dataset: Dataset, plan: SplitPlan | None = None) -> Splits:
    """Split a data set: a function of seed, row number and label alone.

    Classes keep their shares; groups stay whole; with a time column the latest rows test. Parts
    that the data came with are kept, and only a missing validation part is drawn.

    Raises:
        DataError: when a part would be empty, or hold a class that training never sees.

    >>> from luthier.data.read import read
    >>> splits = split(read("iris"))
    >>> len(splits.train), len(splits.val), len(splits.test)
    (90, 30, 30)
    """
    plan = plan or SplitPlan()
    raw = dict(dataset.raw)
    if raw["target"] is None:
        raise DataError(
            f"{dataset.source} has no target: its rows are to be predicted. Only data with a "
            "target is split. Read it with read(...)."
        )
    if raw["group"] is not None and raw["time"] is not None:
        raise DataError(
            "both a group and a time column are named. Groups that reach over time cannot be cut "
            "by both. Name one of them."
        )
    wanted = 2 + (plan.test > 0)
    if raw["group"] is not None and len(np.unique(raw["group"])) < wanted:
        raise DataError(
            f"the group column has {len(np.unique(raw['group']))} different values. Each part of "
            f"the split needs a group of its own, {wanted} at least. Name another column."
        )
    splits = Splits(*split_rows(raw, plan.to_json()))
    for name, rows in (("training", splits.train), ("validation", splits.val)):
        if not len(rows):
            raise DataError(
                f"the {name} part is empty: {len(dataset)} rows in all. Training and validation "
                "need rows of their own. Give more rows, or other shares."
            )
    for rows in (splits.train, splits.val, splits.test):
        rows.setflags(write=False)
    _check_classes(dataset, splits)
    return splits


def _check_classes(dataset: Dataset, splits: Splits) -> None:
    if dataset.kind != "classification" or dataset.raw["target"].ndim > 1:
        return
    target = dataset.raw["target"]
    seen = np.bincount(target[splits.train], minlength=len(dataset.classes)) > 0
    unseen = [label for label, there in zip(dataset.classes, seen, strict=True) if not there]
    if unseen:
        raise DataError(
            f"class '{unseen[0]}' is not in the training part"
            f"{f' ({len(unseen)} classes are not)' if len(unseen) > 1 else ''}. What training "
            "never sees cannot be learned. Split otherwise, or remove the class."
        )
