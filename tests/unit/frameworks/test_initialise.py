"""Initial kernels have the deviation that the catalog says; biases are zero."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from luthier.catalog import initialisers
from luthier.core import RecipeError
from luthier.frameworks.torch.initialise import initialise

LAYERS = {
    "linear": (lambda: nn.Linear(300, 200), 300, 200),
    "convolution": (lambda: nn.Conv2d(32, 64, 3), 32 * 9, 64 * 9),
}
DRAWN = [one for one in initialisers.ALL if one.distribution != "orthogonal"]


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("member", DRAWN, ids=lambda one: one.name)
def test_kernels_have_the_catalogs_distribution(member, kind):
    make, fan_in, fan_out = LAYERS[kind]
    layer = make()
    initialise(layer, member.name)
    values = layer.weight.detach().numpy().ravel()
    deviation = member.deviation(fan_in, fan_out)
    largest = np.abs(values).max() / deviation
    assert values.mean() == pytest.approx(0, abs=deviation / 30)
    if member.distribution == "truncated_normal":
        assert 1.9 < largest <= 2.0
        assert values.std() == pytest.approx(deviation * 0.8796, rel=0.02)
    else:
        assert values.std() == pytest.approx(deviation, rel=0.02)
        bound = math.sqrt(3) if member.distribution == "uniform" else math.inf
        assert (3.5 if bound == math.inf else 1.7) < largest < bound * 1.0001
    assert not layer.bias.any()


def test_an_orthogonal_kernel_keeps_lengths():
    layer = nn.Linear(12, 12)
    initialise(layer, "orthogonal")
    product = layer.weight @ layer.weight.T
    torch.testing.assert_close(product, torch.eye(12), atol=1e-5, rtol=0)


def test_recurrent_kernels_are_drawn_too_and_their_biases_are_zero():
    layer = nn.LSTM(64, 64)
    initialise(layer, "lecun_normal")
    assert float(layer.weight_hh_l0.detach().std()) == pytest.approx(1 / 8, rel=0.05)
    assert not layer.bias_ih_l0.any()


def test_embeddings_and_norms_stay():
    module = nn.Sequential(nn.Embedding(9, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    before = [p.clone() for p in (module[0].weight, module[1].weight, module[2].weight)]
    initialise(module, "kaiming_normal")
    after = (module[0].weight, module[1].weight, module[2].weight)
    same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert same == [True, True, False]


@pytest.mark.parametrize("member", initialisers.ALL, ids=lambda one: one.name)
def test_every_name_of_the_catalog_is_known(member):
    initialise(nn.Linear(3, 2), member.name)


def test_an_unknown_name_is_refused():
    with pytest.raises(RecipeError, match="no 'he'"):
        initialise(nn.Linear(3, 2), "he")
