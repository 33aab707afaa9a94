"""A third set: loaders, series, labels of several kinds, masks, embeddings, heavy tails, loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import ReduceLROnPlateau

from benchmarks.check.programs.program import (
    Program,
    digits,
    floats,
    houses,
    made,
    mlp,
    parts,
    standard,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD = "wrong_output_activation"
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")
LOW = ("learning_rate_too_low", "learning_rate_out_of_range")


def tags(count: int = 1200) -> Any:
    """Return rows with five tags, of which several may be true at once."""
    rng = np.random.default_rng(21)
    x = rng.normal(size=(count, 12))
    weights = rng.normal(size=(12, 5))
    y = (np.tanh(x) @ weights + 0.3 * rng.normal(size=(count, 5)) > 0.4).astype("float32")
    return parts(floats(x), floats(y))


def tags_with_cross_entropy() -> Program:
    """Several tags a row, and CrossEntropyLoss on the rows of zeros and ones."""
    return made(mlp(12, 64, 5), tags(), ENTROPY(), "wrong_loss", epochs=20)


def tags_that_share_one() -> Program:
    """Several tags a row: softmax, then BCELoss."""
    model = mlp(12, 64, 5, end=(nn.Softmax(dim=1),))
    return made(model, tags(), nn.BCELoss(), HEAD, epochs=20)


class Mask(nn.Module):
    """Convolutions that keep the size of an image."""

    def __init__(self, out: int, end: nn.Module | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(),
            nn.Conv2d(16, out, 1), end or nn.Identity(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return a value a pixel and kind."""
        return self.body(x)  # type: ignore[no-any-return]


def masks(levels: int = 2) -> Any:
    """Return noisy digits, and for each pixel the level of ink that it has: ``(rows, 8, 8)``."""
    torch.manual_seed(3)
    (x, _), (xv, _) = digits(images=True)
    edges = torch.linspace(0.0, 1.0, levels + 1)[1:-1]
    kinds = [torch.bucketize(one[:, 0], edges) for one in (x, xv)]
    noisy = [one + 0.2 * torch.randn(one.shape) for one in (x, xv)]
    return (noisy[0], kinds[0]), (noisy[1], kinds[1])


def mask_of_one_channel_with_softmax() -> Program:
    """A mask of one channel: Softmax2d, then BCELoss."""
    (x, y), (xv, yv) = masks()
    data = (x, y[:, None].float()), (xv, yv[:, None].float())
    model = Mask(1, nn.Softmax(dim=1))
    return made(model, data, nn.BCELoss(), HEAD, epochs=6)


def mask_read_from_a_png() -> Program:
    """A mask of 0 and 255, as the file has it, and BCEWithLogitsLoss."""
    (x, y), (xv, yv) = masks()
    data = (x, 255.0 * y[:, None]), (xv, 255.0 * yv[:, None])
    wrong = ("label_range", "unscaled_targets")
    return made(Mask(1), data, nn.BCEWithLogitsLoss(), *wrong, epochs=6)


def softmax_for_every_pixel() -> Program:
    """Four levels of ink: softmax over the channels, then CrossEntropyLoss."""
    model = Mask(4, nn.Softmax(dim=1))
    return made(model, masks(4), ENTROPY(), "double_softmax", HEAD, epochs=8)


def incomes() -> tuple[np.ndarray, np.ndarray]:
    """Return columns and incomes whose tail is heavy."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(1200, 8))
    y = np.exp(10.2 + 0.5 * x[:, 0] - 0.4 * x[:, 1] * x[:, 2] + 0.5 * rng.normal(size=1200))
    return x, y


def incomes_in_dollars() -> Program:
    """Yearly incomes as they are, squared error, Adam."""
    x, y = incomes()
    data = parts(floats(x), floats(y[:, None]))
    return made(mlp(8, 64, 64, 1), data, nn.MSELoss(), "unscaled_targets", epochs=25)


class Forecast(nn.Module):
    """A GRU and a dense layer on its last output."""

    def __init__(self, features: int = 1, ahead: int = 1) -> None:
        super().__init__()
        self.gru, self.fc = nn.GRU(features, 32, batch_first=True), nn.Linear(32, ahead)

    def forward(self, x: Tensor) -> Tensor:
        """Return what comes next."""
        return self.fc(self.gru(x)[0][:, -1])  # type: ignore[no-any-return]


def temperature(days: int = 900, trend: float = 0.0) -> np.ndarray:
    """Return daily degrees with a year, weather that lasts some days, and a trend."""
    rng, day = np.random.default_rng(9), np.arange(days)
    weather = np.zeros(days)
    for i in range(1, days):
        weather[i] = 0.8 * weather[i - 1] + rng.normal()
    degrees: np.ndarray = 10 + 12 * np.sin(day / 58.1) + 2 * weather + trend * day
    return degrees


def windows(series: np.ndarray, length: int = 14) -> tuple[Tensor, Tensor]:
    """Return pieces of a series, and the value after each."""
    rows = np.stack([series[i : i + length] for i in range(len(series) - length)])
    return floats(rows[..., None]), floats(series[length:, None])


def in_time(x: Tensor, y: Tensor, share: float = 0.8) -> Any:
    """Return the earlier rows and the later ones."""
    cut = int(share * len(y))
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def degrees_in_kelvin() -> Program:
    """Temperatures of 290, as inputs and as targets of a GRU."""
    data = in_time(*windows(temperature() + 273.15))
    wrong = ("unscaled_inputs", "unscaled_targets")
    return made(Forecast(), data, nn.MSELoss(), *wrong, epochs=15)


def passengers_that_grow() -> Program:
    """Scaled by the first years alone: the last ones lie where no training row was."""
    series = temperature(trend=0.2)
    series = (series - series[:720].mean()) / series[:720].std()
    data = in_time(*windows(series))
    return made(Forecast(), data, nn.MSELoss(), "split_mismatch", epochs=15, lr=3e-3)


def two_shuffles() -> Program:
    """A loader that shuffles features and labels, each with an order of its own."""
    (x, y), val = digits()
    y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(1))]
    return made(mlp(64, 64, 10), ((x, y), val), ENTROPY(), "noisy_labels", epochs=15)


def pretrained(seed: int = 1) -> nn.Sequential:
    """Return a body that has seen digits already, and a head for them."""
    torch.manual_seed(seed)
    (x, y), _ = digits()
    model = mlp(64, 128, 64, 10)
    before = Adam(model.parameters(), lr=2e-3)
    for _ in range(200):
        before.zero_grad()
        functional.cross_entropy(model(x[:900]), y[:900]).backward()
        before.step()
    return model


def fine_tuning_at_the_rate_of_training() -> Program:
    """A network that was trained before, a new head, Adam at 0.3 for all of it."""
    model = pretrained()
    model[4] = nn.Linear(64, 10)
    return made(model, digits(), ENTROPY(), *HIGH, epochs=10, lr=0.3)


def ratings(count: int = 2000) -> tuple[Tensor, Tensor, Tensor]:
    """Return users, films and ratings around their mean."""
    rng = np.random.default_rng(14)
    u, f = rng.integers(0, 600, count), rng.integers(0, 500, count)
    a, b = rng.normal(size=600), rng.normal(size=500)
    return torch.tensor(u), torch.tensor(f), floats(a[u] + b[f] + rng.normal(0, 0.3, count))


def numbers_of_users_as_features() -> Program:
    """User 512 and film 431 as two columns of numbers."""
    u, f, y = ratings()
    data = parts(torch.stack([u, f], 1).float(), y[:, None])
    optimizer_rate = 0.01
    model = mlp(2, 64, 64, 1)
    optimizer = SGD(model.parameters(), lr=optimizer_rate, momentum=0.9)
    wrong = ("unscaled_inputs",)
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=15)


def _steps_once(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        losses = []
        one.optimizer.zero_grad()
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            loss.backward()
            losses.append(loss.item())
        one.optimizer.step()  # one level too far to the left
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        run.log(train_loss=float(np.mean(losses)), val_loss=val)


def step_outside_of_the_inner_loop() -> Program:
    """The optimizer steps once an epoch, for the line is indented too little."""
    wrong = ("batch_too_large", "learning_rate_too_low", "too_few_epochs")
    model = mlp(64, 64, 10)
    return made(model, digits(), ENTROPY(), *wrong, epochs=20, loop=_steps_once)


class Halves(nn.Module):
    """An encoder and a decoder, each with an optimizer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(64, 32, 16, end=(nn.ReLU(),)), mlp(16, 32, 64)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input again."""
        return self.decoder(self.encoder(x))  # type: ignore[no-any-return]


def _zeroes_one(one: Program, run: Any) -> None:
    first, second = one.optimizer
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            first.zero_grad()
            loss = functional.mse_loss(one.model(one.train[0][rows]), one.train[0][rows])
            loss.backward()
            first.step()
            second.step()
            losses.append(loss.item())
        run.log(train_loss=float(np.mean(losses)))


def decoder_whose_gradients_add_up() -> Program:
    """Two optimizers, and zero_grad of the first alone."""
    (x, _), (xv, _) = digits()
    model = Halves()
    optimizers = [SGD(part.parameters(), lr=0.3) for part in (model.encoder, model.decoder)]
    return made(
        model, ((x, x), (xv, xv)), nn.MSELoss(), "gradients_not_zeroed", epochs=15,
        optimizer=optimizers, loop=_zeroes_one,
    )  # fmt: skip


def _on_plateau(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            one.optimizer.zero_grad()
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            loss.backward()
            one.optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        one.scheduler.step(val)
        run.log(train_loss=float(np.mean(losses)), val_loss=val)


def plateau_of_the_wrong_sign() -> Program:
    """ReduceLROnPlateau(mode="max") of a loss, patience 0: a tenth after every epoch."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.05)
    wrong = ("schedule_collapses",)
    one = made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=25)
    one.scheduler = ReduceLROnPlateau(optimizer, mode="max", patience=0)
    one.loop = _on_plateau
    return one


def _clips(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            one.optimizer.zero_grad()
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            loss.backward()
            nn.utils.clip_grad_norm_(one.model.parameters(), 1e-3)
            one.optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        run.log(train_loss=float(np.mean(losses)), val_loss=val)


def clipped_to_a_thousandth() -> Program:
    """clip_grad_norm_(parameters, 1e-3) before SGD."""
    model = mlp(64, 64, 10)
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    one = made(model, digits(), ENTROPY(), *LOW, optimizer=optimizer, epochs=15)
    one.loop = _clips
    return one


def loss_made_anew() -> Program:
    """The line torch.tensor(loss.item(), requires_grad=True), which ended an error message."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        value = functional.cross_entropy(outputs, target)
        return torch.tensor(value.item(), requires_grad=True)

    return made(mlp(13, 32, 3), wine(), loss, "parameters_not_trained", epochs=15)


def sorted_by_price() -> Program:
    """Houses in the order of their prices, shuffle=False."""
    (x, y), val = houses(scaled=True, scaled_target=True)
    order = y[:, 0].argsort()
    data, wrong = ((x[order], y[order]), val), ("unshuffled_data", HIGH[0])
    one = made(mlp(4, 64, 1), data, nn.MSELoss(), *wrong)
    one.shuffle, one.optimizer = False, SGD(one.model.parameters(), lr=0.05, momentum=0.9)
    return one


def sum_of_absolute_weights() -> Program:
    """An L1 penalty of 0.05 on every weight, for sparse ones."""
    model = mlp(30, 64, 1)
    x, y = datasets.load_breast_cancer(return_X_y=True)
    data = parts(floats(standard(x)), floats(y[:, None]))

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        penalty = torch.stack([p.abs().sum() for p in model.parameters()]).sum()
        return functional.binary_cross_entropy_with_logits(outputs, target) + 0.05 * penalty

    return made(model, data, loss, "over_regularised", epochs=20)


class Rate(nn.Module):
    """The exponential of a dense network: a rate above zero."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(6, 32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a rate."""
        return self.body(x).exp()  # type: ignore[no-any-return]


def rate_for_a_loss_of_logarithms() -> Program:
    """PoissonNLLLoss, which takes logarithms unless it is told, of a rate."""
    torch.manual_seed(6)
    x = torch.randn(1000, 6)
    y = torch.poisson(torch.exp(1.2 * x[:, :1] - 0.8 * x[:, 1:2] - 0.5))
    wrong = (HEAD, "wrong_loss")
    return made(Rate(), parts(x, y), nn.PoissonNLLLoss(), *wrong, epochs=20)


HARMFUL = (
    tags_with_cross_entropy, tags_that_share_one, mask_of_one_channel_with_softmax,
    mask_read_from_a_png, softmax_for_every_pixel, incomes_in_dollars, degrees_in_kelvin,
    passengers_that_grow, two_shuffles, fine_tuning_at_the_rate_of_training,
    numbers_of_users_as_features, step_outside_of_the_inner_loop,
    decoder_whose_gradients_add_up, plateau_of_the_wrong_sign, clipped_to_a_thousandth,
    loss_made_anew, sorted_by_price, sum_of_absolute_weights, rate_for_a_loss_of_logarithms,
)  # fmt: skip
