"""Convolutions of a pack's evaluation, which lives from memory: they leave as little as they can.

Nothing is differentiated there, so XLA can compute whatever is elementwise within the operation
that reads it, and a first convolution with a pooling above it need never be written.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import jax.numpy as jnp

from luthier.engines.compiled.operations.convolutions import Windows, by
from luthier.engines.compiled.operations.written import written

FEW = 32  # values of a window up to which it is summed: an image's first 3 x 3 has 9 or 27


def summed(x: Any, weight: Any, windows: Windows, groups: int = 1) -> Any:
    """Return a convolution as a sum of products, value by value of the window.

    A product of matrices would be written, and read by what comes next. This is computed there,
    at a cost that grows with the window: for few values alone.

    Args:
        x: The input, rows first and channels last.
        weight: The kernel: outputs, inputs, then the window.
        windows: How the window moves.
        groups: Of channels: there must be one.

    >>> two = Windows((2,), (1,), (1,), (0,), (0,), (1,))
    >>> x, weight = jnp.array([[[1.0], [2.0], [3.0]]]), jnp.array([[[10.0, 1.0]]])
    >>> summed(x, weight, two).ravel().tolist()
    [12.0, 23.0]
    """
    outputs, inputs = weight.shape[:2]
    padded = written(windows.padded(x))  # or each value asks whether it lies beyond the edge
    kernel = jnp.moveaxis(weight.reshape(outputs, inputs, -1), (0, 1), (2, 1))  # place, in, out
    return sum(
        place[..., channel, None] * kernel[number, channel]
        for number, place in enumerate(windows.slices(padded))
        for channel in range(inputs)
    )


def evaluated(otherwise: Callable[..., Any], *, few: int = FEW) -> Callable[..., Any]:
    """Return PyTorch's convolution for an evaluation.

    Args:
        otherwise: How convolutions of more values are computed.
        few: Values of a window up to which products are summed one by one. By its instructions
            an H100 computes 27 of them in about the time that it takes to write the result.
    """
    small = by(summed)

    def convolution(
        *,
        input: Any,
        weight: Any,
        bias: Any = None,
        transposed: bool = False,
        groups: int = 1,
        **moved: Any,
    ) -> Any:
        if not transposed and groups == 1 and prod(weight.shape[1:]) <= few:
            result = small(input, weight, **moved)
        else:
            # Windows repeat each value: it is computed once, not within each of them.
            kept = written(input)
            result = otherwise(kept, weight, transposed=transposed, groups=groups, **moved)
            # A library's product would read the bias from an array as large as its result.
            result = result if bias is None else written(result)
        return result if bias is None else result + bias

    return convolution
