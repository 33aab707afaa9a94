"""The networks of the benchmark, their data, and what a step of theirs computes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor, nn

from luthier.core import Arrays, Part, Task

ROWS, CLASSES, BATCH = 1056, 10, 32  # of training: 33 steps an epoch, as digits has


def mlp(n_features: int, n_outputs: int) -> nn.Module:
    """Return 64-128-10."""
    return nn.Sequential(nn.Linear(n_features, 128), nn.ReLU(), nn.Linear(128, n_outputs))


def cnn(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return two convolutions and two dense layers: 16 and 32 channels, 64 units."""
    side = input_shape[1] // 4
    return nn.Sequential(
        nn.Conv2d(input_shape[0], 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * side * side, 64),
        nn.ReLU(),
        nn.Linear(64, n_outputs),
    )


NETWORKS: dict[str, tuple[Callable[..., nn.Module], int]] = {
    "mlp": (mlp, 0),
    "cnn8": (cnn, 8),
    "cnn28": (cnn, 28),
}
"""Builder, and the side of the images that it gets; 0 for rows of 64 numbers."""


def arrays(side: int) -> Arrays:
    """Return noisy images, or rows, of ten kinds."""
    shape = (1, side, side) if side else (64,)
    task = Task(
        kind="classification",
        metric="log_loss",
        direction="minimize",
        input_shape=shape,
        n_outputs=CLASSES,
        classes=tuple("0123456789"),
        shown=("log_loss", "accuracy"),
    )
    kinds = np.random.default_rng(0).normal(size=(CLASSES, *shape))

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        labels = rng.integers(CLASSES, size=rows)
        x = kinds[labels] + 2.0 * rng.normal(size=(rows, *shape))
        return Part((x.astype(np.float32),), labels.astype(np.int64), None, np.arange(rows))

    return Arrays(task, part(ROWS, 1), part(360, 2), None, f"packs-{side}")


def operations(network: nn.Module, x: Tensor) -> int:
    """Return the multiplications and additions of a step's products of matrices.

    Forward, for the weights' gradients, and for those of all inputs but the first layer's.
    """
    counts: list[int] = []

    def count(layer: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            counts.append(2 * made.numel() * layer.weight[0].numel())

    hooks = [layer.register_forward_hook(count) for layer in network.modules()]
    network(x)
    for hook in hooks:
        hook.remove()
    return 3 * sum(counts) - counts[0]
