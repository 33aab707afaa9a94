"""Sound trainings as tutorials and papers write them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, StepLR

from benchmarks.check.programs.heads import Convolutions
from benchmarks.check.programs.loops import Reads
from benchmarks.check.programs.program import (
    Program,
    cancer,
    diabetes,
    digits,
    floats,
    houses,
    iris,
    mlp,
    one_hot,
    parts,
    sentences,
    waves,
    wine,
)

ENTROPY = nn.CrossEntropyLoss
Adam, AdamW, SGD = torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD


def _program(model: nn.Module, data: Any, loss_fn: Any = None, **more: Any) -> Program:
    optimizer = more.pop("optimizer", None) or Adam(model.parameters(), lr=more.pop("lr", 1e-3))
    return Program(model, data[0], loss_fn, optimizer, data[1], **more)


def iris_as_one_batch() -> Program:
    """Raw centimetres, Adam at 0.01, a hundred epochs of one batch."""
    return _program(mlp(4, 16, 16, 3), iris(), ENTROPY(), lr=0.01, epochs=100, batch_size=120)


def tumours_with_logits() -> Program:
    """One logit, standardised columns, dropout."""
    layers = nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 1)
    return _program(nn.Sequential(*layers), cancer(), nn.BCEWithLogitsLoss(), epochs=25)


def tumours_with_sigmoid() -> Program:
    """A sigmoid and BCELoss, SGD with momentum."""
    model = mlp(30, 32, 16, 1, end=(nn.Sigmoid(),))
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    return _program(model, cancer(), nn.BCELoss(), optimizer=optimizer, epochs=30)


class Normalised(nn.Module):
    """Convolutions with batch normalisation and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(x))  # type: ignore[no-any-return]


def images_with_adam() -> Program:
    """Batch normalisation, dropout of a half, Adam."""
    return _program(Normalised(), digits(images=True), ENTROPY(), epochs=12)


def images_with_adadelta() -> Program:
    """log_softmax and nll_loss, Adadelta at 1.0, StepLR(1, 0.7)."""
    model = Convolutions(lambda x: functional.log_softmax(x, dim=1))
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    one = _program(model, digits(images=True), functional.nll_loss, optimizer=optimizer, epochs=14)
    one.scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    return one


def bytes_that_are_normalised_first() -> Program:
    """Pixels to 255 into a batch normalisation."""
    model = nn.Sequential(nn.BatchNorm2d(1), Normalised())
    return _program(model, digits(255 / 16, images=True), ENTROPY(), epochs=10)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what goes on."""
        out = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(x + self.bn2(self.conv2(out)))


def residual_network_with_cosine() -> Program:
    """SGD at 0.1, momentum, weight decay 5e-4, a cosine to zero."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16),
        Block(16), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    one = _program(model, digits(images=True), ENTROPY(), optimizer=optimizer, epochs=12)
    one.scheduler = CosineAnnealingLR(optimizer, 12)
    return one


class Bag(nn.Module):
    """The text classifier of the tutorials: a mean of embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(200, 64, sparse=False)
        self.fc = nn.Linear(64, 2)
        self.embedding.weight.data.uniform_(-0.5, 0.5)
        self.fc.weight.data.uniform_(-0.5, 0.5)
        self.fc.bias.data.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.embedding(x))  # type: ignore[no-any-return]


def bag_of_words() -> Program:
    """EmbeddingBag with SGD at 5, StepLR(1, 0.1) left out, as in the tutorial's first epochs."""
    model = Bag()
    optimizer = SGD(model.parameters(), lr=5.0)
    return _program(model, sentences(), ENTROPY(), optimizer=optimizer, epochs=10, batch_size=64)


def reading_lstm() -> Program:
    """An embedding and an LSTM, Adam."""
    return _program(Reads(), sentences(), ENTROPY(), epochs=15, lr=2e-3)


class Encoder(nn.Module):
    """A small transformer, the mean of its outputs, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 32)
        self.place = nn.Parameter(torch.randn(16, 32) * 0.02)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.fc = nn.LayerNorm(32), nn.Linear(32, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.norm(self.encoder(self.embed(x) + self.place)).mean(1))  # type: ignore[no-any-return]


def transformer_with_warm_up() -> Program:
    """AdamW, a linear warm-up over 60 steps, then a line to zero."""
    model, steps = Encoder(), 12 * 30
    optimizer = AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    one = _program(model, sentences(), ENTROPY(), optimizer=optimizer, epochs=12)
    one.scheduler = LambdaLR(optimizer, lambda s: min((s + 1) / 60, max(0.0, 1 - s / steps)))
    one.steps_schedule_each_batch = True
    return one


class Variational(nn.Module):
    """A variational autoencoder of 64 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(64, 64), nn.Linear(64, 8), nn.Linear(64, 8)
        self.fc3, self.fc4 = nn.Linear(8, 64), nn.Linear(64, 64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the reconstruction, mean and logarithm of the variance."""
        h = functional.relu(self.fc1(x))
        mu, logvar = self.fc21(h), self.fc22(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return torch.sigmoid(self.fc4(functional.relu(self.fc3(z)))), mu, logvar


def variational_autoencoder() -> Program:
    """Reconstruction and divergence, both added up over the batch, Adam."""

    def loss(model: nn.Module, batch: Any) -> Tensor:
        recon, mu, logvar = model(batch[0])
        bce = functional.binary_cross_entropy(recon, batch[0], reduction="sum")
        return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())  # type: ignore[no-any-return]

    return _program(Variational(), digits(), loss=loss, epochs=15, batch_size=128)


def autoencoder() -> Program:
    """Pixels to themselves through a sigmoid."""
    (x, _), (xv, _) = digits()
    model = mlp(64, 32, 8, 32, 64, end=(nn.Sigmoid(),))
    return _program(model, ((x, x), (xv, xv)), nn.MSELoss(), epochs=30, lr=3e-3)


def fine_tuning_of_the_head() -> Program:
    """A frozen body, a new head, SGD at 0.001 and momentum, StepLR(7, 0.1)."""
    torch.manual_seed(1)
    (x, y), val = digits()
    body = mlp(64, 128, 64)
    whole = nn.Sequential(body, nn.ReLU(), nn.Linear(64, 10))
    before = Adam(whole.parameters(), lr=2e-3)
    for _ in range(150):
        before.zero_grad()
        functional.cross_entropy(whole(x[:700]), y[:700]).backward()
        before.step()
    body.requires_grad_(False)
    model = nn.Sequential(body, nn.ReLU(), nn.Linear(64, 10))
    optimizer = SGD(model[2].parameters(), lr=0.01, momentum=0.9)
    one = _program(model, ((x, y), val), ENTROPY(), optimizer=optimizer, epochs=20)
    one.scheduler = StepLR(optimizer, 7, 0.1)
    return one


def diabetes_scaled() -> Program:
    """A regression on standardised columns and targets, a little decay."""
    model = mlp(10, 32, 1)
    optimizer = AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    return _program(model, diabetes(), nn.MSELoss(), optimizer=optimizer, epochs=30)


def houses_with_huber() -> Program:
    """Huber's loss, RMSprop, ELU."""
    model = mlp(4, 64, 64, 1, act=nn.ELU)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    data = houses(scaled=True, scaled_target=True)
    return _program(model, data, nn.HuberLoss(), optimizer=optimizer, epochs=40)


def many_labels() -> Program:
    """Several yes-or-no questions at once."""
    torch.manual_seed(2)
    x = torch.randn(1200, 12)
    w = torch.randn(12, 5)
    y = ((x @ w + 0.5 * torch.randn(1200, 5)) > 1.0).float()
    return _program(mlp(12, 64, 5), parts(x, y), nn.BCEWithLogitsLoss(), epochs=25)


class Spelled(nn.Module):
    """A recurrent network written by hand, and log_softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 24)
        self.i2h, self.h2o = nn.Linear(24 + 48, 48), nn.Linear(48, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return logarithms of shares."""
        h = torch.zeros(len(x), 48)
        for word in self.embed(x).unbind(1):
            h = torch.tanh(self.i2h(torch.cat([word, h], 1)))
        return functional.log_softmax(self.h2o(h), dim=1)


def recurrent_by_hand() -> Program:
    """NLLLoss on log_softmax, Adam, as in the tutorial on names."""
    return _program(Spelled(), sentences(), nn.NLLLoss(), epochs=12, lr=3e-3)


def a_sine_as_a_polynomial() -> Program:
    """Learning PyTorch with examples: x, x^2, x^3, a sum of squares, RMSprop at 0.001."""
    x = torch.linspace(-math.pi, math.pi, 2000)
    features = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
    model = nn.Sequential(nn.Linear(3, 1), nn.Flatten(0, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    y = torch.sin(x)
    loss = nn.MSELoss(reduction="sum")
    data = (features, y), None
    return _program(model, data, loss, optimizer=optimizer, epochs=2000, batch_size=2000)


def a_straight_line() -> Program:
    """Two x and three, with noise, one linear layer, SGD at 0.01."""
    torch.manual_seed(0)
    x = torch.rand(200, 1) * 4 - 2
    y = 2 * x + 3 + 0.1 * torch.randn(200, 1)
    model = nn.Linear(1, 1)
    optimizer = SGD(model.parameters(), lr=0.01)
    return _program(model, parts(x, y), nn.MSELoss(), optimizer=optimizer, epochs=100)


class Forecast(nn.Module):
    """An LSTM on a series, and its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return predictions."""
        return self.fc(self.lstm(x)[0][:, -1])  # type: ignore[no-any-return]


def a_sine_through_an_lstm() -> Program:
    """A series within -1 and 1, Adam at 0.01."""
    return _program(Forecast(), waves(), nn.MSELoss(), epochs=20, lr=0.01)


class Pixels(nn.Module):
    """Convolutions that answer for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU())
        self.mid = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.out = nn.Conv2d(32, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit a pixel."""
        first = self.down(x)
        return self.out(torch.cat([first, self.up(self.mid(first))], 1))  # type: ignore[no-any-return]


def segmentation() -> Program:
    """Which pixels belong to the figure: a logit for each, with noise on the image."""
    (x, _), (xv, _) = digits(images=True)
    noisy = [one + 0.3 * torch.randn(one.shape) for one in (x, xv)]
    data = (noisy[0], (x > 0.5).float()), (noisy[1], (xv > 0.5).float())
    return _program(Pixels(), data, nn.BCEWithLogitsLoss(), epochs=8)


class Factors(nn.Module):
    """Users and films, a dot product and two biases."""

    def __init__(self) -> None:
        super().__init__()
        self.users, self.films = nn.Embedding(60, 8), nn.Embedding(50, 8)
        self.user_bias, self.film_bias = nn.Embedding(60, 1), nn.Embedding(50, 1)
        for table in (self.users, self.films, self.user_bias, self.film_bias):
            nn.init.normal_(table.weight, std=0.1)

    def forward(self, user: Tensor, film: Tensor) -> Tensor:
        """Return ratings around their mean."""
        fit = (self.users(user) * self.films(film)).sum(1)
        return fit + self.user_bias(user)[:, 0] + self.film_bias(film)[:, 0]  # type: ignore[no-any-return]


def ratings() -> Program:
    """Matrix factorisation of ratings, Adam at 0.005."""
    rng = np.random.default_rng(4)
    u, f = rng.integers(0, 60, 2000), rng.integers(0, 50, 2000)
    a, b = rng.normal(size=(60, 3)), rng.normal(size=(50, 3))
    y = (a[u] * b[f]).sum(1) / 1.7 + rng.normal(0, 0.3, 2000)
    user, film, target = torch.tensor(u), torch.tensor(f), floats(y)
    cut = 1600
    train, val = ((user[:cut], film[:cut]), target[:cut]), ((user[cut:], film[cut:]), target[cut:])
    return _program(Factors(), (train, val), nn.MSELoss(), epochs=25, lr=0.005)


def counts() -> Program:
    """Poisson regression: the network tells the logarithm of a rate."""
    torch.manual_seed(6)
    x = torch.randn(1000, 6)
    y = torch.poisson(torch.exp(0.6 * x[:, :1] - 0.4 * x[:, 1:2] + 0.5))
    return _program(mlp(6, 32, 1), parts(x, y), nn.PoissonNLLLoss(), epochs=25)


def positive_numbers() -> Program:
    """Waiting times from a softplus."""
    torch.manual_seed(8)
    x = torch.randn(900, 5)
    y = torch.exp(0.5 * x[:, :1] + 0.3 * x[:, 1:2].abs()) + 0.05 * torch.rand(900, 1)
    model = mlp(5, 32, 32, 1, end=(nn.Softplus(),))
    return _program(model, parts(x, y), nn.MSELoss(), epochs=30)


def smoothed_labels() -> Program:
    """Label smoothing, GELU, OneCycleLR, AdamW."""
    model = mlp(64, 128, 128, 10, act=nn.GELU)
    optimizer = AdamW(model.parameters(), lr=1e-3)
    loss = ENTROPY(label_smoothing=0.1)
    one = _program(model, digits(), loss, optimizer=optimizer, epochs=12)
    one.scheduler = OneCycleLR(optimizer, max_lr=5e-3, total_steps=12 * 45)
    one.steps_schedule_each_batch = True
    return one


def rare_cases() -> Program:
    """One case in fifteen, with pos_weight."""
    torch.manual_seed(12)
    x = torch.randn(1500, 10)
    y = ((x[:, :1] + x[:, 1:2] + 0.5 * torch.randn(1500, 1)) > 2.2).float()
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([12.0]))
    return _program(mlp(10, 32, 1), parts(x, y), loss, epochs=20)


def one_hot_cross_entropy() -> Program:
    """CrossEntropyLoss on rows of shares."""
    train, val = wine()
    model = mlp(13, 32, 3, act=nn.Tanh)
    data = one_hot(train, 3), one_hot(val, 3)
    return _program(model, data, ENTROPY(), epochs=40)


class Alike(nn.Module):
    """One network for both of a pair."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(64, 64, 16)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return how far apart they are."""
        return functional.pairwise_distance(self.body(a), self.body(b))


def pairs_of_digits() -> Program:
    """A siamese network with a contrastive loss on distances."""
    x, y = datasets.load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, len(y), 3000), rng.integers(0, len(y), 3000)
    same = rng.random(3000) < 0.5
    for i in np.flatnonzero(same):
        b[i] = rng.choice(np.flatnonzero(y == y[a[i]]))
    rows, target = floats(x / 16), floats((y[a] == y[b]).astype(float))

    def loss(distance: Tensor, target: Tensor) -> Tensor:
        away = functional.relu(1.0 - distance)
        return (target * distance.square() + (1 - target) * away.square()).mean()

    left, right, cut = rows[a], rows[b], 2400
    train = ((left[:cut], right[:cut]), target[:cut])
    val = ((left[cut:], right[cut:]), target[cut:])
    return _program(Alike(), (train, val), loss, epochs=12)


def mean_and_spread() -> Program:
    """GaussianNLL on two outputs."""

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.gaussian_nll_loss(
            outputs[:, :1], target, functional.softplus(outputs[:, 1:]) + 1e-4
        )

    return _program(mlp(10, 64, 2), diabetes(), loss, epochs=20)


ALL = (
    iris_as_one_batch, tumours_with_logits, tumours_with_sigmoid, images_with_adam,
    images_with_adadelta, bytes_that_are_normalised_first, residual_network_with_cosine,
    bag_of_words, reading_lstm, transformer_with_warm_up, variational_autoencoder, autoencoder,
    fine_tuning_of_the_head, diabetes_scaled, houses_with_huber, many_labels, recurrent_by_hand,
    a_sine_as_a_polynomial, a_straight_line, a_sine_through_an_lstm, segmentation, ratings,
    counts, positive_numbers, smoothed_labels, rare_cases, one_hot_cross_entropy,
    pairs_of_digits, mean_and_spread,
)  # fmt: skip
