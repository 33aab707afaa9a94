"""What `fit` was called with. Keras hands it to no callback, so it is read where it stands.

A callback that `fit` calls can see the frame of `fit` below it. Nothing there is changed, and
where it is not found nothing is said of data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import keras

_KERAS = str(Path(keras.__file__).parent)
DEEP = 60  # frames that are looked through


@dataclass(frozen=True, eq=False)
class Fit:
    """The arguments of one call of `fit`.

    Args:
        x, y: The training part; without the rows that `validation_split` took.
        sample_weight: Weights of rows.
        validation_data: The validation part, if there is one.
        validation_split: Share of the rows that were taken from the end.
        batch_size: Rows of a step; None where the data decide.
        shuffle: Whether rows get a new order in every epoch.
        class_weight: Weights by class.
        callbacks: Everything that `fit` calls.
    """

    x: Any = None
    y: Any = None
    sample_weight: Any = None
    validation_data: Any = None
    validation_split: float = 0.0
    batch_size: int | None = None
    shuffle: bool = True
    class_weight: Any = None
    callbacks: tuple[Any, ...] = ()


def fit_below(model: Any) -> Fit | None:
    """Return what the `fit` that is running was called with; None where it is not found."""
    for frame in frames():
        names = frame.f_locals
        if frame.f_code.co_name != "fit" or "validation_split" not in names:
            continue
        if names.get("self") is not model:
            continue
        own = names.get("callbacks")
        return Fit(
            x=names.get("x"),
            y=names.get("y"),
            sample_weight=names.get("sample_weight"),
            validation_data=names.get("validation_data"),
            validation_split=float(names.get("validation_split") or 0.0),
            batch_size=names.get("batch_size"),
            shuffle=bool(names.get("shuffle", True)),
            class_weight=names.get("class_weight"),
            callbacks=tuple(getattr(own, "callbacks", ())),
        )
    return None


def callers() -> list[FrameType]:
    """Return the frames of the user's code that lead here, the innermost first."""
    own = str(Path(__file__).parents[2])
    return [
        frame
        for frame in frames()
        if not frame.f_code.co_filename.startswith((_KERAS, own))
        and not frame.f_code.co_filename.startswith("<frozen")
    ]


def frames() -> Iterator[FrameType]:
    """Yield the frames below this one."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(DEEP):
        if frame is None:
            return
        yield frame
        frame = frame.f_back
