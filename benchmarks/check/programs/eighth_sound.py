"""The eighth set's sound programs: tutorials and published networks, trained as they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

from benchmarks.check.programs.eighth import ENTROPY, SGD
from benchmarks.check.programs.program import (
    Program,
    diabetes,
    digits,
    floats,
    made,
    mlp,
    parts,
    sentences,
    standard,
    waves,
)


def lenet() -> Program:
    """Tanh, average pooling, SGD with momentum (LeCun et al., 1998)."""
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 3, padding=1),
        nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 120), nn.Tanh(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9)
    return made(
        model, digits(scale=1 / 8, images=True), ENTROPY(), optimizer=optimizer, epochs=15,
        batch_size=64,
    )  # fmt: skip


class Recommender(nn.Module):
    """Vectors and biases of users and films, and a sigmoid of what they agree on."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.films = nn.Embedding(80, 16), nn.Embedding(60, 16)
        self.user_bias, self.film_bias = nn.Embedding(80, 1), nn.Embedding(60, 1)
        for table in (self.users, self.films):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        user, film = x[:, 0], x[:, 1]
        product = (self.users(user) * self.films(film)).sum(1, keepdim=True)
        return torch.sigmoid(product + self.user_bias(user) + self.film_bias(film))


def films_for_users() -> Program:
    """Ratings from 0 to 1 (Keras example, collaborative_filtering_movielens)."""
    rng = np.random.default_rng(21)
    users, films = rng.normal(size=(80, 3)), rng.normal(size=(60, 3))
    x = np.stack([rng.integers(0, 80, 4000), rng.integers(0, 60, 4000)], 1)
    rating = 1 / (1 + np.exp(-(users[x[:, 0]] * films[x[:, 1]]).sum(1)))
    data = parts(torch.tensor(x), floats(rating[:, None]))
    model = Recommender()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=1e-5)
    return made(model, data, nn.MSELoss(), optimizer=optimizer, epochs=15, batch_size=64)


def transfer() -> Program:
    """A network that knows ten digits; a new head learns which are even (PyTorch's tutorial)."""
    (x, y), (xv, yv) = digits()
    body = mlp(64, 128, 64, end=(nn.ReLU(),))
    old = nn.Sequential(body, nn.Linear(64, 10))
    optimizer = torch.optim.Adam(old.parameters(), lr=2e-3)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(old(x), y).backward()
        optimizer.step()
    optimizer.zero_grad()
    body.requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(64, 2))
    tuned = SGD(model[1].parameters(), lr=0.01, momentum=0.9)
    return made(
        model, ((x, y % 2), (xv, yv % 2)), ENTROPY(), optimizer=tuned, epochs=15, batch_size=16,
        scheduler=StepLR(tuned, step_size=7, gamma=0.1),
    )  # fmt: skip


class Patches(nn.Module):
    """A small vision transformer: sixteen patches of two pixels by two."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.end = nn.Conv2d(1, 32, 2, 2), nn.Linear(32, 10)
        self.places = nn.Parameter(0.02 * torch.randn(1, 16, 32))
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, 1, nn.LayerNorm(32), enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.places
        out: Tensor = self.end(self.blocks(tokens).mean(1))
        return out


def vision_transformer() -> Program:
    """Label smoothing, AdamW, a cosine (Dosovitskiy et al., 2021)."""
    model = Patches()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    return made(
        model, digits(images=True), loss, optimizer=optimizer, epochs=20, batch_size=64,
        scheduler=CosineAnnealingLR(optimizer, 20),
    )  # fmt: skip


def mixed(one: Program, run: Any) -> None:
    """Mix each batch with itself in another order."""
    x, y = one.train
    for _ in range(one.epochs):
        one.model.train()
        losses = []
        for rows in torch.randperm(len(y)).split(one.batch_size):
            share = float(torch.distributions.Beta(0.4, 0.4).sample())
            other = rows[torch.randperm(len(rows))]
            outputs = one.model(share * x[rows] + (1 - share) * x[other])
            loss = share * functional.cross_entropy(outputs, y[rows])
            loss = loss + (1 - share) * functional.cross_entropy(outputs, y[other])
            one.optimizer.zero_grad()
            loss.backward()
            one.optimizer.step()
            losses.append(float(loss))
        one.model.eval()
        inputs, labels = one.val or one.train
        with torch.no_grad():
            held = functional.cross_entropy(one.model(inputs), labels)
        run.log(train_loss=sum(losses) / len(losses), val_loss=float(held))


def mixed_up() -> Program:
    """Mixup (Zhang et al., 2018)."""
    model = nn.Sequential(
        nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64),
        nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    return made(
        model, digits(), ENTROPY(), optimizer=optimizer, epochs=20, batch_size=64, loop=mixed
    )


class NextValue(nn.Module):
    """A GRU of 32 units and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.end = nn.GRU(1, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.end(self.gru(x)[0][:, -1])
        return out


def clipped(one: Program, run: Any) -> None:
    """Clip the gradients' norm to 1."""
    x, y = one.train
    for _ in range(one.epochs):
        one.model.train()
        losses = []
        for rows in torch.randperm(len(y)).split(one.batch_size):
            one.optimizer.zero_grad()
            loss = functional.mse_loss(one.model(x[rows]), y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(one.model.parameters(), 1.0)
            one.optimizer.step()
            losses.append(float(loss))
        one.model.eval()
        inputs, target = one.val or one.train
        with torch.no_grad():
            held = functional.mse_loss(one.model(inputs), target)
        run.log(train_loss=sum(losses) / len(losses), val_loss=float(held))


def forecast_with_a_gru() -> Program:
    """A noisy sine, a GRU, clipped gradients (Keras example, timeseries forecasting)."""
    return made(NextValue(), waves(), nn.MSELoss(), lr=3e-3, epochs=25, loop=clipped)


def absolute_errors() -> Program:
    """How a disease went on, few rows, L1Loss, weight decay."""
    model = mlp(10, 32, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    return made(model, diabetes(), nn.L1Loss(), optimizer=optimizer, epochs=20)


def denoised() -> Program:
    """Noisy digits to clean ones, convolutions (Keras example, autoencoder)."""
    (x, _), (xv, _) = digits(images=True)
    noise = torch.Generator().manual_seed(0)

    def noisy(images: Tensor) -> Tensor:
        return (images + 0.3 * torch.randn(images.shape, generator=noise)).clamp(0, 1)

    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.ConvTranspose2d(32, 32, 2, 2), nn.ReLU(),
        nn.Conv2d(32, 1, 3, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    data = (noisy(x), x), (noisy(xv), xv)
    return made(model, data, nn.BCELoss(), epochs=15, batch_size=64)


class Bag(nn.Module):
    """The mean of word vectors, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.end = nn.EmbeddingBag(200, 64), nn.Linear(64, 2)
        nn.init.uniform_(self.words.weight, -0.5, 0.5)
        nn.init.uniform_(self.end.weight, -0.5, 0.5)
        nn.init.zeros_(self.end.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.end(self.words(x))
        return out


def bag_of_words() -> Program:
    """EmbeddingBag and SGD at 5, batches of 64 (PyTorch's text classification tutorial)."""
    model = Bag()
    optimizer = SGD(model.parameters(), lr=5.0)
    return made(model, sentences(), ENTROPY(), optimizer=optimizer, epochs=10, batch_size=64)


def contrast(model: nn.Module, batch: Any) -> Tensor:
    """Return how far equal ones are apart, and how near others are, within a margin of 1."""
    points, labels = functional.normalize(model(batch[0])), batch[1]
    apart = (points[:, None] - points[None]).square().sum(2).add(1e-8).sqrt()
    same = labels[:, None] == labels[None]
    loss: Tensor = torch.where(same, apart.square(), (1 - apart).clamp_min(0).square()).mean()
    return loss


def contrasted_digits() -> Program:
    """Points on a sphere, near for the same digit (Hadsell et al., 2006)."""
    return made(mlp(64, 128, 16), digits(), loss=contrast, epochs=20, batch_size=128)


def counted_visits() -> Program:
    """Counts with PoissonNLLLoss, batches of eight, plain SGD."""
    rng = np.random.default_rng(22)
    x = rng.normal(size=(1000, 5))
    mean = np.exp(0.6 + 0.5 * x[:, 0] - 0.4 * np.abs(x[:, 1]) + 0.3 * x[:, 2] * x[:, 3])
    data = parts(floats(x), floats(rng.poisson(mean)[:, None]))
    model = mlp(5, 32, 32, 1)
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(model, data, nn.PoissonNLLLoss(), optimizer=optimizer, epochs=20, batch_size=8)


def columns_of_many_scales() -> Program:
    """Columns of many scales through a first normalising layer, dropout, four classes."""
    x, y = datasets.make_classification(
        1500, 20, n_informative=12, n_redundant=2, n_classes=4, class_sep=1.5, random_state=3
    )
    x = standard(x) * np.logspace(0, 3, 20) + 50
    model = nn.Sequential(
        nn.BatchNorm1d(20), nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 4)
    )
    return made(model, parts(floats(x), torch.tensor(y)), ENTROPY(), lr=3e-3, epochs=25)


HEALTHY = (
    lenet, films_for_users, transfer, vision_transformer, mixed_up, forecast_with_a_gru,
    absolute_errors, denoised, bag_of_words, contrasted_digits, counted_visits,
    columns_of_many_scales,
)  # fmt: skip
