"""The Keras engine keeps the laws of engines, on every backend."""

import pytest

from luthier import engines, frameworks
from luthier.testing.bench import Bench
from luthier.testing.engines import EngineLaws

# Tracing and compiling take a second each: of the pairs of optimizer and schedule some suffice,
# since `test_optimizers` holds every formula to Keras'.
LEFT_OUT = {
    "rmsprop with exponential",
    "adagrad with polynomial",
    "adadelta with linear",
    "adam with cosine",
    "radam with inverse_sqrt",
    "adamax with warmup_stable_decay",
    "momentum with step",
    "nesterov with multi_step",
    "average",
    "batch norm",
    "smoothing and class weights",
    "frozen",
}


@pytest.fixture(scope="module")
def keras_eager():
    framework = frameworks.load("keras")
    return engines.load("keras_eager"), framework


class TestKerasEager(EngineLaws):
    trains = ("dense_1.bias", "dense_1.kernel")
    shared = "first.kernel"

    def is_tied(self, model):
        return len(model.layers) == 3

    @pytest.fixture
    def bench(self, engine, framework, request):
        parameters = getattr(getattr(request.node, "callspec", None), "params", {})
        if parameters.get("name") in LEFT_OUT:
            pytest.skip("another case stands for it")
        return Bench(engine, framework)

    @pytest.fixture
    def engine(self, keras_eager):
        return keras_eager[0]  # one for all laws: what it compiled for one serves the next

    @pytest.fixture
    def framework(self, keras_eager):
        return keras_eager[1]
