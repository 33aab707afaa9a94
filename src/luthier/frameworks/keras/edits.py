"""Safe changes to a Keras network's layers: exchanged activations, which layers keep by name.

Only of layers that apply their activation to a sum: those of a recurrent cell are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from luthier.core import Edit, Move

_KINDS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_SATURATING = ("sigmoid", "tanh", "softsign", "hard_sigmoid", "hard_tanh")
_SHARES = ("softmax", "sigmoid")


def edits_of(model: Any, *, classes: bool) -> list[Edit]:
    """Return the safe edits, in the order in which several are made.

    Args:
        model: A network whose layers are built.
        classes: Whether it tells classes; a last softmax or sigmoid is then taken for its shares.
    """
    layers = [(i, one) for i, one in enumerate(model.layers) if isinstance(one, _KINDS)]
    if not layers:
        return []
    names = {index: getattr(one.activation, "__name__", "") for index, one in layers}
    (end, _), hidden = layers[-1], [index for index, _ in layers[:-1]]
    found = []
    bounded = names[end] not in ("linear", *(_SHARES if classes else ()))
    if bounded and end == len(model.layers) - 1:
        advice = f"Take the last {names[end]} out"
        found.append(_edit("without_last_activation", advice, [end], "linear"))
    saturating = [index for index in hidden if names[index] in _SATURATING]
    if saturating:
        found.append(_edit("relu_hidden", "Take ReLU in hidden layers", saturating, "relu"))
    rectified = [index for index in hidden if names[index] == "relu"]
    if rectified:
        advice = "Take leaky ReLU in hidden layers: it cannot die"
        found.append(_edit("leaky_relu", advice, rectified, "leaky_relu"))
    apart = any("activation" in type(one).__name__.lower() for one in model.layers)
    if hidden and all(names[index] == "linear" for index in hidden) and not apart:
        found.append(_edit("relu_between", "Put ReLU between the layers", hidden, "relu"))
    return found


def apply(model: Any, edits: Sequence[Edit]) -> Any:
    """Make some edits; the network itself is changed, and returned."""
    for edit in edits:
        for move in edit.moves:
            model.layers[int(move.path)].activation = getattr(keras.activations, move.layer)
    return model


def _edit(name: str, advice: str, places: Sequence[int], activation: str) -> Edit:
    code = tuple(
        f"network.layers[{place}].activation = keras.activations.{activation}" for place in places
    )
    moves = tuple(Move("replace", str(place), activation) for place in places)
    return Edit(name, advice, moves, code)
