"""PyTorch's framework keeps the laws of frameworks."""

import pytest

from luthier import frameworks
from luthier.testing.frameworks import FrameworkLaws


class TestTorch(FrameworkLaws):
    @pytest.fixture
    def framework(self):
        return frameworks.load("torch")
