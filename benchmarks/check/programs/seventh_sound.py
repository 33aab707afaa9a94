"""The seventh set's sound programs: tutorials and published networks, trained as they should be."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import OneCycleLR, StepLR

from benchmarks.check.programs.program import (
    Program,
    digits,
    floats,
    houses,
    made,
    mlp,
    parts,
    sentences,
    standard,
)
from benchmarks.check.programs.seventh import ENTROPY, SGD


def quickstart() -> Program:
    """The quickstart's network, two layers of 512 and SGD (PyTorch tutorials)."""
    model = mlp(64, 512, 512, 10)
    optimizer = SGD(model.parameters(), lr=0.1)
    return made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=25, batch_size=64)


def mnist_example() -> Program:
    """Two convolutions, dropout, log-softmax and NLLLoss, Adadelta at 1, StepLR of 0.7.

    pytorch/examples, mnist.
    """
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Dropout(0.25), nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(128, 10), nn.LogSoftmax(dim=1),
    )  # fmt: skip
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    return made(
        model, digits(images=True), nn.NLLLoss(), optimizer=optimizer, epochs=14, batch_size=64,
        scheduler=StepLR(optimizer, 1, gamma=0.7),
    )  # fmt: skip


class BothWays(nn.Module):
    """Embedding, two LSTMs in both directions, one logit."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.end = nn.Embedding(200, 32), nn.Linear(64, 1)
        self.lstm = nn.LSTM(32, 32, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        states = self.lstm(self.words(x))[1][0]
        out: Tensor = self.end(torch.cat([states[-2], states[-1]], 1))[:, 0]
        return out


def both_ways_on_reviews() -> Program:
    """A bidirectional LSTM on reviews, Adam (Keras example, bidirectional_lstm_imdb)."""
    (x, y), (xv, yv) = sentences()
    data = (x, y.float()), (xv, yv.float())
    return made(BothWays(), data, nn.BCEWithLogitsLoss(), lr=2e-3, epochs=8)


class Reader(nn.Module):
    """Words and places, one block of attention, the mean, two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(200, 32), nn.Embedding(16, 32)
        self.block = nn.TransformerEncoderLayer(32, 2, 32, dropout=0.1, batch_first=True)
        self.end = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(32, 20), nn.ReLU(), nn.Dropout(0.1), nn.Linear(20, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        x = self.block(self.words(x) + self.places(torch.arange(16)))
        out: Tensor = self.end(x.mean(1))
        return out


def transformer_on_reviews() -> Program:
    """One transformer block, Adam at 0.001.

    Keras example, text_classification_with_transformer.
    """
    return made(Reader(), sentences(), ENTROPY(), epochs=12)


def simple_autoencoder() -> Program:
    """Pixels through 32 units and back, sigmoid and binary cross-entropy.

    Keras blog, building autoencoders.
    """
    (x, _), (xv, _) = digits()
    model = mlp(64, 32, 64, end=(nn.Sigmoid(),))
    return made(model, ((x, x), (xv, xv)), nn.BCELoss(), lr=3e-3, epochs=40)


class Vae(nn.Module):
    """An encoder to a mean and a variance, and a decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(64, 128, 16), mlp(8, 128, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the output for a batch."""
        mean, log_variance = self.encoder(x).chunk(2, 1)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(z), mean, log_variance


def elbo(model: nn.Module, batch: Any) -> Tensor:
    """Return the negative evidence lower bound of a batch, per row."""
    logits, mean, log_variance = model(batch[0])
    likely = functional.binary_cross_entropy_with_logits(logits, batch[0], reduction="sum")
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (likely + divergence) / len(batch[0])


def variational_autoencoder() -> Program:
    """Kingma and Welling's autoencoder (pytorch/examples, vae)."""
    return made(Vae(), digits(), loss=elbo, epochs=25, batch_size=64)


def prices_with_huber() -> Program:
    """Standardised columns and prices, HuberLoss, Adam with some decay."""
    model = mlp(4, 64, 64, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-2)
    data = houses(scaled=True, scaled_target=True)
    return made(model, data, nn.HuberLoss(), optimizer=optimizer, epochs=40)


def several_labels() -> Program:
    """Five labels a row, one logit each (Keras example, multi_label_classification)."""
    x, y = datasets.make_multilabel_classification(
        1500, n_features=30, n_classes=5, n_labels=2, length=80, random_state=0
    )
    data = parts(floats(standard(x)), floats(y))
    model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 5))
    return made(model, data, nn.BCEWithLogitsLoss(), epochs=20)


def fraud_with_weights() -> Program:
    """Four frauds in a hundred, weighted, dropout of 0.3.

    Keras example, imbalanced_classification.
    """
    rng = np.random.default_rng(20)
    x = rng.normal(size=(3000, 20))
    y = x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * rng.normal(size=3000) > 3.1
    model = nn.Sequential(
        nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(64, 1),
    )  # fmt: skip
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([float((1 - y.mean()) / y.mean())]))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, weight_decay=1e-3)
    data = parts(floats(x), floats(y[:, None]))
    return made(model, data, loss, optimizer=optimizer, epochs=10, batch_size=64)


def accumulated(one: Program, run: Any) -> None:
    """Step after each fourth batch of eight."""
    x, y = one.train
    for _ in range(one.epochs):
        one.model.train()
        order, total = torch.randperm(len(y)), 0.0
        batches = order[: len(order) // 32 * 32].split(8)
        for step, rows in enumerate(batches):
            loss = one.loss_fn(one.model(x[rows]), y[rows]) / 4
            loss.backward()
            total += 4 * float(loss)
            if step % 4 == 3:
                one.optimizer.step()
                one.optimizer.zero_grad()
        one.model.eval()
        with torch.no_grad():
            held = one.loss_fn(one.model(one.val[0]), one.val[1])
        run.log(train_loss=total / len(batches), val_loss=float(held))


def small_memory() -> Program:
    """Gradients of four batches of eight are added up (PyTorch's AMP examples)."""
    model = mlp(64, 128, 64, 10)
    return made(model, digits(), ENTROPY(), epochs=15, batch_size=8, loop=accumulated)


class Residual(nn.Module):
    """Two convolutions with batch normalisation, and what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        return torch.relu(x + self.body(x))


def residual_network() -> Program:
    """A small residual network (He et al., 2016), one cycle of rates in SGD with momentum.

    Smith, 2018.
    """
    data = digits(images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Residual(16),
        nn.MaxPool2d(2), Residual(16), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    steps = -(-len(data[0][1]) // 64)
    schedule = OneCycleLR(optimizer, max_lr=0.2, epochs=10, steps_per_epoch=steps)
    return made(
        model, data, ENTROPY(), optimizer=optimizer, epochs=10, batch_size=64,
        scheduler=schedule, steps_schedule_each_batch=True,
    )  # fmt: skip


HEALTHY = (
    quickstart, mnist_example, both_ways_on_reviews, transformer_on_reviews, simple_autoencoder,
    variational_autoencoder, prices_with_huber, several_labels, fraud_with_weights, small_memory,
    residual_network,
)  # fmt: skip
