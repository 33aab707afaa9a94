import math

import numpy as np
import pytest
import torch

from luthier.catalog import optimizers
from luthier.catalog.ops_numpy import numpy_ops
from luthier.catalog.optimizers import ALL, Settings
from luthier.core import Recipe

RATE, STEPS = 0.02, 100

TORCH = {
    "sgd": lambda w: torch.optim.SGD([w], RATE),
    "momentum": lambda w: torch.optim.SGD([w], RATE, momentum=0.9),
    "nesterov": lambda w: torch.optim.SGD([w], RATE, momentum=0.9, nesterov=True),
    "rmsprop": lambda w: torch.optim.RMSprop([w], RATE, alpha=0.99),
    "adagrad": lambda w: torch.optim.Adagrad([w], RATE),
    "adadelta": lambda w: torch.optim.Adadelta([w], RATE),
    "adam": lambda w: torch.optim.Adam([w], RATE),
    "adamw": lambda w: torch.optim.AdamW([w], RATE, weight_decay=0.0),
    "nadam": lambda w: torch.optim.NAdam([w], RATE),
    "radam": lambda w: torch.optim.RAdam([w], RATE),
    "adamax": lambda w: torch.optim.Adamax([w], RATE),
}


def settings(optimizer, rate=RATE):
    values = {k: v for k, v in optimizer.usual.items() if k != "learning_rate"}
    return Settings(learning_rate=rate, **values)


def least_squares():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(30, 6)) / 5
    return matrix.T @ matrix, matrix.T @ rng.normal(size=(30, 2)), rng.normal(size=(6, 2))


def descend(optimizer, ops, gradient, weights, steps, rate=RATE):
    slots = optimizer.start(ops, weights)
    for step in range(1, steps + 1):
        weights, slots = optimizer.update(
            ops, weights, gradient(weights), slots, step, settings(optimizer, rate)
        )
    return weights


@pytest.fixture
def double():
    """NAdam keeps one of its numbers in torch's default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", TORCH)
def test_the_numbers_are_those_of_torch(name, library):
    square, offset, start = least_squares()
    theirs = torch.tensor(start, requires_grad=True)
    optimizer = TORCH[name](theirs)
    for _ in range(STEPS):
        theirs.grad = torch.tensor(square) @ theirs.detach() - torch.tensor(offset)
        optimizer.step()
    a, b = library.array(square), library.array(offset)
    ours = descend(
        optimizers.by_name(name), library.ops, lambda w: a @ w - b, library.array(start), STEPS
    )
    np.testing.assert_allclose(np.asarray(ours), theirs.detach().numpy(), rtol=0, atol=1e-10)


def test_lion_is_program_1_of_its_paper(library):
    square, offset, start = least_squares()
    w, m = start.copy(), np.zeros_like(start)
    for _ in range(STEPS):
        g = square @ w - offset
        w, m = w - RATE * np.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g
    a, b = library.array(square), library.array(offset)
    ours = descend(
        optimizers.by_name("lion"), library.ops, lambda x: a @ x - b, library.array(start), STEPS
    )
    np.testing.assert_allclose(np.asarray(ours), w, rtol=0, atol=1e-10)


def test_every_optimizer_is_compared_with_a_reference():
    assert {o.name for o in ALL} == {*TORCH, "lion"}


@pytest.mark.parametrize("optimizer", ALL, ids=lambda o: o.name)
class TestLaws:
    def test_descends_on_a_parabola(self, optimizer, library):
        start = library.array([1.0, -2.0, 0.5])
        rate = optimizer.default_learning_rate
        end = descend(optimizer, library.ops, lambda w: w, start, 400, rate)
        assert float((end**2).sum()) < float((start**2).sum())

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_keeps_shapes_and_types(self, optimizer, library, dtype):
        w, g = library.array(np.ones((2, 3)), dtype), library.array(np.full((2, 3), 0.5), dtype)
        slots = optimizer.start(library.ops, w)
        new, slots = optimizer.update(library.ops, w, g, slots, 1, settings(optimizer))
        assert len(slots) == len(optimizer.slots)
        for array in (new, *slots):
            assert array.shape == w.shape
            assert array.dtype == w.dtype

    def test_changes_nothing_in_place(self, optimizer, library):
        arrays = [
            library.array(v)
            for v in ([1.0, 2.0], [0.5, -1.0], *[[0.3, 0.2]] * len(optimizer.slots))
        ]
        before = [np.asarray(a).copy() for a in arrays]
        optimizer.update(
            library.ops, arrays[0], arrays[1], tuple(arrays[2:]), 3, settings(optimizer)
        )
        for old, new in zip(before, arrays, strict=True):
            np.testing.assert_array_equal(old, np.asarray(new))

    def test_stands_still_without_gradient(self, optimizer, library):
        w = library.array([1.0, -2.0])
        end = descend(optimizer, library.ops, library.ops.zeros_like, w, 3)
        np.testing.assert_allclose(np.asarray(end), np.asarray(w))

    def test_settings_and_step_may_be_arrays(self, optimizer, library):
        w, g = library.array([1.0, -2.0]), library.array([0.5, 0.25])
        slots = optimizer.start(library.ops, w)
        plain = settings(optimizer)
        arrays = Settings(*(library.array(value) for value in plain))
        for step in (1, 7):
            one, _ = optimizer.update(library.ops, w, g, slots, step, plain)
            two, _ = optimizer.update(library.ops, w, g, slots, library.array(step), arrays)
            np.testing.assert_allclose(np.asarray(one), np.asarray(two), rtol=1e-12)

    def test_settings_of_many_trials_broadcast(self, optimizer):
        w = np.array([[1.0, -2.0], [1.0, -2.0]])
        g = np.array([[0.5, 0.25], [0.5, 0.25]])
        slots = optimizer.start(numpy_ops, w)
        plain = settings(optimizer)
        rates = np.array([[0.1], [0.01]])
        both, _ = optimizer.update(
            numpy_ops, w, g, slots, np.array([[1], [1]]), plain._replace(learning_rate=rates)
        )
        for row, rate in enumerate((0.1, 0.01)):
            alone, _ = optimizer.update(
                numpy_ops,
                w[row],
                g[row],
                tuple(s[row] for s in slots),
                1,
                plain._replace(learning_rate=rate),
            )
            np.testing.assert_allclose(both[row], alone, rtol=1e-12)

    def test_reads_only_keys_of_a_recipe(self, optimizer):
        assert all(Recipe().has(name) for name in optimizer.settings)
        assert set(optimizer.defaults) <= set(optimizer.settings)
        assert optimizer.default_learning_rate in optimizer.learning_rates
        assert optimizer.reference


@pytest.mark.parametrize("beta2", [0.0, 1 / 3, 0.5, 0.6, 0.8])
def test_radam_is_finite_where_its_rectification_is_undefined(beta2):
    optimizer = optimizers.by_name("radam")
    for step in range(1, 6):
        w, _ = optimizer.update(numpy_ops, 1.0, 0.5, (0.1, 0.1), step, Settings(0.1, beta2=beta2))
        assert math.isfinite(w)
