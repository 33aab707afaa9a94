"""Networks and weights that cannot learn: dead, saturated, cut off, not handed over."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.program import (
    Pair,
    Program,
    cancer,
    circles,
    diabetes,
    digits,
    floats,
    mlp,
    parts,
    sentences,
    waves,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD


def _program(model: nn.Module, data: Any, loss_fn: Any, *problems: str, **more: Any) -> Program:
    optimizer = more.pop("optimizer", None) or Adam(model.parameters(), lr=more.pop("lr", 1e-3))
    return Program(model, data[0], loss_fn, optimizer, data[1], problems, **more)


def no_activation_between_layers() -> Program:
    """Circles: three linear layers in a row, accuracy of one half."""
    model = nn.Sequential(nn.Linear(2, 32), nn.Linear(32, 32), nn.Linear(32, 1))
    wrong = ("missing_nonlinearity",)
    return _program(model, circles(), nn.BCEWithLogitsLoss(), *wrong, epochs=40, lr=0.01)


class Activated(nn.Module):
    """Builds activations and forgets to call them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(64, 128), nn.Linear(128, 64), nn.Linear(64, 10)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc3(self.fc2(self.dropout(self.fc1(x))))  # type: ignore[no-any-return]


def activations_never_called() -> Program:
    """Digits: self.relu is there, and forward does not use it."""
    return _program(Activated(), digits(), ENTROPY(), "missing_nonlinearity", epochs=15)


def zero_weights() -> Program:
    """Digits: all weights set to 0."""
    model = mlp(64, 32, 10)
    for p in model.parameters():
        nn.init.zeros_(p)
    wrong = ("bad_initialisation",)
    optimizer = SGD(model.parameters(), lr=0.1)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def constant_weights() -> Program:
    """Circles: every weight is 0.5."""
    model = mlp(2, 16, 16, 1, act=nn.Tanh)
    for p in model.parameters():
        nn.init.constant_(p, 0.5)
    wrong = ("bad_initialisation",)
    return _program(model, circles(), nn.BCEWithLogitsLoss(), *wrong, epochs=40, lr=0.01)


def large_normal_weights() -> Program:
    """Digits: weights straight from torch.randn; the first loss is in the hundreds."""
    model = mlp(64, 128, 128, 10)
    for p in model.parameters():
        nn.init.normal_(p)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("bad_initialisation",)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=15)


def tiny_weights_in_a_deep_network() -> Program:
    """Digits: nine relu layers with weights of std 0.01; the loss stays at 2.303."""
    model = mlp(64, *[64] * 9, 10)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
    wrong = ("bad_initialisation", "vanishing_gradients")
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=15)


def ten_sigmoids() -> Program:
    """Digits: ten sigmoid layers with SGD."""
    model = mlp(64, *[32] * 10, 10, act=nn.Sigmoid)
    wrong = ("vanishing_gradients",)
    optimizer = SGD(model.parameters(), lr=0.1)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=15)


def dead_relus() -> Program:
    """Diabetes: a rate of 0.5 throws the biases below zero: one prediction for all rows."""
    model = mlp(10, 64, 64, 1)
    optimizer = SGD(model.parameters(), lr=2.0, momentum=0.9)
    wrong = ("learning_rate_too_high", "learning_rate_out_of_range", "dead_units")
    return _program(model, diabetes(), nn.MSELoss(), *wrong, optimizer=optimizer, epochs=20)


class Listed(nn.Module):
    """Layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(64, 64) for _ in range(3)]
        self.out = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        for layer in self.hidden:
            x = functional.relu(layer(x))
        return self.out(x)  # type: ignore[no-any-return]


def layers_in_a_plain_list() -> Program:
    """Digits: the optimizer knows only the last layer."""
    return _program(Listed(), digits(), ENTROPY(), "parameters_not_trained", epochs=12)


def optimizer_of_another_network() -> Program:
    """Wine: the network is made again after the optimizer; the loss does not move."""
    optimizer = Adam(mlp(13, 32, 3).parameters(), lr=1e-3)
    wrong = ("parameters_not_trained",)
    model = mlp(13, 32, 3)
    return _program(model, wine(), ENTROPY(), *wrong, optimizer=optimizer, epochs=20)


class TwoParts(nn.Module):
    """An encoder and a head, with a detach between them."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = mlp(64, 32, 16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        code = torch.relu(self.encoder(x))
        return self.head(code.detach())  # type: ignore[no-any-return]


def detached_encoder() -> Program:
    """Digits: `.detach()` left over from a plot: the encoder stays as it was drawn."""
    return _program(TwoParts(), digits(), ENTROPY(), "parameters_not_trained", epochs=15)


def head_replaced_after_the_optimizer() -> Program:
    """Digits, fine-tuned: the new last layer is in no optimizer."""
    model = mlp(64, 64, 5)
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    model[-1] = nn.Linear(64, 10)
    wrong = ("parameters_not_trained",)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def loss_of_the_predicted_class() -> Program:
    """Wine: the loss compares argmax with the label; requires_grad_() silences the error."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        wrong = (outputs.argmax(1) != target).float().mean()
        return wrong.requires_grad_()

    wrong = ("parameters_not_trained", "wrong_loss")
    return _program(mlp(13, 16, 3), wine(), loss, *wrong, epochs=10)


class TimeFirst(nn.Module):
    """An LSTM that takes time first, and gets rows first."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, 32)
        self.fc = nn.Linear(32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of the last column."""
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])  # type: ignore[no-any-return]


def _remembered() -> tuple[Pair, Pair]:
    """Return noise whose first values decide the class."""
    torch.manual_seed(5)
    x = torch.randn(1000, 10, 3)
    return parts(x, (x[:, 0].sum(1) + x[:, 4].sum(1) > 0).long())


def lstm_without_batch_first() -> Program:
    """Sequences: rows are taken for time, so that rows of a batch mix; accuracy 0.5."""
    return _program(TimeFirst(3, 2), _remembered(), ENTROPY(), "output_shape", epochs=15)


class Viewed(nn.Module):
    """Reshapes where it ought to permute."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 32)
        self.fc = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        out, _ = self.gru(x.view(x.size(1), x.size(0), -1))
        return self.fc(out[-1])  # type: ignore[no-any-return]


def view_instead_of_permute() -> Program:
    """Sequences: x.view(time, rows, features) cuts rows into pieces of other rows."""
    return _program(Viewed(), _remembered(), ENTROPY(), "output_shape", epochs=15)


class Attends(nn.Module):
    """Attention over the batch: batch_first was forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.fc = nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.encoder(self.embed(x)).mean(1))  # type: ignore[no-any-return]


def transformer_without_batch_first() -> Program:
    """Sentences: each word attends to the same place of the other sentences."""
    return _program(Attends(), sentences(), ENTROPY(), "output_shape", epochs=10)


class Last(nn.Module):
    """Takes the last row's output for the last step's."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions."""
        out, _ = self.lstm(x)
        return self.fc(out[-1])  # type: ignore[no-any-return]


def last_row_for_last_step() -> Program:
    """A sine: out[-1] with batch_first; the loss broadcasts (20, 1) against (n, 1)."""
    return _program(Last(), waves(), nn.MSELoss(), "output_shape", epochs=10, batch_size=32)


def dropout_of_nine_tenths() -> Program:
    """Wine: dropout of 0.9 in every layer of a small network."""
    drop = [nn.Linear(13, 16), nn.ReLU(), nn.Dropout(0.9), nn.Linear(16, 16), nn.ReLU()]
    model = nn.Sequential(*drop, nn.Dropout(0.9), nn.Linear(16, 3))
    return _program(model, wine(), ENTROPY(), "over_regularised", epochs=60, lr=0.01)


def three_units_for_ten_digits() -> Program:
    """Digits through a bottleneck of one unit."""
    model = mlp(64, 1, 10)
    return _program(model, digits(), ENTROPY(), "underfitting", "dead_units", epochs=40, lr=0.01)


def memorises() -> Program:
    """Tumours with shuffled labels half the time: validation climbs, training goes to zero."""
    (x, y), (xv, yv) = cancer()
    flip = torch.rand(len(y), 1, generator=torch.Generator().manual_seed(1)) < 0.3
    y = torch.where(flip, 1 - y, y)
    model = mlp(30, 512, 512, 1)
    wrong = ("overfitting", "under_regularised", "noisy_labels")
    data = (x[:200], y[:200]), (xv, yv)
    return _program(model, data, nn.BCEWithLogitsLoss(), *wrong, epochs=60)


def validation_rows_in_training() -> Program:
    """Wine: the validation part was drawn from all rows, after training had got them all."""
    train, val = wine()
    data = (torch.cat([train[0], val[0]]), torch.cat([train[1], val[1]])), val
    return _program(mlp(13, 32, 3), data, ENTROPY(), "leaked_rows", epochs=15)


def price_per_area_as_a_feature() -> Program:
    """A table with a column that was made from the target."""
    torch.manual_seed(3)
    x = torch.randn(800, 6)
    y = (x[:, :1] * 2 + torch.sin(x[:, 1:2] * 2) + torch.randn(800, 1)) / 2.5
    x = torch.cat([x, floats(3 * y.numpy() + 1)], 1)
    data = parts(x, y)
    return _program(mlp(7, 32, 1), data, nn.MSELoss(), "leaked_target", epochs=15)


ALL = (
    no_activation_between_layers, activations_never_called, zero_weights, constant_weights,
    large_normal_weights, tiny_weights_in_a_deep_network, ten_sigmoids, dead_relus,
    layers_in_a_plain_list, optimizer_of_another_network, detached_encoder,
    head_replaced_after_the_optimizer, loss_of_the_predicted_class, lstm_without_batch_first,
    view_instead_of_permute, transformer_without_batch_first, last_row_for_last_step,
    dropout_of_nine_tenths, three_units_for_ten_digits, memorises,
    validation_rows_in_training, price_per_area_as_a_feature,
)  # fmt: skip
