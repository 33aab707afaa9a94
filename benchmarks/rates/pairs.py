"""Ten networks with data to learn, and five that cannot learn theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from torch import nn

EPOCHS = 16


@dataclass(frozen=True)
class Pair:
    """A network and its data.

    Args:
        name: Of both.
        build: A family or a builder.
        data: Inputs and targets.
        recipe: What is not the default.
    """

    name: str
    build: str | Callable[..., Any]
    data: Any
    recipe: Mapping[str, Any] = field(default_factory=dict)


def tanh(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network without normalisation."""
    return nn.Sequential(
        nn.Linear(n_features, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, n_outputs)
    )


def linear(n_features: int, n_outputs: int) -> nn.Module:
    """Return a linear model."""
    return nn.Linear(n_features, n_outputs)


def normalised(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with layer normalisation."""
    return nn.Sequential(
        nn.Linear(n_features, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, n_outputs)
    )


def dead(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network whose hidden units are all dead."""
    hidden = nn.Linear(n_features, 32)
    with torch.no_grad():
        hidden.weight.zero_()
        hidden.bias.fill_(-1.0)
    return nn.Sequential(hidden, nn.ReLU(), nn.Linear(32, n_outputs))


def blind(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network that multiplies its inputs by nought."""

    class Blind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.out = nn.Linear(n_features, n_outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.out(0.0 * x)

    return Blind()


def _spirals(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    side, turn = rng.integers(0, 2, rows), 0.5 + 2.5 * rng.random(rows)
    angle = turn * np.pi + side * np.pi
    points = np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1)
    return points + 0.05 * rng.normal(size=points.shape), side


def _friedman(rows: int = 600) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import make_friedman1

    return make_friedman1(rows, n_features=10, noise=1.0, random_state=0)


def learnable() -> list[Pair]:
    """Return ten pairs."""
    wine, iris, cancer, digits, diabetes = (
        load(return_X_y=True)
        for load in (load_wine, load_iris, load_breast_cancer, load_digits, load_diabetes)
    )
    few = (digits[0][:700], digits[1][:700])
    small = {"model": {"width": 32, "depth": 2}}
    sgd = {"optimizer": "nesterov", "schedule": "cosine"}
    return [
        Pair("mlp, wine", "mlp", wine, small),
        Pair("mlp, iris", "mlp", iris, small),
        Pair("mlp, breast cancer", "mlp", cancer, small),
        Pair("mlp, digits", "mlp", few, small),
        Pair("mlp, diabetes", "mlp", diabetes, small),
        Pair("tanh, digits, nesterov", tanh, few, sgd),
        Pair("linear, breast cancer, constant", linear, cancer, {"schedule": "constant"}),
        Pair("layer norm, friedman", normalised, _friedman()),
        Pair("tanh, spirals, constant", tanh, _spirals(), {"schedule": "constant"}),
        Pair("layer norm, wine, nesterov", normalised, wine, sgd),
    ]


class Recurrent(nn.Module):
    """A recurrent layer over a series, and a linear layer on its last state."""

    def __init__(self, over: nn.GRU | nn.LSTM, n_outputs: int) -> None:
        super().__init__()
        self.over = over
        self.out = nn.Linear(over.hidden_size, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs of series of shape (rows, steps, 1)."""
        states, _ = self.over(x)
        return self.out(states[:, -1])


def gated(n_outputs: int) -> nn.Module:
    """Return a GRU."""
    return Recurrent(nn.GRU(1, 24, batch_first=True), n_outputs)


def convolution(n_outputs: int) -> nn.Module:
    """Return a small convolution with batch norm, for images of 8 x 8."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 16, n_outputs),
    )


def plain(activation: Callable[[], nn.Module], *widths: int) -> Callable[..., nn.Module]:
    """Return a builder of a network of linear layers and one activation."""

    def build(n_features: int, n_outputs: int) -> nn.Module:
        layers: list[nn.Module] = []
        for before, after in zip((n_features, *widths), widths, strict=False):
            layers += [nn.Linear(before, after), activation()]
        return nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))

    return build


def _waves(rows: int = 500, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy waves, and which of three frequencies each has."""
    rng = np.random.default_rng(2)
    kinds = rng.integers(0, 3, rows)
    phase = 2 * np.pi * rng.random((rows, 1))
    angle = np.arange(steps) * (0.4 + 0.3 * kinds[:, None]) + phase
    return (np.sin(angle) + 0.3 * rng.normal(size=angle.shape))[..., None], kinds


def fresh() -> list[Pair]:
    """Return ten pairs that were written down after the rule was, and before it was run on them."""
    from sklearn import datasets

    images, digits = load_digits(return_X_y=True)
    cancer = load_breast_cancer(return_X_y=True)
    sgd = {"optimizer": "nesterov", "schedule": "cosine"}
    classes = datasets.make_classification(
        800, 20, n_informative=8, n_classes=4, flip_y=0.05, random_state=0
    )
    roll = datasets.make_swiss_roll(600, noise=0.5, random_state=0)
    hastie, signs = datasets.make_hastie_10_2(800, random_state=0)
    return [
        Pair("mlp, moons", "mlp", datasets.make_moons(500, noise=0.25, random_state=0)),
        Pair("resnet, four classes", "resnet", classes, {"model": {"width": 32, "depth": 2}}),
        Pair(
            "convolution, digits",
            convolution,
            (images[700:1400].reshape(-1, 1, 8, 8), digits[700:1400]),
        ),
        Pair("GRU, waves", gated, _waves()),
        Pair("5 relu layers, Hastie", plain(nn.ReLU, 32, 32, 32, 32, 32), (hastie, signs > 0)),
        Pair("wide relu, breast cancer, nesterov", plain(nn.ReLU, 512), cancer, sgd),
        Pair(
            "selu, friedman 3, nesterov",
            plain(nn.SELU, 48, 48),
            datasets.make_friedman3(600, noise=0.1, random_state=0),
            sgd,
        ),
        Pair("elu, Swiss roll, one cycle", plain(nn.ELU, 64, 64), roll, {"schedule": "one_cycle"}),
        Pair(
            "linear, numbers with noise, adam",
            linear,
            datasets.make_regression(500, 30, noise=20.0, random_state=0),
            {"optimizer": "adam", "schedule": "constant"},
        ),
        Pair(
            "sigmoid, digits, batches of 128",
            plain(nn.Sigmoid, 64),
            (images[1000:], digits[1000:]),
            {"batch_size": 128},
        ),
    ]


class Attentive(nn.Module):
    """One layer of attention over a series, and a linear layer on its mean."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.lift = nn.Linear(1, 16)
        self.place = nn.Parameter(0.1 * torch.randn(20, 16))
        self.over = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.out = nn.Linear(16, n_outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return outputs of series of shape (rows, 20, 1)."""
        return self.out(self.over(self.lift(x) + self.place).mean(1))


def attentive(n_outputs: int) -> nn.Module:
    """Return a small transformer."""
    return Attentive(n_outputs)


def _pulses(rows: int = 500, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with two pulses, and how far apart they are."""
    rng = np.random.default_rng(4)
    series = 0.2 * rng.normal(size=(rows, steps))
    first = rng.integers(0, 8, rows)
    apart = rng.integers(2, 11, rows)
    series[np.arange(rows), first] += 2.0
    series[np.arange(rows), first + apart] += 2.0
    return series[..., None], apart.astype(float)


def third() -> list[Pair]:
    """Return ten pairs written down after the rule of the race, and before it was run on them."""
    from sklearn import datasets

    images, digits = load_digits(return_X_y=True)
    diabetes, wine = load_diabetes(return_X_y=True), load_wine(return_X_y=True)
    momentum = {"optimizer": "momentum", "schedule": "linear"}
    blobs = datasets.make_blobs(600, n_features=12, centers=7, cluster_std=6.0, random_state=1)
    quantiles = datasets.make_gaussian_quantiles(
        n_samples=700, n_features=6, n_classes=3, random_state=1
    )
    return [
        Pair("mlp 96 x 3, blobs", "mlp", blobs, {"model": {"width": 96, "depth": 3}}),
        Pair(
            "silu, Gaussian quantiles, adam",
            plain(nn.SiLU, 40, 40),
            quantiles,
            {"optimizer": "adam"},
        ),
        Pair(
            "relu, circles, momentum",
            plain(nn.ReLU, 24, 24),
            datasets.make_circles(500, noise=0.15, factor=0.5, random_state=1),
            momentum,
        ),
        Pair(
            "gelu, friedman 2, batches of 8",
            plain(nn.GELU, 64),
            datasets.make_friedman2(500, noise=50.0, random_state=1),
            {"batch_size": 8},
        ),
        Pair("transformer, pulses", attentive, _pulses()),
        Pair(
            "convolution, digits, nesterov",
            convolution,
            (images[:600].reshape(-1, 1, 8, 8), digits[:600]),
            {"optimizer": "nesterov", "schedule": "one_cycle"},
        ),
        Pair(
            "linear, diabetes, sgd", linear, diabetes, {"optimizer": "sgd", "schedule": "constant"}
        ),
        Pair("layer norm, wine, adamw, batches of 64", normalised, wine, {"batch_size": 64}),
        Pair(
            "tanh, S curve, decay 0.1",
            plain(nn.Tanh, 48, 48),
            datasets.make_s_curve(600, noise=0.2, random_state=1),
            {"weight_decay": 0.1, "schedule": "linear"},
        ),
        Pair(
            "resnet, sparse numbers",
            "resnet",
            datasets.make_sparse_uncorrelated(500, n_features=12, random_state=1),
            {"model": {"width": 48, "depth": 2}, "batch_size": 64},
        ),
    ]


def batched(n_features: int, n_outputs: int) -> nn.Module:
    """Return a network with batch norm and dropout."""
    layers: list[nn.Module] = []
    for before in (n_features, 64):
        layers += [nn.Linear(before, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(64, n_outputs))


def remembering(n_outputs: int) -> nn.Module:
    """Return an LSTM."""
    return Recurrent(nn.LSTM(1, 16, batch_first=True), n_outputs)


def _memories(rows: int = 1000, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return series that forget at one of three speeds, and which one."""
    rng = np.random.default_rng(5)
    kinds = rng.integers(0, 3, rows)
    series = np.zeros((rows, steps))
    for step in range(1, steps):
        series[:, step] = 0.45 * kinds * series[:, step - 1] + rng.normal(size=rows)
    return series[..., None], kinds


def _bumps(rows: int = 1000, steps: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a bump, and in which quarter it is."""
    rng = np.random.default_rng(6)
    middle = rng.integers(1, steps - 1, rows)
    away = np.abs(np.arange(steps) - middle[:, None])
    series = np.maximum(2.0 - away, 0.0) + 0.7 * rng.normal(size=(rows, steps))
    return series[..., None], middle * 4 // steps


def fourth() -> list[Pair]:
    """Return ten pairs written down after seeds went by cost, and before it was run on them.

    Of each only a training at its optimizer's usual rate had been seen: it learns. All have a
    hundred validation rows or more, as the third set taught.
    """
    from sklearn import datasets

    images, digits = load_digits(return_X_y=True)
    classes = datasets.make_classification(
        1500, 30, n_informative=10, n_classes=5, flip_y=0.05, random_state=2
    )
    return [
        Pair("mlp, all digits", "mlp", (images, digits), {"model": {"width": 64, "depth": 2}}),
        Pair(
            "convolution, all digits, adam",
            convolution,
            (images.reshape(-1, 1, 8, 8), digits),
            {"optimizer": "adam", "schedule": "linear"},
        ),
        Pair("resnet, five classes", "resnet", classes, {"model": {"width": 64, "depth": 2}}),
        Pair(
            "relu, friedman 1, rmsprop",
            plain(nn.ReLU, 64, 64),
            datasets.make_friedman1(1200, n_features=10, noise=1.0, random_state=2),
            {"optimizer": "rmsprop"},
        ),
        Pair(
            "linear, all digits, sgd",
            linear,
            (images, digits),
            {"optimizer": "sgd", "schedule": "constant"},
        ),
        Pair(
            "gelu, moons, adam",
            plain(nn.GELU, 32, 32),
            datasets.make_moons(1500, noise=0.3, random_state=2),
            {"optimizer": "adam", "schedule": "constant"},
        ),
        Pair("LSTM, memories", remembering, _memories()),
        Pair("transformer, bumps", attentive, _bumps()),
        Pair(
            "batch norm and dropout, Hastie, nesterov",
            batched,
            datasets.make_hastie_10_2(1500, random_state=2),
            {"optimizer": "nesterov", "schedule": "cosine"},
        ),
        Pair(
            "layer norm, friedman 2, momentum, one cycle",
            normalised,
            datasets.make_friedman2(1000, noise=50.0, random_state=2),
            {"optimizer": "momentum", "schedule": "one_cycle"},
        ),
    ]


class Looking(nn.Module):
    """Embedded tokens, their mean, and two linear layers: a bag of words."""

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.meaning = nn.Embedding(60, 16)
        self.out = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, n_outputs))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return outputs of tokens of shape (rows, places)."""
        return self.out(self.meaning(tokens).mean(1))


def looking(n_outputs: int) -> nn.Module:
    """Return a network over tokens."""
    return Looking(n_outputs)


def deeper(n_outputs: int) -> nn.Module:
    """Return two convolutions without normalisation, for images of 8 x 8."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 16, n_outputs),
    )


def _words(rows: int = 1200, places: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return texts of sixty words, each of one of four subjects, and their subjects."""
    rng = np.random.default_rng(7)
    subjects = rng.integers(0, 4, rows)
    shares = rng.dirichlet(np.full(60, 0.5), size=4)
    each = [rng.choice(60, places, p=0.5 * shares[subject] + 0.5 / 60) for subject in subjects]
    return np.stack(each), subjects


def fifth() -> list[Pair]:
    """Return ten pairs written down with the judge of twenty seeds, before either was run on them.

    As of the fourth set, only a training at the usual rate had been seen of each: it learns.
    """
    from sklearn import datasets

    images, digits = load_digits(return_X_y=True)
    pixels = images.reshape(-1, 1, 8, 8)
    nesterov = {"optimizer": "nesterov", "schedule": "linear"}
    return [
        Pair("tokens, subjects", looking, _words()),
        Pair("two convolutions, all digits", deeper, (pixels, digits)),
        Pair(
            "two convolutions, 800 digits, nesterov", deeper, (pixels[:800], digits[:800]), nesterov
        ),
        Pair("GRU, memories, adam", gated, _memories(), {"optimizer": "adam"}),
        Pair(
            "mlp 128 x 2, four classes",
            "mlp",
            datasets.make_classification(
                1200, 16, n_informative=8, n_classes=4, flip_y=0.1, random_state=3
            ),
            {"model": {"width": 128, "depth": 2}},
        ),
        Pair(
            "tanh, circles, constant",
            tanh,
            datasets.make_circles(1000, noise=0.2, factor=0.4, random_state=3),
            {"schedule": "constant"},
        ),
        Pair(
            "resnet, friedman 1, batches of 16",
            "resnet",
            datasets.make_friedman1(1000, n_features=12, noise=2.0, random_state=3),
            {"model": {"width": 32, "depth": 2}, "batch_size": 16},
        ),
        Pair(
            "linear, numbers with noise, sgd",
            linear,
            datasets.make_regression(800, 20, noise=40.0, random_state=3),
            {"optimizer": "sgd", "schedule": "cosine"},
        ),
        Pair(
            "batch norm and dropout, blobs",
            batched,
            datasets.make_blobs(1000, n_features=10, centers=6, cluster_std=7.0, random_state=3),
        ),
        Pair(
            "tanh, Gaussian quantiles, nesterov",
            plain(nn.Tanh, 48),
            datasets.make_gaussian_quantiles(
                n_samples=1000, n_features=4, n_classes=3, random_state=3
            ),
            nesterov,
        ),
    ]


def hopeless() -> list[Pair]:
    """Return five cases that cannot be learned."""
    rng = np.random.default_rng(1)
    inputs, labels = load_breast_cancer(return_X_y=True)
    noise = rng.normal(size=(400, 10))
    small = {"model": {"width": 32, "depth": 2}}
    return [
        Pair("shuffled labels", "mlp", (inputs, rng.permutation(labels)), small),
        Pair("ten classes of noise", "mlp", (noise, rng.integers(0, 10, 400)), small),
        Pair("numbers of noise", "mlp", (noise, rng.normal(size=400)), small),
        Pair("dead units", dead, (inputs, labels)),
        Pair("inputs times nought", blind, (inputs, labels)),
    ]
