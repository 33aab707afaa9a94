"""A class at each position, in C: language models, taggers and networks for pixels."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier.core import IGNORED, Build, Part, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

WORDS, PLACES = 11, 6
STEPS = Recipe(
    optimizer="sgd",
    learning_rate=0.1,
    batch_size=16,
    epochs=2,
    precision="float64",
    l2=1e-3,
    clip_norm=0.3,
)


def text():
    """Return rows of words, each of which foretells the next; the last row of each is cut off."""
    arrays, rng = data.classes(), np.random.default_rng(0)
    task = dataclasses.replace(
        arrays.task,
        input_shape=(PLACES,),
        n_outputs=WORDS,
        classes=tuple(map(str, range(WORDS))),
        positions=(PLACES,),
        shown=("log_loss", "accuracy", "f1_macro"),
    )

    def part(rows):
        words = rng.integers(WORDS, size=(rows, PLACES + 1))
        target = words[:, 1:].copy()
        target[rng.random(target.shape) < 0.1] = IGNORED
        return Part((words[:, :-1],), target, None, np.arange(rows))

    return dataclasses.replace(arrays, task=task, train=part(44), val=part(20), key="text")


def vectors():
    """Return sequences of vectors, with a class for each of them."""
    arrays, rng = data.sequences(), np.random.default_rng(0)
    task = dataclasses.replace(arrays.task, positions=(6,), n_outputs=3, classes=("a", "b", "c"))

    def part(old):
        return dataclasses.replace(old, target=rng.integers(3, size=(len(old), 6)))

    return dataclasses.replace(
        arrays, task=task, train=part(arrays.train), val=part(arrays.val), key="vectors"
    )


class Block(nn.Module):
    """A block of a language model: causal attention, then two layers."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.asked, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.drop, self.heads, self.width = nn.Dropout(dropout), heads, width

    def forward(self, x):
        rows, places, _ = x.shape
        parts = self.asked(self.norms[0](x)).split(self.width, dim=2)
        q, k, v = (
            one.view(rows, places, self.heads, self.width // self.heads).transpose(1, 2)
            for one in parts
        )
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.drop(self.mix(y.transpose(1, 2).reshape(rows, places, self.width)))
        return x + self.drop(self.down(functional.gelu(self.up(self.norms[1](x)))))


class Language(nn.Module):
    """A decoder whose scores are products by the table of its words."""

    def __init__(self, width=8, dropout=0.2, *, second=False):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width), nn.Embedding(PLACES, width)
        self.blocks = nn.ModuleList(Block(width, 2, dropout) for _ in range(2))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, WORDS, bias=False)
        self.words.weight = self.head.weight
        self.second = second

    def forward(self, x):
        h = self.words(x) + self.places(torch.arange(x.shape[1], device=x.device))
        for block in self.blocks:
            h = block(h)
        scores = self.head(self.norm(h))
        return scores.transpose(1, 2) if self.second else scores


class Tagger(nn.Module):
    """A recurrent layer over words, or over vectors, and a class for each step."""

    def __init__(self, kind, n_outputs, *, first=False, width=None, **options):
        super().__init__()
        self.first = first
        self.table = nn.Linear(width, 5) if width else nn.Embedding(12, 5)
        self.layer = kind(5, 4, batch_first=not first, **options)
        self.head = nn.Linear(8 if options.get("bidirectional") else 4, n_outputs)

    def forward(self, x):
        h = self.table(x)
        if self.first:  # steps before examples
            return self.head(self.layer(h.transpose(0, 1))[0]).transpose(0, 1)
        return self.head(self.layer(h)[0])


class Twice(nn.Module):
    """Two convolutions, each with batch norm and relu."""

    def __init__(self, inputs, made):
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(inputs, made, 3, padding=1, bias=False), nn.BatchNorm2d(made), nn.ReLU()),
            *(nn.Conv2d(made, made, 3, padding=1, bias=False), nn.BatchNorm2d(made), nn.ReLU()),
        )

    def forward(self, x):
        return self.layers(x)


class UNet(nn.Module):
    """Two halvings and two ways up, each joined to what was there before it was made small."""

    def __init__(self, channels, n_outputs, up="transposed"):
        super().__init__()
        self.down = nn.ModuleList([Twice(channels, 4), Twice(4, 6), Twice(6, 8)])
        self.up = nn.ModuleList([Twice(12, 6), Twice(8, 4)])
        if up == "transposed":
            wide = [nn.ConvTranspose2d(8, 6, 2, 2), nn.ConvTranspose2d(6, 4, 2, 2)]
        else:
            way = {"mode": up} | ({"align_corners": False} if up == "bilinear" else {})
            wide = [
                nn.Sequential(nn.Upsample(scale_factor=2, **way), nn.Conv2d(a, b, 1))
                for a, b in ((8, 6), (6, 4))
            ]
        self.wide, self.pool = nn.ModuleList(wide), nn.MaxPool2d(2)
        self.out = nn.Conv2d(4, n_outputs, 1)

    def forward(self, x):
        one = self.down[0](x)
        two = self.down[1](self.pool(one))
        h = self.down[2](self.pool(two))
        h = self.up[0](torch.cat([two, self.wide[0](h)], 1))
        h = self.up[1](torch.cat([one, self.wide[1](h)], 1))
        return self.out(h)


class Lone(nn.Module):
    """Yes or no for each pixel, without an axis of classes."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


NETWORKS = {
    "a language model": (lambda n: Language(), text),
    "a language model, classes second": (lambda n: Language(second=True), text),
    "a tagger with an LSTM": (lambda n: Tagger(nn.LSTM, n, bidirectional=True), data.tags),
    "a tagger with a GRU": (lambda n: Tagger(nn.GRU, n, num_layers=2, dropout=0.2), data.tags),
    "steps first": (lambda n: Tagger(nn.GRU, n, first=True), data.tags),
    "vectors": (lambda n: Tagger(nn.LSTM, n, width=4), vectors),
    "a U-Net": (lambda n: UNet(1, n), data.masks),
    "a U-Net with one logit": (lambda n: UNet(1, 1), data.masks),
    "pixels without an axis": (lambda n: Lone(), data.masks),
    "one product for all pixels": (
        lambda n: nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.Unflatten(1, (2, 8, 8))),
        data.masks,
    ),
}
MORE = {"label_smoothing": 0.1, "class_weight": "balanced", "ema": 0.8}


def built(name):
    network = NETWORKS[name][0]

    def build(n_outputs):
        return network(n_outputs)

    return Build.read(build, name)


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    # plain steps: weights differ as gradients do
    found, true = agrees(built(name), STEPS, NETWORKS[name][1](), rtol=1e-10, atol=1e-12)
    for metric, values in true[0].metrics.items():
        np.testing.assert_allclose(found[0].metrics[metric], values, rtol=1e-10)
    for signal, values in true[0].signals.items():
        np.testing.assert_allclose(found[0].signals[signal], values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["a language model", "a U-Net", "a U-Net with one logit"])
def test_with_weights_smoothing_and_an_average(agrees, name):
    arrays = NETWORKS[name][1]()
    arrays = data.weighted(arrays, np.linspace(0.2, 2.0, len(arrays.train)))
    agrees(built(name), STEPS.replace(MORE), arrays, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["flip_shift", "shift_cutout", "flip_cutout"])
@pytest.mark.parametrize("name", ["a U-Net", "pixels without an axis"])
def test_classes_of_pixels_move_with_them(agrees, name, kind):
    recipe = STEPS.replace({"augmentation": kind, "class_weight": "balanced"})
    agrees(built(name), recipe, data.masks(), rtol=1e-10, atol=1e-12)


def test_more_classes_than_a_vector_holds(agrees):
    """The softmax goes over several vectors, whose rest counts nothing."""
    arrays = text()
    words = dataclasses.replace(arrays.task, n_outputs=300, classes=tuple(map(str, range(300))))

    def build():
        return nn.Sequential(nn.Embedding(300, 7), nn.Linear(7, 300))

    arrays = dataclasses.replace(arrays, task=words, key="many")
    agrees(Build.read(build, "many"), STEPS, arrays, rtol=1e-10, atol=1e-12)
