"""One recipe: what is said where it does not train as was asked."""

import pytest
from torch import nn

import luthier
from luthier.engines.native.compiler import compiler


def deciding(n_features, n_outputs):
    """Return a network whose way depends on the data, so that no program is it."""

    class Deciding(nn.Linear):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)

    return Deciding(n_features, n_outputs)


@pytest.mark.skipif(not compiler(), reason="there is no C compiler")
def test_an_engine_that_was_asked_for_and_left_is_told_with_the_reason(caplog):
    training = luthier.train(deciding, "iris", recipe={"epochs": 1}, engine="native")
    assert training.trial.engine == "torch_eager"
    (said,) = [r.getMessage() for r in caplog.records if r.name == "luthier.loop.training.train"]
    assert said.startswith("trained in plain PyTorch: ")


@pytest.mark.parametrize("engine", ["auto", "torch_eager"])
def test_nothing_is_said_of_an_engine_that_nobody_asked_for(caplog, engine):
    luthier.train(deciding, "iris", recipe={"epochs": 1}, engine=engine)
    assert not [r for r in caplog.records if r.name == "luthier.loop.training.train"]
