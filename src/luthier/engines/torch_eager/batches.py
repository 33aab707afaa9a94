"""Which rows a step sees, and what happens to them first: order, mixup, augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from luthier.catalog.losses import mix, mixup_share, smooth
from luthier.catalog.order import (
    COLUMN,
    DOWN,
    FLIP,
    RIGHT,
    ROW,
    epoch_order,
    hole,
    longest_shift,
)
from luthier.core import Recipe
from luthier.core.keys import bits, fold
from luthier.engines.torch_eager.tensors import Rows


@dataclass(frozen=True)
class Batches:
    """How a training part is cut into steps. The last short batch of an epoch is dropped."""

    rows: int
    batch_size: int

    @classmethod
    def of(cls, rows: int, batch_size: int | str) -> Batches:
        """Read a recipe's batch size; one that is larger than the data means all of it.

        >>> Batches.of(100, 32).steps, Batches.of(100, "full").steps, Batches.of(9, 32).steps
        (3, 1, 1)
        """
        size = rows if isinstance(batch_size, str) else min(batch_size, rows)
        return cls(rows, size)

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return self.rows // self.batch_size

    def order(self, seed: int, epoch: int) -> list[Tensor]:
        """Return the rows of each step of an epoch, drawn afresh from (seed, epoch)."""
        return list(torch.from_numpy(epoch_order(seed, epoch, self.rows, self.batch_size)))


def batch(
    part: Rows, classes: Tensor | None, rows: Tensor, recipe: Recipe, seed: int, step: int
) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Return inputs, targets and weights of one step, augmented, smoothed and mixed.

    Args:
        part: The training part.
        classes: Weight of each class; None where all count the same.
        rows: The step's.
        recipe: What happens to them.
        seed: Decides how, with the step.
        step: Its number.
    """
    inputs, labels = tuple(x[rows] for x in part.inputs), part.target[rows]
    if recipe.augmentation != "none":
        moved = _Moved.of(inputs[0], recipe.augmentation, seed, step)
        inputs = (moved.images(inputs[0]), *inputs[1:])
        if part.shares is not None and labels.ndim > 1:
            labels = moved.labels(labels, outside=len(part.shares) - 1)
    target, weight = part.wanted(labels), part.weighed(part.weight[rows], labels, classes)
    if recipe.label_smoothing:
        target = smooth(target, recipe.label_smoothing)
    if recipe.mixup:
        share = mixup_share(seed, step, recipe.mixup)
        inputs = tuple(mix(x, x.flip(0), share) for x in inputs)
        target = mix(target, target.flip(0), share)
        weight = mix(weight, weight.flip(0), share)
    return inputs, target, weight


@dataclass(frozen=True, eq=False)
class _Moved:
    """Images flipped left to right, shifted by up to an eighth of their side, or cut.

    Args:
        at: Of each pixel: its image, and from which row and column its value comes.
        inside: Whether that lies within the image.
        seen: Whether it is not cut out as well; what a pixel is learnt by stays.
    """

    at: tuple[Tensor, Tensor, Tensor]
    inside: Tensor
    seen: Tensor

    @classmethod
    def of(cls, images: Tensor, kinds: str, seed: int, step: int) -> _Moved:
        """Draw how the images of a step move."""
        count, height, width = images.shape[0], images.shape[-2], images.shape[-1]
        positions = np.arange(count, dtype=np.uint32)
        images_at = torch.arange(count).view(-1, 1, 1)
        down, right = torch.arange(height).repeat(count, 1), torch.arange(width).repeat(count, 1)
        if "flip" in kinds:
            flipped = torch.from_numpy(bits(fold(seed, FLIP, step), positions) % 2 == 1)
            right = torch.where(flipped.view(-1, 1), width - 1 - right, right)
        if "shift" in kinds:
            down = down + _shifts(seed, DOWN, step, positions, longest_shift(height))
            right = right + _shifts(seed, RIGHT, step, positions, longest_shift(width))
        inside = ((down >= 0) & (down < height)).unsqueeze(2) & (
            (right >= 0) & (right < width)
        ).unsqueeze(1)
        down, right = down.clamp(0, height - 1).unsqueeze(2), right.clamp(0, width - 1).unsqueeze(1)
        seen = inside
        if "cutout" in kinds:
            row = _within(bits(fold(seed, ROW, step), positions), height)
            column = _within(bits(fold(seed, COLUMN, step), positions), width)
            seen = inside & ~(row.unsqueeze(2) & column.unsqueeze(1))
        return cls((images_at, down, right), inside, seen)

    def images(self, images: Tensor) -> Tensor:
        """Return images with zeros where nothing comes from."""
        return images.movedim(1, -1)[self.at].movedim(-1, 1) * self.seen.unsqueeze(1)

    def labels(self, labels: Tensor, outside: int) -> Tensor:
        """Return the classes of pixels, moved with them."""
        return labels[self.at].masked_fill(~self.inside, outside)


def _shifts(seed: int, kind: int, step: int, positions: np.ndarray, most: int) -> Tensor:
    drawn = bits(fold(seed, kind, step), positions) % (2 * most + 1)
    return torch.from_numpy(drawn.astype(np.int64) - most).view(-1, 1)


def _within(drawn: np.ndarray, side: int) -> Tensor:
    """Tell which places of a side the hole of each image covers."""
    begin = torch.from_numpy((drawn % side).astype(np.int64) - hole(side) // 2).view(-1, 1)
    at = torch.arange(side)
    return (at >= begin) & (at < begin + hole(side))
