"""Null studies with real trainings: a space in which every recipe is as good as every other.

The network's only free argument draws other initial weights, so that all recipes are one, with the
noise of seeds and of rows that real trainings have. Whatever is called better is called so falsely.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import Annotated

import torch

import luthier
from luthier import Int
from luthier.data import SplitPlan

SPLITS = range(20)
EPOCHS = 6  # of a full training: enough for wine, and small
TRAININGS = 24
RECIPE = {"epochs": EPOCHS, "batch_size": 16, "learning_rate": 0.003}


def build(
    n_features: int, n_outputs: int, salt: Annotated[int, Int(0, 10**6)] = 0
) -> torch.nn.Module:
    """Return a network whose argument decides nothing but its initial weights."""
    seed = int(torch.randint(2**31, (1,)))
    with torch.random.fork_rng():
        torch.manual_seed(seed + salt)
        return torch.nn.Sequential(
            torch.nn.Linear(n_features, 16), torch.nn.ReLU(), torch.nn.Linear(16, n_outputs)
        )


def run(splits: Iterable[int] = SPLITS, *, engine: str = "native") -> Iterator[str]:
    """Yield a line a study, then how many claim what is not there."""
    verdicts = []
    for split in splits:
        with tempfile.TemporaryDirectory() as folder:
            study = luthier.tune(
                build,
                "wine",
                budget=f"{EPOCHS * TRAININGS} epochs",
                recipe=RECIPE,
                space={"model.salt": Int(0, 10**6)},
                split=SplitPlan(seed=split),
                seed=split,
                engine=engine,
                storage=f"sqlite:///{folder}/runs.db",
            )
            found = study.to_json()
        verdicts.append(found["verdict"])
        proof = found["proof"]
        said = f"p = {found['p_value']:.3f}" if found["verdict"] else proof["reason"]
        yield f"null study {split}: {len(study.trials)} trials, {found['verdict']}, {said}"
    better, worse = (verdicts.count(name) for name in ("better", "worse"))
    yield f"{better} of {len(verdicts)} real null studies claim an improvement, {worse} a loss"
