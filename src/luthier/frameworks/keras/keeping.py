"""Keeping the state of live objects of Keras: a model, its optimizer, random numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from luthier.core import State, WatchError
from luthier.frameworks.packing import pack, unpack


class KerasKeeper:
    """Takes and restores the variables of models and optimizers, random numbers included.

    Args:
        things: Each with `variables`; a compiled model brings its optimizer.

    Raises:
        WatchError: for one without.
    """

    watched = False  # what looks on a Keras model is a callback: luthier.KerasWatch

    def __init__(self, things: Sequence[Any]) -> None:
        for one in things:
            if not hasattr(one, "variables"):
                raise WatchError(
                    f"a {type(one).__name__} was given to trial.watch, which has no variables to "
                    "keep. Pass models and optimizers."
                )
        own = [getattr(one, "optimizer", None) for one in things]
        self._things = [*things, *(one for one in own if one is not None and one not in things)]
        self._model = things[0]

    def take(self) -> State:
        """Return a copy of all variables as they are now."""
        self._build()
        values = [[np.array(v) for v in map(_plain, one.variables)] for one in self._things]
        tree = {"things": values, "python": random.getstate(), "numpy": np.random.get_state()}
        arrays, extra = pack(tree, _array)
        return State(arrays, {"packed": extra})

    def restore(self, state: State) -> None:
        """Give every variable the value that `take` found."""
        self._build()
        tree = unpack(state.arrays, state.extra["packed"], lambda array, kind: array)
        for one, values in zip(self._things, tree["things"], strict=True):
            for variable, value in zip(one.variables, values, strict=True):
                variable.assign(value)
        random.setstate(tree["python"])
        np.random.set_state(tree["numpy"])

    def _build(self) -> None:
        """Have optimizers make their variables, which they put off until the first step."""
        for one in self._things:
            if hasattr(one, "apply") and not getattr(one, "built", True):
                one.build(self._model.trainable_variables)


def _plain(variable: Any) -> Any:
    return variable.numpy() if hasattr(variable, "numpy") else variable


def _array(leaf: Any) -> tuple[Any, str] | None:
    return (leaf, "numpy") if isinstance(leaf, np.ndarray) else None
