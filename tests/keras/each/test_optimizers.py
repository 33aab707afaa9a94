"""`keras.optimizers` is the reference formula of Keras networks."""

import keras
import numpy as np
import pytest

from luthier.catalog import optimizers
from luthier.catalog.ops_numpy import numpy_ops
from luthier.catalog.optimizers.keras import DIFFERENCES, OWN
from luthier.frameworks.keras.process import backend
from luthier.frameworks.keras.seeded import seeded

# TensorFlow makes single precision of a Python number before it widens it: these are exact there.
EPSILON, BETA1, BETA2, MOMENTUM = 2.0**-10, 0.75, 0.9375, 0.625
SETTINGS = {"epsilon": EPSILON, "beta1": BETA1, "beta2": BETA2, "momentum": MOMENTUM}
REFERENCES = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=MOMENTUM),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=MOMENTUM, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1, rho=BETA2, epsilon=EPSILON),
    "adagrad": lambda: keras.optimizers.Adagrad(0.1, epsilon=EPSILON),
    "adadelta": lambda: keras.optimizers.Adadelta(0.1, rho=BETA2, epsilon=EPSILON),
    "adam": lambda: keras.optimizers.Adam(0.1, BETA1, BETA2, EPSILON),
    "adamw": lambda: keras.optimizers.AdamW(
        0.1, beta_1=BETA1, beta_2=BETA2, epsilon=EPSILON, weight_decay=0.0
    ),
    "nadam": lambda: keras.optimizers.Nadam(0.1, BETA1, BETA2, EPSILON),
    "adamax": lambda: keras.optimizers.Adamax(0.1, BETA1, BETA2, EPSILON),
    "lion": lambda: keras.optimizers.Lion(0.1, BETA1, BETA2),
}


def steps(count: int = 100):
    """Yield gradients of a noisy bowl, and rates that fall."""
    rng = np.random.default_rng(0)
    for step in range(count):
        yield rng.normal(size=(3, 2)), 0.1 * (1 - step / (2 * count))


@pytest.mark.parametrize("name", REFERENCES)
def test_a_hundred_steps_are_kerass_to_ten_digits(name: str):
    ours = optimizers.by_name(name, "keras")
    weights = np.random.default_rng(1).normal(size=(3, 2))
    slots = ours.start(numpy_ops, weights)
    with seeded(0, "float64"):
        variable, optimizer = keras.Variable(weights, dtype="float64"), REFERENCES[name]()
        # The rate is kept in single precision there.
        rates = [float(np.float32(rate)) for _, rate in steps()]
        for step, (gradient, _) in enumerate(steps(), start=1):
            optimizer.learning_rate = rates[step - 1]
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
            settings = optimizers.Settings(rates[step - 1], **_used(SETTINGS))
            weights, slots = ours.update(numpy_ops, weights, gradient, slots, step, settings)
        theirs = keras.ops.convert_to_numpy(variable.value)
    # Nadam's own 0.96 and Adagrad's 0.1 are rounded like that, too, and no settings of ours.
    rounded = name in ("nadam", "adagrad") and backend() == "tensorflow"
    np.testing.assert_allclose(weights, theirs, rtol=1e-5 if rounded else 1e-10, atol=1e-12)


def _used(settings):
    return {name: float(value) for name, value in settings.items()}


def test_every_difference_from_pytorch_is_told():
    assert set(DIFFERENCES) == {one.name for one in OWN}
    for one in OWN:
        theirs = optimizers.by_name(one.name)
        assert (one.slots, one.settings) == (theirs.slots, theirs.settings)


@pytest.mark.parametrize("one", OWN, ids=lambda one: one.name)
def test_a_formula_of_its_own_is_another_than_pytorchs(one):
    theirs, draws = optimizers.by_name(one.name), np.random.default_rng(2).normal(size=(5, 4))
    found = []
    for formula in (one, theirs):
        weights = np.ones(4)
        slots = formula.start(numpy_ops, weights)
        for step, (gradient, rate) in enumerate(
            zip(draws, [0.1, 0.05, 0.1, 0.05, 0.1], strict=True), 1
        ):
            settings = optimizers.Settings(rate, epsilon=1e-2)
            weights, slots = formula.update(numpy_ops, weights, gradient, slots, step, settings)
        found.append(weights)
    assert np.abs(found[0] - found[1]).max() > 1e-7
