"""The sound programs of the third set."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.check.programs.program import Program, digits, floats, mlp, parts, standard
from benchmarks.check.programs.third import (
    Forecast,
    Mask,
    in_time,
    incomes,
    masks,
    pretrained,
    tags,
    temperature,
    windows,
)

ENTROPY = nn.CrossEntropyLoss
Adam, AdamW, SGD = torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD


def _program(model: nn.Module, data: Any, loss_fn: Any = None, **more: Any) -> Program:
    optimizer = more.pop("optimizer", None) or Adam(model.parameters(), lr=more.pop("lr", 1e-3))
    return Program(model, data[0], loss_fn, optimizer, data[1], **more)


def tags_with_a_sigmoid_each() -> Program:
    """Several tags a row, a logit each."""
    return _program(mlp(12, 64, 5), tags(), nn.BCEWithLogitsLoss(), epochs=20)


def levels_of_ink() -> Program:
    """A class for every pixel: CrossEntropyLoss on (rows, classes, height, width)."""
    return _program(Mask(4), masks(4), ENTROPY(), epochs=8, lr=3e-3)


def mask_by_overlap() -> Program:
    """A mask, a sigmoid, and one minus Dice's coefficient."""
    (x, y), (xv, yv) = masks()
    data = (x, y[:, None].float()), (xv, yv[:, None].float())

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        shares = torch.sigmoid(outputs)
        overlap = (shares * target).sum((1, 2, 3))
        return 1 - ((2 * overlap + 1) / ((shares + target).sum((1, 2, 3)) + 1)).mean()

    return _program(Mask(1), data, loss, epochs=8, lr=3e-3)


def degrees_of_the_next_days() -> Program:
    """Standardised degrees, a GRU, three days ahead, parts that follow each other in time."""
    series = standard(temperature()[:, None])[:, 0]
    x, _ = windows(series, 16)
    y = floats(np.stack([series[i + 16 : i + 19] for i in range(len(series) - 18)]))
    data = in_time(x[: len(y)], y)
    return _program(Forecast(ahead=3), data, nn.MSELoss(), epochs=15, lr=3e-3)


class Causal(nn.Module):
    """Dilated convolutions over time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv1d(1 if i == 0 else 16, 16, 3, dilation=2**i) for i in range(3)
        )
        self.fc = nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next value."""
        x = x.transpose(1, 2)
        for i, layer in enumerate(self.layers):
            new = functional.relu(layer(functional.pad(x, (2 * 2**i, 0))))
            x = new + x if i else new
        return self.fc(x[:, :, -1])  # type: ignore[no-any-return]


def dilated_convolutions() -> Program:
    """A forecast without recurrence, AdamW and a cosine."""
    data = in_time(*windows(standard(temperature()[:, None])[:, 0], 24))
    model = Causal()
    optimizer = AdamW(model.parameters(), lr=2e-3)
    one = _program(model, data, nn.SmoothL1Loss(), optimizer=optimizer, epochs=15)
    one.scheduler = CosineAnnealingLR(optimizer, 15)
    return one


class Anchored(nn.Module):
    """Digits as points on a sphere."""

    def __init__(self) -> None:
        super().__init__()
        self.body = mlp(64, 64, 16)

    def forward(self, x: Tensor) -> Tensor:
        """Return points of length 1."""
        return functional.normalize(self.body(x), dim=-1)


def triplets() -> Program:
    """Anchor, another of its kind, one of another kind: TripletMarginLoss."""
    (x, y), _ = digits()
    rng, kinds = np.random.default_rng(2), y.numpy()
    anchors = rng.integers(0, len(kinds), 1500)
    same = [rng.choice(np.flatnonzero(kinds == kinds[i])) for i in anchors]
    other = [rng.choice(np.flatnonzero(kinds != kinds[i])) for i in anchors]
    rows = torch.stack([x[anchors], x[same], x[other]], 1)
    criterion = nn.TripletMarginLoss(margin=0.3)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        points = model(batch[0])
        found: Tensor = criterion(points[:, 0], points[:, 1], points[:, 2])
        return found

    data = (rows[:1200], y[anchors[:1200]]), (rows[1200:], y[anchors[1200:]])
    return _program(Anchored(), data, loss=loss, epochs=12)


def logarithms_of_incomes() -> Program:
    """Heavy tails: log1p, standardised, Huber's loss."""
    x, y = incomes()
    target = standard(np.log1p(y)[:, None])
    return _program(mlp(8, 64, 64, 1), parts(floats(x), floats(target)), nn.HuberLoss(), epochs=20)


def three_quantiles() -> Program:
    """The pinball loss at 0.1, 0.5 and 0.9 of a target with Student's tails."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(1200, 5))
    y = x[:, :1] - 0.5 * x[:, 1:2] ** 2 + 0.4 * rng.standard_t(2.5, (1200, 1))
    levels = torch.tensor([0.1, 0.5, 0.9])

    def pinball(outputs: Tensor, target: Tensor) -> Tensor:
        off = target - outputs
        return torch.maximum(levels * off, (levels - 1) * off).mean()

    return _program(mlp(5, 64, 3), parts(floats(x), floats(y)), pinball, epochs=20, lr=2e-3)


def slow_body_and_quick_head() -> Program:
    """A network that was trained before: its first layer frozen, two rates, a new head."""
    model = pretrained()
    model[0].requires_grad_(False)
    model[4] = nn.Linear(64, 10)
    groups = [
        {"params": model[2].parameters(), "lr": 1e-4},
        {"params": model[4].parameters(), "lr": 1e-2},
    ]
    return _program(model, digits(), ENTROPY(), optimizer=AdamW(groups), epochs=6)


def without_the_noise() -> Program:
    """A denoising autoencoder: noisy pixels to clean ones."""
    (x, _), (xv, _) = digits()
    torch.manual_seed(2)
    noisy = [one + 0.3 * torch.randn(one.shape) for one in (x, xv)]
    model = mlp(64, 128, 32, 128, 64)
    return _program(model, ((noisy[0], x), (noisy[1], xv)), nn.MSELoss(), epochs=20)


def _accumulates(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        one.model.train()
        losses = []
        for i, rows in enumerate(torch.randperm(len(one.train[1])).split(one.batch_size)):
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            (loss / 4).backward()
            losses.append(loss.item())
            if i % 4 == 3:
                nn.utils.clip_grad_norm_(one.model.parameters(), 1.0)
                one.optimizer.step()
                one.optimizer.zero_grad()
        one.scheduler.step()
        one.model.eval()
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        run.log(train_loss=float(np.mean(losses)), val_loss=val)


def four_batches_a_step() -> Program:
    """Small batches whose gradients are added up, clipped at 1, a cosine, batch normalisation."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    one = _program(model, digits(images=True), ENTROPY(), optimizer=optimizer, epochs=12)
    one.batch_size, one.loop = 16, _accumulates
    one.scheduler = CosineAnnealingLR(optimizer, 12)
    return one


def _closures(one: Program, run: Any) -> None:
    for _ in range(one.epochs):

        def closure() -> Tensor:
            one.optimizer.zero_grad()
            loss = one.loss_fn(one.model(one.train[0]), one.train[1])  # type: ignore[misc]
            loss.backward()
            return loss  # type: ignore[no-any-return]

        loss = one.optimizer.step(closure)
        with torch.no_grad():
            val = one.loss_fn(one.model(one.val[0]), one.val[1])  # type: ignore[misc,index]
        run.log(train_loss=loss, val_loss=val)


def second_order_steps() -> Program:
    """LBFGS on all rows at once, a small tanh network."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (400, 1))
    y = np.sin(2 * x) + 0.1 * rng.normal(size=(400, 1))
    model = mlp(1, 20, 20, 1, act=nn.Tanh)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10)
    data = parts(floats(x), floats(y))
    one = _program(model, data, nn.MSELoss(), optimizer=optimizer, epochs=20)
    one.batch_size, one.loop = 400, _closures
    return one


def _mixes(one: Program, run: Any) -> None:
    rng = np.random.default_rng(0)
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            x, y, lam = one.train[0][rows], one.train[1][rows], float(rng.beta(0.4, 0.4))
            other = torch.randperm(len(rows))
            one.optimizer.zero_grad()
            outputs = one.model(lam * x + (1 - lam) * x[other])
            loss = lam * functional.cross_entropy(outputs, y)
            loss = loss + (1 - lam) * functional.cross_entropy(outputs, y[other])
            loss.backward()
            one.optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            outputs = one.model(one.val[0])  # type: ignore[index]
            val = functional.cross_entropy(outputs, one.val[1])  # type: ignore[index]
        right = (outputs.argmax(1) == one.val[1]).float().mean()  # type: ignore[index]
        run.log(train_loss=float(np.mean(losses)), val_loss=val, accuracy=right)


def mixed_rows() -> Program:
    """Mixup by hand, AdamW."""
    model = mlp(64, 128, 10)
    optimizer = AdamW(model.parameters(), lr=2e-3)
    one = _program(model, digits(), ENTROPY(), optimizer=optimizer, epochs=20)
    one.loop = _mixes
    return one


class Skip(nn.Module):
    """Two tables of word vectors, with sparse gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.around = (nn.Embedding(100, 16, sparse=True) for _ in range(2))
        nn.init.uniform_(self.word.weight, -0.5 / 16, 0.5 / 16)
        nn.init.zeros_(self.around.weight)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return a logit for each pair of words."""
        return (self.word(pairs[:, 0]) * self.around(pairs[:, 1])).sum(1)  # type: ignore[no-any-return]


def word_vectors() -> Program:
    """Skip-gram with negative samples: SparseAdam, pairs that belong together or do not."""
    rng = np.random.default_rng(17)
    topic = rng.integers(0, 10, 4000)
    words = topic * 10 + rng.integers(0, 10, 4000)
    together = rng.random(4000) < 0.5
    context = np.where(together, topic * 10 + rng.integers(0, 10, 4000), rng.integers(0, 100, 4000))
    data = parts(torch.tensor(np.stack([words, context], 1)), floats(together))
    model = Skip()
    optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=0.01)
    return _program(model, data, nn.BCEWithLogitsLoss(), optimizer=optimizer, epochs=5)


class Tagger(nn.Module):
    """An LSTM in two directions, and a class for every word."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(60, 24, padding_idx=0)
        self.lstm = nn.LSTM(24, 24, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(48, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits, ``(rows, words, classes)``."""
        return self.fc(self.lstm(self.embed(x))[0])  # type: ignore[no-any-return]


def a_class_for_every_word() -> Program:
    """Sequences of several lengths, padded, ignore_index where there is no word."""
    rng = np.random.default_rng(23)
    x = rng.integers(1, 60, (900, 12))
    before = np.concatenate([np.zeros((900, 1), int), x[:, :-1]], 1)
    y = (x % 2) * 2 + (before % 3 == 0)  # a word's kind, and whether the one before it matters
    length = rng.integers(5, 13, 900)
    gone = np.arange(12)[None] >= length[:, None]
    x, y = np.where(gone, 0, x), np.where(gone, -100, y)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        outputs = model(batch[0]).flatten(0, 1)
        return functional.cross_entropy(outputs, batch[1].flatten(), ignore_index=-100)

    data = parts(torch.tensor(x), torch.tensor(y))
    return _program(Tagger(), data, loss=loss, epochs=12, lr=5e-3)


class Columns(nn.Module):
    """Numbers and a category, which has a vector of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.body = nn.Embedding(12, 4), mlp(10, 64, 1)

    def forward(self, numbers: Tensor, kind: Tensor) -> Tensor:
        """Return one logit."""
        return self.body(torch.cat([numbers, self.embed(kind)], 1))  # type: ignore[no-any-return]


def numbers_and_a_category() -> Program:
    """A table with a category, two inputs, BCEWithLogitsLoss."""
    rng = np.random.default_rng(31)
    numbers, kind = rng.normal(size=(1200, 6)), rng.integers(0, 12, 1200)
    effect = rng.normal(size=12)
    y = numbers[:, 0] + effect[kind] + 0.3 * rng.normal(size=1200) > 0
    x, k, target = floats(numbers), torch.tensor(kind), floats(y[:, None])
    data = ((x[:960], k[:960]), target[:960]), ((x[960:], k[960:]), target[960:])

    def loss(model: nn.Module, batch: Any) -> Tensor:
        return functional.binary_cross_entropy_with_logits(model(*batch[0]), batch[1])

    return _program(Columns(), data, loss=loss, epochs=15, lr=3e-3)


HEALTHY = (
    tags_with_a_sigmoid_each, levels_of_ink, mask_by_overlap, degrees_of_the_next_days,
    dilated_convolutions, triplets, logarithms_of_incomes, three_quantiles,
    slow_body_and_quick_head, without_the_noise, four_batches_a_step, second_order_steps,
    mixed_rows, word_vectors, a_class_for_every_word, numbers_and_a_category,
)  # fmt: skip
