"""The Keras engine keeps the laws of engines, on every backend."""

import pytest

from luthier import engines, frameworks
from luthier.testing.engines import EngineLaws


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
    def engine(self, keras_eager):
        return keras_eager[0]  # one for all laws: what it compiled for one serves the next

    @pytest.fixture
    def framework(self, keras_eager):
        return keras_eager[1]
