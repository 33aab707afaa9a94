"""Which rows a step sees, and what happens to them first: order, mixup, augmentation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from luthier.catalog.augmentation import moved, noise
from luthier.catalog.losses import mix, mixup_share, smooth
from luthier.catalog.order import epoch_order
from luthier.core import Recipe
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
        images = inputs[0]
        shape = (len(images), images.shape[-2], images.shape[-1])
        drawn, inside, seen = moved(recipe.augmentation, seed, step, shape)
        at = tuple(map(torch.from_numpy, drawn))
        varied = images.movedim(1, -1)[at].movedim(-1, 1) * torch.from_numpy(seen).unsqueeze(1)
        inputs = (varied, *inputs[1:])
        if part.shares is not None and labels.ndim > 1:
            labels = labels[at].masked_fill(~torch.from_numpy(inside), len(part.shares) - 1)
    if recipe.noise:
        first = inputs[0]
        added = torch.from_numpy(noise(seed, step, tuple(first.shape), first.numpy().dtype))
        inputs = (first + (recipe.noise * part.spread).to(first.dtype) * added, *inputs[1:])
    target, weight = part.wanted(labels), part.weighed(part.weight[rows], labels, classes)
    if recipe.label_smoothing:
        target = smooth(target, recipe.label_smoothing)
    if recipe.mixup:
        share = mixup_share(seed, step, recipe.mixup)
        inputs = tuple(mix(x, x.flip(0), share) for x in inputs)
        target = mix(target, target.flip(0), share)
        weight = mix(weight, weight.flip(0), share)
    return inputs, target, weight
