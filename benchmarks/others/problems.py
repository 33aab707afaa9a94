"""Three published networks, each on data that suit it; as they are, not a line changed.

They are looked for when they are asked for, so that one of them can be run without the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from torch import nn

Array = np.ndarray[Any, Any]
Parts = tuple[tuple[Array, Array], ...]


@dataclass(frozen=True)
class Problem:
    """A network and its data.

    Args:
        install: Where the network comes from.
        build: Makes it.
        data: Training, validation and test part, from a seed.
        epochs: How long it is trained.
        rate: Adam's.
        shown: Accuracy, or the mean overlap of found and true pixels.
    """

    install: str
    build: Callable[[], nn.Module]
    data: Callable[[int], Parts]
    epochs: int
    rate: float
    shown: str = "accuracy"


def lstm() -> nn.Module:
    """Rnn-classifiers 0.0.2, U. Zaratiana: an image's rows are a sequence."""
    from rnn_classifier import RNNClassifier

    network: nn.Module = RNNClassifier(input_size=8, num_classes=10, rnn_hidden_size=32)
    return network


def vit() -> nn.Module:
    """Vit-pytorch 1.26.11, P. Wang: Beyer et al. 2022, "Better plain ViT baselines"."""
    from vit_pytorch import SimpleViT

    network: nn.Module = SimpleViT(
        image_size=8, patch_size=2, num_classes=10, dim=32, depth=2, heads=2, mlp_dim=64, channels=1
    )
    return network


def unet() -> nn.Module:
    """Unet 0.8.1, F. Pérez-García: Ronneberger et al. 2015, with batch norm and padding."""
    from unet import UNet2D

    network: nn.Module = UNet2D(
        in_channels=1,
        out_classes=2,
        num_encoding_blocks=3,
        out_channels_first_layer=8,
        normalization="batch",
        padding=1,
    )
    return network


def rows_of_digits(seed: int) -> Parts:
    """Return scikit-learn's digits as sequences of eight rows."""
    return _cut(*_digits(), (1000, 300), seed)


def digits(seed: int) -> Parts:
    """Return scikit-learn's digits as images of one channel."""
    images, labels = _digits()
    return _cut(images[:, None], labels, (1000, 300), seed)


def discs(seed: int, *, rows: int = 500, side: int = 32, noise: float = 1.0) -> Parts:
    """Return noisy images of a disc and a brighter frame, and which pixels are of the disc."""
    rng = np.random.default_rng(1000 + seed)
    y, x = np.mgrid[:side, :side]
    middle = rng.uniform(8, side - 8, (rows, 2, 1, 1))
    radius = rng.uniform(3, 8, (rows, 1, 1))
    disc = (y - middle[:, 0]) ** 2 + (x - middle[:, 1]) ** 2 < radius**2
    frame = np.abs(y - middle[:, 1]) + np.abs(x - middle[:, 0]) < radius  # a square of like size
    images = disc + 0.5 * (frame & ~disc) + rng.normal(0, noise, (rows, side, side))
    return _cut(images[:, None], disc.astype(np.int64), (300, 100), seed)


def _digits() -> tuple[Array, Array]:
    bunch = load_digits()
    return bunch.images / 16.0, bunch.target


def _cut(x: Array, y: Array, sizes: tuple[int, int], seed: int) -> Parts:
    order = np.random.default_rng(seed).permutation(len(x))
    train, val, test = np.split(order, np.cumsum(sizes))
    x = x.astype(np.float32)
    return tuple((x[rows], y[rows]) for rows in (train, val, test))


PROBLEMS = {
    "lstm": Problem("rnn-classifiers", lstm, rows_of_digits, 20, 3e-3),
    "vit": Problem("vit-pytorch torchvision einops", vit, digits, 20, 3e-3),
    "unet": Problem("unet", unet, discs, 30, 3e-3, "mean_iou"),
}
