"""`tf.data` data sets as arrays; TensorFlow is not imported for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from luthier.core import DataError
from luthier.data.objects import comes_from


def is_tf_data(value: object) -> bool:
    """Tell a ``tf.data.Dataset``."""
    return comes_from(value, "tensorflow.python.data")


def tf_pair(data: Any) -> tuple[Any, Any]:
    """Return all rows of a ``tf.data.Dataset``, batched or not, in the order that it gives them.

    Raises:
        DataError: for one that never ends, or does not give pairs.
    """
    if int(data.cardinality().numpy()) == -1:
        raise DataError(
            "a tf.data data set that never ends cannot be split. luthier goes over the rows "
            "itself. Leave repeat() out."
        )
    spec = data.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or any(not hasattr(s, "shape") for s in spec):
        raise DataError(
            f"a tf.data data set gives {spec}. It should give (inputs, targets), one tensor each. "
            "Map it to pairs; sample weights go into sample_weight=."
        )
    columns = tuple(zip(*data.as_numpy_iterator(), strict=True))
    if not columns:
        raise DataError("a tf.data data set is empty. Check how it was made.")
    join = np.concatenate if _batched(spec) else np.stack
    return join(columns[0]), join(columns[1])


def _batched(spec: Any) -> bool:
    """Tell whether elements are batches: inputs and targets begin with the same dimension."""
    inputs, targets = (tuple(one.shape) for one in spec)
    return bool(inputs) and bool(targets) and inputs[0] == targets[0]
