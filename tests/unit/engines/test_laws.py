"""Every engine keeps the laws."""

import pytest

from luthier import engines, frameworks
from luthier.testing.engines import EngineLaws


class TestTorchEager(EngineLaws):
    @pytest.fixture
    def engine(self):
        return engines.load("torch_eager")

    @pytest.fixture
    def framework(self):
        return frameworks.load("torch")
