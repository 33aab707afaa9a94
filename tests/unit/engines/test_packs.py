"""Packs: sizes, memory, and the laws."""

import importlib.util

import numpy as np
import pytest

from luthier import engines, frameworks
from luthier.core import LuthierError
from luthier.testing import arrays as data
from luthier.testing.bench import EPOCHS, SMALL, Bench
from luthier.testing.packs import PackLaws

if importlib.util.find_spec("jax") is None:
    pytest.skip("jax is not installed", allow_module_level=True)

from luthier.engines.compiled import xla  # first: it sets jax's flags
from luthier.engines.packed import Packed
from luthier.engines.packed.ladder import Ladder

CUDA = xla.device("cuda") is not None


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def packed(request):
    if request.param == "cuda" and not CUDA:
        pytest.skip("there is no GPU")
    return Packed(request.param)


@pytest.fixture(scope="module")
def torch():
    return frameworks.load("torch")


class TestPacked(PackLaws):
    @pytest.fixture
    def engine(self, packed):
        return packed

    @pytest.fixture
    def framework(self, torch):
        return torch


def filled(engine, torch, count):
    """Fill an engine; return what each trial comes to when it trains alone."""
    bench, arrays = Bench(engine, torch), data.classes()
    recipes = [SMALL.replace({"learning_rate": 0.01 * (1 + n)}) for n in range(count)]
    initial = bench.initial(SMALL, arrays)
    captured = bench.accepted(SMALL, arrays)
    engine.open(captured, arrays)
    for slot, recipe in enumerate(recipes):
        engine.put(slot, recipe, slot, initial)
    return recipes


def alone(torch, recipes, until=EPOCHS):
    engine = Packed("cpu", Ladder((1,)))
    filled(engine, torch, len(recipes))
    return [engine.run({slot: until})[slot].train_loss for slot in range(len(recipes))]


def test_more_trials_than_lanes_take_turns(torch):
    engine = Packed("cpu", Ladder((1, 2)))
    recipes = filled(engine, torch, 5)
    assert engine.slots == 2
    curves = engine.run(dict.fromkeys(range(5), EPOCHS))
    for slot, losses in enumerate(alone(torch, recipes)):
        np.testing.assert_allclose(curves[slot].train_loss, losses, rtol=1e-5)


def test_sizes_compile_once(torch):
    engine = Packed("cpu", Ladder((1, 2, 8)))
    filled(engine, torch, 6)
    engine.run(dict.fromkeys(range(5), 1))
    engine.run({0: 2})
    assert sorted(size for *_, size in engine._programs) == [1, 8]
    compiled = dict(engine._programs)
    filled(engine, torch, 6)
    engine.run(dict.fromkeys(range(5), 1))
    engine.run({5: 1, 2: 3, 0: 2, 1: 4})  # one of them in a lane that another one had
    engine.run({1: 5})
    assert engine._programs == compiled


class Full(Packed):
    """A device with room for two trials; asked for more, it fails as XLA does, midway."""

    def _compiled(self, trial, features, size):
        epoch = super()._compiled(trial, features, size)
        calls = []

        def failing(lanes, given):
            calls.append(1)
            if size > 2 and len(calls) > 1:
                raise MemoryError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")
            return epoch.run(lanes, given)

        return epoch._replace(run=failing)


def test_out_of_memory_halves_the_pack_and_goes_on(torch):
    engine = Full("cpu", Ladder((1, 4, 8)))
    recipes = filled(engine, torch, 6)
    curves = engine.run(dict.fromkeys(range(6), EPOCHS))
    assert engine.slots == 2
    for slot, losses in enumerate(alone(torch, recipes)):
        np.testing.assert_allclose(curves[slot].train_loss, losses, rtol=1e-5)


class Tiny(Packed):
    def _compiled(self, trial, features, size):
        raise MemoryError("RESOURCE_EXHAUSTED")


def test_a_trial_that_does_not_fit_alone_is_out_of_memory(torch):
    engine = Tiny("cpu", Ladder((1, 4)))
    filled(engine, torch, 3)
    with pytest.raises(MemoryError, match="one trial does not fit"):
        engine.run({0: 1, 1: 1, 2: 1})


def test_sizes_without_room_are_left_out(torch):
    many = Packed("cpu", Ladder((1, 4, 16)), memory=1e12)
    filled(many, torch, 16)
    many.run({0: 1})
    assert many.slots == 16
    (needed,) = many._needed.values()
    few = Packed("cpu", Ladder((1, 4, 16)), memory=6 * needed[1])
    filled(few, torch, 16)
    few.run({0: 1})
    assert few.slots == 4


class Narrow(Packed):
    """A device with room for one lane's evaluation at a time."""

    def _room(self):
        return 1.0


def test_an_evaluation_in_groups_shows_what_one_of_all_lanes_does(torch):
    curves = []
    for kind in (Packed, Narrow):
        engine = kind("cpu", Ladder((4,)))
        filled(engine, torch, 4)
        curves.append(engine.run(dict.fromkeys(range(4), 2)))
    for slot in range(4):
        one, other = (each[slot] for each in curves)
        np.testing.assert_allclose(one.val_loss, other.val_loss, rtol=1e-5)
        np.testing.assert_allclose(one.train_loss_eval, other.train_loss_eval, rtol=1e-5)
        assert one.metrics["accuracy"] == pytest.approx(other.metrics["accuracy"])
        assert one.train_loss == other.train_loss  # training is the same program


@pytest.mark.skipif(CUDA, reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    with pytest.raises(LuthierError, match="JAX sees no device 'cuda'"):
        engines.load("packed_cuda")


@pytest.mark.skipif(not CUDA, reason="there is no GPU")
def test_digits_train_on_a_gpu_as_on_a_cpu():
    from luthier import train

    recipe = {"epochs": 30, "batch_size": 32, "optimizer": "adam", "learning_rate": 1e-3}
    scores = [
        train("mlp", "digits", recipe=recipe, engine=name).score
        for name in ("packed_cuda", "torch_eager")
    ]
    assert abs(scores[0] - scores[1]) < 0.03
