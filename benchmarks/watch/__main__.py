"""Prints what watching costs: python -m benchmarks.watch."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"

import torch  # noqa: E402 - after the number of threads
from torch import nn  # noqa: E402

import luthier  # noqa: E402

STEPS = 3000  # of one training; sampled steps are densest at its beginning
EPOCH = 100  # steps between two calls of `log`
PAIRS = int(os.environ.get("PAIRS", "9"))


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


def training(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> Iterator[list[float]]:
    """Yield the seconds of each step, plain and watched in turn."""
    while True:
        for watched in (False, True):
            torch.manual_seed(0)
            model, loss_fn = build(), nn.CrossEntropyLoss()
            optimizer = torch.optim.Adam(model.parameters())
            x, y = torch.randn(100, *shape), torch.randint(0, 10, (100, shape[0]))
            if watched:
                with luthier.watch(model, optimizer, loss_fn, live=True) as run:
                    yield steps(model, optimizer, loss_fn, x, y, run)
            else:
                yield steps(model, optimizer, loss_fn, x, y, None)


def steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss_fn: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    run: luthier.Watch | None,
) -> list[float]:
    """Train; return the seconds of each step, calls of `log` among them."""
    times = []
    for i in range(STEPS):
        start = time.process_time()
        optimizer.zero_grad()
        loss = loss_fn(model(x[i % len(x)]), y[i % len(y)])
        loss.backward()
        optimizer.step()
        if run is not None and (i + 1) % EPOCH == 0:
            run.log(train_loss=loss, val_loss=loss)
        times.append(time.process_time() - start)
    return times


def measure(name: str, build: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """Print one row: medians over pairs of trainings that take turns."""
    runs = training(build, shape)
    next(runs), next(runs)
    usual, total = [], []
    for _ in range(PAIRS):
        plain, watched = next(runs), next(runs)
        usual.append(median(watched) / median(plain) - 1.0)
        total.append(sum(watched) / sum(plain) - 1.0)
        step = median(plain)
    print(
        f"{name:<22} {1e6 * step:>8.0f} {median(usual):>9.1%} {median(total):>9.1%}"
        f"   ({min(total):.1%} to {max(total):.1%})"
    )


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, python {sys.version.split()[0]}; {STEPS} steps, {PAIRS} pairs")
    print(f"{'network':<22} {'step, us':>8} {'median':>9} {'all steps':>9}")
    measure("mlp 64, batch 64", lambda: mlp(64), (64, 64))
    measure("mlp 256, batch 128", lambda: mlp(256), (128, 64))
    measure("cnn 8x8, batch 64", cnn, (64, 1, 8, 8))


main()
