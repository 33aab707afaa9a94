"""An eighth set, written by one who had not seen the rules: heads, losses, shapes, networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn

from benchmarks.check.programs.program import (
    Program,
    digits,
    floats,
    made,
    mlp,
    parts,
    standard,
)

ENTROPY = nn.CrossEntropyLoss
Adam, SGD = torch.optim.Adam, torch.optim.SGD
HEAD = "wrong_output_activation"
HIGH = ("learning_rate_too_high", "learning_rate_out_of_range")
LOW = ("learning_rate_too_low", "learning_rate_out_of_range")


def movements(count: int = 900, kinds: int = 6) -> Any:
    """Return nine sensors over 64 moments, and which of six things their wearer did."""
    rng = np.random.default_rng(1)
    t = np.arange(64)
    y = rng.integers(0, kinds, count)
    speed = 0.1 + 0.12 * y[:, None, None] + 0.02 * rng.normal(size=(count, 9, 1))
    x = np.sin(speed * t + rng.uniform(0, 6, (count, 9, 1))) + rng.normal(size=(count, 9, 64))
    return parts(floats(x[:, :, None, :]), torch.tensor(y))


def movements_through_two_softmaxes() -> Program:
    """Softmax in the network, then CrossEntropyLoss.

    jindongwang/Deep-learning-activity-recognition, issue 10.
    """
    model = nn.Sequential(
        nn.Conv2d(9, 32, (1, 9)), nn.ReLU(), nn.MaxPool2d((1, 2)),
        nn.Conv2d(32, 64, (1, 9)), nn.ReLU(), nn.MaxPool2d((1, 2)), nn.Flatten(),
        nn.Linear(640, 250), nn.ReLU(), nn.Linear(250, 6), nn.Softmax(dim=1),
    )  # fmt: skip
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.9)
    return made(
        model, movements(), ENTROPY(), "double_softmax", optimizer=optimizer, epochs=10,
        batch_size=64,
    )  # fmt: skip


def federated_through_two_softmaxes() -> Program:
    """An MLP of 64 units with a softmax before CrossEntropyLoss.

    shaoxiongji/federated-learning, issue 9.
    """
    model = nn.Sequential(
        nn.Linear(64, 64), nn.Dropout(), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1)
    )
    optimizer = SGD(model.parameters(), lr=0.01, momentum=0.5)
    return made(
        model, digits(), ENTROPY(), "double_softmax", optimizer=optimizer, epochs=30, batch_size=10
    )


def incomes() -> Any:
    """Return people, some numbers and some kinds, and whether they earn much."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(size=(2000, 6)), rng.integers(0, 2, (2000, 8))], 1)
    y = x[:, 0] * x[:, 1] + x[:, 2] + x[:, 6] - x[:, 7] * x[:, 3] > 1.3
    return parts(floats(x), floats(y[:, None]))


def incomes_through_two_sigmoids() -> Program:
    """A sigmoid on the output of a network for BCEWithLogitsLoss (aidotse/LeakPro, issue 229)."""
    model = mlp(14, 64, 64, 1, end=(nn.Sigmoid(),))
    optimizer = SGD(model.parameters(), lr=0.1)
    return made(
        model, incomes(), nn.BCEWithLogitsLoss(), HEAD, "double_softmax", optimizer=optimizer,
        epochs=20, batch_size=64,
    )  # fmt: skip


def cells() -> Any:
    """Return images with bright and dark discs, and where the bright ones are."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:24, :24]
    x, y = rng.normal(size=(300, 1, 24, 24)), np.zeros((300, 1, 24, 24))
    for image, mask in zip(x[:, 0], y[:, 0], strict=True):
        for sign in (1, 1, -1):
            r, c, size = *rng.integers(4, 20, 2), rng.uniform(2, 4)
            inside = (rows - r) ** 2 + (columns - c) ** 2 < size**2
            image[inside] += 1.5 * sign
            if sign > 0:
                mask[inside] = 1
    return parts(floats(x), floats(y))


def cells_through_two_sigmoids() -> Program:
    """A network for masks ends in a sigmoid, the loss has one too.

    avBuffer/UNet3plus_pth, issue 23.
    """
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1), nn.Sigmoid(),
    )  # fmt: skip
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    return made(
        model, cells(), nn.BCEWithLogitsLoss(), HEAD, "double_softmax", optimizer=optimizer,
        epochs=8, batch_size=8,
    )  # fmt: skip


def rectified_reconstruction() -> Program:
    """Images of mean 0, a rectified reconstruction: its lower half is cut off.

    mikesj-public/convolutional_autoencoder, pull request 9.
    """
    (x, _), (xv, _) = digits(images=True)
    mean, std = x.mean(), x.std()
    x, xv = (x - mean) / std, (xv - mean) / std
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 64), nn.ReLU(),
        nn.Linear(64, 256), nn.ReLU(), nn.Unflatten(1, (16, 4, 4)),
        nn.ConvTranspose2d(16, 1, 2, 2), nn.ReLU(),
    )  # fmt: skip
    return made(model, ((x, x), (xv, xv)), nn.MSELoss(), HEAD, "dead_units", epochs=20)


def negative_cross_entropy() -> Program:
    """Binary cross-entropy of pixels to 255: a loss far below zero.

    keras-team/keras, issue 2841, and Lasagne/Recipes, issue 54.
    """
    (x, _), (xv, _) = digits(scale=255 / 16)
    wrong = ("wrong_loss", "label_range", "unscaled_inputs", "unscaled_targets")
    return made(
        mlp(64, 32, 8, 32, 64), ((x, x), (xv, xv)), nn.BCEWithLogitsLoss(), *wrong, epochs=15
    )


def head_without_activation() -> Program:
    """Linear layers in a row (Nota-NetsPresso/netspresso-trainer, issue 320)."""
    x, y = datasets.make_moons(1200, noise=0.15, random_state=0)
    model = nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Dropout(0.1), nn.Linear(64, 2))
    data = parts(floats(standard(x)), torch.tensor(y))
    return made(model, data, ENTROPY(), "missing_nonlinearity", "underfitting", lr=0.01, epochs=30)


def filled_weights() -> Program:
    """All weights are 0.1: the loss stays at ln 10.

    HomericIntelligence/Mnemosyne, pull request 1987.
    """
    model = mlp(64, 32, 32, 10)
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.constant_(layer.weight, 0.1)
            nn.init.zeros_(layer.bias)
    optimizer = SGD(model.parameters(), lr=0.01)
    return made(
        model, digits(), ENTROPY(), "bad_initialisation", "not_learning", optimizer=optimizer,
        epochs=40,
    )  # fmt: skip


def relu_after_each_layer() -> Program:
    """A ReLU also after the last dense layer: 65 %.

    martinwicke/tf-dev-summit-tensorboard-tutorial, issue 3.
    """
    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10), nn.ReLU(),
    )  # fmt: skip
    for layer in model:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=0.1)
            nn.init.constant_(layer.bias, 0.1)
    return made(model, digits(images=True), ENTROPY(), HEAD, "dead_units", epochs=8)


def spirals() -> Any:
    """Return two spirals, and which of them a point is on."""
    rng = np.random.default_rng(4)
    angle = np.sqrt(rng.random(800)) * 2.2 * np.pi
    arm = np.stack([-np.cos(angle) * angle, np.sin(angle) * angle], 1)
    x = np.concatenate([arm, -arm]) + 0.2 * rng.normal(size=(1600, 2))
    return parts(floats(standard(x)), floats(np.repeat([0.0, 1.0], 800)))


def two_spirals() -> Program:
    """Outputs (n, 1), targets (n,), squared errors: the loss stops at 0.25.

    jax-ml/jax, issue 2697.
    """
    return made(
        mlp(2, 100, 100, 100, 100, 1), spirals(), nn.MSELoss(), "output_shape", "wrong_loss",
        epochs=30,
    )  # fmt: skip


def zeroed(one: Program, run: Any) -> None:
    """Zero the gradients between backward and step."""
    x, y = one.train
    for _ in range(one.epochs):
        loss = nn.functional.mse_loss(one.model(x), y)
        loss.backward()
        one.optimizer.zero_grad()
        one.optimizer.step()
        run.log(train_loss=float(loss))


def zeroed_before_the_step() -> Program:
    """Three outputs for one target, and zero_grad before step.

    "What happens when the label's dimension is different from the output layer's",
    stackoverflow.
    """
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    model = nn.Linear(1, 3)
    optimizer = SGD(model.parameters(), lr=0.01)
    wrong = ("parameters_not_trained", "not_learning", "output_shape")
    return made(
        model, ((x, 2 * x), (x + 0.5, 2 * x + 1)), nn.MSELoss(), *wrong, optimizer=optimizer,
        epochs=50, batch_size=4, loop=zeroed,
    )  # fmt: skip


class Tagger(nn.Module):
    """Words to tags: embedding, LSTM in both directions, a linear layer."""

    def __init__(self, words: int = 100, tags: int = 5) -> None:
        super().__init__()
        self.words, self.fc = nn.Embedding(words, 32), nn.Linear(64, tags)
        self.lstm = nn.LSTM(32, 32, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for a batch."""
        out: Tensor = self.fc(self.lstm(self.words(x))[0]).transpose(1, 2)
        return out


def tagged(tags: int = 5) -> Any:
    """Return sentences of twelve words, and a tag for each, by the word and the one before."""
    rng = np.random.default_rng(5)
    x = rng.integers(0, 100, (1000, 12))
    y = (rng.integers(0, tags, 100)[x] + np.roll(x, 1, 1) % 2) % tags
    return parts(torch.tensor(x), torch.tensor(y))


def tagger_without_its_head() -> Program:
    """The groups for crf and fc are never appended (zjunlp/HVPNeT, issue 5)."""
    model = Tagger(tags=12)
    optimizer = Adam([*model.words.parameters(), *model.lstm.parameters()], lr=1e-3)
    return made(
        model, tagged(12), ENTROPY(), "parameters_not_trained", optimizer=optimizer, epochs=20
    )


HARMFUL = (
    movements_through_two_softmaxes, federated_through_two_softmaxes,
    incomes_through_two_sigmoids, cells_through_two_sigmoids, rectified_reconstruction,
    negative_cross_entropy, head_without_activation, filled_weights, relu_after_each_layer,
    two_spirals, zeroed_before_the_step, tagger_without_its_head,
)  # fmt: skip
