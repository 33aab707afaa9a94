"""Small studies for tests: values that tell which epoch they are of."""

from __future__ import annotations

import numpy

from luthier.core import Curves, Float, Recipe, Space, State, Step, StudyRecord

STUDY = "digits"


def study_record(name: str = STUDY, *, low: float = 1e-4, seed: int = 0) -> StudyRecord:
    """Return a small study's record."""
    space = Space({"learning_rate": Float(low, 0.1, log=True)}, Recipe(model={"width": 8}))
    return StudyRecord(name, "accuracy", "maximize", space, "data-1", "net-1", seed)


def new_steps(count: int, until: int = 3) -> list[Step]:
    """Return steps for new trials, told apart by their seeds."""
    return [Step(until, recipe=Recipe(model={"width": i + 1}), seed=i) for i in range(count)]


def epochs(*numbers: int) -> Curves:
    """Return curves whose values tell which epochs they are of."""
    values = tuple(float(number) for number in numbers)
    return Curves(train_loss=values, metrics={"accuracy": values})


def state_after(epoch: int) -> State:
    """Return a state that tells which epoch it was taken after."""
    return State({"weights/w": numpy.full((2, 3), epoch, numpy.float32)}, {"epoch": epoch})


def epoch_of(state: State | None) -> int:
    """Return the epoch that a state of `state_after` was taken after; 0 for None."""
    return 0 if state is None else int(state.extra["epoch"])
