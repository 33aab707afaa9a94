"""Recipes as a practitioner would draw them: around each optimizer's usual rate."""

from __future__ import annotations

import random
from dataclasses import dataclass

from luthier.catalog import optimizers
from luthier.core import Recipe

OPTIMIZERS = (
    "adam",
    "adamw",
    "adamw",
    "nadam",
    "radam",
    "rmsprop",
    "momentum",
    "nesterov",
    "sgd",
    "adagrad",
    "lion",
)
SCHEDULES = (
    "constant",
    "constant",
    "cosine",
    "cosine",
    "linear",
    "one_cycle",
    "step",
    "exponential",
    "plateau",
    "cosine_restarts",
    "warmup_stable_decay",
)


@dataclass(frozen=True)
class Ranges:
    """From where recipes are drawn.

    Args:
        rate: Powers of ten around the optimizer's usual rate.
        epochs, batch_size, l2, dropout: Drawn with equal chances.
    """

    rate: tuple[float, float]
    epochs: tuple[int, ...]
    batch_size: tuple[int, ...]
    l2: tuple[float, ...]
    dropout: tuple[float, ...]


NARROW = Ranges(
    rate=(-0.7, 0.5),
    epochs=(20, 30, 40),
    batch_size=(16, 32, 32, 64, 64),
    l2=(0.0, 0.0, 0.0, 1e-5, 1e-4),
    dropout=(0.0, 0.0, 0.1, 0.2, 0.4),
)
WIDE = Ranges(
    rate=(-0.8, 0.6),
    epochs=(15, 20, 30, 40),
    batch_size=(8, 16, 32, 32, 64, 64, 128),
    l2=(0.0, 0.0, 0.0, 1e-5, 1e-4, 1e-3),
    dropout=(0.0, 0.0, 0.1, 0.2, 0.5),
)


def drawn(family: str, task: str, rng: random.Random, ranges: Ranges = WIDE) -> Recipe:
    """Draw a recipe for a family and a task."""
    optimizer = optimizers.by_name(rng.choice(OPTIMIZERS))
    keys = {
        "network": family,
        "optimizer": optimizer.name,
        **optimizer.usual,
        "learning_rate": optimizer.default_learning_rate * 10 ** rng.uniform(*ranges.rate),
        "schedule": rng.choice(SCHEDULES),
        "warmup": rng.choice([0.0, 0.0, 0.05, 0.1]),
        "epochs": rng.choice(ranges.epochs),
        "batch_size": rng.choice(ranges.batch_size),
        "weight_decay": rng.choice([0.0, 0.0, 0.01, 0.05]),
        "l2": rng.choice(ranges.l2),
        "dropout": rng.choice(ranges.dropout),
        "label_smoothing": rng.choice([0.0] * 7 + [0.1]),
        "mixup": rng.choice([0.0] * 9 + [0.2]),
        "clip_norm": rng.choice([None] * 5 + [1.0]),
        "ema": rng.choice([None] * 7 + [0.99]),
    }
    if task == "regression":
        keys["label_smoothing"] = 0.0
    keys["learning_rate"] = float(f"{keys['learning_rate']:.3g}")
    return Recipe().replace(keys).replace({f"model.{k}": v for k, v in _model(family, rng).items()})


def _model(family: str, rng: random.Random) -> dict[str, int | str]:
    if family == "rnn":
        return {"width": rng.choice([16, 24, 32]), "cell": rng.choice(["gru", "lstm"])}
    if family == "transformer":
        return {"width": rng.choice([16, 24]), "depth": rng.choice([1, 2])}
    widths = [32, 64, 128] if family == "mlp" else [8, 12]
    return {
        "width": rng.choice(widths),
        "depth": rng.choice([1, 2, 3]) if family == "mlp" else rng.choice([1, 2]),
        "activation": rng.choice(["relu", "relu", "gelu", "silu", "tanh"]),
        "normalisation": rng.choice(
            ["none", "none", "batch", "layer"] if family == "mlp" else ["none", "batch"]
        ),
    }
