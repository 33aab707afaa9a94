"""The seventh set's scales, rates, schedules, loops and overfitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from benchmarks.check.programs.program import Program, digits, floats, made, mlp, parts
from benchmarks.check.programs.seventh import ENTROPY, HIGH, LOW, SGD

SCALES = ("unscaled_inputs", "unscaled_targets")
BLOWS_UP = (*HIGH, "diverging", "nan_loss", "exploding_gradients")


def twice_the_number() -> Program:
    """0 to 199 and its double, row by row, SGD at 0.001: NaN (keras-team/keras, issue 3040)."""
    x = torch.arange(200.0)[:, None]
    model = nn.Linear(1, 1)
    optimizer = SGD(model.parameters(), lr=0.001)
    return made(
        model, parts(x, 2 * x), nn.MSELoss(), *BLOWS_UP, *SCALES, optimizer=optimizer, epochs=1,
        batch_size=1,
    )  # fmt: skip


def line_of_a_course() -> Program:
    """Numbers to about 30, SGD at 0.01: it diverges (pytorch/pytorch, issue 23142)."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(125, 1)) * 10
    model = nn.Linear(1, 1)
    data = parts(floats(x), floats(x + 3 * rng.normal(size=x.shape)))
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(
        model, data, nn.MSELoss(), *BLOWS_UP, "unscaled_inputs", optimizer=optimizer, epochs=10,
        batch_size=100,
    )  # fmt: skip


def sine_of_a_thousand_steps() -> Program:
    """Steps 0 to 999 as they are into tanh (stackoverflow.com/questions/46995209)."""
    x = np.arange(1000.0)[:, None]
    data = parts(floats(x), floats(np.sin(x * 4 * np.pi / 1000)))
    model = mlp(1, 10, 10, 10, 1, act=nn.Tanh)
    wrong = ("unscaled_inputs", "saturated_units")
    return made(model, data, nn.MSELoss(), *wrong, epochs=60)


def boxes(count: int = 1200, size: int = 24) -> Any:
    """Return images with one box each, and where its middle is, from -1 to 1."""
    rng = np.random.default_rng(9)
    x = 0.1 * rng.normal(size=(count, 1, size, size))
    at = rng.integers(3, size - 3, (count, 2))
    for image, (row, column) in zip(x, at, strict=True):
        image[0, row - 2 : row + 3, column - 2 : column + 3] += 1
    return parts(floats(x), floats(at / (size - 1) * 2 - 1))


def four_sigmoid_layers() -> Program:
    """Binary vectors to numbers through four sigmoid layers of 500 (ai.stackexchange 16557)."""
    rng = np.random.default_rng(10)
    x = rng.integers(0, 2, (800, 20))
    y = 30 + x @ rng.normal(0, 6, 20) + 8 * (x[:, 0] ^ x[:, 1]) * x[:, 2]
    model = mlp(20, 500, 500, 500, 500, 1, act=nn.Sigmoid)
    wrong = ("vanishing_gradients", "unscaled_targets", "saturated_units")
    return made(model, parts(floats(x), floats(y[:, None])), nn.MSELoss(), *wrong, epochs=20)


class TwoLstms(nn.Module):
    """LSTM, sigmoid, dropout, twice; then a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (
            nn.LSTM(5, 20, batch_first=True),
            nn.LSTM(20, 20, batch_first=True),
        )
        self.drop, self.end = nn.Dropout(0.2), nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        x = self.drop(torch.sigmoid(self.first(x)[0]))
        x = self.drop(torch.sigmoid(self.second(x)[0][:, -1]))
        out: Tensor = self.end(x)
        return out


def five_sequences() -> Program:
    """Five series near 50, LSTMs into sigmoids, 20 epochs in batches of 450: a constant.

    keras-team/keras, issue 1727.
    """
    t = np.arange(1050)[:, None]
    rng = np.random.default_rng(14)
    series = 50 + 20 * np.sin(t * rng.uniform(0.1, 0.5, 5) + rng.uniform(0, 6, 5))
    series += rng.normal(size=series.shape)
    x = np.stack([series[i : i + 50] for i in range(1000)])
    model = TwoLstms()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)
    wrong = (*SCALES, *LOW, "too_few_epochs", "slow_convergence", "batch_too_large")
    return made(
        model, parts(floats(x), floats(series[50:])), nn.MSELoss(), *wrong, optimizer=optimizer,
        epochs=20, batch_size=450,
    )  # fmt: skip


class Translator(nn.Module):
    """Embedding and LSTM, a word for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.end = nn.Embedding(40, 64), nn.Linear(64, 40)
        self.lstm = nn.LSTM(64, 64, num_layers=2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.end(self.lstm(self.words(x))[0]).transpose(1, 2)
        return out


def adam_with_the_rate_of_sgd() -> Program:
    """Adam at 1, the default for SGD: the perplexity stays high (OpenNMT/OpenNMT-py, issue 805)."""
    rng = np.random.default_rng(16)
    x = rng.integers(0, 40, (1000, 10))
    y = (rng.permutation(40)[x] + np.roll(x, 1, 1) % 2) % 40
    model = Translator()
    return made(
        model, parts(torch.tensor(x), torch.tensor(y)), ENTROPY(), *BLOWS_UP, "not_learning",
        "saturated_units", "oscillating", "loss_spikes", lr=1.0, epochs=10, batch_size=64,
    )  # fmt: skip


def step_after_each_batch() -> Program:
    """StepLR of epochs // 2 and 0.1, stepped after each batch: the rate is soon nothing.

    leftthomas/SRGAN, issue 94.
    """
    model = mlp(64, 128, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return made(
        model, digits(), ENTROPY(), "schedule_collapses", *LOW, optimizer=optimizer, epochs=20,
        batch_size=64, scheduler=StepLR(optimizer, step_size=10, gamma=0.1),
        steps_schedule_each_batch=True,
    )  # fmt: skip


def court_without_zero_grad() -> Program:
    """Where a court's corner is, no zero_grad (yastrebksv/TennisCourtDetector, issue 7)."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Flatten(),
        nn.Linear(1152, 2),
    )  # fmt: skip
    return made(
        model, boxes(600), nn.MSELoss(), "gradients_not_zeroed", lr=1e-3, epochs=15, zeroes=False
    )


def validated_with_its_dropout() -> Program:
    """The course's MLP with dropout, validated without eval().

    udacity/deep-learning-v2-pytorch, issue 399.
    """
    model = nn.Sequential(
        nn.Linear(64, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 512), nn.ReLU(),
        nn.Dropout(0.2), nn.Linear(512, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(
        model, digits(), ENTROPY(), "evaluation_in_train_mode", optimizer=optimizer, epochs=20,
        batch_size=20, evaluates=False,
    )  # fmt: skip


def aircraft_by_kind() -> Program:
    """A data set in the order of its classes, not shuffled (pytorch/vision, issue 7818)."""
    (x, y), val = digits(images=True)
    order = y.argsort()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    return made(
        model, ((x[order], y[order]), val), ENTROPY(), "unshuffled_data", optimizer=optimizer,
        epochs=15, shuffle=False,
    )  # fmt: skip


class ListOfLayers(nn.Module):
    """A layer, and a plain list of more of them."""

    def __init__(self, sizes: tuple[int, ...] = (8, 8, 8, 8)) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 10)
        first = (64, *sizes[:-1])
        self.list_of_layers = [nn.Linear(a, b) for a, b in zip(first, sizes, strict=True)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        for layer in self.list_of_layers:
            x = torch.relu(layer(x))
        out: Tensor = self.layer(x)
        return out


def list_of_layers() -> Program:
    """Layers in a Python list are no parameters (pytorch/pytorch, issue 666)."""
    return made(ListOfLayers(), digits(), ENTROPY(), "parameters_not_trained", lr=0.01, epochs=20)


def optimizer_of_another_model() -> Program:
    """model_1 is trained, the optimizer got model_0's parameters: the loss remains the same.

    mrdbourke/pytorch-deep-learning, issue 399.
    """
    x = torch.arange(0, 1, 0.02)[:, None]
    model_0, model_1 = nn.Linear(1, 1), nn.Linear(1, 1)
    optimizer = SGD(model_0.parameters(), lr=0.01)
    return made(
        model_1, parts(x, 0.7 * x + 0.3), nn.MSELoss(), "parameters_not_trained", "not_learning",
        optimizer=optimizer, epochs=1000, batch_size=40,
    )  # fmt: skip


def sixteen_kinds_few_images() -> Program:
    """Sixteen classes, 750 images, batches of 4, no regularisation (ai.stackexchange 37050)."""
    rng = np.random.default_rng(15)
    kinds = rng.normal(size=(16, 3, 12, 12))
    y = rng.integers(0, 16, 750)
    x = 0.16 * kinds[y] + rng.normal(size=(750, 3, 12, 12))
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(576, 16),
    )  # fmt: skip
    return made(
        model, parts(floats(x), torch.tensor(y), share=0.75), ENTROPY(), "overfitting",
        "too_many_epochs", epochs=15, batch_size=4,
    )  # fmt: skip


HARMFUL = (
    twice_the_number, line_of_a_course, sine_of_a_thousand_steps,
    four_sigmoid_layers, five_sequences, adam_with_the_rate_of_sgd,
    step_after_each_batch, court_without_zero_grad, validated_with_its_dropout,
    aircraft_by_kind, list_of_layers, optimizer_of_another_model, sixteen_kinds_few_images,
)  # fmt: skip
