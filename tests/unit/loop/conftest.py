"""A data set of 60 rows, a network that can be told to misbehave, and studies of both."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from torch import nn

from luthier import search
from luthier.core import Categorical, Float, History, Recipe, StudyRecord, Trial
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.record import study_record
from luthier.loop.working.budget import Budget
from luthier.loop.working.interrupt import Stop
from luthier.loop.working.worker import Worker
from luthier.storage import connect
from luthier.storage.sql import SqlStorage

EPOCHS = 6
RECIPE = Recipe(epochs=EPOCHS, batch_size=16, dropout=None, learning_rate=0.01, momentum=0.5)
SPACE = {"learning_rate": Float(1e-3, 1e-1, log=True)}
FAULTS = ("sound", "raises", "nan", "out of memory", "never built")


class Body(nn.Module):
    """A network that evaluates well, and trains as its fault has it."""

    def __init__(self, n_features: int, n_outputs: int, fault: str) -> None:
        super().__init__()
        self.layer, self.fault = nn.Linear(n_features, n_outputs), fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and self.fault == "raises":
            raise ValueError("it does not train")
        if self.training and self.fault == "out of memory":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to")
        return self.layer(x) * (float("nan") if self.training and self.fault == "nan" else 1.0)


def network(
    n_features: int, n_outputs: int, fault: Annotated[str, Categorical(*FAULTS)] = "sound"
) -> nn.Module:
    if fault == "never built":
        raise TypeError("it cannot be built")
    return Body(n_features, n_outputs, fault)


@pytest.fixture(scope="session")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4)).astype(np.float32)
    return x, (x[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(np.int64)


@pytest.fixture(scope="session")
def parts(data: Any) -> Assembly:
    return assemble(network, data, recipe=RECIPE)


def _values(trial: Trial) -> tuple[Any, ...]:
    timeless = [{k: v for k, v in row.items() if k != "seconds"} for row in trial.curves.epochs()]
    return trial.number, trial.recipe, trial.seed, trial.state, trial.cause, repr(timeless)


@dataclass
class Bench:
    """A study in memory, and workers on it.

    Args:
        parts: What it trains.
        record: What it is about.
        storage: Where it lives.
        now: What the storage's clock shows.
    """

    parts: Assembly
    record: StudyRecord
    now: list[float]
    storage: SqlStorage = field(init=False)

    def __post_init__(self) -> None:
        self.storage = connect("sqlite://", clock=lambda: self.now[0])
        self.storage.open(self.record)

    def worker(
        self,
        budget: str,
        notify: Callable[[History], None] = lambda history: None,
        stop: Stop | None = None,
    ) -> Worker:
        return Worker(
            self.record,
            self.storage,
            search.by_name("halving"),
            Budget.parse(budget),
            self.parts.trainer("torch_eager"),
            stop or Stop(),
            notify,
        )

    def run(self, budget: str) -> History:
        self.worker(budget).run()
        return self.history

    def values(self) -> list[tuple[Any, ...]]:
        """Return all of the trials but the time they took, in a form that compares NaN."""
        return [_values(trial) for trial in self.history.trials]

    @property
    def history(self) -> History:
        return self.storage.history(self.record.name)


@pytest.fixture(scope="session")
def bench(parts: Assembly) -> Callable[..., Bench]:
    """Return what makes a study with a space, and a start recipe that differs in some keys."""

    def make(space: Any = SPACE, **changes: Any) -> Bench:
        recipe = parts.recipe.replace(changes)
        used = assemble(network, parts.preparation.dataset, recipe=recipe) if changes else parts
        record = study_record(
            used, "study", stored=None, recipe=None, space=space, budget=Budget(), seed=0
        )
        return Bench(used, record, [1000.0])

    return make
