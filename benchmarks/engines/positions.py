"""Networks that learn a class at each position, as a user writes them, and their data."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from luthier.core import Arrays, Part, Task

PLACES, LETTERS = 64, 65  # as many letters as nanoGPT's Shakespeare has


class Block(nn.Module):
    """Causal attention and two layers, as nanoGPT has them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.asked, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop, self.heads, self.width = nn.Dropout(0.1), heads, width

    def forward(self, x: Tensor) -> Tensor:
        """Return what the block makes of a sequence."""
        rows, places, _ = x.shape
        q, k, v = (
            one.view(rows, places, self.heads, self.width // self.heads).transpose(1, 2)
            for one in self.asked(self.norms[0](x)).split(self.width, dim=2)
        )
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.drop(self.mix(y.transpose(1, 2).reshape(rows, places, self.width)))
        made: Tensor = x + self.drop(self.down(functional.gelu(self.up(self.norms[1](x)))))
        return made


class Language(nn.Module):
    """Two blocks of 64 over letters; the table that embeds them scores them."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.letters, self.places = nn.Embedding(outputs, 64), nn.Embedding(PLACES, 64)
        self.blocks = nn.ModuleList(Block(64, 4) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, outputs, bias=False)
        self.letters.weight = self.head.weight
        nn.init.normal_(self.head.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of the letter after each."""
        h = self.letters(x) + self.places(torch.arange(PLACES, device=x.device))
        for block in self.blocks:
            h = block(h)
        made: Tensor = self.head(self.norm(h))
        return made


class Tagger(nn.Module):
    """An LSTM of 64 both ways, and a class for each letter."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.letters, self.out = nn.Embedding(LETTERS, 64), nn.Linear(128, outputs)
        self.layer = nn.LSTM(64, 64, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of classes for each letter."""
        made: Tensor = self.out(self.layer(self.letters(x))[0])
        return made


class UNet(nn.Module):
    """Two halvings and two ways up, of 8, 16 and 32 channels."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([_twice(channels, 8), _twice(8, 16), _twice(16, 32)])
        self.wide = nn.ModuleList(
            [nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)]
        )
        self.up = nn.ModuleList([_twice(32, 16), _twice(16, 8)])
        self.pool, self.out = nn.MaxPool2d(2), nn.Conv2d(8, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores of classes for each pixel."""
        one = self.down[0](x)
        two = self.down[1](self.pool(one))
        h = self.wide[0](self.down[2](self.pool(two)))
        h = self.wide[1](self.up[0](torch.cat([two, h], 1)))
        made: Tensor = self.out(self.up[1](torch.cat([one, h], 1)))
        return made


def _twice(inputs: int, made: int) -> nn.Module:
    layers: list[nn.Module] = []
    for channels in (inputs, made):
        conv = nn.Conv2d(channels, made, 3, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(made), nn.ReLU()]
    return nn.Sequential(*layers)


def language(n_outputs: int) -> nn.Module:
    """Return a language model."""
    return Language(n_outputs)


def tagger(n_outputs: int) -> nn.Module:
    """Return a tagger."""
    return Tagger(n_outputs)


def unet(input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return a U-Net."""
    return UNet(input_shape[0], n_outputs)


def _task(shape: tuple[int, ...], positions: tuple[int, ...], classes: int) -> Task:
    return Task(
        kind="classification",
        metric="log_loss",
        direction="minimize",
        input_shape=shape,
        n_outputs=classes,
        classes=tuple(map(str, range(classes))),
        shown=("log_loss", "accuracy"),
        positions=positions,
    )


def text() -> Arrays:
    """Return rows of letters, each of which is likely after the one before it."""
    task = _task((PLACES,), (PLACES,), LETTERS)
    likely = np.random.default_rng(0).integers(LETTERS, size=(LETTERS, 3))

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        letters = np.zeros((rows, PLACES + 1), np.int64)
        letters[:, 0] = rng.integers(LETTERS, size=rows)
        for place in range(PLACES):
            letters[:, place + 1] = likely[letters[:, place], rng.integers(3, size=rows)]
        return Part((letters[:, :-1],), letters[:, 1:], None, np.arange(rows))

    return Arrays(task, part(544, 1), part(200, 2), None, "text")


def tags() -> Arrays:
    """Return the same rows, with one of four classes for each letter and its neighbours."""
    arrays = text()

    def part(old: Part) -> Part:
        letters = old.inputs[0]
        both = np.roll(letters, 1, axis=1) + letters + np.roll(letters, -1, axis=1)
        return dataclasses.replace(old, target=both % 4)

    task = _task((PLACES,), (PLACES,), 4)
    return Arrays(task, part(arrays.train), part(arrays.val), None, "tags")


def shapes(side: int = 28) -> Arrays:
    """Return noisy images of a bright rectangle, and which pixels are of it."""
    task = _task((1, side, side), (side, side), 2)

    def part(rows: int, seed: int) -> Part:
        rng = np.random.default_rng(seed)
        low, high = np.sort(rng.integers(side + 1, size=(2, rows, 2)), axis=0)
        at = np.arange(side)
        inside = [(at >= low[:, n, None]) & (at < high[:, n, None]) for n in range(2)]
        target = (inside[0][:, :, None] & inside[1][:, None]).astype(np.int64)
        x = target[:, None] + rng.normal(size=(rows, 1, side, side))
        return Part((x.astype(np.float32),), target, None, np.arange(rows))

    return Arrays(task, part(1056, 1), part(360, 2), None, "shapes")
