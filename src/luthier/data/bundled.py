"""The data sets that scikit-learn bundles. NumPy and scikit-learn only.

This module is written into exported scripts as it stands, so it imports nothing of luthier
but what is written beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.data.arrays import arrays_raw


def read_bundled(name: str, reading: dict[str, Any]) -> dict[str, Any]:
    """Read a data set that comes with scikit-learn."""
    from sklearn import datasets

    return bundle_raw(getattr(datasets, f"load_{name}")(), reading)


def bundle_raw(bunch: Any, reading: dict[str, Any]) -> dict[str, Any]:
    """Return a data set as rows."""
    y = bunch.target
    if reading["kind"] == "classification":
        y = np.array([str(label) for label in bunch.target_names])[y]
    return arrays_raw([bundle_inputs(bunch, reading["form"])], [y], reading)


def bundle_inputs(bunch: Any, form: str) -> Any:
    """Return its inputs: a matrix, or images."""
    return bunch.images[:, None] / 16.0 if form == "tensor" else bunch.data
