"""Every engine keeps the laws."""

import importlib.util

import pytest

from luthier import engines, frameworks
from luthier.engines.native.compiler import compiler
from luthier.testing.engines import EngineLaws


class TestTorchEager(EngineLaws):
    @pytest.fixture
    def engine(self):
        return engines.load("torch_eager")

    @pytest.fixture
    def framework(self):
        return frameworks.load("torch")


@pytest.fixture(scope="module")
def compiled():
    # Not importorskip: the engine itself imports jax, after its flags.
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    return engines.load("compiled"), frameworks.load("torch")


class TestCompiled(EngineLaws):
    @pytest.fixture
    def engine(self, compiled):
        return compiled[0]  # one for all laws: what it compiled for one serves the next

    @pytest.fixture
    def framework(self, compiled):
        return compiled[1]


@pytest.fixture(scope="module")
def packed():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed")
    return engines.load("packed"), frameworks.load("torch")


class TestPacked(EngineLaws):
    """One lane at a time; `luthier.testing.packs` has the laws of several."""

    TRIED = ("adam with cosine", "batch norm", "dropout", "noise")

    @pytest.fixture
    def engine(self, packed, request):
        params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
        if params.get("name", "dropout") not in self.TRIED:
            pytest.skip("a pack of each case compiles for seconds")
        return packed[0]

    @pytest.fixture
    def framework(self, packed):
        return packed[1]


@pytest.fixture(scope="module")
def native():
    if not compiler():
        pytest.skip("there is no C compiler")
    return engines.load("native"), frameworks.load("torch")


class TestNative(EngineLaws):
    @pytest.fixture
    def engine(self, native):
        return native[0]

    @pytest.fixture
    def framework(self, native):
        return native[1]
