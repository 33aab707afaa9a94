"""Class numbers that are learnt as amounts: a copy learns them as classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import Setup
from luthier.frameworks.keras.inspecting.bench import Bench
from luthier.frameworks.keras.inspecting.loss_facts import NUMBERS, Compiled
from luthier.frameworks.keras.inspecting.net import skip

Array = NDArray[Any]
_CLASSES = (3, 30)  # two are one line either way; more whole numbers than that are amounts


def as_classes(bench: Bench, setup: Setup, head: Any) -> None:
    """Train a copy with an output for each whole number, where the user's has one for all.

    Args:
        bench: Gets the fit ``as_classes``.
        setup: What was measured.
        head: The layer that makes the outputs; None where that is not known.
    """
    if setup.loss.kind not in NUMBERS or setup.output.op != "none":
        return
    if setup.output.shape[1:] != (1,) or type(head).__name__ != "Dense":
        return
    low, count = numbered(bench.rows.target)
    if not _CLASSES[0] <= count <= _CLASSES[1]:
        return
    entropy = Compiled(keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="luthier"))
    labels = bench.rows.target.reshape(-1).astype(np.int64) - low
    shares = np.bincount(labels, minlength=count) / len(labels)
    guess = float(-(shares * np.log(np.maximum(shares, 1e-12))).sum())
    width = head.kernel.shape[0]
    bound = np.sqrt(6.0 / (width + count))  # Glorot & Bengio 2010, as Keras begins
    kernel = np.random.default_rng(0).uniform(-bound, bound, (width, count)).astype(np.float32)
    bench.best(
        "as_classes",
        weights=[*bench.net.weights, kernel, np.zeros(count, np.float32)],
        instead=[(head, skip)],
        head=_wider,
        teacher=entropy,
        rows=replace(bench.rows, target=labels),
        guess=guess,
    )


def numbered(target: Array) -> tuple[int, int]:
    """Return the lowest and how many there are, of targets that number classes; else 0 and 0.

    >>> numbered(np.array([[0.0], [2.0], [1.0]])), numbered(np.array([0.5, 2.0]))
    ((0, 3), (0, 0))
    """
    values = np.unique(target.astype(np.float64))
    low, count = float(values[0]), len(values)
    whole = bool((values == low + np.arange(count)).all())
    return (int(low), count) if whole and low in (0.0, 1.0) else (0, 0)


def _wider(features: Any, weights: Sequence[Any]) -> Any:
    return keras.ops.matmul(features, weights[-2]) + weights[-1]
