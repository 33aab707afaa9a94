"""Matrices that a network reads both ways round, in C: tables that score words, tied layers."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from luthier.core import Build, Part, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

WORDS = 11
STEPS = Recipe(
    optimizer="sgd",
    learning_rate=0.1,
    batch_size=16,
    epochs=2,
    precision="float64",
    l1=1e-4,
    l2=1e-3,
    clip_norm=0.3,
)


def sentences():
    """Return rows of words, of which the last is to be foretold."""
    arrays, rng = data.classes(), np.random.default_rng(0)
    names = tuple(str(word) for word in range(WORDS))
    task = dataclasses.replace(arrays.task, input_shape=(6,), n_outputs=WORDS, classes=names)

    def part(rows):
        words = rng.integers(WORDS, size=(rows, 6))
        return Part((words,), words[:, 2], None, np.arange(rows))

    return dataclasses.replace(arrays, task=task, train=part(44), val=part(20), key="foretold")


class Foretells(nn.Module):
    """Scores words by the table that embeds them."""

    def __init__(self, width, *, bias=True, scored="last"):
        super().__init__()
        self.table, self.mix = nn.Embedding(WORDS, width), nn.Linear(width, width)
        self.out = nn.Linear(width, WORDS, bias=bias)
        self.out.weight = self.table.weight
        self.scored = scored

    def forward(self, x):
        h = self.mix(self.table(x)).relu()
        if self.scored == "all":
            return self.out(h).tanh().mean(1)
        return self.out(h[:, -1] if self.scored == "last" else h.mean(1))


class Mirror(nn.Module):
    """Goes back through the matrix that it came by."""

    def __init__(self, outputs):
        super().__init__()
        self.table, self.out = nn.Embedding(WORDS, 5), nn.Linear(13, outputs)
        self.there = nn.Parameter(torch.randn(13, 5) * 0.3)
        self.back = nn.Parameter(torch.zeros(5))

    def forward(self, x):
        h = functional.linear(self.table(x).mean(1), self.there).tanh()
        back = torch.addmm(self.back, h, self.there)
        return self.out(functional.linear(back.relu(), self.there) + h)


NETWORKS = {
    "the last word": lambda n: Foretells(5),
    "without a bias": lambda n: Foretells(16, bias=False),
    "every word": lambda n: Foretells(7, scored="all"),
    "the mean of words": lambda n: Foretells(3, scored="mean"),
    "there and back": Mirror,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    network = NETWORKS[name]

    def build(n_outputs):
        return network(n_outputs)

    # plain steps: weights differ as gradients do
    agrees(Build.read(build, name), STEPS, sentences(), rtol=1e-10, atol=1e-12)
