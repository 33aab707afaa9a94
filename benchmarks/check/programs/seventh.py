"""A seventh set, written by one who had not seen the rules: heads, losses, shapes, labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn

from benchmarks.check.programs.program import (
    Program,
    digits,
    floats,
    made,
    mlp,
    one_hot,
    parts,
    standard,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD = "wrong_output_activation"
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")
LOW = ("learning_rate_too_low", "learning_rate_out_of_range")


def digits_from_one_sigmoid() -> Program:
    """One logit and binary cross-entropy for ten digits, pixels to 255.

    datascience.stackexchange 38604; with logits, since BCELoss refuses a target of 9.
    """
    (x, y), (xv, yv) = digits(scale=255 / 16)
    data = (x, y[:, None].float()), (xv, yv[:, None].float())
    wrong = ("wrong_loss", "label_range", "output_shape", HEAD, "unscaled_inputs")
    return made(mlp(64, 64, 1), data, nn.BCEWithLogitsLoss(), *wrong, epochs=10)


def line_through_three_relus() -> Program:
    """2x - 1 on seven points, ReLU also on the output (community.deeplearning.ai t/324182)."""
    x = torch.arange(-1.0, 6.0)[:, None]
    more = torch.arange(-0.5, 5.0)[:, None]
    model = mlp(1, 4, 2, 1, end=(nn.ReLU(),))
    data = (x, 2 * x - 1), (more, 2 * more - 1)
    wrong = (HEAD, "dead_units", *LOW, "too_few_epochs")
    return made(model, data, nn.MSELoss(), *wrong, epochs=500)


def more_than_fifty_thousand() -> Program:
    """Is a number over 50,000? ReLU as the output of BCELoss.

    "Why does accuracy remain the same", stackoverflow: raw numbers and no sigmoid. Keras' loss
    clips, which Hardtanh does here.
    """
    rng = np.random.default_rng(1)
    x = rng.integers(0, 100_000, (2000, 1))
    model = mlp(1, 3, 5, 1, end=(nn.ReLU(), nn.Hardtanh(0.0, 1.0)))
    data = parts(floats(x), floats(x >= 50_000))
    wrong = (HEAD, "unscaled_inputs", "dead_units")
    return made(model, data, nn.BCELoss(), *wrong, epochs=10, batch_size=5)


def pieces_of_prices(count: int = 1500) -> Any:
    """Return four columns of ten hours, and whether they rose at the end."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(count, 4, 10)).cumsum(2)
    y = x[:, :, 7:].mean((1, 2)) > x[:, :, :7].mean((1, 2))
    x = (x - x.mean()) / x.std()
    return parts(floats(x), floats(y[:, None]))


def softmax_of_one_unit() -> Program:
    """Convolutions, then softmax over one unit: always 1.

    "Why does a binary Keras CNN always predict 1?", stackoverflow.
    """
    model = nn.Sequential(
        nn.Conv1d(4, 16, 4, padding="same"), nn.BatchNorm1d(16), nn.LeakyReLU(), nn.Dropout(0.2),
        nn.Conv1d(16, 8, 4, padding="same"), nn.BatchNorm1d(8), nn.LeakyReLU(), nn.Dropout(0.2),
        nn.Flatten(), nn.Linear(80, 64), nn.BatchNorm1d(64), nn.LeakyReLU(),
        nn.Linear(64, 1), nn.Softmax(dim=1),
    )  # fmt: skip
    return made(model, pieces_of_prices(), nn.BCELoss(), HEAD, "double_softmax", batch_size=128)


def fizz_buzz_with_a_softmax() -> Program:
    """Fizz buzz with a softmax in the network as well (joelgrus/fizz-buzz-tensorflow, issue 3)."""
    numbers = np.arange(101, 1024)
    x = (numbers[:, None] >> np.arange(10)) & 1
    y = np.where(numbers % 15 == 0, 3, np.where(numbers % 5 == 0, 2, np.where(numbers % 3, 0, 1)))
    model = mlp(10, 100, 4, end=(nn.Softmax(dim=1),))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=0.05)
    data = parts(floats(x), torch.tensor(y), share=0.9)
    return made(
        model, data, ENTROPY(), "double_softmax", optimizer=optimizer, epochs=300, batch_size=16
    )


def letters(count: int = 6000, kinds: int = 40) -> Any:
    """Return letters of a made-up language, and the letter after each."""
    rng = np.random.default_rng(12)
    chance = rng.dirichlet(np.full(kinds, 0.05), kinds)
    text = [0]
    for _ in range(count):
        text.append(int(rng.choice(kinds, p=chance[text[-1]])))
    return parts(torch.tensor(text[:-1]), torch.tensor(text[1:]))


def broken_language_model() -> Program:
    """Embedding, two layers, softmax, cross_entropy (bkitano/llama-from-scratch, issue 5)."""
    model = nn.Sequential(
        nn.Embedding(40, 128), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 40), nn.Softmax(-1)
    )
    return made(model, letters(), ENTROPY(), "double_softmax", epochs=10)


class Mean(nn.Module):
    """The mean over words."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        mean: Tensor = x.mean(1)
        return mean


def topics(words: int = 300, length: int = 20, kinds: int = 4) -> Any:
    """Return word numbers of articles, and which of four topics they are about."""
    rng = np.random.default_rng(13)
    y = rng.integers(0, kinds, 1500)
    x = rng.integers(100, words, (1500, length))
    for row, kind in zip(x, y, strict=True):
        row[:3] = rng.integers(0, 25, 3) + 25 * kind
    return parts(torch.tensor(x), torch.tensor(y))


def nll_of_probabilities() -> Program:
    """Softmax, then NLLLoss: a loss below zero (Text-Classification-Models-Pytorch, issue 9)."""
    model = nn.Sequential(nn.Embedding(300, 32), Mean(), nn.Linear(32, 4), nn.Softmax(dim=1))
    optimizer = SGD(model.parameters(), lr=0.5)
    wrong = ("wrong_loss", HEAD)
    return made(model, topics(), nn.NLLLoss(), *wrong, optimizer=optimizer, epochs=30)


def ten_and_nine_times() -> Program:
    """Outputs (100, 1), targets (100,): no warning, no fit (pytorch/pytorch, issue 16045)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(125, 2))
    y = 10 + 9 * x[:, 0] - 2 * x[:, 1] + rng.normal(size=125)
    model = nn.Linear(2, 1)
    data, optimizer = parts(floats(x), floats(y)), SGD(model.parameters(), lr=0.1)
    return made(
        model, data, nn.MSELoss(), "output_shape", optimizer=optimizer, epochs=30, batch_size=100
    )


def sine_of_a_product() -> Program:
    """Seven layers of 100, L1Loss, SGD at 0.001, and a column of targets that is no column.

    pytorch/pytorch, issues 63546 and 63626.
    """
    x = np.random.default_rng(2).normal(size=(5000, 2))
    model = mlp(2, *[100] * 7, 1)
    data = parts(floats(x), floats(np.sin(x[:, 0] * x[:, 1])))
    optimizer = SGD(model.parameters(), lr=0.001)
    wrong = ("output_shape", *LOW)
    return made(model, data, nn.L1Loss(), *wrong, optimizer=optimizer, epochs=20, batch_size=500)


def carbon_and_water() -> Program:
    """Two targets in one MSELoss, near 0.4 and near -22 (discuss.pytorch.org/t/180059)."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1200, 6))
    first = 0.4 + 0.2 * np.tanh(x[:, 0] + x[:, 1] * x[:, 2])
    second = -22 + 12 * np.sin(x[:, 3]) + 5 * x[:, 4] * x[:, 5]
    data = parts(floats(x), floats(np.stack([first, second], 1)))
    return made(mlp(6, 64, 64, 2), data, nn.MSELoss(), "unscaled_targets", epochs=40)


class Marks(nn.Module):
    """Fifty times a sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(4, 2, 1, act=nn.Sigmoid, end=(nn.Sigmoid(),))
        for layer in self.body:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        return 50 * self.body(x)


def marks_out_of_fifty() -> Program:
    """Hours of sleep and study to marks, 50 * sigmoid, gradient descent at 0.05.

    The same mark for all. "Tensorflow regression model giving same prediction every time",
    stackoverflow.
    """
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 10, (300, 4))
    y = np.clip(12 + 1.5 * x[:, 0] + 3 * x[:, 1] - 1.2 * x[:, 2] - 0.8 * x[:, 3], 0, 50)
    model = Marks()
    data, optimizer = parts(floats(x), floats(y[:, None])), SGD(model.parameters(), lr=0.05)
    wrong = (*HIGH, "saturated_units", "unscaled_targets", "vanishing_gradients")
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=200, batch_size=240)


def dropout_after_the_softmax() -> Program:
    """Dropout of one half after layers of 14 and 8 and after the softmax, mean squared error.

    keras-team/keras, issue 5992.
    """
    train, val = digits()
    model = nn.Sequential(
        nn.Linear(64, 14), nn.ReLU(), nn.Dropout(0.5), nn.Linear(14, 8), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(8, 10), nn.Softmax(dim=1), nn.Dropout(0.5),
    )  # fmt: skip
    data, wrong = (one_hot(train, 10), one_hot(val, 10)), ("wrong_loss", "over_regularised", HEAD)
    return made(model, data, nn.MSELoss(), *wrong, "underfitting", epochs=20)


def introduction_with_a_last_relu() -> Program:
    """The tutorial's network, 512 and 512 units, which ended in a ReLU.

    pytorch/tutorials, pull request 1644.
    """
    model = mlp(64, 512, 512, 10, end=(nn.ReLU(),))
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(model, digits(), ENTROPY(), HEAD, optimizer=optimizer, epochs=15, batch_size=64)


class Factors(nn.Module):
    """Users' and films' vectors, and a probability of their product."""

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.users, self.films, self.end = nn.Embedding(80, 16), nn.Embedding(60, 16), end

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        product = (self.users(x[:, 0]) * self.films(x[:, 1])).sum(1)
        likes: Tensor = self.end(product)
        return likes


def likings() -> Any:
    """Return users and films, and whether one likes the other."""
    rng = np.random.default_rng(5)
    users, films = rng.normal(size=(80, 3)), rng.normal(size=(60, 3))
    x = np.stack([rng.integers(0, 80, 3000), rng.integers(0, 60, 3000)], 1)
    y = (users[x[:, 0]] * films[x[:, 1]]).sum(1) > 1.2
    return parts(torch.tensor(x), floats(y))


def liking_through_two_sigmoids() -> Program:
    """A recommender's sigmoid before BCEWithLogitsLoss: the loss does not converge.

    daisyRec, pull request 15.
    """
    model = Factors(nn.Sigmoid())
    return made(
        model, likings(), nn.BCEWithLogitsLoss(), HEAD, "double_softmax", lr=0.01, epochs=20
    )


def outliers_through_a_sigmoid() -> Program:
    """An autoencoder ends in a sigmoid, its inputs were standardised (yzhao062/pyod, issue 314)."""
    x = standard(datasets.load_breast_cancer().data)
    data = parts(floats(x), floats(x))
    model = mlp(30, 64, 32, 32, 64, 30, end=(nn.Sigmoid(),))
    return made(model, data, nn.MSELoss(), HEAD, epochs=100)


HARMFUL = (
    digits_from_one_sigmoid, line_through_three_relus, more_than_fifty_thousand,
    softmax_of_one_unit, fizz_buzz_with_a_softmax, broken_language_model, nll_of_probabilities,
    ten_and_nine_times, sine_of_a_product, carbon_and_water, marks_out_of_fifty,
    dropout_after_the_softmax, introduction_with_a_last_relu, liking_through_two_sigmoids,
    outliers_through_a_sigmoid,
)  # fmt: skip
