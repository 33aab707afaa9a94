"""Where images have their channels: first as PyTorch expects them, last as Keras does, or none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from luthier.data.dataset import Dataset

LAYOUTS = ("first", "last", "none")


def layouts(dataset: Dataset) -> tuple[str, ...]:
    """Return how the rows of a data set may lie.

    Images of a folder, and grey bytes whose array has no channels, are given an axis of channels by
    luthier, and so may have it anywhere; grey ones need none. All else lies as its user has it.

    >>> from luthier.data import from_python
    >>> grey = np.zeros((20, 6, 6), "uint8")
    >>> layouts(from_python((grey, np.arange(20) % 2)))
    ('first', 'last', 'none')
    """
    tensor, reading = dataset.raw["tensor"], dataset.reading
    if reading.get("layout") or tensor is None:
        return ("first",)
    if reading.get("form") != "image" and reading.get("reader") != "images":
        return ("first",)
    return LAYOUTS if reading.get("form") == "image" else LAYOUTS[:2]


def laid_out(dataset: Dataset, layout: str) -> Dataset:
    """Return a data set with its channels elsewhere, which is read so again.

    >>> from luthier.data import from_python
    >>> grey = from_python((np.zeros((20, 6, 5), "uint8"), np.arange(20) % 2))
    >>> [laid_out(grey, one).raw["tensor"].shape[1:] for one in LAYOUTS]
    [(1, 6, 5), (6, 5, 1), (6, 5)]
    """
    if layout == "first":
        return dataset
    tensor = dataset.raw["tensor"]
    moved = np.ascontiguousarray(np.moveaxis(tensor, 1, -1)) if layout == "last" else tensor[:, 0]
    reading = {**dataset.reading, "layout": layout}
    return replace(dataset, raw={**dataset.raw, "tensor": moved}, reading=reading)
