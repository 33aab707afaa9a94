"""Record the real trainings that rules are tested with.

``python record.py healthy|faulty|watched``.

Healthy is what its result says: a drawn recipe counts if its score comes near the one of the
default recipe. Faulty ones carry the name of the fault that was put in. Numbers are kept with
five digits.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import datasets

from luthier.catalog import optimizers
from luthier.core import Recipe
from luthier.loop.training.train import train

HERE = Path(__file__).parent
DATA = ("digits", "wine", "diabetes", "breast_cancer", "iris")
SCHEDULES = ("cosine", "constant", "linear", "one_cycle", "step", "plateau", "cosine_restarts")
BASE = {"epochs": 40, "model": {"width": 64, "depth": 2, "normalisation": "none"}}
LARGE = {"width": 256, "depth": 2, "normalisation": "batch"}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "learning rate 30, momentum": (
        "digits",
        {"optimizer": "momentum", "learning_rate": 30.0, "schedule": "constant"},
    ),
    "learning rate 3, adam": ("digits", {"optimizer": "adam", "learning_rate": 3.0}),
    "learning rate 100, sgd, regression": (
        "diabetes",
        {"optimizer": "sgd", "learning_rate": 100.0},
    ),
    "learning rate 1e-7, adamw": ("digits", {"optimizer": "adamw", "learning_rate": 1e-7}),
    "learning rate 1e-5, sgd": ("digits", {"optimizer": "sgd", "learning_rate": 1e-5}),
    "learning rate 1e-5, sgd, regression": (
        "diabetes",
        {"optimizer": "sgd", "learning_rate": 1e-5},
    ),
    "l2 10": ("digits", {"l2": 10.0}),
    "l1 3": ("breast_cancer", {"l1": 3.0}),
    "dropout 0.95": ("digits", {"dropout": 0.95}),
    "5 epochs": ("digits", {"epochs": 5, "learning_rate": 2e-4, "schedule": "constant"}),
    "full batch, 20 epochs": (
        "digits",
        {"epochs": 20, "batch_size": "full", "learning_rate": 3e-4},
    ),
    "width 1": (
        "digits",
        {
            "model": {"width": 1, "depth": 1, "normalisation": "none", "activation": "silu"},
            "learning_rate": 0.01,
            "dropout": 0.0,
            "epochs": 60,
        },
    ),
    "100 epochs, no regularisation": (
        "diabetes",
        {
            "epochs": 100,
            "model": {"width": 512, "depth": 3, "normalisation": "none"},
            "dropout": 0.0,
            "weight_decay": 0.0,
            "schedule": "constant",
        },
    ),
    "momentum 0.999": (
        "digits",
        {"optimizer": "momentum", "momentum": 0.999, "learning_rate": 0.02},
    ),
    "momentum 0.999, regression": (
        "diabetes",
        {"optimizer": "momentum", "momentum": 0.999, "learning_rate": 0.02, "schedule": "constant"},
    ),
    "batches of 2": (
        "iris",
        {
            "batch_size": 2,
            "learning_rate": 0.003,
            "schedule": "constant",
            "model": {"width": 128, "depth": 2, "normalisation": "batch"},
        },
    ),
    "rate of 0.2 to the end": (
        "breast_cancer",
        {
            "batch_size": 8,
            "optimizer": "momentum",
            "learning_rate": 0.2,
            "schedule": "constant",
            "model": {"width": 128, "depth": 2, "normalisation": "batch"},
        },
    ),
    "rate of 1 to the end": (
        "breast_cancer",
        {
            "batch_size": 8,
            "optimizer": "sgd",
            "learning_rate": 1.0,
            "schedule": "constant",
            "model": LARGE,
        },
    ),
    "rate ten times too low": (
        "digits",
        {"optimizer": "sgd", "learning_rate": 0.001, "schedule": "constant", "epochs": 20},
    ),
    "a rate that vanishes": (
        "digits",
        {"schedule": "exponential", "gamma": 1e-20, "optimizer": "sgd", "learning_rate": 0.03},
    ),
    "a rate at the edge": (
        "wine",
        {
            "optimizer": "momentum",
            "learning_rate": 0.3,
            "momentum": 0.95,
            "schedule": "constant",
            "dropout": 0.0,
        },
    ),
    "gradients clipped to 0.001": (
        "digits",
        {"optimizer": "nesterov", "learning_rate": 0.02, "clip_norm": 0.001, "epochs": 12},
    ),
    "epsilon 1": (
        "digits",
        {"optimizer": "adam", "learning_rate": 0.001, "epsilon": 1.0, "epochs": 12},
    ),
    "a wide layer, l2 0.01": (
        "digits",
        {"l2": 0.01, "epochs": 10, "model": {"width": 1024, "depth": 1, "normalisation": "none"}},
    ),
    "cleaner validation": ("cleaner-validation digits", {"epochs": 30}),
    "shuffled labels": ("shuffled digits", {"epochs": 60, "model": LARGE}),
    "half of the labels shuffled": ("half-shuffled digits", {"epochs": 60, "model": LARGE}),
}


def drawn(rng: random.Random) -> tuple[str, dict[str, Any], int]:
    """Draw a sound recipe."""
    optimizer = optimizers.by_name(rng.choice([one.name for one in optimizers.ALL]))
    recipe = {
        "optimizer": optimizer.name,
        **optimizer.usual,
        "learning_rate": optimizer.default_learning_rate * rng.choice([0.5, 1, 2]),
        "schedule": rng.choice(SCHEDULES),
        "epochs": rng.choice([20, 40, 60]),
        "batch_size": rng.choice([16, 32, 64]),
        "dropout": rng.choice([0.0, 0.1, 0.3]),
        "weight_decay": rng.choice([0.0, 0.01]),
        "model": {
            "width": rng.choice([64, 128]),
            "depth": rng.choice([1, 2]),
            "activation": rng.choice(["relu", "gelu"]),
            "normalisation": rng.choice(["batch", "layer", "none"]),
        },
    }
    return rng.choice(DATA), recipe, rng.randrange(1000)


def healthy(count: int = 40) -> list[dict[str, Any]]:
    """Train sound recipes until enough of them have come near the default recipe."""
    usual = {data: train("mlp", data, engine="torch_eager").score or 0.0 for data in DATA}
    rng, rows = random.Random(2026), []
    while len(rows) < count:
        data, recipe, seed = drawn(rng)
        row, score = trained(data, recipe, seed)
        near = usual[data] * 1.1 if data == "diabetes" else usual[data] + 0.1
        if score is not None and score <= near:
            rows.append({"name": f"{data}, {recipe['optimizer']}, seed {seed}", **row})
    return rows


def faulty() -> list[dict[str, Any]]:
    """Train the faults."""
    return [
        {"name": name, **trained(data, {**BASE, **recipe}, 0)[0]}
        for name, (data, recipe) in FAULTS.items()
    ] + [
        {
            "name": "initial weights thirty times too large",
            **trained("digits", {**BASE, "epochs": 15}, 0, huge)[0],
        },
        {"name": "the loss negated", **by_hand("sgd", negated=True)},
        {"name": "softmax before cross-entropy", **by_hand("adam", softmax=True)},
    ]


def huge(n_features: int, n_outputs: int, width: int = 64, depth: int = 2) -> Any:
    """Return a network whose weights begin thirty times too large."""
    import torch

    sizes = [n_features] + [width] * depth
    hidden = [
        layer
        for pair in itertools.pairwise(sizes)
        for layer in (torch.nn.Linear(*pair), torch.nn.ReLU())
    ]
    model = torch.nn.Sequential(*hidden, torch.nn.Linear(width, n_outputs))
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(30.0 if weights.ndim > 1 else 1.0)
    return model


def trained(
    data: str, recipe: dict[str, Any], seed: int, build: Any = "mlp"
) -> tuple[dict[str, Any], float | None]:
    """Train and return what a rule reads."""
    if build is huge:
        recipe = {**recipe, "model": {"width": 64, "depth": 2}}
    training = train(build, source(data), recipe=recipe, seed=seed, engine="torch_eager")
    task, trial = training.parts.arrays.task, training.trial
    known = Recipe().to_json()
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in trial.curves.epochs()]
    return {
        "data": data,
        "recipe": {k: v for k, v in trial.recipe.to_json().items() if v != known.get(k)},
        "task": [task.kind, task.metric, task.direction, task.input_shape, task.n_outputs],
        "shown": task.shown,
        "steps_per_epoch": max(1, len(training.parts.arrays.train) // _batch(training)),
        "epochs": rounded(rows),
    }, training.score


def source(data: str) -> Any:
    """Return a data set, with labels shuffled among some rows if its name says so."""
    how, _, name = data.rpartition(" ")
    if not how:
        return name
    inputs, labels = getattr(datasets, f"load_{name}")(return_X_y=True)
    rng = np.random.default_rng(0)
    if how == "cleaner-validation":
        noisy = np.flatnonzero(rng.random(1200) < 0.3)
        labels[noisy] = rng.permutation(labels[noisy])
        return (inputs[:1200], labels[:1200]), (inputs[1200:], labels[1200:])
    rows = rng.random(len(labels)) < (0.5 if how == "half-shuffled" else 1.0)
    labels[rows] = rng.permutation(labels[rows])
    return inputs, labels


def by_hand(optimizer: str, *, negated: bool = False, softmax: bool = False) -> dict[str, Any]:
    """Train on digits outside of luthier, with what it would not do."""
    import torch

    inputs, labels = datasets.load_digits(return_X_y=True)
    x, y = torch.tensor(inputs / 16.0, dtype=torch.float32), torch.tensor(labels)
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)]
    model = torch.nn.Sequential(*layers, *[torch.nn.Softmax(1)] * softmax)
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    update, rows = make(model.parameters(), lr=0.01), []
    for _ in range(12):
        losses = []
        for part in torch.randperm(1200).split(32):
            loss = torch.nn.functional.cross_entropy(model(x[part]), y[part])
            update.zero_grad()
            (-loss if negated else loss).backward()
            update.step()
            losses.append(loss.item())
        with torch.no_grad():
            outputs = model(x[1200:])
        val = torch.nn.functional.cross_entropy(outputs, y[1200:]).item()
        accuracy = (outputs.argmax(1) == y[1200:]).float().mean().item()
        row = {"train_loss": float(np.mean(losses)), "val_loss": val}
        rows.append({**row, "metrics": {"accuracy": accuracy}, "signals": {}})
    return {
        "data": "digits",
        "recipe": {"optimizer": optimizer, "learning_rate": 0.01},
        "task": ["classification", "accuracy", "maximize", [64], 10],
        "shown": [],
        "steps_per_epoch": 38,
        "epochs": rounded(rows),
    }


def watched_runs() -> list[dict[str, Any]]:
    """Train the loops that are watched."""
    import watched

    rows = []
    for kind, trainings in (("healthy", watched.HEALTHY), ("faulty", watched.FAULTY)):
        for name, training in trainings.items():
            run = watched.seen(training)
            trace = {key: rounded(value) for key, value in dataclasses.asdict(run.trace).items()}
            rows.append(
                {
                    "name": name,
                    "kind": kind,
                    "recipe": run.recipe.to_json() if run.recipe else None,
                    "epochs": rounded(run.curves.epochs()),
                    "trace": trace,
                }
            )
    return rows


def _batch(training: Any) -> int:
    size = training.trial.recipe.batch_size
    rows = len(training.parts.arrays.train)
    return rows if size == "full" else min(size, rows)


def rounded(value: Any) -> Any:
    """Round numbers to five digits."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, (list, tuple)) else value


if __name__ == "__main__":
    rows = {"healthy": healthy, "faulty": faulty, "watched": watched_runs}[sys.argv[1]]()
    text = json.dumps(rows, separators=(",", ":")).encode()
    (HERE / f"{sys.argv[1]}.json.gz").write_bytes(gzip.compress(text, mtime=0))
    print(f"{len(rows)} runs, {len(text):,} characters")
