"""The fourth set's rates, schedules, loops, orders of rows and penalties."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, StepLR

from benchmarks.check.programs.fourth import ENTROPY, HIGH, LOW, SCALES, SGD, Adam
from benchmarks.check.programs.program import (
    Program,
    cancer,
    circles,
    digits,
    floats,
    houses,
    made,
    mlp,
    parts,
    sentences,
    wine,
)


def sixty_rows_and_sgd() -> Program:
    """Sixty rows, 7-60-100-30-2, Glorot's weights, SGD at 1e-4 (discuss.pytorch.org/t/177433)."""
    rng = np.random.default_rng(4)
    x = rng.random((75, 7))
    y = (x[:, 0] + x[:, 1] * x[:, 2] > 0.75).astype(int)
    model = mlp(7, 60, 100, 30, 2)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=1e-4)
    data = parts(floats(x), torch.tensor(y))
    return made(model, data, ENTROPY(), *LOW, optimizer=optimizer, epochs=100, batch_size=8)


def gate_of_four_rows() -> Program:
    """Four rows, two sigmoid layers with weights in [0, 1], MSELoss, SGD at 0.01 (t/98714)."""
    x = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = torch.tensor([[1.0], [0], [0], [1]])
    model = mlp(2, 4, 1, act=nn.Sigmoid, end=(nn.Sigmoid(),))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = (*LOW, "too_few_epochs", "bad_initialisation", "wrong_loss")
    one = made(model, ((x, y), None), nn.MSELoss(), *wrong, optimizer=optimizer, epochs=1000)
    one.batch_size = 4
    return one


class OneWide(nn.Module):
    """A transformer whose vectors have one number, and a dense layer over time."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(1, 1, 16, dropout=0.0, batch_first=True)
        self.body, self.fc = nn.TransformerEncoder(layer, 2), nn.Linear(steps, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next number."""
        return self.fc(self.body(x)[:, :, 0])  # type: ignore[no-any-return]


def numbers_in_a_row() -> Program:
    """1, 2, 3, ... through a transformer of one dimension, no zero_grad (t/184454)."""
    starts = torch.arange(0.0, 400.0)
    x = (starts[:, None] + torch.arange(20.0))[..., None]
    data = parts(x, starts[:, None] + 20)
    wrong = (*SCALES, "gradients_not_zeroed", "cannot_overfit_one_batch", "vanishing_gradients")
    return made(OneWide(20), data, nn.MSELoss(), *wrong, epochs=15, zeroes=False)


class Line(nn.Module):
    """An LSTM and a dense layer on every output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.fc = nn.LSTM(1, 100, batch_first=True), nn.Linear(100, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a number a step."""
        return self.fc(self.lstm(x)[0])[..., 0]  # type: ignore[no-any-return]


def line_without_zero_grad() -> Program:
    """One short sequence, a loss a step, gradients that add up (stats.stackexchange, 376851)."""
    x = (torch.arange(21.0) / 20)[None, :, None]
    y = (torch.arange(2.0, 23.0) / 20)[None]
    data = (x.repeat(2, 1, 1), y.repeat(2, 1)), None
    wrong = ("gradients_not_zeroed",)
    one = made(Line(), data, nn.MSELoss(), *wrong, epochs=300, zeroes=False, lr=1e-3)
    one.batch_size = 2
    return one


class Clicks(nn.Module):
    """A transformer encoder over words, their mean, and one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.body, self.fc = nn.TransformerEncoder(layer, 2), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit."""
        return self.fc(self.body(self.embed(x)).mean(1))  # type: ignore[no-any-return]


def warm_up_without_end() -> Program:
    """Noam's schedule with 3,000 steps of warm-up, and 300 steps in all (t/183958)."""
    (x, y), (xv, yv) = sentences()
    model = Clicks()
    optimizer = Adam(model.parameters(), lr=0.05, betas=(0.9, 0.98))
    wrong = (*LOW, "too_few_epochs", "schedule_collapses")
    data = (x, y.float()[:, None]), (xv, yv.float()[:, None])
    loss = nn.BCEWithLogitsLoss()
    one = made(model, data, loss, *wrong, optimizer=optimizer, epochs=8)

    def noam(step: int) -> float:
        return 32**-0.5 * min((step + 1) ** -0.5, (step + 1) * 3000**-1.5)

    one.scheduler, one.steps_schedule_each_batch = LambdaLR(optimizer, noam), True
    return one


def collapses_to_one_half() -> Program:
    """Convolutions that learn, and then say the same of all (datascience.stackexchange, 28481)."""
    (x, y), (xv, yv) = digits(images=True)
    data = (x, (y > 4).float()[:, None]), (xv, (yv > 4).float()[:, None])
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 1),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.5, momentum=0.9)
    loss, wrong = nn.BCEWithLogitsLoss(), (*HIGH, "dead_units")
    return made(model, data, loss, *wrong, optimizer=optimizer, epochs=8, batch_size=128)


def adam_at_a_tenth() -> Program:
    """Houses, four relu layers, Adam at 0.1: the mean of all prices for every house."""
    model = mlp(4, 128, 128, 128, 1)
    data, wrong = houses(scaled=True, scaled_target=True), (*HIGH, "dead_units")
    return made(model, data, nn.MSELoss(), *wrong, lr=0.1, epochs=20)


class Reader(nn.Module):
    """An LSTM over words and a logit for its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(200, 32), nn.Linear(32, 1)
        self.lstm = nn.LSTM(32, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit."""
        return self.fc(self.lstm(self.embed(x))[1][0][-1])  # type: ignore[no-any-return]


def reviews_with_sgd() -> Program:
    """An LSTM for reviews, SGD at 0.001: 0.693 for ever ("sentiment does not train")."""
    (x, y), (xv, yv) = sentences()
    data = (x, y.float()[:, None]), (xv, yv.float()[:, None])
    model = Reader()
    optimizer = SGD(model.parameters(), lr=1e-3)
    loss = nn.BCEWithLogitsLoss()
    return made(model, data, loss, *LOW, optimizer=optimizer, epochs=10, batch_size=64)


def step_lr_in_the_inner_loop() -> Program:
    """StepLR(30, 0.1), stepped after every batch."""
    model = mlp(64, 128, 10)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    wrong = ("schedule_collapses", *LOW)
    one = made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=20)
    one.scheduler = StepLR(optimizer, step_size=5, gamma=0.1)
    one.steps_schedule_each_batch = True
    return one


def validated_with_dropout() -> Program:
    """Dropout of a half, and eval() nowhere."""
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 64), nn.ReLU(),
        nn.Dropout(0.5), nn.Linear(64, 10),
    )  # fmt: skip
    wrong = ("evaluation_in_train_mode",)
    return made(model, digits(), ENTROPY(), *wrong, epochs=15, evaluates=False)


def head_after_the_optimizer() -> Program:
    """The last layer is replaced after the optimizer was made."""
    model = mlp(64, 64, 5)
    optimizer = Adam(model.parameters(), lr=1e-3)
    model[2] = nn.Linear(64, 10)
    wrong = ("parameters_not_trained",)
    return made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def folders_in_their_order() -> Program:
    """Images from folders, a class after the other, shuffle=False."""
    (x, y), val = digits()
    order = y.argsort(stable=True)
    wrong = ("unshuffled_data",)
    one = made(mlp(64, 64, 10), ((x[order], y[order]), val), ENTROPY(), *wrong, epochs=12, lr=5e-3)
    one.shuffle = False
    return one


def decay_of_a_tenth_within_adam() -> Program:
    """Adam(weight_decay=0.5), against overfitting."""
    model = mlp(30, 64, 64, 1)
    optimizer = Adam(model.parameters(), lr=1e-3, weight_decay=0.5)
    wrong = ("over_regularised", "optimizer_settings")
    loss = nn.BCEWithLogitsLoss()
    return made(model, cancer(), loss, *wrong, optimizer=optimizer, epochs=20)


def two_rows_a_step() -> Program:
    """Batch normalisation and two rows a step."""
    model = nn.Sequential(
        nn.Linear(13, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), nn.BatchNorm1d(32),
        nn.ReLU(), nn.Linear(32, 3),
    )  # fmt: skip
    wrong = ("batch_too_small",)
    return made(model, wine(), ENTROPY(), *wrong, epochs=15, batch_size=2, lr=3e-3)


def minus_the_loss() -> Program:
    """A likelihood whose sign was forgotten."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.log_softmax(outputs, 1)[torch.arange(len(target)), target].mean()

    wrong = ("wrong_gradient_sign", "wrong_loss")
    return made(mlp(13, 32, 3), wine(), loss, *wrong, epochs=15)


def tiny_weights() -> Program:
    """normal_(0, 1e-4) for every weight of five layers, circles."""
    model = mlp(2, 32, 32, 32, 32, 1)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 1e-4)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    loss, wrong = nn.BCEWithLogitsLoss(), ("bad_initialisation", "vanishing_gradients")
    return made(model, circles(), loss, *wrong, optimizer=optimizer, epochs=20)


HARMFUL = (
    sixty_rows_and_sgd, gate_of_four_rows, numbers_in_a_row, line_without_zero_grad,
    warm_up_without_end, collapses_to_one_half, adam_at_a_tenth, reviews_with_sgd,
    step_lr_in_the_inner_loop, validated_with_dropout, head_after_the_optimizer,
    folders_in_their_order, decay_of_a_tenth_within_adam, two_rows_a_step, minus_the_loss,
    tiny_weights,
)  # fmt: skip
