"""Random healthy set-ups: what people train every day, and what trains well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import nn

ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU)


def _data(rng: np.random.Generator) -> tuple[str, np.ndarray, np.ndarray, str]:
    """Return rows as people scale them: standardised, or to [0, 1]."""
    name = str(rng.choice(["digits", "wine", "iris", "breast", "moons", "blobs", "diabetes",
                           "regression", "friedman", "classification"]))  # fmt: skip
    seed = int(rng.integers(1000))
    kind = "classes"
    if name in ("digits", "wine", "iris"):
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    elif name == "breast":
        x, y = datasets.load_breast_cancer(return_X_y=True)
    elif name == "moons":
        x, y = datasets.make_moons(800, noise=0.2, random_state=seed)
    elif name == "blobs":
        x, y = datasets.make_blobs(900, 4, centers=5, cluster_std=2.0, random_state=seed)
    elif name == "classification":
        x, y = datasets.make_classification(1000, 20, n_informative=8, n_classes=4,
                                            random_state=seed)  # fmt: skip
    else:
        kind = "numbers"
        x, y = {
            "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
            "regression": lambda: datasets.make_regression(800, 12, noise=5.0, random_state=seed),
            "friedman": lambda: datasets.make_friedman1(900, noise=0.5, random_state=seed),
        }[name]()
        y = ((y - y.mean()) / y.std()).astype("float32")[:, None]
    if rng.random() < 0.3:
        x = (x - x.min(0)) / np.maximum(x.max(0) - x.min(0), 1e-9)
        name += " in [0, 1]"
    else:
        x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-6)
    return name, x.astype("float32"), y, kind


def _network(rng: np.random.Generator, inputs: int, outputs: int) -> tuple[str, nn.Sequential]:
    act = ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
    width, depth = int(rng.choice([16, 32, 64, 128, 256])), int(rng.integers(1, 5))
    norm, dropout = rng.random() < 0.25, rng.random() < 0.3
    layers: list[nn.Module] = []
    for size in [inputs, *[width] * (depth - 1)]:
        layers.append(nn.Linear(size, width))
        layers += [nn.BatchNorm1d(width)] * norm + [act()] + [nn.Dropout(0.2)] * dropout
    text = f"{depth} x {width} {act.__name__}{' norm' * norm}{' dropout' * dropout}"
    return text, nn.Sequential(*layers, nn.Linear(width, outputs))


def _optimizer(rng: np.random.Generator, model: nn.Module) -> tuple[str, Any]:
    kind = str(rng.choice(["adam", "adamw", "momentum", "sgd", "rmsprop"]))
    low, high = {
        "adam": (-3.3, -2.2),
        "adamw": (-3.3, -2.2),
        "sgd": (-1.5, -0.5),
        "momentum": (-2.2, -1.3),
        "rmsprop": (-3.3, -2.5),
    }[kind]
    rate = float(10 ** rng.uniform(low, high))
    p = model.parameters()
    make = {
        "adam": lambda: torch.optim.Adam(p, rate),
        "adamw": lambda: torch.optim.AdamW(p, rate, weight_decay=0.01),
        "momentum": lambda: torch.optim.SGD(p, rate, momentum=0.9),
        "sgd": lambda: torch.optim.SGD(p, rate),
        "rmsprop": lambda: torch.optim.RMSprop(p, rate),
    }
    return f"{kind} {rate:.2g}", make[kind]()


def setups(count: int, seed: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield names, and what `luthier.check` is given."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        torch.manual_seed(1000 * seed + number)
        data, x, y, kind = _data(rng)
        classes = int(y.max()) + 1 if kind == "classes" else 1
        single = classes == 2 and rng.random() < 0.5
        text, model = _network(rng, x.shape[1], 1 if single else classes)
        loss: Any = nn.MSELoss() if kind == "numbers" else nn.CrossEntropyLoss()
        if single:
            y, loss = y.astype("float32")[:, None], nn.BCEWithLogitsLoss()
            if rng.random() < 0.5:
                model, loss = nn.Sequential(*model, nn.Sigmoid()), nn.BCELoss()
        elif kind == "classes" and rng.random() < 0.2:
            model, loss = nn.Sequential(*model, nn.LogSoftmax(1)), nn.NLLLoss()
        optimizer_text, optimizer = _optimizer(rng, model)
        yield (
            f"{number}: {data}, {text}, {optimizer_text}",
            {
                "model": model,
                "data": (x, y),
                "loss_fn": loss,
                "optimizer": optimizer,
                "epochs": int(rng.choice([20, 50, 100])),
                "batch_size": int(rng.choice([16, 32, 64])),
            },
        )
