"""A fifth set, small: of other threads, written after the fourth set's misses were mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from benchmarks.check.programs.fourth import ENTROPY, HEAD, HIGH, LOW, SCALES, SGD, Adam
from benchmarks.check.programs.program import (
    Program,
    cancer,
    digits,
    floats,
    houses,
    made,
    mlp,
    parts,
    sentences,
    waves,
    wine,
)
from benchmarks.check.programs.third import Mask, masks


def twins_labelled_zero_and_one() -> Program:
    """Pairs, CosineEmbeddingLoss, and labels of 0 where it takes -1 (runebook, hinge losses)."""
    (x, y), _ = digits()
    rng = np.random.default_rng(4)
    left = rng.integers(0, len(y), 1500)
    right = np.where(rng.random(1500) < 0.5, rng.integers(0, len(y), 1500), left)
    same = (y[left] == y[right]).float()
    data = parts(torch.stack([x[left], x[right] + 0.1], 1), same)
    criterion = nn.CosineEmbeddingLoss(margin=0.3)

    def loss(model: nn.Module, batch: Any) -> Tensor:
        points = model(batch[0])
        found: Tensor = criterion(points[:, 0], points[:, 1], batch[1])
        return found

    return made(mlp(64, 64, 16), data, None, "label_range", "wrong_loss", loss=loss, epochs=10)


def mask_behind_a_relu() -> Program:
    """A mask, a last ReLU, BCEWithLogitsLoss: 0.693 (a blog on UCTransNet)."""
    (x, y), (xv, yv) = masks()
    data = (x, y[:, None].float()), (xv, yv[:, None].float())
    return made(Mask(1, nn.ReLU()), data, nn.BCEWithLogitsLoss(), HEAD, epochs=6)


def beats_a_minute() -> Program:
    """Heart rates around 90 in two sigmoid layers ("why does it stop learning with other data")."""
    rng = np.random.default_rng(10)
    y = rng.integers(0, 2, 1000)
    x = rng.normal(85 + 10 * y[:, None], 6, (1000, 8)) + rng.normal(0, 4, (1000, 1))
    data = parts(floats(x), floats(y[:, None]))
    model = mlp(8, 16, 1, act=nn.Sigmoid, end=(nn.Sigmoid(),))
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(model, data, nn.BCELoss(), SCALES[0], optimizer=optimizer, epochs=20)


def a_rate_of_ten() -> Program:
    """One linear layer, SGD at 10: inf, then NaN ("loss explodes")."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 10))
    data = parts(floats(x), floats(x @ rng.normal(size=(10, 1))))
    model = nn.Linear(10, 1)
    optimizer = SGD(model.parameters(), lr=10.0)
    return made(model, data, nn.MSELoss(), *HIGH, optimizer=optimizer, epochs=10)


def squares_to_a_hundred() -> Program:
    """X from -10 to 10 and its square, ten relu units, Adam: it says 0 for all ("gives 0")."""
    rng = np.random.default_rng(5)
    x = rng.uniform(-10, 10, (200, 1))
    wrong = ("unscaled_targets", "unscaled_inputs", "too_few_epochs", *LOW)
    return made(mlp(1, 10, 1), parts(floats(x), floats(x**2)), nn.MSELoss(), *wrong, epochs=50)


def relu_for_prices() -> Program:
    """Standardised prices and a last relu (math.stackexchange, 4483706)."""
    model = mlp(4, 32, 1, end=(nn.ReLU(),))
    data = houses(scaled=True, scaled_target=True)
    return made(model, data, nn.MSELoss(), HEAD, epochs=20)


def _no_step(one: Program, run: Any) -> None:
    for _ in range(one.epochs):
        losses = []
        for rows in torch.randperm(len(one.train[1])).split(one.batch_size):
            loss = one.loss_fn(one.model(one.train[0][rows]), one.train[1][rows])  # type: ignore[misc]
            loss.backward()
            losses.append(loss.item())
        run.log(train_loss=float(np.mean(losses)))


def the_step_is_commented_out() -> Program:
    """backward() without zero_grad() and step() (discuss.pytorch.org, "linear regression")."""
    wrong = ("parameters_not_trained", "gradients_not_zeroed")
    one = made(mlp(13, 32, 3), wine(), ENTROPY(), *wrong, epochs=15)
    one.loop = _no_step
    return one


class Next(nn.Module):
    """A recurrent layer and a dense one on its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.fc = nn.RNN(1, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next value."""
        return self.fc(self.rnn(x)[0][:, -1])  # type: ignore[no-any-return]


def recurrence_with_adam_at_one() -> Program:
    """An RNN and Adam(lr=1.0) ("which line makes the loss NaN")."""
    return made(Next(), waves(), nn.MSELoss(), *HIGH, lr=1.0, epochs=15)


def optimizer_of_another_network() -> Program:
    """The network is built anew, the optimizer is not (pytorch, issue 52879)."""
    before, model = mlp(64, 64, 10), mlp(64, 64, 10)
    optimizer, wrong = Adam(before.parameters(), lr=1e-3), ("parameters_not_trained",)
    return made(model, digits(), ENTROPY(), *wrong, optimizer=optimizer, epochs=12)


def softmax_as_keras_has_it() -> Program:
    """A network taken over from Keras: Softmax, then NLLLoss (t/181932)."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1),
    )  # fmt: skip
    return made(model, digits(images=True), nn.NLLLoss(), HEAD, "wrong_loss", epochs=8)


class Attention(nn.Module):
    """Words through an encoder layer that takes time first."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.fc = nn.Embedding(200, 32), nn.Linear(32, 2)
        self.body = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits."""
        return self.fc(self.body(self.embed(x)).mean(1))  # type: ignore[no-any-return]


def attention_over_the_batch() -> Program:
    """Rows first for TransformerEncoderLayer without batch_first."""
    return made(Attention(), sentences(), ENTROPY(), "output_shape", epochs=8)


def validation_in_bytes() -> Program:
    """Training pixels in [0, 1], validation pixels as the files have them."""
    train, (xv, yv) = digits()
    data = train, (16 * xv, yv)
    return made(mlp(64, 64, 10), data, ENTROPY(), "split_mismatch", epochs=12)


def images_shuffled_without_labels() -> Program:
    """Images in a new order, labels in the old one (decodetrail)."""
    (x, y), val = digits()
    x = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(3))]
    return made(mlp(64, 64, 10), ((x, y), val), ENTROPY(), "noisy_labels", epochs=15)


HARMFUL = (
    twins_labelled_zero_and_one, mask_behind_a_relu, beats_a_minute, a_rate_of_ten,
    squares_to_a_hundred, relu_for_prices, the_step_is_commented_out,
    recurrence_with_adam_at_one, optimizer_of_another_network, softmax_as_keras_has_it,
    attention_over_the_batch, validation_in_bytes, images_shuffled_without_labels,
)  # fmt: skip


def convolutions_there_and_back() -> Program:
    """A convolutional autoencoder that ends with sigmoid, BCELoss on pixels."""
    (x, _), (xv, _) = digits(images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.ConvTranspose2d(16, 8, 2, stride=2), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1),
        nn.Sigmoid(),
    )  # fmt: skip
    return made(model, ((x, x), (xv, xv)), nn.BCELoss(), epochs=10, lr=3e-3)


def four_rows_and_group_norm() -> Program:
    """Four rows a step, GroupNorm."""
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.GroupNorm(4, 16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    return made(model, digits(images=True), ENTROPY(), epochs=4, batch_size=4)


def inked_lines() -> Program:
    """How many of eight lines are inked, as a number: MSELoss."""
    (x, _), (xv, _) = digits()
    counts = [(rows.reshape(-1, 8, 8).mean(2) > 0.3).sum(1, keepdim=True) for rows in (x, xv)]
    data = (x, counts[0].float()), (xv, counts[1].float())
    return made(mlp(64, 64, 1), data, nn.MSELoss(), epochs=20, lr=3e-3)


def warm_restarts() -> Program:
    """CosineAnnealingWarmRestarts, SGD with momentum."""
    model = mlp(64, 96, 10)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    one = made(model, digits(), ENTROPY(), optimizer=optimizer, epochs=15)
    one.scheduler = CosineAnnealingWarmRestarts(optimizer, 5)
    return one


def binary_by_two_logits() -> Program:
    """Two classes, two logits, label smoothing, dropout, AdamW."""
    model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)

    def loss(outputs: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, target.long(), label_smoothing=0.05)

    return made(model, cancer(column=False), loss, optimizer=optimizer, epochs=15)


HEALTHY = (
    convolutions_there_and_back, four_rows_and_group_norm, inked_lines, warm_restarts,
    binary_by_two_logits,
)  # fmt: skip
