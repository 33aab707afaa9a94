"""Recurrent layers in C compute what PyTorch computes, step by step and back."""

import numpy as np
import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.engines.native.compiler import compiler
from luthier.testing import arrays as data

if not compiler():
    pytest.skip("there is no C compiler", allow_module_level=True)

STEPS = Recipe(
    optimizer="adam", learning_rate=0.01, batch_size=16, epochs=2, precision="float64", l2=1e-3
)


class Reads(nn.Module):
    """A recurrent layer, and what is made of its results."""

    def __init__(self, layer, width, outputs, made):
        super().__init__()
        self.layer, self.made, self.out = layer, made, nn.Linear(width, outputs)

    def forward(self, x):
        return self.out(self.made(self.layer, x))


def last(layer, x):
    return layer(x)[0][:, -1]


def mean(layer, x):
    return layer(x * 2)[0].mean(1)


def state(layer, x):
    return layer(x)[1].squeeze(0)


def cell_state(layer, x):
    return layer(x)[1][0][-1]


def both_ends(layer, x):
    states = layer(x)[1]
    return torch.cat([states[-2], states[-1]], 1)


def time_first(layer, x):
    return layer(x.transpose(0, 1))[0][-1]


NETWORKS = {
    "lstm": (lambda: nn.LSTM(4, 5, batch_first=True), 5, last),
    "lstm, its last state of two layers": (
        lambda: nn.LSTM(4, 17, 2, batch_first=True, bias=False),
        17,
        cell_state,
    ),
    "lstm both ways": (
        lambda: nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True),
        6,
        mean,
    ),
    "gru": (lambda: nn.GRU(4, 5, batch_first=True), 5, state),
    "gru both ways": (lambda: nn.GRU(4, 6, batch_first=True, bidirectional=True), 12, both_ends),
    "rnn, time first": (lambda: nn.RNN(4, 5), 5, time_first),
    "lstm that drops, its last state of both layers": (
        lambda: nn.LSTM(4, 5, 2, batch_first=True, dropout=0.4),
        5,
        cell_state,
    ),
    "gru that drops, both ways": (
        lambda: nn.GRU(4, 6, 3, batch_first=True, bidirectional=True, dropout=0.3),
        12,
        both_ends,
    ),
    "rnn that drops, time first": (lambda: nn.RNN(4, 5, 2, dropout=0.3), 5, time_first),
    "rnn with relu": (lambda: nn.RNN(4, 5, 2, "relu", batch_first=True), 5, mean),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_double_precision_agrees_with_pytorch_to_rounding(agrees, name):
    layer, width, made = NETWORKS[name]

    def build(n_outputs):
        return Reads(layer(), width, n_outputs, made)

    agrees(Build.read(build, name), STEPS, data.sequences(), rtol=1e-7, atol=1e-9)


def test_steps_begin_from_nothing_whatever_the_batch_before_was(trained):
    def build(n_outputs):
        return Reads(nn.GRU(4, 5, batch_first=True), 5, n_outputs, last)

    built, engine = Build.read(build, "begins"), engines.load("native")
    arrays = data.sequences()
    for size in (16, 7, 30, 16):
        recipe = STEPS.replace({"batch_size": size})
        found = trained(engine, built, recipe, arrays)
        true = trained("torch_eager", built, recipe, arrays)
        np.testing.assert_allclose(found[0].train_loss, true[0].train_loss, rtol=1e-10)


class Given(Reads):
    """Begins from a state that it makes."""

    def forward(self, x):
        return self.out(self.layer(x, x.new_ones(1, len(x), 5))[0][:, -1])


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (lambda n: Given(nn.GRU(4, 5, batch_first=True), 5, n, last), "given"),
        (
            lambda n: Reads(nn.LSTM(4, 5, batch_first=True, proj_size=3), 3, n, last),
            "projects",
        ),
        (
            lambda n: Reads(
                nn.LSTM(4, 5, batch_first=True), 5, n, lambda layer, x: layer(x)[1][1][0]
            ),
            "wants|want",
        ),
    ],
)
def test_what_it_cannot_compute_it_names(network, says):
    def build(n_outputs):
        return network(n_outputs)

    captured = frameworks.load("torch").capture(
        Build.read(build, "refused"), STEPS, data.sequences(), 0
    )
    said = engines.load("native").refuses(captured, STEPS) or ""
    assert any(word in said for word in says.split("|"))


def test_rates_between_layers_are_no_part_of_a_program(trained):
    def build(n_outputs, rate=0.5):
        return Reads(nn.LSTM(4, 5, 2, batch_first=True, dropout=rate), 5, n_outputs, last)

    framework, built = frameworks.load("torch"), Build.read(build, "rates")
    recipes = [STEPS.replace({"model.rate": rate}) for rate in (0.1, 0.6)]
    graphs = [framework.capture(built, one, data.sequences(), 0).graph() for one in recipes]
    assert [graph.rates for graph in graphs] == [(0.1,), (0.6,)]
    assert graphs[0].key == graphs[1].key
    for recipe in recipes:
        found, true = (
            trained(engine, built, recipe, data.sequences())[0]
            for engine in ("native", "torch_eager")
        )
        np.testing.assert_allclose(found.train_loss, true.train_loss, rtol=1e-10)


def test_a_network_is_left_as_it_was():
    from luthier.frameworks.torch.recurrent import whole_recurrences

    network = nn.Sequential(nn.LSTM(4, 5))
    with whole_recurrences(network):
        assert "forward" in vars(network[0])
    assert "forward" not in vars(network[0])
