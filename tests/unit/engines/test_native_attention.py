"""Attention, embeddings and what reshapes values, in C, compute what PyTorch computes."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier import engines, frameworks
from luthier.core import Build, Part, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

WORDS, PLACES, WIDTH = 9, 10, 12
STEPS = Recipe(
    optimizer="adam", learning_rate=0.01, batch_size=16, epochs=2, precision="float64", l2=1e-3
)


def sentences():
    """Return rows of word numbers, in three classes."""
    arrays, rng = data.classes(), np.random.default_rng(0)
    task = dataclasses.replace(arrays.task, input_shape=(PLACES,))

    def part(rows):
        words = rng.integers(WORDS, size=(rows, PLACES))
        return Part((words,), rng.integers(task.n_outputs, size=rows), None, np.arange(rows))

    return dataclasses.replace(arrays, task=task, train=part(40), val=part(20), key="words")


def series():
    """Return rows of numbers, as long as sentences."""
    arrays = sentences()

    def part(words):
        return dataclasses.replace(words, inputs=(words.inputs[0].astype(np.float32) / 4 - 1,))

    return dataclasses.replace(
        arrays, train=part(arrays.train), val=part(arrays.val), key="numbers"
    )


class Words(nn.Module):
    """Embeds words and their places."""

    def __init__(self, width=WIDTH):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Parameter(torch.randn(1, PLACES, width) * 0.1)

    def forward(self, x):
        return self.words(x) + self.places


class Encoder(nn.Module):
    """PyTorch's own encoder, and the mean over places."""

    def __init__(self, outputs, **options):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 3, 20, dropout=0.2, batch_first=True, **options)
        self.words, self.out = Words(), nn.Linear(WIDTH, outputs)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, x):
        return self.out(self.encoder(self.words(x)).mean(1))


class Attends(nn.Module):
    """PyTorch's attention with its weights, and two places of the result."""

    def __init__(self, outputs):
        super().__init__()
        self.words, self.norm = Words(), nn.LayerNorm(WIDTH)
        self.attention = nn.MultiheadAttention(WIDTH, 2, dropout=0.2, batch_first=True)
        self.drop, self.out = nn.Dropout(0.2), nn.Linear(WIDTH, outputs)

    def forward(self, x):
        x = self.words(x)
        h = self.norm(x)
        x = x + self.drop(self.attention(h, h, h)[0])
        return self.out(x[:, 0] + x[:, -1])


class Chunks(nn.Module):
    """Attention as many write it: one product, three chunks, heads by hand."""

    def __init__(self, outputs):
        super().__init__()
        self.words, self.all = Words(), nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.out = nn.Linear(WIDTH, outputs)

    def forward(self, x):
        x = self.words(x)
        parts = (
            part.view(*x.shape[:2], 2, WIDTH // 2).transpose(1, 2)
            for part in self.all(x).chunk(3, -1)
        )
        drops = 0.3 if self.training else 0.0
        y = functional.scaled_dot_product_attention(*parts, dropout_p=drops)
        return self.out((x + y.transpose(1, 2).reshape(x.shape)).mean(1))


class Series(nn.Module):
    """One head over rows that the network cuts series into; values are narrower than keys."""

    def __init__(self, outputs):
        super().__init__()
        self.first, self.query = nn.Linear(2, 7), nn.Linear(7, 7)
        self.key, self.value = nn.Linear(7, 7, bias=False), nn.Linear(7, 4)
        self.out = nn.Linear(5 * 4, outputs)

    def forward(self, x):
        x = self.first(x.view(-1, 5, 2)).relu()
        shares = torch.softmax(self.query(x) @ self.key(x).transpose(1, 2) / 7**0.5, -1)
        return self.out((shares @ self.value(x)).flatten(1))


class Classes(nn.Module):
    """Puts a token of its own before the others, whose places have fixed codes."""

    def __init__(self, outputs):
        super().__init__()
        self.words, self.token = nn.Embedding(WORDS, WIDTH), nn.Parameter(torch.randn(1, WIDTH))
        self.codes = torch.randn(PLACES + 1, WIDTH) * 0.1
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.out = nn.Linear(WIDTH, outputs)

    def forward(self, x):
        words = self.words(x)
        first = self.token.unsqueeze(0).expand(len(x), -1, -1)
        x = torch.cat([first, words], 1) + self.codes.to(words)
        return self.out(self.attention(x, x, x, need_weights=False)[0][:, 0])


NETWORKS = {
    "a token of its own": (sentences, Classes),
    "encoder": (sentences, Encoder),
    "encoder that normalises first": (
        sentences,
        lambda n: Encoder(n, norm_first=True, activation="gelu"),
    ),
    "attention with its weights": (sentences, Attends),
    "chunks": (sentences, Chunks),
    "series": (series, Series),
    "attention by hand": (
        sentences,
        lambda n: Picks(n, lambda scores: torch.softmax(scores / 3, -1)),
    ),
    "table of one column": (
        sentences,
        lambda n: Column(n),
    ),
}


class Column(nn.Module):
    """Looks up one column, and adds it to the mean of all."""

    def __init__(self, outputs):
        super().__init__()
        self.one, self.all = nn.Embedding(WORDS, 5), nn.Embedding(WORDS, 5)
        self.out = nn.Linear(5, outputs)

    def forward(self, x):
        return self.out(self.one(x[:, 3]) + self.all(x).mean(1))


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    arrays, network = NETWORKS[name]

    def build(n_outputs):
        return network(n_outputs)

    # Adam makes steps of rounding errors where a softmax takes a bias' gradient away.
    agrees(Build.read(build, name), STEPS, arrays(), rtol=1e-6, atol=1e-6)


class Picks(nn.Module):
    """Attention by hand; what makes shares of scores is given."""

    def __init__(self, outputs, shares):
        super().__init__()
        self.words, self.out, self.shares = Words(), nn.Linear(WIDTH, outputs), shares

    def forward(self, x):
        x = self.words(x)[:, None]
        scores = x @ x.transpose(2, 3)
        return self.out((self.shares(scores) @ x).squeeze(1).mean(1))


def where_none(scores):
    """Zero shares where nothing is ruled out: all of them."""
    shares = torch.softmax(scores, -1)
    return torch.where(scores == -torch.inf, shares, torch.zeros_like(shares))


def over_queries(scores):
    return torch.softmax(scores, 2)


def over_all(scores):
    return torch.softmax(scores.reshape(len(scores), -1), -1).view(scores.shape)


class Repeated(Words):
    """Has a token of its own, twice."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.ones(1, 1, WIDTH))

    def forward(self, x):
        first = self.token.expand(len(x), 2, -1)
        return torch.cat([first, self.words(x)], 1)


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (lambda n: Picks(n, where_none), "chooses between"),
        (lambda n: Picks(n, over_queries), "a softmax"),
        (lambda n: Picks(n, over_all), "gives products"),
        (lambda n: nn.Sequential(Repeated(), nn.Flatten(), nn.Linear(144, n)), "repeats '0.token'"),
        (lambda n: nn.Sequential(Words(), nn.Flatten(), nn.Softmax(1), nn.Linear(120, n)), "soft"),
    ],
)
def test_what_it_cannot_compute_it_names(network, says):
    def build(n_outputs):
        return network(n_outputs)

    captured = frameworks.load("torch").capture(Build.read(build, "refused"), STEPS, sentences(), 0)
    assert says in engines.load("native").refuses(captured, STEPS)


def test_a_word_that_the_table_lacks_ends_the_trial(trained):
    def build(n_outputs):
        return nn.Sequential(nn.Embedding(WORDS, 4), nn.Flatten(), nn.Linear(40, n_outputs))

    arrays = sentences()
    words = arrays.train.inputs[0].copy()
    words[7, 3] = 10**6
    train = dataclasses.replace(arrays.train, inputs=(words,))
    arrays = dataclasses.replace(arrays, train=train, key="unknown word")
    curves, _ = trained("native", Build.read(build, "words"), STEPS, arrays)
    assert not curves.finite
