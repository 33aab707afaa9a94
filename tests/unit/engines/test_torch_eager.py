"""What is the eager engine's own: one slot, one thread, calls in their order."""

import pytest
import torch
from torch import nn

from luthier import engines, frameworks
from luthier.core import Build, Recipe
from luthier.testing import arrays as data

THREADS = set()


class Seen(nn.Module):
    def forward(self, x):
        THREADS.add(torch.get_num_threads())
        return x


def watched(n_features, n_outputs):
    return nn.Sequential(nn.Linear(n_features, n_outputs), Seen())


@pytest.fixture
def engine():
    return engines.load("torch_eager")


def captured():
    recipe = Recipe(network="watched", epochs=2)
    build = Build.read(watched, "watched")
    return frameworks.load("torch").capture(build, recipe, data.classes(), 0)


def test_it_trains_and_evaluates_on_one_thread(engine):
    before = torch.get_num_threads()
    found = captured()
    THREADS.clear()
    torch.set_num_threads(2)
    try:
        engine.open(found, data.classes())
        engine.put(0, found.recipe, 0, found.initial)
        engine.run({0: 2})
    finally:
        torch.set_num_threads(before)
    assert list(THREADS) == [1]


def test_it_has_one_slot(engine):
    assert engine.slots == 1


def test_calls_out_of_order_are_told_what_comes_first(engine):
    found = captured()
    with pytest.raises(RuntimeError, match=r"call open\(captured, arrays\) first"):
        engine.put(0, found.recipe, 0, found.initial)
    engine.open(found, data.classes())
    for call in (lambda: engine.run({0: 1}), lambda: engine.take(0)):
        with pytest.raises(RuntimeError, match=r"call put\(slot, recipe, seed, state\) first"):
            call()
