"""What goes into a program and comes out of it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Carry(NamedTuple):
    """What an epoch hands to the next: weights, changing buffers, moments, averages."""

    weights: dict[str, Any]
    buffers: dict[str, Any]
    slots: tuple[dict[str, Any], ...]
    average: dict[str, Any]


class Settings(NamedTuple):
    """A recipe's numbers; a program takes them as one array in double precision."""

    momentum: Any
    beta1: Any
    beta2: Any
    epsilon: Any
    l1: Any
    l2: Any
    weight_decay: Any
    clip_norm: Any
    label_smoothing: Any


class Examples(NamedTuple):
    """The training part, or one batch of it."""

    inputs: tuple[Any, ...]
    target: Any
    weight: Any


class Steps(NamedTuple):
    """What each step of an epoch is given, first axis the step."""

    rows: Any  # which examples
    numbers: Any  # three a step, as `Numbers`


class Numbers(NamedTuple):
    """What a step's schedule and draws decide, in double precision."""

    rate: Any
    share: Any  # of a batch's own examples in mixup; 1 without it
    decay: Any  # of the average of weights; 0 without one


class Draws(NamedTuple):
    """What dropout masks, and how rows are varied, depend on."""

    words: Any  # the seed's key
    thresholds: Any
    scales: Any
    kinds: Any  # of augmentation, a binary digit each
    noise: Any  # standard deviation of what is added to each number of a row


class Rows(NamedTuple):
    """Sample and validation part, one after the other, cut into passes."""

    inputs: tuple[Any, ...]
    sample_target: Any
    sample_weight: Any
    val_target: Any
    val_weight: Any


class Outcome(NamedTuple):
    """What an epoch showed."""

    steps: Any  # data loss, penalty and gradient norm of each step
    kernels: Any  # gradient, weight and change norms of each kernel at the last step
    losses: Any  # of the sample and of the validation part
    val_outputs: Any

    @classmethod
    def parted(cls, vector: Any, steps: int, kernels: int, rows: int) -> Outcome:
        """Take apart the one vector of a program that returns everything in one transfer."""
        shapes = ((steps, 3), (3, kernels), (2,), (rows, -1))
        sizes = (3 * steps, 3 * kernels, 2, len(vector) - 3 * steps - 3 * kernels - 2)
        parts, start = [], 0
        for shape, size in zip(shapes, sizes, strict=True):
            parts.append(vector[start : start + size].reshape(shape))
            start += size
        return cls(*parts)
