"""Networks as users write them: recurrent, attention, tokens, several inputs."""

import math
import warnings

import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.catalog import families
from luthier.core import Build, Recipe
from luthier.testing import arrays as data
from luthier.testing.bench import same_result


class Lstm(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.lstm = nn.LSTM(n_inputs, 6, num_layers=2, batch_first=True, dropout=0.2)
        self.head = nn.Linear(6, n_outputs)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Transformer(nn.Module):
    def __init__(self, embed, width, n_outputs):
        super().__init__()
        layer = nn.TransformerEncoderLayer(width, 2, 8, dropout=0.1, batch_first=True)
        self.embed = embed
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x)).mean(1))


class NoisyAttention(nn.Module):
    """Attention that returns its weights drops them out in another way than fast attention."""

    def __init__(self, width, n_outputs):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 2, dropout=0.3, batch_first=True)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x):
        mixed, weights = self.attention(x, x, x, need_weights=True)
        return self.head(mixed.mean(1)) + weights.mean()


def lstm(input_shape, n_outputs):
    return Lstm(input_shape[-1], n_outputs)


def transformer(input_shape, n_outputs, width: int = 4):
    return Transformer(nn.Linear(input_shape[-1], width), width, n_outputs)


def attention(input_shape, n_outputs):
    return NoisyAttention(input_shape[-1], n_outputs)


def token_lstm(n_outputs):
    return nn.Sequential(nn.Embedding(12, 4), Lstm(4, n_outputs))


def token_transformer(n_outputs):
    return Transformer(nn.Embedding(12, 4), 4, n_outputs)


def sparse_embedding(n_outputs):
    return nn.Sequential(nn.Embedding(12, 4, sparse=True), nn.Flatten(), nn.Linear(24, n_outputs))


NETWORKS = {
    "LSTM on sequences": (lstm, data.sequences),
    "transformer on sequences": (transformer, data.sequences),
    "attention weights": (attention, data.sequences),
    "LSTM on tokens": (token_lstm, data.tokens),
    "transformer on tokens": (token_transformer, data.tokens),
    "sparse embedding of tokens": (sparse_embedding, data.tokens),
    "numbers and categories": (families.by_name("resnet").function, data.categories),
}


def train(function, arrays, seed=0, **keys):
    build = Build.read(function, "net.py:build")
    recipe = Recipe(network="net.py:build", **{"epochs": 2, "batch_size": 16, **keys})
    captured = frameworks.load("torch").capture(build, recipe, arrays, seed)
    engine = engines.load("torch_eager")
    engine.open(captured, arrays)
    engine.put(0, recipe, seed, captured.initial)
    return engine.run({0: recipe.epochs})[0], engine.take(0), captured


@pytest.mark.parametrize("name", NETWORKS)
def test_it_trains_and_every_run_is_the_same(name):
    function, arrays = NETWORKS[name][0], NETWORKS[name][1]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's nested tensors are a prototype
        curves, state, captured = train(function, arrays, learning_rate=0.01)
        torch.manual_seed(5)
        torch.rand(3)
        again, state_again, _ = train(function, arrays, learning_rate=0.01)
    assert len(curves) == 2
    assert all(map(math.isfinite, (*curves.train_loss, *curves.val_loss)))
    moved = [
        k
        for k, v in state.group("weights").items()
        if v.dtype.kind == "f" and (v != captured.initial.group("weights")[k]).any()
    ]
    assert set(captured.kernels) <= set(moved)
    same_result((again, state_again), (curves, state))


def test_a_token_that_gives_the_class_away_is_learned():
    curves, _, _ = train(sparse_embedding, data.tokens(), epochs=25, learning_rate=0.05)
    assert curves.metrics["accuracy"][0] < 0.8
    assert max(curves.metrics["accuracy"]) > 0.85


def test_dropout_inside_of_layers_follows_the_seed():
    losses = [
        train(function, data.sequences(), batch_size="full", epochs=1, dropout=0.5)[0].train_loss
        for function in (lstm, attention)
    ]
    without = [
        train(function, data.sequences(), batch_size="full", epochs=1, dropout=0.0)[0].train_loss
        for function in (lstm, attention)
    ]
    assert losses[0] != without[0]
    assert losses[1] != without[1]
