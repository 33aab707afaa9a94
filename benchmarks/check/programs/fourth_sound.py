"""The sound programs of the fourth set, after tutorials."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR

from benchmarks.check.programs.fourth import ENTROPY, SGD, rare
from benchmarks.check.programs.fourth_loops import Clicks
from benchmarks.check.programs.program import Program, digits, made, mlp, parts, sentences
from benchmarks.check.programs.third import pretrained, ratings

AdamW = torch.optim.AdamW


def first_classifier() -> Program:
    """Convolutions, pooling, batches of four, SGD at 0.001 with momentum, pixels in [-1, 1]."""
    (x, y), (xv, yv) = digits(images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3, padding=1),
        nn.ReLU(), nn.Flatten(), nn.Linear(256, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.001, momentum=0.9)
    data = (2 * x - 1, y), (2 * xv - 1, yv)
    return made(model, data, ENTROPY(), optimizer=optimizer, epochs=6, batch_size=4)


class Names(nn.Module):
    """A recurrent layer over one-hot characters, and log-probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.fc = nn.RNN(12, 64, batch_first=True), nn.Linear(64, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logarithms of shares."""
        found: Tensor = self.fc(self.rnn(x)[1][-1]).log_softmax(1)
        return found


def names_of_four_languages() -> Program:
    """Names by their characters: NLLLoss on log_softmax, SGD at 0.15."""
    rng = np.random.default_rng(33)
    likes = rng.dirichlet(np.full(12, 0.4), 4)
    y = rng.integers(0, 4, 1200)
    x = np.stack([rng.choice(12, 7, p=likes[kind]) for kind in y])
    data = parts(functional.one_hot(torch.tensor(x), 12).float(), torch.tensor(y))
    model = Names()
    optimizer = SGD(model.parameters(), lr=0.15)
    return made(model, data, nn.NLLLoss(), optimizer=optimizer, epochs=12, batch_size=64)


class Variational(nn.Module):
    """An encoder to means and variances, a sample, and a decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(64, 64, 16), mlp(8, 64, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of pixels, means and logarithms of variances."""
        mean, log = self.encoder(x).chunk(2, 1)
        return self.decoder(mean + torch.randn_like(mean) * (0.5 * log).exp()), mean, log


def variational_autoencoder() -> Program:
    """Cross-entropy of pixels, summed, and the divergence from a normal distribution."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        logits, mean, log = model(batch[0])
        error = functional.binary_cross_entropy_with_logits(logits, batch[0], reduction="sum")
        return error - 0.5 * (1 + log - mean**2 - log.exp()).sum()

    return made(Variational(), digits(), loss=loss, epochs=15, batch_size=64)


class Factors(nn.Module):
    """A vector and a bias for each user and film."""

    def __init__(self) -> None:
        super().__init__()
        self.user, self.film = nn.Embedding(600, 8), nn.Embedding(500, 8)
        self.user_bias, self.film_bias = nn.Embedding(600, 1), nn.Embedding(500, 1)
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, 0.0, 0.05)
        for table in (self.user_bias, self.film_bias):
            nn.init.zeros_(table.weight)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return ratings around their mean."""
        u, f = pairs[:, 0], pairs[:, 1]
        both: Tensor = (self.user(u) * self.film(f)).sum(1)
        return both + self.user_bias(u)[:, 0] + self.film_bias(f)[:, 0]


def ratings_by_factors() -> Program:
    """Matrix factorisation with biases, Adam."""
    u, f, y = ratings(6000)
    data = parts(torch.stack([u, f], 1), y)
    return made(Factors(), data, nn.MSELoss(), epochs=10, lr=0.02, batch_size=128)


def two_views_of_a_digit() -> Program:
    """Contrastive: two noisy views of a row, the others of the batch as negatives."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        views = [functional.normalize(model(batch[0] + 0.1 * torch.randn_like(batch[0])), dim=1)
                 for _ in range(2)]  # fmt: skip
        return functional.cross_entropy(views[0] @ views[1].T / 0.1, torch.arange(len(batch[0])))

    return made(mlp(64, 64, 16), digits(), loss=loss, epochs=10, batch_size=64)


class Residual(nn.Module):
    """Two residual blocks with batch normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.Dropout(0.1))
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.last(x)  # type: ignore[no-any-return]


def one_cycle() -> Program:
    """Residual blocks, OneCycleLR after every batch, SGD."""
    model, data = Residual(), digits()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    one = made(model, data, ENTROPY(), optimizer=optimizer, epochs=10)
    steps = 10 * -(-len(data[0][1]) // 32)
    one.scheduler = OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    one.steps_schedule_each_batch = True
    return one


def visits_a_day() -> Program:
    """Counts: PoissonNLLLoss of a logarithm."""
    torch.manual_seed(16)
    x = torch.randn(1200, 6)
    y = torch.poisson((1.0 + 0.7 * x[:, :1] - 0.4 * x[:, 1:2] * x[:, 2:3]).clamp(max=4).exp())
    return made(mlp(6, 32, 1), parts(x, y), nn.PoissonNLLLoss(), epochs=20, lr=2e-3)


def warm_up_that_ends() -> Program:
    """A small transformer, AdamW, thirty steps of warm-up and a line to zero."""
    (x, y), (xv, yv) = sentences()
    data = (x, y.float()[:, None]), (xv, yv.float()[:, None])
    model = Clicks()
    optimizer = AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    one = made(model, data, nn.BCEWithLogitsLoss(), optimizer=optimizer, epochs=10)
    one.scheduler = LambdaLR(optimizer, lambda i: min((i + 1) / 30, max((300 - i) / 270, 0.0)))
    one.steps_schedule_each_batch = True
    return one


def curve_by_tanh() -> Program:
    """All rows at once, three tanh layers, Adam, many epochs."""
    x = torch.linspace(-2, 2, 256)[:, None]
    data = parts(x, (3 * x).sin() * (-(x**2) / 2).exp())
    one = made(mlp(1, 32, 32, 1, act=nn.Tanh), data, nn.MSELoss(), epochs=400, lr=3e-3)
    one.batch_size = 256
    return one


def probe_on_frozen_features() -> Program:
    """A frozen body that was trained before, and one new layer, SGD at 0.1."""
    model = pretrained()
    model.requires_grad_(False)
    model[4] = nn.Linear(64, 10)
    optimizer = SGD(model[4].parameters(), lr=0.1, momentum=0.9)
    return made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=8)


class NextWord(nn.Module):
    """A GRU and a class for what comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(20, 16), nn.Linear(48, 20)
        self.gru = nn.GRU(16, 48, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits as CrossEntropyLoss takes them, (rows, classes, words)."""
        return self.fc(self.gru(self.embed(x))[0]).transpose(1, 2)  # type: ignore[no-any-return]


def the_next_character() -> Program:
    """A language model of twenty characters, most of which follow a rule."""
    rng = np.random.default_rng(15)
    after = rng.permutation(20)
    text = np.empty((800, 13), int)
    text[:, 0] = rng.integers(0, 20, 800)
    for i in range(1, 13):
        chance = rng.integers(0, 20, 800)
        text[:, i] = np.where(rng.random(800) < 0.7, after[text[:, i - 1]], chance)
    data = parts(torch.tensor(text[:, :-1]), torch.tensor(text[:, 1:]))
    return made(NextWord(), data, ENTROPY(), epochs=8, lr=5e-3)


def rare_ones_weigh_more() -> Program:
    """One row in six is positive: BCEWithLogitsLoss(pos_weight=5), AdamW."""
    model = mlp(10, 32, 1)
    optimizer = AdamW(model.parameters(), lr=3e-3)
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(5.0))
    return made(model, rare(), loss, optimizer=optimizer, epochs=12)


HEALTHY = (
    first_classifier, names_of_four_languages, variational_autoencoder, ratings_by_factors,
    two_views_of_a_digit, one_cycle, visits_a_day, warm_up_that_ends, curve_by_tanh,
    probe_on_frozen_features, the_next_character, rare_ones_weigh_more,
)  # fmt: skip
