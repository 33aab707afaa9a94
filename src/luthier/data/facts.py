"""Facts of a data set: what set-up rules and reports say about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from luthier.core import IGNORED
from luthier.data.dataset import Dataset
from luthier.data.split import Splits


def facts(dataset: Dataset, splits: Splits | None = None) -> Mapping[str, Any]:
    """Return counts and shares as plain data.

    >>> from luthier.data.read import read
    >>> iris = facts(read("iris"))
    >>> iris["rows"], iris["features"], iris["imbalance_ratio"]
    (150, 4, 1.0)
    """
    raw = dataset.raw
    tensor = raw["tensor"]
    if tensor is None:
        missing = int(np.isnan(raw["numeric"]).sum() + (raw["codes"] < 0).sum())
        cells = raw["numeric"].size + raw["codes"].size
        features = raw["numeric"].shape[1] + raw["codes"].shape[1]
    else:
        missing = int(np.isnan(tensor).sum()) if tensor.dtype.kind == "f" else 0
        cells, features = tensor.size, int(np.prod(tensor.shape[1:]))
    classes: dict[str, int] = {}
    if dataset.classes and raw["target"] is not None:
        target = raw["target"]
        counts = np.bincount(target[target != IGNORED], minlength=len(dataset.classes))
        classes = dict(zip(dataset.classes, counts.tolist(), strict=True))
    parts = {}
    if splits is not None:
        parts = {name: len(getattr(splits, name)) for name in ("train", "val", "test")}
    return {
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "kind": dataset.kind,
        "rows": len(dataset),
        "features": features,
        "numeric": list(dataset.names),
        "categorical": list(dataset.categories),
        "shape": list(raw["numeric"].shape[1:] if tensor is None else tensor.shape[1:]),
        "classes": classes,
        "imbalance_ratio": max(classes.values()) / max(1, min(classes.values()))
        if classes
        else 1.0,
        "missing_share": missing / cells if cells else 0.0,
        "left_out": dict(dataset.left_out),
        "notes": list(dataset.notes),
        "splits": parts,
        "given_splits": raw["given"] is not None,
        "weighted": raw["weight"] is not None,
    }
