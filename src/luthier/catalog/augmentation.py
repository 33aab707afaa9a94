"""How the rows of a step are varied: the same in every engine and framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from luthier.core.keys import bits, fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

# Words that keep the draws of a training apart; the first is that of its order of rows.
FLIP, DOWN, RIGHT, ROW, COLUMN, NOISE = range(2, 8)
KINDS = ("flip", "shift", "cutout")  # a binary digit each

# Giles' polynomials, the highest power first.
MIDDLE = (
    *(2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087),
    *(-0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
)
TAIL = (
    *(-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773),
    *(-0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
)
SQRT2 = 2**0.5


class Moved(NamedTuple):
    """Images mirrored, shifted by up to an eighth of their side, or with a square cut out.

    Attributes:
        at: Of each pixel: its image, and from which row and column its value comes.
        inside: Whether that lies within the image.
        seen: Whether it is not cut out as well; what a pixel is learnt by stays.
    """

    at: tuple[Array, Array, Array]
    inside: Array
    seen: Array


def moved(augmentation: str, seed: int, step: int, shape: tuple[int, int, int]) -> Moved:
    """Draw how the images of a step move.

    Args:
        augmentation: A recipe's word: names of `KINDS`, or ``none``.
        seed: The trial's.
        step: Its step.
        shape: How many images there are, their height and their width.

    >>> moved("none", 0, 0, (1, 2, 2)).at[2].tolist()
    [[[0, 1]]]
    """
    count, height, width = shape
    images = np.arange(count, dtype=np.uint32)

    def drawn(word: int, choices: int) -> Array:
        found: Array = (bits(fold(seed, word, step), images) % choices).astype(np.int64)
        return found[:, None]

    down, right = np.tile(np.arange(height), (count, 1)), np.tile(np.arange(width), (count, 1))
    if "flip" in augmentation:
        right = np.where(drawn(FLIP, 2) == 1, width - 1 - right, right)
    if "shift" in augmentation:
        far, wide = longest_shift(height), longest_shift(width)
        down = down + drawn(DOWN, 2 * far + 1) - far
        right = right + drawn(RIGHT, 2 * wide + 1) - wide
    inside = ((down >= 0) & (down < height))[:, :, None] & ((right >= 0) & (right < width))[:, None]
    seen = inside
    if "cutout" in augmentation:
        row, column = _covered(drawn(ROW, height), height), _covered(drawn(COLUMN, width), width)
        seen = inside & ~(row[:, :, None] & column[:, None])
    down, right = down.clip(0, height - 1)[:, :, None], right.clip(0, width - 1)[:, None]
    return Moved((np.arange(count)[:, None, None], down, right), inside, seen)


def spread(inputs: Array, *, rows: int = 4096) -> Array:
    """Return what noise is measured in: the standard deviation of each column of some rows.

    Images and sequences have one for all of their numbers: a pixel of the border that is always
    black would else be never varied.

    Args:
        inputs: The training part's first input.
        rows: Read at once, so that large parts take no copy of their own.

    >>> spread(np.array([[0.0, 3.0], [2.0, 3.0]])).tolist()
    [1.0, 0.0]
    """
    axis = 0 if inputs.ndim == 2 else None
    parts = [inputs[start : start + rows] for start in range(0, len(inputs), rows)]
    share = len(inputs) if axis == 0 else inputs.size
    mean = sum(np.sum(part, axis, np.float64) for part in parts) / share
    squares = sum(np.sum((part - mean) ** 2, axis) for part in parts)
    found: Array = np.asarray(np.sqrt(squares / share))
    return found


def noise(seed: int, step: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """Draw the standard normal numbers of a step's rows.

    >>> drawn = noise(0, 0, (1000, 4), np.float64)
    >>> bool(abs(drawn.mean()) < 0.1), round(float(drawn.std()), 1), drawn.shape
    (True, 1.0, (1000, 4))
    """
    places = np.arange(int(np.prod(shape)), dtype=np.uint32)
    drawn = normal(bits(fold(seed, NOISE, step), places), np, dtype)
    return np.asarray(drawn, dtype).reshape(shape)  # NumPy before 2 widens it


def normal(drawn: Any, library: Any, dtype: Any) -> Any:
    """Return a standard normal number for each of some 32 random bits.

    The inverse of its distribution, in few operations that every library computes alike: Giles
    2010, "Approximating the erfinv function", table 5, whose error is that of single precision.

    Args:
        drawn: The bits, as unsigned integers; the highest 24 count.
        library: NumPy, or JAX' numpy.
        dtype: Of the numbers.
    """
    x = ((drawn >> 8).astype(dtype) - 8388607.5) / 8388608  # within (-1, 1), exactly
    w = -library.log((1 - x) * (1 + x))
    middle, tail = w - 2.5, library.sqrt(library.maximum(w, 5)) - 3
    near, far = (np.dtype(dtype).type(0.0) for _ in range(2))
    for one, other in zip(MIDDLE, TAIL, strict=True):
        near, far = one + near * middle, other + far * tail
    return SQRT2 * library.where(w < 5, near, far) * x


def longest_shift(side: int, share: float = 0.125) -> int:
    """Return how many pixels an image is shifted by at most: an eighth of its side.

    An eighth is 4 of 32 pixels, as in He et al. 2016 (Deep Residual Learning), section 4.2.

    >>> longest_shift(28), longest_shift(3)
    (4, 1)
    """
    return max(1, round(share * side))


def hole(side: int, share: float = 0.5) -> int:
    """Return the side of the square that is cut out of an image: half of the image's.

    Half is 16 of 32 pixels, as for CIFAR-10 in DeVries & Taylor 2017 (Improved Regularization of
    Convolutional Neural Networks with Cutout), table 1.

    >>> hole(28), hole(1)
    (14, 1)
    """
    return max(1, round(share * side))


def kinds_of(augmentation: str) -> int:
    """Return which kinds of augmentation a recipe's word names, as binary digits.

    >>> [kinds_of(word) for word in ("none", "flip", "shift", "flip_shift_cutout")]
    [0, 1, 2, 7]
    """
    return sum(1 << n for n, kind in enumerate(KINDS) if kind in augmentation)


def _covered(middle: Array, side: int) -> Array:
    """Tell which places of a side a hole around some middles covers."""
    begin, at = middle - hole(side) // 2, np.arange(side)
    covered: Array = (at >= begin) & (at < begin + hole(side))
    return covered
