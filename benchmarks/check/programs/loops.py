"""Data, rates, schedules and loops that keep a sound network from learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ExponentialLR, StepLR

from benchmarks.check.programs.heads import Convolutions
from benchmarks.check.programs.program import (
    Program,
    cancer,
    diabetes,
    digits,
    floats,
    houses,
    mlp,
    parts,
    sentences,
    standard,
    waves,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")
LOW = ("learning_rate_too_low", "learning_rate_out_of_range")


def _program(model: nn.Module, data: Any, loss_fn: Any, *problems: str, **more: Any) -> Program:
    optimizer = more.pop("optimizer", None) or Adam(model.parameters(), lr=more.pop("lr", 1e-3))
    return Program(model, data[0], loss_fn, optimizer, data[1], problems, **more)


def raw_areas_and_years() -> Program:
    """House prices from raw columns with SGD: NaN after a few steps."""
    model = mlp(4, 64, 1)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("unscaled_inputs", "unscaled_targets", "learning_rate_too_high")
    return _program(model, houses(), nn.MSELoss(), *wrong, optimizer=optimizer, epochs=10)


def raw_columns_with_adam() -> Program:
    """Wine without scaling: proline is in the thousands, the other columns below thirty."""
    model = mlp(13, 32, 3)
    data = wine(scaled=False)
    return _program(model, data, ENTROPY(), "unscaled_inputs", epochs=30, lr=0.001)


def bytes_of_pixels() -> Program:
    """Digits with pixels from 0 to 255 and SGD with a rate of 0.1."""
    model = mlp(64, 128, 10)
    optimizer = SGD(model.parameters(), lr=0.1)
    wrong = ("unscaled_inputs", *HIGH)
    return _program(model, digits(255 / 16), ENTROPY(), *wrong, optimizer=optimizer, epochs=10)


def divided_twice() -> Program:
    """Digits: ToTensor has divided by 255 already, and the program divides again."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("unscaled_inputs",)
    return _program(model, digits(1 / 16 / 255), ENTROPY(), *wrong, optimizer=optimizer, epochs=20)


def prices_in_full() -> Program:
    """Houses: prices of 200,000 with Adam and squared error: losses of 1e10."""
    (x, y), (xv, yv) = houses(scaled=True)
    data = (x, y * 1000), (xv, yv * 1000)
    return _program(mlp(4, 64, 64, 1), data, nn.MSELoss(), "unscaled_targets", epochs=20)


def tiny_targets() -> Program:
    """Returns of a share, of 0.001: the network predicts their mean at best."""
    (x, y), (xv, yv) = diabetes()
    data = (x, y * 1e-3), (xv, yv * 1e-3)
    model = mlp(10, 32, 1)
    optimizer = SGD(model.parameters(), lr=0.001)
    wrong = ("unscaled_targets", "learning_rate_too_low")
    return _program(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=20)


def missing_values() -> Program:
    """A table with gaps read as NaN: the loss is NaN from the first batch on."""
    (x, y), val = cancer()
    x = x.clone()
    x[5, 3] = x[77, 12] = float("nan")
    data = (x, y), val
    return _program(mlp(30, 32, 1), data, nn.BCEWithLogitsLoss(), "nonfinite_data", epochs=5)


def logarithm_of_zero() -> Program:
    """Demand, with log of a column that has zeros: minus infinity."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(2.0, (600, 3)).astype(float)
    with np.errstate(divide="ignore"):
        x = floats(np.log(counts))
    y = floats(standard(counts.sum(1, keepdims=True)))
    return _program(mlp(3, 16, 1), parts(x, y), nn.MSELoss(), "nonfinite_data", epochs=5)


def adam_with_a_rate_of_one() -> Program:
    """Digits, a CNN, Adam with lr=1."""
    return _program(Convolutions(), digits(images=True), ENTROPY(), *HIGH, epochs=8, lr=1.0)


def adam_with_a_tenth() -> Program:
    """Digits, a CNN, Adam with lr=0.1: the loss stays at 2.30."""
    return _program(Convolutions(), digits(images=True), ENTROPY(), *HIGH, epochs=10, lr=0.1)


def sgd_with_ten() -> Program:
    """Tumours, lr=10."""
    model = mlp(30, 32, 32, 1)
    optimizer = SGD(model.parameters(), lr=10.0, momentum=0.9)
    loss = nn.BCEWithLogitsLoss()
    return _program(model, cancer(), loss, *HIGH, optimizer=optimizer, epochs=15)


def sgd_far_too_slow() -> Program:
    """Digits with SGD and lr=1e-5, five epochs."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=1e-5)
    return _program(model, digits(), ENTROPY(), *LOW, optimizer=optimizer, epochs=10)


def adam_far_too_slow() -> Program:
    """Diabetes, Adam with 1e-6: the loss falls in the fourth digit."""
    return _program(mlp(10, 64, 1), diabetes(), nn.MSELoss(), *LOW, epochs=30, lr=1e-6)


class Reads(nn.Module):
    """An embedding, an LSTM, and its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        self.lstm = nn.LSTM(32, 64, batch_first=True)
        self.fc = nn.Linear(64, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        _, (h, _) = self.lstm(self.embed(x))
        return self.fc(h[-1])  # type: ignore[no-any-return]


def slow_lstm() -> Program:
    """Sentences through an LSTM with SGD at 0.001: accuracy 0.5 after ten epochs."""
    model = Reads()
    optimizer = SGD(model.parameters(), lr=0.001)
    wrong = ("learning_rate_too_low", "too_few_epochs", "slow_convergence")
    return _program(model, sentences(), ENTROPY(), *wrong, optimizer=optimizer, epochs=10)


def wild_lstm() -> Program:
    """Sentences through an LSTM with Adam at 1."""
    return _program(Reads(), sentences(), ENTROPY(), *HIGH, epochs=8, lr=1.0)


def lstm_on_raw_prices() -> Program:
    """A share's price around 3000, fed to an LSTM as it is: one prediction for all days."""
    (x, y), (xv, yv) = waves()

    class Prices(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(1, 32, batch_first=True)
            self.fc = nn.Linear(32, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.lstm(x)[0][:, -1])  # type: ignore[no-any-return]

    data = (x * 400 + 3000, y * 400 + 3000), (xv * 400 + 3000, yv * 400 + 3000)
    wrong = ("unscaled_inputs", "unscaled_targets")
    return _program(Prices(), data, nn.MSELoss(), *wrong, epochs=15)


def a_tenth_each_epoch() -> Program:
    """Digits: ExponentialLR(gamma=0.1), a step an epoch."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.1)
    one = _program(model, digits(), ENTROPY(), "schedule_collapses", optimizer=optimizer, epochs=20)
    one.scheduler = ExponentialLR(optimizer, 0.1)
    return one


def steps_of_batches_not_epochs() -> Program:
    """Digits: StepLR(10, 0.1) stepped once a batch: the rate is gone after one epoch."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.02, momentum=0.9)
    wrong = ("schedule_collapses",)
    one = _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=20)
    one.scheduler, one.steps_schedule_each_batch = StepLR(optimizer, 5, 0.1), True
    return one


def schedule_of_an_old_optimizer() -> Program:
    """Digits: the optimizer was made again for the second phase, the schedule was not."""
    model = mlp(64, 64, 10)
    old = SGD(model.parameters(), lr=0.05)
    optimizer = SGD(model.parameters(), lr=0.05)
    wrong = ("schedule_not_applied",)
    one = _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)
    one.scheduler = StepLR(old, 3)
    return one


def gradients_add_up() -> Program:
    """Digits: no optimizer.zero_grad() anywhere."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.05)
    wrong = ("gradients_not_zeroed",)
    one = _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)
    one.zeroes = False
    return one


def gradients_add_up_with_adam() -> Program:
    """Diabetes: Adam, and zero_grad() forgotten."""
    model = mlp(10, 64, 64, 1)
    one = _program(model, diabetes(), nn.MSELoss(), "gradients_not_zeroed", epochs=20)
    one.zeroes = False
    return one


def never_in_evaluation_mode() -> Program:
    """Tumours: batch normalisation and dropout, and no model.eval() before validation."""
    layers = nn.Linear(30, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1)
    model = nn.Sequential(*layers)
    wrong = ("evaluation_in_train_mode",)
    one = _program(model, cancer(), nn.BCEWithLogitsLoss(), *wrong, epochs=12)
    one.evaluates = False
    return one


def sorted_by_class() -> Program:
    """Digits in order of their label, shuffle=False."""
    (x, y), val = digits()
    order = torch.argsort(y, stable=True)
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    data = (x[order], y[order]), val
    one = _program(model, data, ENTROPY(), "unshuffled_data", optimizer=optimizer, epochs=12)
    one.shuffle = False
    return one


def decay_of_one() -> Program:
    """Wine: Adam with weight_decay=1, taken for a gentle nudge."""
    model = mlp(13, 64, 3)
    optimizer = Adam(model.parameters(), lr=1e-2, weight_decay=1.0)
    wrong = ("over_regularised",)
    return _program(model, wine(), ENTROPY(), *wrong, optimizer=optimizer, epochs=40)


def penalty_added_up() -> Program:
    """Digits: the sum of all absolute weights, times 0.01, on top of the loss."""
    model = mlp(64, 256, 10)
    entropy = ENTROPY()

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        total = sum(p.abs().sum() for p in model.parameters())
        return entropy(outputs, target) + 0.1 * total  # type: ignore[no-any-return]

    return _program(model, digits(), loss, "over_regularised", epochs=12)


def whole_set_as_one_batch() -> Program:
    """Digits: the whole training part is one batch, SGD at 0.01, thirty epochs."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("batch_too_large", "learning_rate_too_low", "too_few_epochs", "slow_convergence")
    data = digits()
    return _program(
        model, data, ENTROPY(), *wrong, optimizer=optimizer, epochs=30, batch_size=len(data[0][1])
    )


def three_epochs() -> Program:
    """Digits: SGD at 0.01 for three epochs, and a loss of 2.2."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("too_few_epochs", "learning_rate_too_low", "slow_convergence")
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=4)


def added_up_over_rows() -> Program:
    """Diabetes: MSELoss(reduction='sum') with batches of 64 and a rate meant for the mean."""
    model = mlp(10, 64, 1)
    optimizer = SGD(model.parameters(), lr=0.05)
    wrong = ("wrong_loss", *HIGH)
    loss = nn.MSELoss(reduction="sum")
    data = diabetes()
    return _program(model, data, loss, *wrong, optimizer=optimizer, epochs=15, batch_size=64)


def momentum_close_to_one() -> Program:
    """Digits: momentum=0.999 with a rate of 0.1."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9995)
    wrong = ("optimizer_settings", *HIGH)
    return _program(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def xor_by_the_book() -> Program:
    """XOR with two sigmoid units, SGD at 0.01 and 200 epochs: 0.25 all the way."""
    bits = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).repeat(16, 1)
    y = (bits.sum(1, keepdim=True) == 1).float()
    model = mlp(2, 2, 1, act=nn.Sigmoid, end=(nn.Sigmoid(),))
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("learning_rate_too_low", "too_few_epochs", "slow_convergence", "wrong_loss")
    data = (bits, y), (bits, y)
    return _program(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=200)


ALL = (
    raw_areas_and_years, raw_columns_with_adam, bytes_of_pixels, divided_twice, prices_in_full,
    tiny_targets, missing_values, logarithm_of_zero, adam_with_a_rate_of_one, adam_with_a_tenth,
    sgd_with_ten, sgd_far_too_slow, adam_far_too_slow, slow_lstm, wild_lstm, lstm_on_raw_prices,
    a_tenth_each_epoch, steps_of_batches_not_epochs, schedule_of_an_old_optimizer,
    gradients_add_up, gradients_add_up_with_adam, never_in_evaluation_mode, sorted_by_class,
    decay_of_one, penalty_added_up, whole_set_as_one_batch, three_epochs, added_up_over_rows,
    momentum_close_to_one, xor_by_the_book,
)  # fmt: skip
