"""Convolutions with channels last, of any number of spatial axes, in two ways; packs have a third.

On a CPU, within loops, XLA's own convolution takes three times as long as PyTorch's
(https://github.com/jax-ml/jax/issues/12868), and on a GPU it is slower for small networks, too.
Here the input's windows are slices, side by side, and one product of matrices is the convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

Ints = Sequence[int]


class Windows(NamedTuple):
    """How a window moves over an input.

    Args:
        size: Of the window, a number a spatial axis; the others likewise.
        stride: From one window to the next.
        dilation: From one of its places to the next.
        before: Added to the input at its beginning.
        after: Added to it at its end.
        spread: From one of its values to the next; more than 1 puts zeros between them.
    """

    size: Ints
    stride: Ints
    dilation: Ints
    before: Ints
    after: Ints
    spread: Ints

    def padded(self, x: Any, value: float = 0.0) -> Any:
        """Return an input, rows first and channels last, with what is added to it."""
        plain = all(n == 0 for n in (*self.before, *self.after))
        if plain and all(n == 1 for n in self.spread):
            return x
        pads = [
            (first, last, step - 1)
            for first, last, step in zip(self.before, self.after, self.spread, strict=True)
        ]
        return lax.pad(x, jnp.asarray(value, x.dtype), [(0, 0, 0), *pads, (0, 0, 0)])

    def are_tiles(self, sides: Ints) -> bool:
        """Tell whether windows cover an input of such sides, each value once.

        >>> one = (1, 1)
        >>> Windows((2, 2), (2, 2), one, (0, 0), (0, 0), one).are_tiles((8, 6))
        True
        """
        alone = all(n == 1 for n in (*self.dilation, *self.spread))
        bare = not any((*self.before, *self.after))
        cover = all(side % size == 0 for side, size in zip(sides, self.size, strict=True))
        return alone and bare and cover and tuple(self.size) == tuple(self.stride)

    def slices(self, x: Any) -> Iterator[Any]:
        """Return what each place of the window sees of a padded input, in the kernel's order."""
        sides = x.shape[1:-1]
        counts = [
            (side - step * (size - 1) - 1) // stride + 1
            for side, size, step, stride in zip(
                sides, self.size, self.dilation, self.stride, strict=True
            )
        ]
        for place in product(*(range(n) for n in self.size)):
            starts = [at * step for at, step in zip(place, self.dilation, strict=True)]
            ends = [
                start + stride * (count - 1) + 1
                for start, stride, count in zip(starts, self.stride, counts, strict=True)
            ]
            yield lax.slice(
                x,
                (0, *starts, 0),
                (x.shape[0], *ends, x.shape[-1]),
                (1, *self.stride, 1),
            )


def sliced(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    """Return a convolution as one product of matrices; weight: outputs, inputs, then the window."""
    places = list(windows.slices(windows.padded(x)))
    outputs, inputs = weight.shape[:2]
    kernel = jnp.moveaxis(weight.reshape(outputs, inputs, -1), (0, 1), (2, 1))  # place, in, out
    if groups == 1:
        patches = jnp.concatenate(places, -1) if len(places) > 1 else places[0]
        return patches @ kernel.reshape(-1, outputs)
    if inputs == 1 and outputs == groups:  # each channel on its own: no product of matrices
        return sum(place * kernel[n, 0] for n, place in enumerate(places))
    front = places[0].shape[:-1]
    grouped = jnp.stack([place.reshape(-1, groups, inputs) for place in places], 2)
    parts = kernel.reshape(len(places), inputs, groups, outputs // groups)
    result = jnp.einsum("ngki,kigo->ngo", grouped, parts)
    return result.reshape(*front, outputs)


def _native(x: Any, weight: Any, windows: Windows, groups: int) -> Any:
    axes = "DHW"[-len(windows.size) :]
    return lax.conv_general_dilated(
        x,
        weight,
        windows.stride,
        list(zip(windows.before, windows.after, strict=True)),
        lhs_dilation=windows.spread,
        rhs_dilation=windows.dilation,
        dimension_numbers=(f"N{axes}C", f"OI{axes}", f"N{axes}C"),
        feature_group_count=groups,
    )


def _convolution(
    apply: Callable[[Any, Any, Windows, int], Any],
    input: Any,
    weight: Any,
    bias: Any,
    stride: Ints,
    padding: Ints,
    dilation: Ints,
    transposed: bool,
    output_padding: Ints,
    groups: int,
) -> Any:
    """Return PyTorch's convolution of an input with channels last."""
    size = weight.shape[2:]
    ones = (1,) * len(size)
    stride, padding, dilation = (
        tuple(numbers) * (len(size) // len(numbers)) for numbers in (stride, padding, dilation)
    )
    if not transposed:
        windows = Windows(size, stride, dilation, padding, padding, ones)
    else:
        # Its gradient's convolution: turned round, over an input with zeros between its values.
        reach = [step * (n - 1) for step, n in zip(dilation, size, strict=True)]
        before = [far - pad for far, pad in zip(reach, padding, strict=True)]
        extra = tuple(output_padding) * (len(size) // len(output_padding))
        after = [edge + more for edge, more in zip(before, extra, strict=True)]
        windows = Windows(size, ones, dilation, before, after, stride)
        inputs, outputs = weight.shape[:2]
        parts = weight.reshape(groups, inputs // groups, outputs, *size)
        weight = jnp.flip(jnp.swapaxes(parts, 1, 2), range(3, parts.ndim))
        weight = weight.reshape(groups * outputs, inputs // groups, *size)
    y = apply(input, weight, windows, groups)
    return y if bias is None else y + bias


def by(apply: Callable[..., Any]) -> Callable[..., Any]:
    """Return PyTorch's convolution, computed in a way."""

    def convolution(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Ints = (1,),
        padding: Ints = (0,),
        dilation: Ints = (1,),
        transposed: bool = False,
        output_padding: Ints = (0,),
        groups: int = 1,
    ) -> Any:
        return _convolution(
            apply,
            input,
            weight,
            bias,
            stride,
            padding,
            dilation,
            transposed,
            output_padding,
            groups,
        )

    return convolution


SLICED: Mapping[str, Callable[..., Any]] = {"convolution": by(sliced)}
NATIVE: Mapping[str, Callable[..., Any]] = {"convolution": by(_native)}
