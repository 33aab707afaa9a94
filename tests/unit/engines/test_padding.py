"""Sequences that were filled up: networks that mask a padding id themselves, or pack."""

from importlib.util import find_spec

import numpy as np
import pytest
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.core.errors import MissingCompilerError
from luthier.testing import arrays as data

RECIPE = Recipe(
    network="net",
    epochs=3,
    batch_size=16,
    learning_rate=0.02,
    optimizer="adam",
    precision="float64",
)
PAD = {"padding_idx": 0}


class Words(nn.Module):
    """Looks words up and leaves the filling out of a mean over all that `inner` finds."""

    def __init__(self, outputs, inner=None, **pad):
        super().__init__()
        self.table, self.inner, self.last = nn.Embedding(12, 8, **pad), inner, nn.Linear(8, outputs)

    def forward(self, x):
        known = (x != 0).unsqueeze(-1).to(self.last.weight.dtype)
        found = self.table(x)
        if isinstance(self.inner, nn.TransformerEncoder):
            found = self.inner(found, src_key_padding_mask=x == 0)
        elif self.inner is not None:
            found = self.inner(found)[0]
        return self.last((found * known).sum(1) / known.sum(1).clamp(min=1))


class Packed(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.table, self.last = nn.Embedding(12, 8, **PAD), nn.Linear(8, outputs)
        self.inner = nn.LSTM(8, 8, batch_first=True)

    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(
            self.table(x), (x != 0).sum(1).clamp(min=1), batch_first=True, enforce_sorted=False
        )
        return self.last(self.inner(packed)[1][0][-1])


def encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)


NETWORKS = {
    "a mean": lambda n_outputs: Words(n_outputs),
    "a mean, the padding's vector fixed": lambda n_outputs: Words(n_outputs, **PAD),
    "an LSTM": lambda n_outputs: Words(n_outputs, nn.LSTM(8, 8, batch_first=True), **PAD),
    "attention": lambda n_outputs: Words(n_outputs, encoder(), **PAD),
}
REASONS = ("its embedding pads", "it computes with")


def filled():
    """Token sequences of different lengths, of which no row is empty."""
    arrays = data.tokens()
    for part in (arrays.train, arrays.val):
        x = part.inputs[0]
        x[:, 1:] = np.where(np.arange(1, 6) < 2 + part.target[:, None] * 3, x[:, 1:], 0)
        x[:, 0] = np.maximum(x[:, 0], 1)
    return arrays


def fast(name):
    if name == "compiled" and find_spec("jax") is None:
        pytest.skip("JAX is not installed")
    try:
        return engines.load(name)
    except MissingCompilerError:
        pytest.skip("there is no C compiler")


def trained(engine, captured, arrays):
    engine.open(captured, arrays)
    engine.put(0, captured.recipe, 0, captured.initial)
    return engine.run({0: RECIPE.epochs})[0]


def captured_of(function, arrays):
    return frameworks.load("torch").capture(Build.read(function, "net"), RECIPE, arrays, 1)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("engine", ["native", "compiled"])
def test_a_padding_id_trains_alike_in_every_engine_that_takes_it(engine, name):
    arrays = filled()
    captured = captured_of(NETWORKS[name], arrays)
    own = trained(engines.load("torch_eager"), captured, arrays)
    assert own.val_loss[-1] < own.val_loss[0]
    theirs = fast(engine)
    reason = theirs.refuses(captured, RECIPE)
    if reason is not None:
        assert engine == "native" or name == "an LSTM"
        assert reason.startswith(REASONS)
        return
    np.testing.assert_allclose(trained(theirs, captured, arrays).val_loss, own.val_loss, rtol=1e-9)


@pytest.mark.parametrize("engine", ["native", "compiled"])
def test_packed_sequences_are_left_to_pytorch_with_the_reason(engine):
    arrays = filled()
    captured = captured_of(lambda n_outputs: Packed(n_outputs), arrays)
    assert "no batch of sequences of one length" in fast(engine).refuses(captured, RECIPE)
    own = trained(engines.load("torch_eager"), captured, arrays)
    assert own.val_loss[-1] < own.val_loss[0]
