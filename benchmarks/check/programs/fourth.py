"""A fourth set, after threads that were looked up for it: heads, scales, shapes, layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.program import (
    Program,
    cancer,
    circles,
    digits,
    floats,
    houses,
    made,
    mlp,
    one_hot,
    parts,
    sentences,
    standard,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD = "wrong_output_activation"
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")
LOW = ("learning_rate_too_low", "learning_rate_out_of_range")
SCALES = ("unscaled_inputs", "unscaled_targets")


def cubes_of_thousands() -> Program:
    """The numbers to 4,000 and their cubes (discuss.pytorch.org/t/96648)."""
    x = torch.arange(1.0, 4000.0, 4.0)[:, None]
    data = parts(x, x**3)
    return made(mlp(1, 50, 1), data, nn.MSELoss(), *SCALES, epochs=60)


def pixels_divided_twice() -> Program:
    """Pixels that are in [0, 1] already, divided by 255 (deep3d-pytorch, issue 1)."""
    (x, y), (xv, yv) = digits(images=True)
    data = (x / 255, y), (xv / 255, yv)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    return made(model, data, ENTROPY(), SCALES[0], optimizer=optimizer, epochs=8)


def every_image_is_the_mean() -> Program:
    """Sigmoids, one-hot rows, MSELoss, SGD at 0.001 (stackoverflow, "outputs the mean")."""
    train, val = digits()
    model = mlp(64, 100, 10, act=nn.Sigmoid, end=(nn.Sigmoid(),))
    optimizer = SGD(model.parameters(), lr=0.001)
    data, wrong = (one_hot(train, 10), one_hot(val, 10)), (*LOW, "too_few_epochs", "wrong_loss")
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=5)


def rare(count: int = 1500) -> Any:
    """Return rows of which one in six is positive."""
    rng = np.random.default_rng(41)
    x = rng.normal(size=(count, 10))
    y = x[:, 0] + 0.8 * x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=count) > 1.25
    return parts(floats(x), floats(y[:, None]))


def sigmoid_of_a_difference() -> Program:
    """sigmoid, then BCEWithLogitsLoss, the weights the wrong way round (t/145203)."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        weight = torch.tensor([0.84, 0.16])[target[:, 0].long()]
        share = torch.sigmoid(outputs[:, 1] - outputs[:, 0])
        found = functional.binary_cross_entropy_with_logits(share, target[:, 0], reduction="none")
        return (found * weight).mean()

    wrong = ("double_softmax", HEAD, "wrong_loss", "class_imbalance")
    return made(mlp(10, 64, 2), rare(), loss, *wrong, epochs=15)


def softmax_inside_of_the_network() -> Program:
    """Convolutions that end with softmax, CrossEntropyLoss, Adam at 0.01 (t/43814)."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.Flatten(),
        nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, 10), nn.Softmax(dim=1),
    )  # fmt: skip
    wrong = ("double_softmax", HEAD, *HIGH, "dead_units")
    return made(model, digits(images=True), ENTROPY(), *wrong, epochs=8, lr=0.01)


class BothWays(nn.Module):
    """A GRU in two directions whose last states are reshaped, not transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 16)
        self.gru = nn.GRU(16, 24, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(48, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        _, last = self.gru(self.embed(x))
        return self.fc(last.reshape(len(x), -1))  # type: ignore[no-any-return]


def both_directions_reshaped() -> Program:
    """(2, rows, units) made (rows, 2 units) by view (McGill AI review, "dangers of reshaping")."""
    return made(BothWays(), sentences(), ENTROPY(), "output_shape", epochs=8, lr=3e-3)


def labels_of_minus_one() -> Program:
    """BCEWithLogitsLoss, labels of -1 and 1 ("BCE loss doesn't learn")."""
    (x, y), (xv, yv) = cancer()
    data = (x, 2 * y - 1), (xv, 2 * yv - 1)
    return made(mlp(30, 32, 1), data, nn.BCEWithLogitsLoss(), "label_range", epochs=20)


def sum_of_sines() -> Program:
    """Predictions (rows, 1), targets (rows,): four times Keras' error (t/160720)."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 10))
    y = np.sin(x).sum(1)
    y = (y - y.min()) / (y.max() - y.min())
    data = parts(floats(x), floats(y))
    return made(mlp(10, 20, 1), data, nn.MSELoss(), "output_shape", epochs=20)


def future_of_a_cubic() -> Program:
    """A cubic's values up to 1,100, reduction="sum", SGD at 1e-6 (stats.stackexchange, 594738)."""
    rng = np.random.default_rng(2)
    shift = rng.uniform(-2, 2, (400, 1))
    t = np.linspace(-10, 10, 50)[None] + shift
    y = t**3 + t**2 + t
    data = parts(floats(y[:, :40]), floats(y[:, 40:]))
    model = nn.Linear(40, 10)
    optimizer, wrong = SGD(model.parameters(), lr=1e-6), (*HIGH, *SCALES)
    return made(model, data, nn.MSELoss(reduction="sum"), *wrong, optimizer=optimizer, epochs=20)


def fahrenheit() -> Program:
    """Degrees of -500 to 500, one weight and one bias, SGD at 1e-6 (forums.fast.ai, 18783)."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-500, 500, (1000, 1))
    data = parts(floats(x), floats(1.8 * x + 32 + rng.normal(0, 0.3, x.shape)))
    model = nn.Linear(1, 1)
    optimizer = SGD(model.parameters(), lr=1e-6)
    return made(model, data, nn.MSELoss(), *SCALES, *LOW, optimizer=optimizer, epochs=60)


def powers_of_x() -> Program:
    """x, x squared and x cubed as features, reduction="sum", momentum (t/71751)."""
    rng = np.random.default_rng(6)
    x = rng.uniform(2, 5, (200, 1))
    data = parts(floats(np.concatenate([x, x**2, x**3], 1)), floats(np.sin(x)))
    model = nn.Linear(3, 1)
    optimizer, wrong = SGD(model.parameters(), lr=0.01, momentum=0.9), (*HIGH, SCALES[0])
    return made(model, data, nn.MSELoss(reduction="sum"), *wrong, optimizer=optimizer, epochs=20)


class Ten(nn.Module):
    """Seven layers of ten units."""

    def __init__(self, act: type[nn.Module] = nn.ReLU, width: int = 10, depth: int = 6) -> None:
        super().__init__()
        self.body = mlp(2, *[width] * depth, 1, act=act)

    def forward(self, x: Tensor) -> Tensor:
        """Return one number."""
        return self.body(x)  # type: ignore[no-any-return]


def seven_layers_of_ten() -> Program:
    """sin(x y), seven narrow layers, L1Loss, SGD at 0.001 (pytorch, issue 63626)."""
    torch.manual_seed(5)
    x = torch.randn(3000, 2)
    model = Ten()
    optimizer = SGD(model.parameters(), lr=1e-3)
    wrong = (*LOW, "vanishing_gradients", "bad_initialisation", "dead_units")
    data = parts(x, (x[:, :1] * x[:, 1:]).sin())
    return made(model, data, nn.L1Loss(), *wrong, optimizer=optimizer, epochs=15, batch_size=64)


def six_sigmoid_layers() -> Program:
    """Circles through six sigmoid layers, SGD at 0.1 ("always predicts 0.5")."""
    model = Ten(nn.Sigmoid, 16)
    optimizer = SGD(model.parameters(), lr=0.1)
    wrong = ("vanishing_gradients", *LOW)
    loss = nn.BCEWithLogitsLoss()
    return made(model, circles(), loss, *wrong, optimizer=optimizer, epochs=30)


def xor_without_a_curve() -> Program:
    """Two linear layers and a sigmoid for an exclusive or (t/13287)."""
    rng = np.random.default_rng(8)
    x = rng.integers(0, 2, (800, 2)).astype(float)
    y = (x[:, :1] != x[:, 1:]).astype(float)
    data = parts(floats(x + 0.1 * rng.normal(size=x.shape)), floats(y))
    model = nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 1), nn.Sigmoid())
    return made(model, data, nn.BCELoss(), "missing_nonlinearity", epochs=30, lr=0.01)


class Rounded(nn.Module):
    """Shares that are rounded within the network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(30, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return zeros and ones."""
        return torch.round(torch.sigmoid(self.body(x)))


def rounded_before_the_loss() -> Program:
    """round(sigmoid(x)), then MSELoss: a gradient of zero everywhere."""
    wrong = (HEAD, "wrong_loss", "parameters_not_trained", "cannot_overfit_one_batch",
             "vanishing_gradients")  # fmt: skip
    return made(Rounded(), cancer(), nn.MSELoss(), *wrong, epochs=15)


def softmax_over_the_batch() -> Program:
    """LogSoftmax(dim=0), then NLLLoss."""
    model = mlp(13, 64, 3, end=(nn.LogSoftmax(dim=0),))
    return made(model, wine(), nn.NLLLoss(), HEAD, "output_shape", epochs=20)


class Words(nn.Module):
    """A class for every word; the last two dimensions are reshaped, not transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(50, 16), nn.Linear(32, 4)
        self.lstm = nn.LSTM(16, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (rows, classes, words), as CrossEntropyLoss takes them."""
        logits = self.fc(self.lstm(self.embed(x))[0])
        return logits.reshape(len(x), 4, x.shape[1])  # type: ignore[no-any-return]


def classes_and_words_swapped() -> Program:
    """(rows, words, classes).view(rows, classes, words) for CrossEntropyLoss."""
    rng = np.random.default_rng(12)
    x = rng.integers(0, 50, (900, 10))
    data = parts(torch.tensor(x), torch.tensor((x + np.roll(x, 1, 1)) % 4))
    wrong = ("output_shape", "wrong_loss", "cannot_overfit_one_batch")
    return made(Words(), data, ENTROPY(), *wrong, epochs=10, lr=5e-3)


def digits_as_numbers() -> Program:
    """The class 0 to 9 as a number, one output, MSELoss."""
    (x, y), (xv, yv) = digits()
    data = (x, y.float()[:, None]), (xv, yv.float()[:, None])
    return made(mlp(64, 64, 1), data, nn.MSELoss(), "wrong_loss", epochs=15)


def one_logit_for_cross_entropy() -> Program:
    """One output and CrossEntropyLoss on a column of zeros and ones: a loss of 0."""
    return made(mlp(30, 32, 1), cancer(), ENTROPY(), "wrong_loss", HEAD, "output_shape", epochs=15)


class Stopped(nn.Module):
    """An encoder whose result is detached, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = mlp(64, 32, 4, end=(nn.ReLU(),)), nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        features = torch.tensor(self.encoder(x).detach().numpy())
        return self.head(features)  # type: ignore[no-any-return]


def features_through_numpy() -> Program:
    """Features that go through NumPy between encoder and head."""
    return made(Stopped(), digits(), ENTROPY(), "parameters_not_trained", epochs=15)


class Listed(nn.Module):
    """Hidden layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 24), nn.Linear(24, 10)
        self.hidden = [nn.Linear(24, 24) for _ in range(3)]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.first(x).relu()
        for layer in self.hidden:
            x = layer(x).relu()
        return self.last(x)  # type: ignore[no-any-return]


def layers_in_a_list() -> Program:
    """Layers in a Python list, which parameters() does not see."""
    return made(Listed(), digits(), ENTROPY(), "parameters_not_trained", epochs=12)


def logarithm_of_nothing() -> Program:
    """-(y log p + (1 - y) log(1 - p)) by hand, on raw columns: NaN."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        share = torch.sigmoid(outputs)
        return -(target * share.log() + (1 - target) * (1 - share).log()).mean()

    wrong = ("nan_loss", "wrong_loss", *SCALES)
    data = cancer(scaled=False)
    return made(mlp(30, 64, 1), data, loss, *wrong, epochs=15, lr=0.01)


def gaps_in_a_column() -> Program:
    """Two cells of a table that were empty."""
    (x, y), val = houses(scaled=True, scaled_target=True)
    x = x.clone()
    x[[7, 300], [1, 3]] = float("nan")
    return made(mlp(4, 32, 1), ((x, y), val), nn.MSELoss(), "nonfinite_data", epochs=10)


def few_patients() -> Any:
    """Return a hundred patients and forty standardised columns, two of which matter a little."""
    rng = np.random.default_rng(19)
    x = rng.normal(size=(140, 40))
    y = (x[:, 0] - x[:, 1] + 1.5 * rng.normal(size=140) > 0).astype(int)
    return parts(floats(standard(x)), torch.tensor(y), 0.7)


def few_patients_many_weights() -> Program:
    """A hundred rows, 200,000 weights, 60 epochs of Adam."""
    return made(mlp(40, 400, 400, 2), few_patients(), ENTROPY(), "overfitting", epochs=60)


HARMFUL = (
    cubes_of_thousands, pixels_divided_twice, every_image_is_the_mean, sigmoid_of_a_difference,
    softmax_inside_of_the_network, both_directions_reshaped, labels_of_minus_one, sum_of_sines,
    future_of_a_cubic, fahrenheit, powers_of_x, seven_layers_of_ten, six_sigmoid_layers,
    xor_without_a_curve, rounded_before_the_loss, softmax_over_the_batch,
    classes_and_words_swapped, digits_as_numbers, one_logit_for_cross_entropy,
    features_through_numpy, layers_in_a_list, logarithm_of_nothing, gaps_in_a_column,
    few_patients_many_weights,
)  # fmt: skip
