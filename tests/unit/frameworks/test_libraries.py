"""A framework's large libraries are named where they can be loaded without it."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from luthier.frameworks import libraries as module
from luthier.frameworks.libraries import libraries


@pytest.fixture
def lib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of libraries of a PyTorch that is found."""
    spec = ModuleSpec("torch", None, origin=str(tmp_path / "torch" / "__init__.py"))
    monkeypatch.setattr(module, "find_spec", {"torch": spec}.get)
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    return tmp_path / "torch" / "lib"


def test_it_is_pytorchs_large_one(lib: Path):
    assert libraries("torch") == ()
    (lib / "libtorch_cpu.so").touch()
    assert libraries("torch") == (str(lib / "libtorch_cpu.so"),)


@pytest.mark.parametrize("device", ["cuda", "hip", "xpu"])
def test_with_a_gpus_beside_it_pytorch_decides_the_order(lib: Path, device: str):
    (lib / "libtorch_cpu.so").touch()
    (lib / f"libtorch_{device}.so").touch()
    assert libraries("torch") == ()


def test_without_pytorch_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "find_spec", {}.get)
    assert libraries("torch") == ()
