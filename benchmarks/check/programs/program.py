"""What a training program is made of, as questions on forums show them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn

Pair = tuple[Any, Tensor]


@dataclass
class Program:
    """A training as its author wrote it.

    Args:
        model, loss_fn, optimizer, scheduler: The program's own.
        train, val: Inputs and targets.
        problems: What is wrong with it, any of them; none where it is sound.
        loss: Of network and batch, where no loss of outputs and targets will do.
        optimizers: All of them, where there are several.
        epochs, batch_size: As in the program, or fewer where the data are.
        shuffle, zeroes, evaluates: Whether the loop shuffles, zeroes gradients, and calls `eval`.
        steps_schedule_each_batch: Whether `scheduler.step()` stands in the inner loop.
        loop: A loop of the program's own, which gets the program and the watch that is open.
    """

    model: nn.Module
    train: Pair
    loss_fn: Callable[..., Any] | None = None
    optimizer: Any = None
    val: Pair | None = None
    problems: tuple[str, ...] = ()
    scheduler: Any = None
    loss: Callable[[nn.Module, Any], Tensor] | None = None
    epochs: int = 20
    batch_size: int = 32
    shuffle: bool = True
    zeroes: bool = True
    evaluates: bool = True
    steps_schedule_each_batch: bool = False
    loop: Callable[[Program, Any], None] | None = None


def mlp(*sizes: int, act: Callable[[], nn.Module] = nn.ReLU, end: Any = ()) -> nn.Sequential:
    """Return dense layers with an activation between them."""
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1], *end)


def standard(x: np.ndarray) -> np.ndarray:
    """Return columns of mean 0 and deviation 1."""
    std = x.std(0)
    scaled: np.ndarray = (x - x.mean(0)) / np.where(std > 0, std, 1.0)
    return scaled


def floats(x: np.ndarray) -> Tensor:
    """Return an array as single precision."""
    return torch.tensor(np.asarray(x), dtype=torch.float32)


def parts(x: Any, y: Any, share: float = 0.8, seed: int = 0) -> tuple[Pair, Pair]:
    """Return a training and a validation part, drawn at random."""
    order = np.random.default_rng(seed).permutation(len(y))
    cut = int(share * len(y))
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def digits(scale: float = 1 / 16, *, images: bool = False) -> tuple[Pair, Pair]:
    """Return 8x8 digits; pixels reach to 16 times the scale."""
    x, y = datasets.load_digits(return_X_y=True)
    rows = floats(x * scale)
    return parts(rows.reshape(-1, 1, 8, 8) if images else rows, torch.tensor(y))


def iris() -> tuple[Pair, Pair]:
    """Return raw centimetres of three kinds of iris."""
    x, y = datasets.load_iris(return_X_y=True)
    return parts(floats(x), torch.tensor(y))


def wine(*, scaled: bool = True) -> tuple[Pair, Pair]:
    """Return 13 measurements of three kinds of wine."""
    x, y = datasets.load_wine(return_X_y=True)
    return parts(floats(standard(x) if scaled else x), torch.tensor(y))


def cancer(*, scaled: bool = True, column: bool = True) -> tuple[Pair, Pair]:
    """Return tumours, with targets of 0 and 1 as numbers."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    target = floats(y[:, None] if column else y)
    return parts(floats(standard(x) if scaled else x), target)


def diabetes(*, scaled: bool = True) -> tuple[Pair, Pair]:
    """Return ten measurements and how a disease went on."""
    x, y = datasets.load_diabetes(return_X_y=True)
    target = (y - y.mean()) / y.std() if scaled else y
    return parts(floats(standard(x)), floats(target[:, None]))


def houses(*, scaled: bool = False, scaled_target: bool = False) -> tuple[Pair, Pair]:
    """Return areas, rooms, years and distances, and a price in thousands that they explain."""
    rng = np.random.default_rng(7)
    area, rooms = rng.gamma(6.0, 300.0, 1000), rng.integers(1, 8, 1000).astype(float)
    year, way = rng.integers(1920, 2021, 1000).astype(float), rng.gamma(2.0, 4.0, 1000)
    x = np.stack([area, rooms, year, way], 1)
    price = 0.12 * area + 15 * rooms + 0.8 * (year - 1920) - 60 * np.log1p(way / 5)
    price += rng.normal(0, 15, 1000) + 60
    target = (price - price.mean()) / price.std() if scaled_target else price
    return parts(floats(standard(x) if scaled else x), floats(target[:, None]))


def circles() -> tuple[Pair, Pair]:
    """Return two rings, which no line divides."""
    x, y = datasets.make_circles(1000, noise=0.05, factor=0.5, random_state=42)
    return parts(floats(x), floats(y[:, None]))


def waves(length: int = 20, count: int = 600) -> tuple[Pair, Pair]:
    """Return pieces of a sine, ``(rows, time, 1)``, and the value after each."""
    t = np.arange(count + length) * 0.13
    series = np.sin(t) + 0.05 * np.random.default_rng(3).normal(size=len(t))
    rows = np.stack([series[i : i + length] for i in range(count)])[..., None]
    return parts(floats(rows), floats(series[length : length + count][:, None]))


def sentences(length: int = 16, words: int = 200) -> tuple[Pair, Pair]:
    """Return word numbers, and whether more friendly than unfriendly words are among them."""
    rng = np.random.default_rng(11)
    x = rng.integers(20, words, (1200, length))
    mood = rng.integers(0, 2, 1200)
    for row, good in zip(x, mood, strict=True):
        row[rng.choice(length, 4, replace=False)] = rng.integers(0, 10, 4) + 10 * good
    return parts(torch.tensor(x), torch.tensor(mood))


def one_hot(pair: Pair, classes: int) -> Pair:
    """Return targets as rows of zeros and a one."""
    return pair[0], nn.functional.one_hot(pair[1].long(), classes).float()


def made(model: nn.Module, data: Any, loss_fn: Any = None, *wrong: str, **more: Any) -> Program:
    """Return a program with Adam at 0.001, unless it has an optimizer of its own."""
    optimizer = more.pop("optimizer", None) or torch.optim.Adam(
        model.parameters(), lr=more.pop("lr", 1e-3)
    )
    return Program(model, data[0], loss_fn, optimizer, data[1], wrong, **more)
