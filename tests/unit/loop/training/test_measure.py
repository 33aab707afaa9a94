"""An epoch's time is told from few steps, which leave no trace."""

import pytest

from luthier import engines, frameworks
from luthier.catalog.families import by_name
from luthier.core import Recipe
from luthier.loop.training.measure import epoch_seconds
from luthier.testing import arrays as data


class Clock:
    """Counts what an engine is asked for: a step is a second, evaluation three."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Counting:
    def __init__(self, clock):
        self.clock, self.longest = clock, 0

    def open(self, captured, arrays):
        pass

    def put(self, slot, recipe, seed, state):
        pass

    def rehearse(self, slot, steps):
        self.clock.now += 3.0 + steps
        self.longest = max(self.longest, steps)


@pytest.fixture(scope="module")
def captured():
    arrays = data.classes()
    recipe = Recipe(network="mlp", batch_size=8)
    return frameworks.load("torch").capture(by_name("mlp").build, recipe, arrays, 0)


@pytest.mark.parametrize("limit", [0.5, 10.0, 1e9])
def test_it_is_that_of_all_steps_and_one_evaluation(captured, limit):
    arrays, clock = data.classes(), Clock()
    engine = Counting(clock)
    steps = len(arrays.train) // 8
    told = epoch_seconds(engine, captured, arrays, captured.recipe, 0, limit=limit)
    assert told == pytest.approx(3 + steps)
    assert engine.longest <= steps


def test_a_real_engine_can_be_measured(captured):
    engine = engines.load("torch_eager")
    assert 0 < epoch_seconds(engine, captured, data.classes(), captured.recipe, 0) < 5
