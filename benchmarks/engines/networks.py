"""The networks of the benchmark, as a user writes them, and the data that each is trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.engines import positions
from benchmarks.packs.networks import arrays as images
from benchmarks.packs.networks import cnn
from luthier.core import Arrays, Part, Task
from luthier.data import SplitPlan, read
from luthier.loop.preparation import Preparation

PLACES, WORDS, CLASSES = 64, 50, 4


def small(n_features: int, n_outputs: int) -> nn.Module:
    """Return 64-128-10."""
    return nn.Sequential(nn.Linear(n_features, 128), nn.ReLU(), nn.Linear(128, n_outputs))


def between(n_features: int, n_outputs: int) -> nn.Module:
    """Return a dense network that is no case: 64-256-10."""
    return nn.Sequential(nn.Linear(n_features, 256), nn.ReLU(), nn.Linear(256, n_outputs))


def wide(n_features: int, n_outputs: int) -> nn.Module:
    """Return 64-512-512-10 with batch norm and dropout."""
    layers: list[nn.Module] = []
    for inputs in (n_features, 512):
        layers += [nn.Linear(inputs, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Dropout(0.2)]
    return nn.Sequential(*layers, nn.Linear(512, n_outputs))


def normalised(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return the convolutional network with batch norm after each convolution."""
    side = input_shape[1] // 4
    layers: list[nn.Module] = []
    for inputs, made in ((input_shape[0], 16), (16, 32)):
        conv = nn.Conv2d(inputs, made, 3, padding=1)
        layers += [conv, nn.BatchNorm2d(made), nn.ReLU(), nn.MaxPool2d(2)]
    dense = (nn.Flatten(), nn.Linear(32 * side * side, 64), nn.ReLU(), nn.Linear(64, n_outputs))
    return nn.Sequential(*layers, *dense)


class Block(nn.Module):
    """Two convolutions and a branch around them."""

    def __init__(self, inputs: int, made: int) -> None:
        super().__init__()
        stride = 1 if inputs == made else 2
        self.first = nn.Conv2d(inputs, made, 3, stride, padding=1, bias=False)
        self.second = nn.Conv2d(made, made, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(made) for _ in range(2))
        self.short = nn.Identity() if stride == 1 else nn.Conv2d(inputs, made, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum, with no negative numbers."""
        y = self.norms[1](self.second(self.norms[0](self.first(x)).relu()))
        return (y + self.short(x)).relu()


def residual(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a residual network of 98,000 parameters."""
    begin = (nn.Conv2d(input_shape[0], 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    blocks = (Block(16, 16), Block(16, 32), Block(32, 32), Block(32, 64))
    return nn.Sequential(
        *begin, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, n_outputs)
    )


def dilated(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a convolutional network that sees further with each of its layers."""
    return _windows(input_shape, n_outputs, *(nn.Conv2d(16, 16, 3, 1, n, n) for n in (2, 4)))


def grouped(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a convolutional network with two groups of channels."""
    layers = (nn.Conv2d(16, 32, 3, 2, 1, groups=2), nn.Conv2d(32, 32, 3, padding=1, groups=2))
    return _windows(input_shape, n_outputs, *layers)


def _windows(input_shape: tuple[int, ...], n_outputs: int, *more: nn.Conv2d) -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(input_shape[0], 16, 3, padding=1), nn.ReLU()]
    for conv in more:
        layers += [conv, nn.ReLU()]
    out = nn.Linear(more[-1].out_channels, n_outputs)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), out)


def hourglass(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a network that makes images small and, by transposed convolutions, large again."""
    return nn.Sequential(
        *(nn.Conv2d(input_shape[0], 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 16, 2, 2), nn.ReLU(), nn.ConvTranspose2d(16, 16, 2, 2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, n_outputs)),
    )


class Encoder(nn.Module):
    """PyTorch's encoder, two layers of 64 with its usual dropout, over sequences of 64.

    Args:
        outputs: Scores of an example.
        causal: Whether words see those before them alone.
        padded: Whether word 0 is none, and seen by nobody.
    """

    def __init__(self, outputs: int, *, causal: bool = False, padded: bool = False) -> None:
        super().__init__()
        self.causal, self.padded = causal, padded
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
        self.words, self.out = nn.Embedding(WORDS, 64), nn.Linear(64, outputs)
        self.places = nn.Parameter(torch.randn(1, PLACES, 64) * 0.02)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the mean over places."""
        later = torch.ones(PLACES, PLACES, dtype=torch.bool).triu(1) if self.causal else None
        none = x == 0 if self.padded else None
        h = self.layers(self.words(x) + self.places, mask=later, src_key_padding_mask=none)
        made: Tensor = self.out(h.mean(1))
        return made


class Recurrent(nn.Module):
    """A recurrent layer of 64 over sequences of 64, and its last state."""

    def __init__(self, kind: Callable[..., nn.RNNBase], outputs: int, **options: Any) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(WORDS, 64), nn.Linear(64, outputs)
        self.layer = kind(64, 64, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the last state."""
        made: Tensor = self.out(self.layer(self.words(x))[0][:, -1])
        return made


def encoder(n_outputs: int) -> nn.Module:
    """Return a transformer."""
    return Encoder(n_outputs)


def decoder(n_outputs: int) -> nn.Module:
    """Return a transformer whose words see those before them."""
    return Encoder(n_outputs, causal=True)


def padded(n_outputs: int) -> nn.Module:
    """Return a transformer over sentences that end in padding."""
    return Encoder(n_outputs, padded=True)


def lstm(n_outputs: int) -> nn.Module:
    """Return an LSTM."""
    return Recurrent(nn.LSTM, n_outputs)


def gru(n_outputs: int) -> nn.Module:
    """Return a GRU."""
    return Recurrent(nn.GRU, n_outputs)


def lstm_drops(n_outputs: int) -> nn.Module:
    """Return an LSTM of two layers, with dropout between them."""
    return Recurrent(nn.LSTM, n_outputs, num_layers=2, dropout=0.3)


def gru_drops(n_outputs: int) -> nn.Module:
    """Return a GRU of two layers, with dropout between them."""
    return Recurrent(nn.GRU, n_outputs, num_layers=2, dropout=0.3)


def digits() -> Arrays:
    """Return scikit-learn's digits, as luthier prepares them."""
    from luthier.core import Recipe

    return Preparation(read("digits"), SplitPlan(seed=0)).arrays(Recipe(network="mlp"))


def sentences() -> Arrays:
    """Return rows of words, among which some tell the class."""
    task = Task(
        kind="classification",
        metric="log_loss",
        direction="minimize",
        input_shape=(PLACES,),
        n_outputs=CLASSES,
        classes=tuple("abcd"),
        shown=("log_loss", "accuracy"),
    )

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        labels = rng.integers(CLASSES, size=rows)
        words = rng.integers(WORDS - CLASSES, size=(rows, PLACES))
        for row, label in enumerate(labels):
            words[row, rng.integers(PLACES, size=6)] = WORDS - CLASSES + label
        return Part((words,), labels, None, np.arange(rows))

    return Arrays(task, part(544, 1), part(200, 2), None, "sentences")


@dataclass(frozen=True)
class Case:
    """A line of the table.

    Args:
        name: Of the network and its data.
        build: Returns the network.
        arrays: Returns the data.
        batch: Rows of a step.
        epochs: That engines are asked for at a time: what a study asks for, or fewer of long ones.
        jax: Whether the engine `compiled` takes part: it takes half a minute to compile the larger
            networks, and was slower than the loop with all of them.
    """

    name: str
    build: Callable[..., Any]
    arrays: Callable[[], Arrays]
    batch: int
    epochs: int = 16
    jax: bool = True


CASES = (
    Case("64-128-10", small, digits, 32),
    Case("64-128-10", small, digits, 128),
    Case("64-128-10", small, digits, 512),
    Case("64-512-512-10", wide, digits, 128),
    Case("cnn 8x8", cnn, lambda: images(8), 32, epochs=4),
    Case("cnn 8x8, batch norm", normalised, lambda: images(8), 32, epochs=4),
    Case("cnn 28x28", cnn, lambda: images(28), 32, epochs=1, jax=False),
    Case("cnn 28x28, batch norm", normalised, lambda: images(28), 32, epochs=1, jax=False),
    Case("residual 28x28", residual, lambda: images(28), 64, epochs=1, jax=False),
    Case("transformer", encoder, sentences, 32, epochs=1, jax=False),
    Case("decoder", decoder, sentences, 32, epochs=1, jax=False),
    Case("padded transformer", padded, sentences, 32, epochs=1, jax=False),
    Case("language model", positions.language, positions.text, 32, epochs=1, jax=False),
    Case("lstm", lstm, sentences, 32, epochs=1, jax=False),
    Case("gru", gru, sentences, 32, epochs=1, jax=False),
    Case("lstm 2 layers", lstm_drops, sentences, 32, epochs=1, jax=False),
    Case("gru 2 layers", gru_drops, sentences, 32, epochs=1, jax=False),
    Case("tagger", positions.tagger, positions.tags, 32, epochs=1, jax=False),
    Case("dilated 28x28", dilated, lambda: images(28), 32, epochs=1, jax=False),
    Case("grouped 28x28", grouped, lambda: images(28), 32, epochs=1, jax=False),
    Case("hourglass 28x28", hourglass, lambda: images(28), 32, epochs=1, jax=False),
    Case("u-net 28x28", positions.unet, positions.shapes, 32, epochs=1, jax=False),
)
