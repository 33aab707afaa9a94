"""What tests of engines share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from luthier import engines, frameworks
from luthier.core import Arrays, Build, Curves, Engine, Recipe, State


def _trained(
    engine: str | Engine, build: Build, recipe: Recipe, arrays: Arrays
) -> tuple[Curves, State]:
    """Train a network to its end, in an engine that must not refuse it."""
    engine = engines.load(engine) if isinstance(engine, str) else engine
    captured = frameworks.load("torch").capture(build, recipe, arrays, 0)
    assert engine.refuses(captured, recipe) is None
    engine.open(captured, arrays)
    engine.put(0, recipe, 0, captured.initial)
    return engine.run({0: recipe.epochs})[0], engine.take(0)


@pytest.fixture(scope="session")
def trained() -> Callable[..., Any]:
    """Return what trains a network to its end, by the name of an engine."""
    return _trained


def _agrees(build: Build, recipe: Recipe, arrays: Arrays, **tolerances: float) -> Any:
    """Fail where native's losses or weights differ from PyTorch's; return what both came to."""
    found, true = (_trained(engine, build, recipe, arrays) for engine in ("native", "torch_eager"))
    assert np.isfinite(true[0].train_loss).all()
    for of in ("train_loss", "train_loss_eval", "val_loss", "penalty"):
        np.testing.assert_allclose(getattr(found[0], of), getattr(true[0], of), rtol=1e-10)
    for tensor, value in true[1].arrays.items():
        np.testing.assert_allclose(found[1].arrays[tensor], value, **tolerances)
    return found, true


@pytest.fixture(scope="session")
def agrees() -> Callable[..., Any]:
    """Return what holds the engine `native` to PyTorch, weights by the tolerances given."""
    return _agrees
