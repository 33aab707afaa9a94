"""Whether what a model says of one row depends on the other rows of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.frameworks.keras.inspecting.net import Net, array, tensors

Array = NDArray[Any]
_LEAST = 4  # rows
_CLEAR = 1e-3  # of the outputs' size: rounding differs with a batch's layout


def mixes(net: Net, inputs: Sequence[Array]) -> bool | None:
    """Tell whether rows' outputs change when the other half of the rows does.

    It is asked in evaluation mode, where normalisation and dropout mix and draw nothing.

    Returns:
        None where that cannot be told: few rows, outputs of another kind, or a model that returns
        something else for the very same rows.
    """
    rows = min(len(x) for x in inputs)
    if rows < _LEAST:
        return None
    half = rows // 2
    given = [x[:rows] for x in inputs]
    # A copy of one row in place of the others: mere order is nothing to a sum over rows.
    late = [np.concatenate([x[:half], np.repeat(x[:1], rows - half, 0)]) for x in given]
    early = [np.concatenate([np.repeat(x[-1:], half, 0), x[half:]]) for x in given]
    weights, others = tensors(net.weights), tensors(net.others)

    def of(batch: Sequence[Array]) -> Array:
        outputs, _, _ = net.call(weights, others, tensors(batch), training=False)
        return array(outputs).astype(np.float64)

    try:
        first, again, after, before = (of(batch) for batch in (given, given, late, early))
    except Exception:
        return None
    if len(first) != rows or not np.array_equal(first, again) or not np.isfinite(first).all():
        return None
    gaps = np.abs(after[:half] - first[:half]).max(), np.abs(before[half:] - first[half:]).max()
    return float(max(gaps)) > _CLEAR * max(float(np.abs(first).max()), 1e-12)
