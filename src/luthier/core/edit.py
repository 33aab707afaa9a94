"""A change to a network's layers, as plain data: what moves where, and the code that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

EDITS = "luthier_edits"  # the builder's argument that says which edits a recipe has


@dataclass(frozen=True)
class Move:
    """One layer's change.

    Args:
        kind: ``replace`` the layer at a path, put one ``after`` it, ``zero`` its weights, so
            that it begins by adding nothing, ``train`` all that is frozen in it, or ``redraw`` its
            weights as its layers do by themselves.
        path: Where, as `torch.nn.Module.get_submodule` takes it; of Keras the layer's name. Empty
            for the whole network.
        layer: The new layer, as the expression that makes it.
    """

    kind: Literal["replace", "after", "zero", "train", "redraw"]
    path: str
    layer: str = ""


@dataclass(frozen=True)
class Edit:
    """A change to a network that is safe to make: all its other layers stay as they are.

    Args:
        name: One of the names that cures know.
        advice: For a person.
        moves: In their order.
        code: Lines that do it to ``network``, to paste where it is built.
    """

    name: str
    advice: str
    moves: tuple[Move, ...]
    code: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"name": self.name, "advice": self.advice, "code": list(self.code)}


def chosen(names: str, edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that a recipe names, in the order in which they are made.

    Args:
        names: Joined by ``+``; empty for none.
        edits: All that are safe.

    >>> one, two = Edit("relu_between", "", ()), Edit("normalise", "", ())
    >>> [edit.name for edit in chosen("normalise+relu_between", (one, two))]
    ['relu_between', 'normalise']
    """
    wanted = set(filter(None, names.split("+")))
    return [edit for edit in edits if edit.name in wanted]
