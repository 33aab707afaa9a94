"""The data sets: what scikit-learn bundles and generates, and signals and images made from seeds.

Each is split once into halves that do not change; a fault may change the training half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets

SEED = 2026
Rng = np.random.Generator


@dataclass(frozen=True)
class Source:
    """A data set before it is split.

    Args:
        task: ``binary``, ``multiclass`` or ``regression``.
        make: Returns inputs and targets.
        train, val: Rows of each part, at most.
    """

    task: str
    make: Callable[[Rng], tuple[Any, Any]]
    train: int = 280
    val: int = 320


@dataclass(frozen=True)
class Parts:
    """A data set, split.

    Args:
        task: What kind.
        train: Inputs and targets to learn from.
        val: Inputs and targets to judge by.
    """

    task: str
    train: tuple[Any, Any]
    val: tuple[Any, Any]


def _bundled(name: str) -> Callable[[Rng], tuple[Any, Any]]:
    return lambda rng: getattr(datasets, f"load_{name}")(return_X_y=True)


def _made(name: str, **options: Any) -> Callable[[Rng], tuple[Any, Any]]:
    return lambda rng: getattr(datasets, f"make_{name}")(random_state=SEED, **options)


def _digits(shape: tuple[int, ...], odd: bool = False) -> Callable[[Rng], tuple[Any, Any]]:
    def make(rng: Rng) -> tuple[Any, Any]:
        inputs, labels = datasets.load_digits(return_X_y=True)
        return inputs.reshape(-1, *shape) / 16.0, labels % 2 if odd else labels

    return make


def _waves(rng: Rng) -> tuple[Any, Any]:
    """Sines of four frequencies, in noise: which one is it?"""
    label, time = rng.integers(4, size=900), np.arange(16)
    phase = rng.uniform(0, 1, (900, 1))
    wave = np.sin(2 * np.pi * (label[:, None] + 1) * time / 16 + phase)
    return (wave + rng.normal(0, 0.5, wave.shape))[:, :, None], label


def _trend(rng: Rng) -> tuple[Any, Any]:
    """Random walks with a small drift: up or down?"""
    label = rng.integers(2, size=900)
    steps = rng.normal(0, 1, (900, 16)) + 0.6 * (2 * label[:, None] - 1)
    return np.cumsum(steps, axis=1)[:, :, None], label


def _decay(rng: Rng) -> tuple[Any, Any]:
    """Damped oscillations in noise: how strongly are they damped?"""
    rate, time = rng.uniform(0.05, 0.6, 900), np.arange(16)
    phase = rng.uniform(0, 1, (900, 1))
    wave = 2 * np.exp(-rate[:, None] * time) * np.cos(1.2 * time + phase)
    return (wave + rng.normal(0, 0.1, wave.shape))[:, :, None], 10 * rate


def _gratings(rng: Rng) -> tuple[Any, Any]:
    """Stripes of four directions, in noise."""
    label, (rows, columns) = rng.integers(4, size=900), np.mgrid[0:8, 0:8]
    angle = (np.pi * label / 4 + rng.normal(0, 0.15, 900))[:, None, None]
    across = np.cos(angle) * columns + np.sin(angle) * rows
    images = np.sin(1.6 * across + rng.uniform(0, 2 * np.pi, (900, 1, 1)))
    return (images + rng.normal(0, 0.6, images.shape))[:, None], label


def _spots(rng: Rng) -> tuple[Any, Any]:
    """A bright spot somewhere: how far from the centre?"""
    place, (rows, columns) = rng.uniform(0.5, 6.5, (900, 2, 1, 1)), np.mgrid[0:8, 0:8]
    images = np.exp(-((rows - place[:, 0]) ** 2 + (columns - place[:, 1]) ** 2) / 2)
    far = np.hypot(place[:, 0] - 3.5, place[:, 1] - 3.5)[:, 0, 0]
    return (images + rng.normal(0, 0.15, images.shape))[:, None], far


def _faint(rng: Rng) -> tuple[Any, Any]:
    """Twelve inputs that hardly tell: the best loss is nine tenths of guessing."""
    inputs = rng.normal(0, 1, (1100, 12))
    odds = 0.45 * inputs[:, :4].sum(1) - 0.4 * inputs[:, 4] * inputs[:, 5]
    return inputs, (rng.random(1100) < 1 / (1 + np.exp(-odds))).astype(int)


def _gusts(rng: Rng) -> tuple[Any, Any]:
    """Numbers of whose variance four fifths are noise."""
    inputs = rng.normal(0, 1, (1100, 8))
    signal = inputs[:, 0] + np.sin(2 * inputs[:, 1]) + 0.5 * inputs[:, 2] * inputs[:, 3]
    return inputs, 10 * signal + rng.normal(0, 26, 1100)


def _mislabelled(rng: Rng) -> tuple[Any, Any]:
    """Digits of which every fourth label is a random one, in both parts: the best there is."""
    inputs, labels = datasets.load_digits(return_X_y=True)
    wrong = rng.random(len(labels)) < 0.25
    return inputs / 16.0, np.where(wrong, rng.integers(10, size=len(labels)), labels)


SOURCES: dict[str, Source] = {
    "digits": Source("multiclass", _digits((64,)), 320, 480),
    "breast_cancer": Source("binary", _bundled("breast_cancer"), 285, 284),
    "wine": Source("multiclass", _bundled("wine"), 90, 88),
    "iris": Source("multiclass", _bundled("iris"), 75, 75),
    "diabetes": Source("regression", _bundled("diabetes"), 242, 200),
    "moons": Source("binary", _made("moons", n_samples=640, noise=0.25)),
    "circles": Source("binary", _made("circles", n_samples=640, noise=0.12, factor=0.5)),
    "blobs": Source(
        "multiclass", _made("blobs", n_samples=640, centers=5, n_features=6, cluster_std=4.0)
    ),
    "classification": Source(
        "binary",
        _made("classification", n_samples=640, n_features=20, n_informative=6, class_sep=1.5),
    ),
    "quantiles": Source(
        "multiclass", _made("gaussian_quantiles", n_samples=640, n_features=3, n_classes=3)
    ),
    "friedman1": Source("regression", _made("friedman1", n_samples=640, noise=1.0)),
    "friedman2": Source("regression", _made("friedman2", n_samples=640, noise=60.0)),
    "regression": Source(
        "regression", _made("regression", n_samples=640, n_features=12, noise=40.0)
    ),
    "faint": Source("binary", _faint, 560, 540),
    "gusts": Source("regression", _gusts, 560, 540),
    "mislabelled": Source("multiclass", _mislabelled, 700, 900),
    "rare": Source(
        "binary",
        _made("classification", n_samples=1100, n_features=10, n_informative=5, weights=[0.93]),
        560,
        540,
    ),
    "digit_images": Source("multiclass", _digits((1, 8, 8)), 320, 480),
    "odd_images": Source("binary", _digits((1, 8, 8), odd=True), 320, 480),
    "gratings": Source("multiclass", _gratings, 280, 400),
    "spots": Source("regression", _spots, 280, 400),
    "digit_rows": Source("multiclass", _digits((8, 8)), 320, 480),
    "waves": Source("multiclass", _waves, 280, 400),
    "trend": Source("binary", _trend, 280, 400),
    "decay": Source("regression", _decay, 280, 400),
}


def parts(name: str, fault: str = "") -> Parts:
    """Return a data set, split; `fault` is what was done to it, as in `FAULTS`: ``labels:0.5``."""
    source = SOURCES[name]
    rng = np.random.default_rng(SEED)
    inputs, targets = source.make(rng)
    order = rng.permutation(len(inputs))
    rows = order[: source.train], order[source.train :][: source.val]
    (x, y), (vx, vy) = ((np.array(inputs[r], np.float32), np.array(targets[r])) for r in rows)
    if fault:
        kind, _, strength = fault.partition(":")
        x, y, vx, vy = FAULTS[kind](x, y, vx, vy, float(strength or 0), rng)
    return Parts(source.task, (x, y), (vx, vy))


def _labels(x: Any, y: Any, vx: Any, vy: Any, share: float, rng: Rng) -> tuple[Any, ...]:
    """Shuffle the targets of a share of all rows, in both parts as a broken export would."""
    for target in (y, vy):
        rows = np.flatnonzero(rng.random(len(target)) < share)
        target[rows] = target[rng.permutation(rows)]
    return x, y, vx, vy


def _large(x: Any, y: Any, vx: Any, vy: Any, factor: float, rng: Rng) -> tuple[Any, ...]:
    return x * np.float32(factor), y, vx * np.float32(factor), vy


def _broken_rows(x: Any, y: Any, vx: Any, vy: Any, count: float, rng: Rng) -> tuple[Any, ...]:
    """Make a few training rows a thousand times too large, as a wrong unit does."""
    x[rng.permutation(len(x))[: int(count)]] *= 1000
    return x, y, vx, vy


def _few_rows(x: Any, y: Any, vx: Any, vy: Any, count: float, rng: Rng) -> tuple[Any, ...]:
    """Keep few training rows, of all classes as far as there are as many."""
    first = np.unique(y, return_index=True)[1][: int(count)]
    first = first if y.dtype.kind in "iu" else first[:0]  # numbers have no classes
    rows = np.unique(np.concatenate([first, rng.permutation(len(x))[: int(count) - len(first)]]))
    return x[rows], y[rows], vx, vy


def _leak(x: Any, y: Any, vx: Any, vy: Any, share: float, rng: Rng) -> tuple[Any, ...]:
    """Put a share of the validation rows into the training part."""
    rows = rng.permutation(len(vx))[: int(share * len(vx))]
    return np.concatenate([x, vx[rows]]), np.concatenate([y, vy[rows]]), vx, vy


def _shift(x: Any, y: Any, vx: Any, vy: Any, by: float, rng: Rng) -> tuple[Any, ...]:
    """Move the validation inputs by some standard deviations, as another instrument would."""
    return x, y, vx + np.float32(by) * x.std(axis=0, keepdims=True), vy


FAULTS: dict[str, Callable[..., tuple[Any, ...]]] = {
    "labels": _labels,
    "inputs": _large,
    "broken_rows": _broken_rows,
    "few_rows": _few_rows,
    "leak": _leak,
    "shift": _shift,
}
