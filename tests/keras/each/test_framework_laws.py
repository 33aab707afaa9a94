"""The framework of Keras keeps the laws of frameworks, on every backend."""

import pytest

from luthier import frameworks
from luthier.testing.frameworks import FrameworkLaws


class TestKeras(FrameworkLaws):
    @pytest.fixture
    def framework(self):
        return frameworks.load("keras")
