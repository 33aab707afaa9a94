"""Tensors that train, unsqueezed and added: planned as PyTorch broadcasts them, or refused."""

import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

STEPS = Recipe(optimizer="sgd", batch_size=16, epochs=2, precision="float64", learning_rate=0.1)


class Adds(nn.Module):
    """Adds a tensor of a shape to rows of words, and reads off what came out."""

    def __init__(self, shape, how, n_outputs):
        super().__init__()
        self.table, self.out = nn.Embedding(12, 5), nn.Linear(5, n_outputs)
        self.added, self.how = nn.Parameter(torch.randn(shape) * 0.3), how

    def forward(self, x):
        return self.out(self.how(self.table(x), self.added))


def rows(x, p):  # (rows, words, 5) as it is, and a mean over words at the end
    return (x + p).tanh().mean(-2)


PLANNED = {
    "a vector": ((5,), rows),
    "a vector with more dimensions": ((5,), lambda x, p: rows(x, p.unsqueeze(0).unsqueeze(0))),
    "a row for each word": ((6, 5), rows),
    "a row for each word, for all examples": ((6, 5), lambda x, p: rows(x, p.unsqueeze(0))),
    "of full rank": ((1, 6, 5), rows),
    "reshaped": ((6, 5), lambda x, p: rows(x, p.view(1, 6, 5))),
    "all words of a longer table": ((6, 5), lambda x, p: rows(x, p.unsqueeze(0)[:, :6])),
}
REFUSED = {
    "of full rank, and one dimension more": (
        (1, 6, 5),
        lambda x, p: rows(x, p.unsqueeze(0)).squeeze(0),
    ),
    "a row for each word, and two dimensions more": (
        (6, 5),
        lambda x, p: rows(x, p.unsqueeze(0).unsqueeze(0)).squeeze(0),
    ),
    "reshaped to more dimensions": ((6, 5), lambda x, p: rows(x, p.view(1, 1, 6, 5)).squeeze(0)),
    "some words of a longer table": ((9, 5), lambda x, p: rows(x, p.unsqueeze(0)[:, :6])),
    "a row for each example": ((16, 1, 5), lambda x, p: rows(x, p[: x.shape[0]])),
    "turned in a dimension that was added": (
        (6, 5),
        lambda x, p: rows(x, p.unsqueeze(0).transpose(1, 2).transpose(1, 2)),
    ),
}


def built(name, cases):
    shape, how = cases[name]

    def build(n_outputs):
        return Adds(shape, how, n_outputs)

    return Build.read(build, name)


@pytest.mark.parametrize("name", PLANNED)
def test_it_adds_what_pytorch_adds(agrees, name):
    agrees(built(name, PLANNED), STEPS, data.tokens(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_more_dimensions_is_refused(name):
    captured = frameworks.load("torch").capture(built(name, REFUSED), STEPS, data.tokens(), 0)
    assert engines.load("native").refuses(captured, STEPS) is not None
