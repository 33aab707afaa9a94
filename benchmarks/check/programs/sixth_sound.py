"""The sound programs of the sixth set."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import MultiStepLR

from benchmarks.check.programs.fourth import ENTROPY, SGD
from benchmarks.check.programs.program import Program, cancer, digits, floats, made, mlp, parts
from benchmarks.check.programs.sixth import padded
from benchmarks.check.programs.third import pretrained


def third_degree() -> Program:
    """A sine by x, x squared and x cubed: a sum of squares and RMSprop, as PyTorch's tutorial."""
    x = torch.linspace(-np.pi, np.pi, 1000)[:, None]
    data = parts(torch.cat([x, x**2, x**3], 1), x.sin())
    model = nn.Linear(3, 1)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    loss = nn.MSELoss(reduction="sum")
    one = made(model, data, loss, optimizer=optimizer, epochs=1500)
    one.batch_size = 800
    return one


class Mean(nn.Module):
    """A GRU over padded words, and the mean of what it says of real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(60, 16, padding_idx=0), nn.Linear(32, 2)
        self.gru = nn.GRU(16, 32, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        real = (x > 0).float()[..., None]
        said = self.gru(self.embed(x))[0] * real
        return self.fc(said.sum(1) / real.sum(1))  # type: ignore[no-any-return]


def mean_over_real_words() -> Program:
    """Padded sentences, read with a mask."""
    return made(Mean(), padded(20), ENTROPY(), lr=5e-3, epochs=8)


class Counts(nn.Module):
    """An LSTM and its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.fc = nn.LSTM(2, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a sum."""
        return self.fc(self.lstm(x)[0][:, -1])  # type: ignore[no-any-return]


def sum_of_what_was_marked() -> Program:
    """The adding problem over twelve steps: LSTM, clipped by nobody, Adam."""
    rng = np.random.default_rng(6)
    x = np.stack([rng.random((1500, 12)), np.zeros((1500, 12))], 2)
    first, second = rng.integers(0, 6, 1500), rng.integers(6, 12, 1500)
    x[np.arange(1500), first, 1] = x[np.arange(1500), second, 1] = 1.0
    y = (x[..., 0] * x[..., 1]).sum(1, keepdims=True)
    data = parts(floats(x), floats(y - 1.0))
    return made(Counts(), data, nn.MSELoss(), lr=5e-3, epochs=25)


def head_on_features_that_are_not_frozen() -> Program:
    """A body that was trained before, and an optimizer of the new head alone."""
    model = pretrained()
    model[4] = nn.Linear(64, 10)
    optimizer = SGD(model[4].parameters(), lr=0.1, momentum=0.9)
    return made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=8)


def years_of_age() -> Program:
    """Ages in whole decades from 0 on, by their absolute error."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(1200, 8))
    y = np.clip(np.round(4 + 1.5 * x[:, :1] + x[:, 1:2] + 0.5 * rng.normal(size=(1200, 1))), 0, 9)
    return made(mlp(8, 64, 1), parts(floats(x), floats(y)), nn.L1Loss(), epochs=25, lr=3e-3)


def steps_at_milestones() -> Program:
    """Convolutions, batch normalisation, SGD at 0.1, MultiStepLR."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    one = made(model, digits(images=True), ENTROPY(), optimizer=optimizer, epochs=12)
    one.batch_size, one.scheduler = 64, MultiStepLR(optimizer, [6, 9], 0.1)
    return one


def half_of_the_units_off() -> Program:
    """Dropout of a half before the last layer, eval() where it belongs."""
    model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1))
    return made(model, cancer(), nn.BCEWithLogitsLoss(), epochs=20)


def copies_within_training() -> Program:
    """Rare rows copied within the training part alone."""
    rng = np.random.default_rng(11)
    x = rng.normal(size=(900, 10))
    y = (x[:, 0] + x[:, 1] + 0.3 * rng.normal(size=900) > 1.6).astype(int)
    few = np.flatnonzero(y[:720])
    rows = np.concatenate([np.arange(720), rng.choice(few, 720 - 2 * len(few))])
    train = floats(x[rows]), torch.tensor(y[rows])
    val = floats(x[720:]), torch.tensor(y[720:])
    optimizer = torch.optim.AdamW((model := mlp(10, 16, 2)).parameters(), lr=2e-3)
    return made(model, (train, val), ENTROPY(), optimizer=optimizer, epochs=6)


HEALTHY = (
    third_degree, mean_over_real_words, sum_of_what_was_marked,
    head_on_features_that_are_not_frozen, years_of_age, steps_at_milestones,
    half_of_the_units_off, copies_within_training,
)  # fmt: skip
