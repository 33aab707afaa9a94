"""Output layers that do not fit their loss or their labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.check.programs.program import (
    Program,
    cancer,
    circles,
    diabetes,
    digits,
    floats,
    houses,
    iris,
    mlp,
    one_hot,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD, TWICE = "wrong_output_activation", "double_softmax"


class Convolutions(nn.Module):
    """Two convolutions and two dense layers; what comes last varies."""

    def __init__(self, end: Any = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 2 * 2, 64)
        self.fc2 = nn.Linear(64, 10)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        """Return one number a class."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.fc1(x.view(x.size(0), -1)))
        x = self.fc2(x)
        return x if self.end is None else self.end(x)  # type: ignore[no-any-return]


def _program(model: nn.Module, data: Any, loss_fn: Any, *problems: str, **more: Any) -> Program:
    optimizer = more.pop("optimizer", None) or Adam(model.parameters(), lr=more.pop("lr", 1e-3))
    return Program(model, data[0], loss_fn, optimizer, data[1], problems, **more)


def softmax_before_cross_entropy() -> Program:
    """Iris: accuracy hovers, the loss does not go below 0.9."""
    model = mlp(4, 16, 16, 3, end=(nn.Softmax(dim=1),))
    optimizer = SGD(model.parameters(), lr=0.05)
    return _program(model, iris(), ENTROPY(), TWICE, optimizer=optimizer, epochs=60, batch_size=16)


def softmax_in_forward_of_a_cnn() -> Program:
    """Digits: the loss stays near 1.5 although accuracy is good."""
    model = Convolutions(lambda x: functional.softmax(x, dim=1))
    return _program(model, digits(images=True), ENTROPY(), TWICE, epochs=12)


def sigmoid_before_bce_with_logits() -> Program:
    """Tumours: predictions never leave the middle, the loss stands at half."""
    model = mlp(30, 32, 1, end=(nn.Sigmoid(),))
    return _program(model, cancer(), nn.BCEWithLogitsLoss(), TWICE, epochs=30)


def sigmoid_before_cross_entropy() -> Program:
    """Digits: ten sigmoids into CrossEntropyLoss."""
    model = mlp(64, 64, 10, end=(nn.Sigmoid(),))
    return _program(model, digits(), ENTROPY(), HEAD, TWICE, epochs=12)


def relu_on_the_logits() -> Program:
    """Digits: the last layer has a relu as all the others, and some classes never come up."""
    torch.manual_seed(4)
    model = Convolutions(functional.relu)
    optimizer = SGD(model.parameters(), lr=0.05)
    return _program(model, digits(images=True), ENTROPY(), HEAD, optimizer=optimizer, epochs=12)


def tanh_on_the_logits() -> Program:
    """Digits: outputs between -1 and 1 into CrossEntropyLoss."""
    model = mlp(64, 64, 10, act=nn.Tanh, end=(nn.Tanh(),))
    return _program(model, digits(), ENTROPY(), HEAD, epochs=12)


def logits_into_nll() -> Program:
    """Digits: NLLLoss without log_softmax; the loss falls to minus thousands."""
    return _program(mlp(64, 64, 10), digits(), nn.NLLLoss(), HEAD, "wrong_loss", epochs=8)


def softmax_into_nll() -> Program:
    """Digits: NLLLoss on softmax; the loss goes to -1, and learns slowly."""
    model = mlp(64, 32, 10, end=(nn.Softmax(dim=1),))
    optimizer = SGD(model.parameters(), lr=0.01)
    data = digits()
    return _program(model, data, nn.NLLLoss(), HEAD, "wrong_loss", optimizer=optimizer, epochs=15)


def softmax_over_one_unit() -> Program:
    """Tumours: one unit with softmax, which is 1 whatever comes in."""
    model = mlp(30, 16, 1, end=(nn.Softmax(dim=1),))
    return _program(model, cancer(), nn.BCELoss(), HEAD, epochs=15)


def logits_into_bce() -> Program:
    """Tumours: BCELoss on raw outputs; it complains of values outside of 0 and 1."""
    return _program(mlp(30, 16, 1), cancer(), nn.BCELoss(), HEAD, epochs=15)


def softmax_over_the_batch() -> Program:
    """Wine: softmax with dim=0 shares out rows, not classes."""
    model = mlp(13, 32, 3)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.nll_loss(outputs, target)

    whole = nn.Sequential(model, nn.LogSoftmax(dim=0))
    return _program(whole, wine(), loss, HEAD, "output_shape", epochs=20, batch_size=16)


def tanh_before_bce_with_logits() -> Program:
    """Circles: outputs of tanh taken as logits."""
    model = mlp(2, 16, 16, 1, act=nn.ReLU, end=(nn.Tanh(),))
    return _program(model, circles(), nn.BCEWithLogitsLoss(), HEAD, epochs=40)


def relu_into_bce_by_hand() -> Program:
    """Tumours: a cross-entropy written by hand on relu outputs; NaN after a few steps."""

    def loss(p: Tensor, y: Tensor) -> Tensor:
        return -(y * torch.log(p + 1e-8) + (1 - y) * torch.log(1 - p + 1e-8)).mean()

    model = mlp(30, 16, 1, end=(nn.ReLU(),))
    return _program(model, cancer(), loss, HEAD, epochs=15)


def squares_on_shares_of_ten_classes() -> Program:
    """Digits: squared error on softmax and one-hot rows, plain SGD; it sits at 0.09."""
    train, val = digits()
    data = one_hot(train, 10), one_hot(val, 10)
    model = mlp(64, 64, 10, end=(nn.Softmax(dim=1),))
    optimizer = SGD(model.parameters(), lr=0.01)
    more = ("learning_rate_too_low",)
    return _program(model, data, nn.MSELoss(), "wrong_loss", *more, optimizer=optimizer, epochs=20)


def sigmoid_for_three_classes() -> Program:
    """Iris: one sigmoid unit and squared error for the class numbers 0, 1 and 2."""
    train, val = iris()
    data = (train[0], floats(train[1][:, None])), (val[0], floats(val[1][:, None]))
    model = mlp(4, 16, 1, end=(nn.Sigmoid(),))
    return _program(model, data, nn.MSELoss(), HEAD, "wrong_loss", epochs=60, lr=0.01)


def bce_for_three_classes() -> Program:
    """Wine: BCEWithLogitsLoss with one unit, targets 0, 1 and 2: the loss goes below zero."""
    train, val = wine()
    data = (train[0], floats(train[1][:, None])), (val[0], floats(val[1][:, None]))
    wrong = ("label_range", "wrong_loss", HEAD)
    return _program(mlp(13, 16, 1), data, nn.BCEWithLogitsLoss(), *wrong, epochs=30)


def cross_entropy_on_one_unit() -> Program:
    """Tumours: CrossEntropyLoss on one unit: the loss is 0 from the first step on."""
    wrong = ("output_shape", "wrong_loss", HEAD)
    return _program(mlp(30, 16, 1), cancer(), ENTROPY(), *wrong, epochs=10)


def classes_from_one() -> Program:
    """Iris with classes 1, 2, 3, as they stand in the file."""
    train, val = iris()
    data = (train[0], train[1] + 1), (val[0], val[1] + 1)
    return _program(mlp(4, 16, 3), data, ENTROPY(), "label_range", epochs=10)


def one_unit_too_few() -> Program:
    """Digits with nine outputs."""
    wrong = ("label_range", "output_shape")
    return _program(mlp(64, 32, 9), digits(), ENTROPY(), *wrong, epochs=10)


def minus_one_and_one_into_bce() -> Program:
    """Circles with labels -1 and 1, and BCEWithLogitsLoss: the loss falls without end."""
    train, val = circles()
    data = (train[0], train[1] * 2 - 1), (val[0], val[1] * 2 - 1)
    return _program(mlp(2, 16, 1), data, nn.BCEWithLogitsLoss(), "label_range", epochs=20)


def float_classes_into_cross_entropy() -> Program:
    """Iris: class numbers as floats; expected scalar type Long but found Float."""
    train, val = iris()
    data = (train[0], train[1].float()), (val[0], val[1].float())
    wrong = ("wrong_loss", "label_range", "output_shape")
    return _program(mlp(4, 16, 3), data, ENTROPY(), *wrong, epochs=10)


def sigmoid_on_minus_one_and_one() -> Program:
    """Circles with labels -1 and 1, a sigmoid, and squared error."""
    train, val = circles()
    data = (train[0], train[1] * 2 - 1), (val[0], val[1] * 2 - 1)
    model = mlp(2, 16, 16, 1, end=(nn.Sigmoid(),))
    return _program(model, data, nn.MSELoss(), HEAD, epochs=40)


def relu_for_numbers_around_zero() -> Program:
    """Diabetes, standardised: the last relu cannot say what lies below the mean."""
    model = mlp(10, 32, 1, end=(nn.ReLU(),))
    return _program(model, diabetes(), nn.MSELoss(), HEAD, epochs=30)


def sigmoid_for_prices() -> Program:
    """House prices in thousands, predicted by a sigmoid."""
    model = mlp(4, 64, 1, end=(nn.Sigmoid(),))
    data = houses(scaled=True)
    return _program(model, data, nn.MSELoss(), HEAD, "unscaled_targets", epochs=30)


def tanh_for_large_numbers() -> Program:
    """Diabetes: targets up to 346, a tanh at the end, mean absolute error."""
    model = mlp(10, 64, 1, act=nn.Tanh, end=(nn.Tanh(),))
    data = diabetes(scaled=False)
    return _program(model, data, nn.L1Loss(), HEAD, "unscaled_targets", epochs=30)


def softmax_for_a_number() -> Program:
    """House prices: softmax over the one output."""
    model = mlp(4, 32, 1, end=(nn.Softmax(dim=-1),))
    data = houses(scaled=True, scaled_target=True)
    return _program(model, data, nn.MSELoss(), HEAD, epochs=20)


def cross_entropy_for_a_number() -> Program:
    """House prices: CrossEntropyLoss on one unit and prices."""
    wrong = ("wrong_loss", "output_shape", HEAD)
    return _program(mlp(4, 32, 1), houses(scaled=True), ENTROPY(), *wrong, epochs=10)


def column_against_row() -> Program:
    """Diabetes: outputs (n, 1), targets (n,): it predicts the mean of all."""
    (x, y), (xv, yv) = diabetes()
    data = (x, y[:, 0]), (xv, yv[:, 0])
    return _program(mlp(10, 32, 32, 1), data, nn.MSELoss(), "output_shape", epochs=30)


class Squeezed(nn.Module):
    """A regression whose output has lost its second dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(10, 64, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one number a row."""
        return self.body(x).squeeze(1)  # type: ignore[no-any-return]


def row_against_column() -> Program:
    """Diabetes: the network squeezes, the targets are a column; absolute error."""
    return _program(Squeezed(), diabetes(), nn.SmoothL1Loss(), "output_shape", epochs=30)


def maximised_loss() -> Program:
    """Wine: `loss = -criterion(...)`, copied from a paper that maximises a likelihood."""
    entropy = ENTROPY()
    model = mlp(13, 32, 3)
    wrong = ("wrong_gradient_sign",)
    return _program(model, wine(), lambda o, t: -entropy(o, t), *wrong, epochs=15)


def one_hot_into_multi_label_loss() -> Program:
    """Digits: MultiLabelSoftMargin on a softmax: two squashings in a row."""
    train, val = digits()
    data = one_hot(train, 10), one_hot(val, 10)
    model = mlp(64, 64, 10, end=(nn.Softmax(dim=1),))
    wrong = (TWICE, HEAD, "wrong_loss")
    return _program(model, data, nn.BCEWithLogitsLoss(), *wrong, epochs=15)


def two_faults() -> Program:
    """Digits: softmax twice, and a rate of 1 on top."""
    one = softmax_in_forward_of_a_cnn()
    wrong = (TWICE, "learning_rate_too_high", "learning_rate_out_of_range")
    return replace(one, optimizer=Adam(one.model.parameters(), lr=0.5), problems=wrong)


ALL = (
    softmax_before_cross_entropy, softmax_in_forward_of_a_cnn, sigmoid_before_bce_with_logits,
    sigmoid_before_cross_entropy, relu_on_the_logits, tanh_on_the_logits, logits_into_nll,
    softmax_into_nll, softmax_over_one_unit, logits_into_bce, softmax_over_the_batch,
    tanh_before_bce_with_logits, relu_into_bce_by_hand, squares_on_shares_of_ten_classes,
    sigmoid_for_three_classes, bce_for_three_classes, cross_entropy_on_one_unit,
    classes_from_one, one_unit_too_few, minus_one_and_one_into_bce,
    float_classes_into_cross_entropy, sigmoid_on_minus_one_and_one,
    relu_for_numbers_around_zero, sigmoid_for_prices, tanh_for_large_numbers,
    softmax_for_a_number, cross_entropy_for_a_number, column_against_row, row_against_column,
    maximised_loss, one_hot_into_multi_label_loss, two_faults,
)  # fmt: skip
