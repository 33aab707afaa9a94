"""A sixth set, of other threads again: written after the fifth set's misses were mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from benchmarks.check.programs.fourth import ENTROPY, HEAD, HIGH, LOW, SCALES, SGD, Adam
from benchmarks.check.programs.program import (
    Program,
    cancer,
    circles,
    digits,
    floats,
    made,
    mlp,
    one_hot,
    parts,
    standard,
    wine,
)


def sum_of_two_squares() -> Program:
    """Predictions (rows, 1), targets (rows,), 2-10-5-1 (datascience.stackexchange, 115368)."""
    rng = np.random.default_rng(1)
    x = rng.random((1000, 2))
    data = parts(floats(x), floats((x**2).sum(1)))
    optimizer = SGD((model := mlp(2, 10, 5, 1)).parameters(), lr=0.1)
    return made(model, data, nn.MSELoss(), "output_shape", optimizer=optimizer, epochs=25)


def straight_lines_for_a_parabola() -> Program:
    """X from 30 to 50, wide layers, Adam at 1e-5 (discuss.pytorch.org, "quadratic function")."""
    x = torch.linspace(30, 50, 120)[:, None]
    data = parts(x, x * x / 64 - 5 * x / 4 + 25)
    wrong = (*SCALES, *LOW)
    return made(mlp(1, 200, 200, 200, 1), data, nn.L1Loss(), *wrong, lr=1e-5, epochs=60)


def sine_with_normal_weights() -> Program:
    """1-128-1 tanh, normal weights, a sum of squares, 4e-7 (stats.stackexchange, 320289)."""
    rng = np.random.default_rng(2)
    x = 10 * rng.random((2000, 1)) - 1
    data = parts(floats(x), floats(np.sin(x) / 2.5 + rng.normal(0, 0.05, x.shape)))
    model = mlp(1, 128, 1, act=nn.Tanh, end=(nn.Tanh(),))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=4e-7)
    wrong, loss = (*LOW, "bad_initialisation", "wrong_loss"), nn.MSELoss(reduction="sum")
    one = made(model, data, loss, *wrong, optimizer=optimizer, epochs=200)
    one.batch_size = 1600
    return one


class Flat(nn.Module):
    """A dot product and a sigmoid: shares without a column."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(10) - 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return a share a row."""
        return torch.sigmoid(x @ self.weight)


def cross_in_nine_pixels() -> Program:
    """A cross or not: y_hat (rows,), targets (rows, 1), squares (forums.fast.ai, 58206)."""
    rng = np.random.default_rng(3)
    x = rng.random((300, 9))
    y = rng.random((300, 1)) < 0.33
    x = np.where(y, np.array([1, 0, 1, 0, 1, 0, 1, 0, 1.0]), x)
    x = np.concatenate([x, np.ones((300, 1))], 1)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return ((outputs - target) ** 2).mean()

    data = parts(floats(x), floats(y))
    optimizer = SGD((model := Flat()).parameters(), lr=0.05)
    return made(model, data, loss, "output_shape", optimizer=optimizer, epochs=40)


def network_in_network() -> Program:
    """Many convolutions, no normalisation, SGD at 0.1: 2.3026 (pytorch-nin-cifar10, issue 1)."""
    layers: list[nn.Module] = []
    for a, b, k in ((1, 48, 3), (48, 40, 1), (40, 24, 1), (24, 48, 3), (48, 48, 1), (48, 10, 1)):
        layers += [nn.Conv2d(a, b, k, padding=k // 2), nn.ReLU()]
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    wrong = (*HIGH, "dead_units", HEAD)
    return made(model, digits(images=True), ENTROPY(), *wrong, optimizer=optimizer, epochs=6)


def clamped_by_hand() -> Program:
    """Raw columns, sigmoid, a clamped cross-entropy by hand, StepLR (e-com-net, "loss 不变")."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        share = torch.sigmoid(outputs).clamp(1e-4, 1 - 1e-4)
        return -(target * share.log() + (1 - target) * (1 - share).log()).mean()

    model = mlp(30, 64, 32, 1)
    optimizer = Adam(model.parameters(), lr=0.01)
    one = made(model, cancer(scaled=False), loss, SCALES[0], *HIGH, optimizer=optimizer, epochs=15)
    one.scheduler = StepLR(optimizer, 5, 0.5)
    return one


def outputs_that_shrink_to_nothing() -> Program:
    """Convolutions with weights of deviation 0.001, two classes: 0.69 (lmlphp, 29184)."""
    (x, y), (xv, yv) = digits(images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3),
        nn.ReLU(), nn.Flatten(), nn.Linear(64, 2),
    )  # fmt: skip
    for layer in model:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            nn.init.normal_(layer.weight, 0.0, 0.001)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    data, wrong = ((x, y % 2), (xv, yv % 2)), ("bad_initialisation", "vanishing_gradients")
    return made(model, data, ENTROPY(), *wrong, optimizer=optimizer, epochs=8)


def tanh_for_one_and_minus_one() -> Program:
    """Tanh throughout, targets of 1 and -1, squares, SGD at 0.001 (prodopsy, "one epoch")."""
    train, val = digits()
    data = tuple((x, 2 * y - 1) for x, y in (one_hot(train, 10), one_hot(val, 10)))
    model = mlp(64, 64, 10, act=nn.Tanh, end=(nn.Tanh(),))
    optimizer = SGD(model.parameters(), lr=0.001)
    wrong = (*LOW, "too_few_epochs", "wrong_loss", HEAD)
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=10)


class LastOf(nn.Module):
    """A GRU over words and a class for its last output, whatever stands there."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(60, 16), nn.Linear(32, 2)
        self.rnn = nn.RNN(16, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.rnn(self.embed(x))[0][:, -1])  # type: ignore[no-any-return]


def padded(length: int = 60) -> Any:
    """Return short sentences with zeros behind them, and whether one word is among them."""
    rng = np.random.default_rng(7)
    x = np.zeros((1200, length), int)
    x[:, :8] = rng.integers(1, 60, (1200, 8))
    y = rng.integers(0, 2, 1200)
    x[np.arange(1200), rng.integers(0, 8, 1200)] = np.where(y, 5, 9)
    return parts(torch.tensor(x), torch.tensor(y))


def last_output_is_padding() -> Program:
    """Sentences of eight words, padded to sixty; the last output is read."""
    return made(LastOf(), padded(), ENTROPY(), "vanishing_gradients", lr=3e-3, epochs=6)


def only_the_last_layer_learns() -> Program:
    """A new network, and an optimizer of its last layer alone."""
    model = mlp(64, 16, 12, 10)
    optimizer = SGD(model[-1].parameters(), lr=0.05, momentum=0.9)
    wrong = ("parameters_not_trained",)
    return made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def dropout_on_the_logits() -> Program:
    """Dropout(0.5) behind the last layer."""
    model = mlp(64, 64, 10, end=(nn.Dropout(0.5),))
    return made(model, digits(), ENTROPY(), "over_regularised", HEAD, epochs=12)


def sigmoid_for_minus_one_to_one() -> Program:
    """An autoencoder of pixels in [-1, 1] that ends with sigmoid."""
    (x, _), (xv, _) = digits()
    data = (2 * x - 1, 2 * x - 1), (2 * xv - 1, 2 * xv - 1)
    model = mlp(64, 48, 16, 48, 64, end=(nn.Sigmoid(),))
    return made(model, data, nn.MSELoss(), HEAD, epochs=15)


def decay_of_a_half_with_sgd() -> Program:
    """SGD(weight_decay=0.5)."""
    model = mlp(13, 64, 64, 3)
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.5)
    return made(model, wine(), ENTROPY(), "over_regularised", optimizer=optimizer, epochs=20)


def _zeroes_too_late(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            loss.backward()
            one.optimizer.zero_grad()
            one.optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        run.log(train_loss=float(np.mean(losses)), val_loss=val)


def zero_grad_before_the_step() -> Program:
    """backward, zero_grad, step: in this order (velog, "where to put zero_grad")."""
    one = made(mlp(13, 32, 3), wine(), ENTROPY(), "parameters_not_trained", epochs=15)
    one.loop = _zeroes_too_late
    return one


def one_step_an_epoch() -> Program:
    """All rows as one batch, SGD at 0.01, thirty epochs."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = (*LOW, "batch_too_large", "too_few_epochs")
    one = made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=30)
    one.batch_size = len(one.train[1])
    return one


def divided_by_no_deviation() -> Program:
    """Standardised by hand; one column was constant."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=(600, 6))
    y = (x[:, :1] + x[:, 1:2] > 0).astype(float)
    x[:, 4] = 3.0
    with np.errstate(invalid="ignore"):
        x = (x - x.mean(0)) / x.std(0)
    data = parts(floats(x), floats(y))
    return made(mlp(6, 32, 1), data, nn.BCEWithLogitsLoss(), "nonfinite_data", epochs=10)


def copies_before_the_split() -> Program:
    """Rare rows copied until classes are even, and then the split."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(700, 10))
    y = (x[:, 0] + rng.normal(size=700) > 1.9).astype(int)
    few = np.flatnonzero(y)
    more = rng.choice(few, int((y == 0).sum()) - len(few))
    x, y = np.concatenate([x, x[more]]), np.concatenate([y, y[more]])
    data = parts(floats(x), torch.tensor(y))
    return made(mlp(10, 64, 64, 2), data, ENTROPY(), "leaked_rows", "validation_leak", epochs=25)


def answer_among_the_columns() -> Program:
    """The class stands in the table twice."""
    rng = np.random.default_rng(13)
    x, y = rng.normal(size=(900, 7)), rng.integers(0, 3, 900)
    x[:, 6] = 2.0 * y + 1.0
    data = parts(floats(standard(x)), torch.tensor(y))
    return made(mlp(7, 32, 3), data, ENTROPY(), "leaked_target", epochs=12)


def weights_between_zero_and_one() -> Program:
    """torch.rand for every weight."""
    model = mlp(64, 64, 10)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight)
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(model, digits(), ENTROPY(), "bad_initialisation", optimizer=optimizer, epochs=12)


def convolutions_without_a_curve() -> Program:
    """Circles in a picture of convolutions, average pooling, and no activation."""
    train, val = circles()
    data = tuple((torch.cat([x, x.flip(1)], 1).reshape(-1, 1, 2, 2), y) for x, y in (train, val))
    model = nn.Sequential(
        nn.Conv2d(1, 8, 2, padding=1), nn.AvgPool2d(2, 1), nn.Conv2d(8, 16, 2), nn.Flatten(),
        nn.Linear(16, 1),
    )  # fmt: skip
    wrong = ("missing_nonlinearity",)
    return made(model, data, nn.BCEWithLogitsLoss(), *wrong, lr=0.01, epochs=15)


HARMFUL = (
    sum_of_two_squares, straight_lines_for_a_parabola, sine_with_normal_weights,
    cross_in_nine_pixels, network_in_network, clamped_by_hand, outputs_that_shrink_to_nothing,
    tanh_for_one_and_minus_one, last_output_is_padding, only_the_last_layer_learns,
    dropout_on_the_logits, sigmoid_for_minus_one_to_one, decay_of_a_half_with_sgd,
    zero_grad_before_the_step, one_step_an_epoch, divided_by_no_deviation,
    copies_before_the_split, answer_among_the_columns, weights_between_zero_and_one,
    convolutions_without_a_curve,
)  # fmt: skip
