"""Prints what watching costs: ``python -m benchmarks.watch``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch import nn

import luthier
from luthier.core import nothing

STEPS = 3000  # of one training; sampled steps are densest at its beginning
EPOCH = 100  # steps between two calls of `log`, as in a loop that is watched
TURN = 20  # steps of one training before it is the other's turn
REPEATS = int(os.environ.get("REPEATS", "3"))
Step = Iterator[float]


def mlp(width: int) -> nn.Module:
    """Return a network of three dense layers."""
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def cnn() -> nn.Module:
    """Return two convolutions with batch normalisation, and a dense layer."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def training(build: Callable[[], nn.Module], shape: tuple[int, ...], *, watched: bool) -> Step:
    """Train; yield the seconds of each step, calls of `log` among them."""
    torch.manual_seed(0)
    model, loss_fn = build(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.randn(100, *shape), torch.randint(0, 10, (100, shape[0]))
    with (
        luthier.watch(model, optimizer, loss_fn, notify=nothing)
        if watched
        else nullcontext() as run
    ):
        for i in range(STEPS):
            start = time.process_time()
            optimizer.zero_grad()
            loss = loss_fn(model(x[i % len(x)]), y[i % len(y)])
            loss.backward()
            optimizer.step()
            if run is not None and (i + 1) % EPOCH == 0:
                run.log(train_loss=loss, val_loss=loss)
            yield time.process_time() - start


def measure(
    build: Callable[[], nn.Module], shape: tuple[int, ...], *, watched_too: bool = True
) -> tuple[float, float, float]:
    """Return a step's median seconds, and by how much watching adds to a step and to all of them.

    The trainings take turns, so that whatever else the machine does slows both.
    """
    plain, watched, whole = [], [], []
    for repeat in range(REPEATS):
        both = [training(build, shape, watched=flag) for flag in (False, watched_too)]
        for turn in range(STEPS // TURN):
            times: list[list[float]] = [[], []]
            for which in (0, 1) if (turn + repeat) % 2 else (1, 0):
                times[which] = [next(both[which]) for _ in range(TURN)]
            plain += times[0]
            watched += times[1]
        size = STEPS * (repeat + 1)
        whole.append(_total(watched[size - STEPS :]) / _total(plain[size - STEPS :]) - 1.0)
    return median(plain), median(watched) / median(plain) - 1.0, median(whole)


def _total(seconds: list[float]) -> float:
    """Return the time of all steps; what else the machine did in one of them is left out."""
    limit = 50 * median(seconds)
    return sum(one for one in seconds if one < limit)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    write = sys.stdout.write
    write(f"torch {torch.__version__}, {REPEATS} times {STEPS:,} steps, in turns of {TURN}\n\n")
    write(f"{'network':<26} {'step':>9} {'median step':>12} {'all steps':>10}\n")
    for name, build, shape, watched in (
        ("mlp 64, neither watched", lambda: mlp(64), (64, 64), False),
        ("mlp 64, batch 64", lambda: mlp(64), (64, 64), True),
        ("mlp 256, batch 128", lambda: mlp(256), (128, 64), True),
        ("cnn 8x8, batch 64", cnn, (64, 1, 8, 8), True),
    ):
        seconds, step, whole = measure(build, shape, watched_too=watched)
        write(f"{name:<26} {1e6 * seconds:>6.0f} us {step:>12.1%} {whole:>10.1%}\n")


main()
