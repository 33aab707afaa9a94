"""What tests of engines share."""

from collections.abc import Callable
from typing import Any

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
