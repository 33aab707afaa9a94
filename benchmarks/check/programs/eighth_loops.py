"""The eighth set's scales, rates, schedules, loops and overfitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from benchmarks.check.programs.eighth import ENTROPY, HIGH, LOW, SGD
from benchmarks.check.programs.program import Program, digits, floats, made, mlp, parts, waves

SCALES = ("unscaled_inputs", "unscaled_targets")
BLOWS_UP = (*HIGH, "diverging", "nan_loss", "exploding_gradients")


def squared(outputs: Tensor, target: Tensor) -> Tensor:
    """Return half of the summed squares."""
    return 0.5 * (outputs - target).square().sum()


def sum_over_thirty() -> Program:
    """Thirty points to 20, summed squares, a rate of 0.001: NaN.

    chenyuntc/pytorch-book, issue 138.
    """
    rng = np.random.default_rng(6)
    x = rng.random((38, 1)) * 20
    model = nn.Linear(1, 1)
    optimizer = SGD(model.parameters(), lr=0.001)
    data = parts(floats(x), floats(2 * x + 3 * (1 + rng.random(x.shape))))
    return made(
        model,
        data,
        squared,
        *BLOWS_UP,
        "unscaled_inputs",
        optimizer=optimizer,
        epochs=100,
        batch_size=30,
    )


def spending_of_the_old() -> Program:
    """Ages to 100 and what they spend, SGD at 0.001: NaN (pytorch/pytorch, issue 149827)."""
    x = torch.arange(65.0, 101.0, 5.0)[:, None]
    model = nn.Linear(1, 1)
    optimizer = SGD(model.parameters(), lr=0.001)
    data = (x, 10 * x - 450), (x + 2, 10 * x - 430)
    return made(
        model, data, nn.MSELoss(), *BLOWS_UP, *SCALES, optimizer=optimizer, epochs=200,
        batch_size=8,
    )  # fmt: skip


def fourth_power() -> Program:
    """Numbers from -100 to 100 and their fourth powers (stackoverflow.com/questions/52800582)."""
    x = np.linspace(-100, 100, 800)[:, None]
    model = nn.Sequential(
        nn.Linear(1, 50), nn.Sigmoid(), nn.Linear(50, 50), nn.ELU(), nn.Linear(50, 1)
    )
    wrong = (*SCALES, "saturated_units")
    return made(model, parts(floats(x), floats(x**4)), nn.MSELoss(), *wrong, epochs=60)


def no_hidden_layer() -> Program:
    """A hundred columns, targets to 2,000, RMSprop for ten epochs: predictions to 70.

    keras-team/keras, issue 2576.
    """
    x, y = datasets.make_regression(3000, 100, n_informative=100, noise=100, random_state=0)
    model = nn.Linear(100, 1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001)
    wrong = ("unscaled_targets", *LOW, "too_few_epochs", "slow_convergence")
    return made(
        model, parts(floats(x), floats(y[:, None])), nn.MSELoss(), *wrong, optimizer=optimizer,
        epochs=10, batch_size=16,
    )  # fmt: skip


def hazard(model: nn.Module, batch: Any) -> Tensor:
    """Return Cox' partial likelihood of rows that are sorted, longest survival first."""
    order = batch[1].argsort(descending=True)
    risk = model(batch[0][order])[:, 0]
    loss: Tensor = (risk.exp().cumsum(0).log() - risk).mean()
    return loss


def survival_of_raw_columns() -> Program:
    """Days and blood counts as they are under Cox' loss: NaN.

    jaredleekatzman/DeepSurv, issue 14.
    """
    rng = np.random.default_rng(8)
    x = np.stack(
        [rng.normal(60, 12, 900), rng.gamma(2.0, 400.0, 900), rng.normal(9000, 900, 900)], 1
    )
    risk = (x[:, 0] - 60) / 12 + (x[:, 1] - 800) / 560
    data = parts(floats(x), floats(rng.exponential(np.exp(-risk))))
    model = mlp(3, 25, 25, 1)
    optimizer = SGD(model.parameters(), lr=1e-4, momentum=0.9, nesterov=True)
    wrong = ("unscaled_inputs", "nan_loss", "diverging", "exploding_gradients")
    return made(
        model, data, None, *wrong, loss=hazard, optimizer=optimizer, epochs=20, batch_size=720
    )


class Forecaster(nn.Module):
    """Attention over days, then the day after."""

    def __init__(self) -> None:
        super().__init__()
        self.days, self.places, self.end = nn.Linear(1, 32), nn.Embedding(24, 32), nn.Linear(32, 1)
        self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.05, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        x = self.block(self.days(x) + self.places(torch.arange(x.shape[1])))
        out: Tensor = self.end(x[:, -1])
        return out


def gas_in_thousands() -> Program:
    """Demands near 10,000, neither in nor out scaled, Adam at 1e-4.

    zhouhaoyi/Informer2020, issue 251.
    """
    rng = np.random.default_rng(9)
    t = np.arange(924)
    series = 10_000 + 3_000 * np.sin(t * 2 * np.pi / 24) + 400 * rng.normal(size=924)
    rows = np.stack([series[i : i + 24] for i in range(900)])[..., None]
    data = parts(floats(rows), floats(series[24:][:, None]))
    wrong = (*SCALES, *LOW, "too_few_epochs")
    return made(Forecaster(), data, nn.MSELoss(), *wrong, lr=1e-4, epochs=15)


def sharpened_slowly() -> Program:
    """SRCNN, weights of deviation 0.001, SGD at 1e-4: the loss drops little.

    tegg89/SRCNN-Tensorflow, issue 24.
    """
    (x, _), (xv, _) = digits(images=True)
    coarse = nn.Sequential(nn.AvgPool2d(2), nn.Upsample(scale_factor=2, mode="bilinear"))
    data = (coarse(x), x), (coarse(xv), xv)
    model = nn.Sequential(
        nn.Conv2d(1, 64, 9, padding=4), nn.ReLU(), nn.Conv2d(64, 32, 1), nn.ReLU(),
        nn.Conv2d(32, 1, 5, padding=2),
    )  # fmt: skip
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.001)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=1e-4)
    wrong = (*LOW, "bad_initialisation", "slow_convergence", "not_learning", "too_few_epochs")
    return made(model, data, nn.MSELoss(), *wrong, optimizer=optimizer, epochs=10, batch_size=128)


class Classifier(nn.Module):
    """Words and places, two blocks of attention, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places, self.end = (
            nn.Embedding(200, 32),
            nn.Embedding(16, 32),
            nn.Linear(32, 3),
        )
        layer = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.0, batch_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        x = self.blocks(self.words(x) + self.places(torch.arange(x.shape[1])))
        out: Tensor = self.end(x.mean(1))
        return out


def small_rate_without_momentum() -> Program:
    """A rate of 5e-5, as for AdamW, in plain SGD: the loss does not fall.

    OpenLMLab/LOMO, issue 50.
    """
    rng = np.random.default_rng(10)
    y = rng.integers(0, 3, 1200)
    x = rng.integers(30, 200, (1200, 16))
    x[:, :4] = rng.integers(0, 10, (1200, 4)) + 10 * y[:, None]
    model = Classifier()
    optimizer = SGD(model.parameters(), lr=5e-5)
    wrong = (*LOW, "not_learning", "slow_convergence", "too_few_epochs")
    return made(
        model, parts(torch.tensor(x), torch.tensor(y)), ENTROPY(), *wrong, optimizer=optimizer,
        epochs=8,
    )  # fmt: skip


class Gru(nn.Module):
    """A GRU and a linear layer."""

    def __init__(self, end: nn.Linear, inputs: int = 1) -> None:
        super().__init__()
        self.gru, self.end = nn.GRU(inputs, end.in_features, batch_first=True), end

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.end(self.gru(x)[0][:, -1])
        return out


def gamma_of_nothing() -> Program:
    """The schedule that is "off" has a gamma of 0 (LINCellularNeuroscience/VAME, issue 26)."""
    model = Gru(nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    return made(
        model, waves(), nn.MSELoss(), "schedule_collapses", optimizer=optimizer, epochs=30,
        batch_size=64, scheduler=StepLR(optimizer, step_size=5, gamma=0),
    )  # fmt: skip


def keyword_without_zero_grad() -> Program:
    """A step after each batch and never zero_grad() (wenet-e2e/wekws, pull request 73)."""
    rng = np.random.default_rng(11)
    y = rng.integers(0, 4, 900)
    t = np.arange(30)[:, None]
    x = np.sin((0.2 + 0.15 * y[:, None, None]) * t + rng.uniform(0, 6, (900, 1, 8)))
    data = parts(floats(x + 0.5 * rng.normal(size=x.shape)), torch.tensor(y))
    return made(
        Gru(nn.Linear(64, 4), 8), data, ENTROPY(), "gradients_not_zeroed", lr=1e-3, epochs=15,
        zeroes=False,
    )  # fmt: skip


class FrontEnd(nn.Module):
    """Filters that are applied under no_grad, and a small network on what they hear."""

    def __init__(self) -> None:
        super().__init__()
        self.filters, self.end = nn.Conv1d(1, 6, 25, 8), mlp(6, 32, 8)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        with torch.no_grad():
            heard = self.filters(x).square().mean(2).add(1e-3).log()
        out: Tensor = self.end(heard)
        return out


def front_end_under_no_grad() -> Program:
    """Learnable filters under torch.no_grad() do not learn (denfed/leaf-audio-pytorch, issue 3)."""
    rng = np.random.default_rng(12)
    y = rng.integers(0, 8, 900)
    t = np.arange(400)
    x = np.sin((0.3 + 0.25 * y[:, None]) * t + rng.uniform(0, 6, (900, 1)))
    x += 1.2 * rng.normal(size=x.shape)
    return made(
        FrontEnd(), parts(floats(x[:, None]), torch.tensor(y)), ENTROPY(),
        "parameters_not_trained", lr=5e-3, epochs=25,
    )  # fmt: skip


def second_network_first_optimizer() -> Program:
    """The network is replaced, the optimizer keeps the first one's.

    pytorch/pytorch, issue 54765.
    """
    first, second = mlp(64, 32, 10), mlp(64, 64, 64, 10)
    optimizer = torch.optim.Adam(first.parameters(), lr=3e-2)
    return made(
        second, digits(), ENTROPY(), "parameters_not_trained", "not_learning",
        optimizer=optimizer, epochs=10,
    )  # fmt: skip


def imagenet_in_order() -> Program:
    """Folder after folder, shuffle is False by default (Deci-AI/super-gradients, issue 416)."""
    (x, y), val = digits()
    order = y.argsort()
    model = mlp(64, 128, 128, 10)
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=1e-4)
    return made(
        model, ((x[order], y[order]), val), ENTROPY(), "unshuffled_data", optimizer=optimizer,
        epochs=15, shuffle=False,
    )  # fmt: skip


def couplets_of_few_words() -> Program:
    """A small language model, a small text, many steps: the validation loss falls, then rises.

    codetiger/ThiruvalluvarGPT, issue 4.
    """
    rng = np.random.default_rng(13)
    chance = rng.dirichlet(np.full(30, 0.3), 30)
    text = [0]
    for _ in range(2400):
        text.append(int(rng.choice(30, p=chance[text[-1]])))
    rows = np.stack([text[i : i + 17] for i in range(0, 2384, 16)])
    model = LanguageModel()
    data = parts(torch.tensor(rows[:, :-1]), torch.tensor(rows[:, 1:]))
    return made(model, data, ENTROPY(), "overfitting", "too_many_epochs", lr=1e-3, epochs=80)


class LanguageModel(nn.Module):
    """A small GPT: causal attention over letters."""

    def __init__(self) -> None:
        super().__init__()
        self.letters, self.places, self.end = (
            nn.Embedding(30, 64),
            nn.Embedding(16, 64),
            nn.Linear(64, 30),
        )
        layer = nn.TransformerEncoderLayer(
            64, 4, 256, dropout=0.0, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        x = self.blocks(self.letters(x) + self.places(torch.arange(x.shape[1])), mask=mask)
        out: Tensor = self.end(x).transpose(1, 2)
        return out


def spectra_in_training_mode() -> Program:
    """Spectra of eight kinds of ground, dropout of one half, validated without eval().

    nshaud/DeepHyperX, issue 51.
    """
    rng = np.random.default_rng(15)
    kinds = rng.normal(size=(8, 100)).cumsum(1)
    y = rng.integers(0, 8, 1000)
    x = kinds[y] + 6 * rng.normal(size=(1000, 100))
    data = parts(floats((x - x.mean(0)) / x.std(0)), torch.tensor(y))
    model = nn.Sequential(
        nn.Linear(100, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 512), nn.ReLU(),
        nn.Dropout(), nn.Linear(512, 256), nn.ReLU(), nn.Dropout(), nn.Linear(256, 8),
    )  # fmt: skip
    return made(
        model, data, ENTROPY(), "evaluation_in_train_mode", lr=1e-4, epochs=20, batch_size=100,
        evaluates=False,
    )  # fmt: skip


HARMFUL = (
    sum_over_thirty, spending_of_the_old, fourth_power, no_hidden_layer,
    survival_of_raw_columns, gas_in_thousands, sharpened_slowly, small_rate_without_momentum,
    gamma_of_nothing, keyword_without_zero_grad, front_end_under_no_grad,
    second_network_first_optimizer, imagenet_in_order, couplets_of_few_words,
    spectra_in_training_mode,
)  # fmt: skip
