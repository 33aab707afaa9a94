"""Keeping the state of live objects of PyTorch: a network, its optimizer, random numbers."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from luthier.core import State, WatchError
from luthier.frameworks.packing import pack, unpack

_AS = {torch.bfloat16: torch.int16}  # NumPy has none: the same bits under another name


class TorchKeeper:
    """Takes and restores the state of networks and what trains them, random numbers included.

    Args:
        things: Each with `state_dict` and `load_state_dict`.

    Raises:
        WatchError: for one without.
    """

    watched = True

    def __init__(self, things: Sequence[Any]) -> None:
        for one in things:
            if not (hasattr(one, "state_dict") and hasattr(one, "load_state_dict")):
                raise WatchError(
                    f"a {type(one).__name__} was given to trial.watch, which has no state_dict to "
                    "keep. Pass networks, optimizers, schedules: what has state_dict and "
                    "load_state_dict."
                )
        self._things = list(things)

    def take(self) -> State:
        """Return a copy of all states as they are now."""
        tree = {"things": [one.state_dict() for one in self._things], "random": _random()}
        arrays, extra = pack(tree, _array)
        return State(arrays, {"packed": extra})

    def restore(self, state: State) -> None:
        """Give every object the state that `take` found."""
        tree = unpack(state.arrays, state.extra["packed"], _tensor)
        for one, its in zip(self._things, tree["things"], strict=True):
            one.load_state_dict(its)
        _set_random(tree["random"])


def _array(leaf: Any) -> tuple[Any, str] | None:
    if isinstance(leaf, torch.Tensor):
        plain = leaf.detach().cpu()
        kind = str(plain.dtype).removeprefix("torch.")
        return plain.view(_AS.get(plain.dtype, plain.dtype)).numpy().copy(), kind
    if isinstance(leaf, np.ndarray):
        return leaf.copy(), "numpy"
    return None


def _tensor(array: Any, kind: str) -> Any:
    if kind == "numpy":
        return array
    tensor = torch.from_numpy(array.copy())
    return tensor.view(torch.bfloat16) if kind == "bfloat16" else tensor


def _random() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, keys, *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _set_random(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
