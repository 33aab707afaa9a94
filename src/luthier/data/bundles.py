"""What scikit-learn bundles, kept as arrays once it was read: importing it takes a second."""

from __future__ import annotations

import contextlib
import gzip
import os
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core.folders import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


@dataclass(frozen=True)
class Bundle:
    """A data set as `sklearn.datasets` returns it, in the names that it has there.

    Args:
        data: (rows, features).
        target: Of each row: a number, or that of a class.
        feature_names: Of the columns.
        target_names: Of the classes; empty where the target is a quantity.
    """

    data: Array
    target: Array
    feature_names: Array
    target_names: Array

    @property
    def images(self) -> Array:
        """The rows of ``digits`` as images of 8 x 8 pixels."""
        return self.data.reshape(-1, 8, 8)


def bundle(name: str) -> Bundle:
    """Return a data set, from the folder where an earlier process has kept it if one did.

    Args:
        name: One of `NAMES`.

    >>> bundle("iris").data.shape
    (150, 4)
    """
    path = cache_folder("bundles") / f"{name}-{metadata.version('scikit-learn')}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return Bundle(**{part: kept[part] for part in kept.files})
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        found = _digits() if name == "digits" else None  # not there, or not whole
        found = found or _read(name)
    with contextlib.suppress(OSError):  # a disk that is full or read-only changes nothing
        _keep(path, found)
    return found


def _digits() -> Bundle | None:
    """Read digits, which nearly all begin with, as scikit-learn does, but without importing it.

    None where its file does not lie, or is not made, as in its versions since 2013.
    """
    found = find_spec("sklearn")
    for folder in (found and found.submodule_search_locations) or ():
        with contextlib.suppress(OSError, EOFError, ValueError):
            with gzip.open(Path(folder, "datasets", "data", "digits.csv.gz"), "rt") as file:
                rows = np.loadtxt(file, delimiter=",")
            if rows.shape == (1797, 65):
                names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
                classes = np.arange(10).astype(str)
                return Bundle(rows[:, :-1], rows[:, -1].astype(int), np.array(names), classes)
    return None


def _read(name: str) -> Bundle:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    names = (np.array(bunch.get(part, ()), str) for part in ("feature_names", "target_names"))
    return Bundle(bunch.data, bunch.target, *names)


def _keep(path: Path, found: Bundle) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        np.savez(file, **vars(found))
    Path(part).replace(path)  # whole or not at all, whoever else writes it
