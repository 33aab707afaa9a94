"""luthier's command for the same; arguments: DATA FOLDER LOG SEED BEGAN SECONDS SPACE."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import luthier
from benchmarks.letters import problem
from benchmarks.letters.spaces import SPACES
from luthier.core import History
from luthier.engines.native.rounded import tiles
from luthier.loop.assembly import assemble
from luthier.storage import connect

if __name__ == "__main__":
    data_file, folder, log, seed, began, seconds, space = sys.argv[1:]
    data = tuple(map(tuple, problem.letters(data_file, int(seed))))
    recipe = {
        "optimizer": "adamw",
        "schedule": "cosine",
        "batch_size": problem.BATCH,
        "epochs": problem.EPOCHS,
        "preprocessing": "none" if space == "network" else "standard",
        "precision": "bfloat16" if tiles() else "float32",
    }
    parts = assemble(problem.build, data, recipe=recipe, task="classification")
    storage = f"sqlite:///{folder}/study.db"
    seen: dict[str, float] = {"loss": np.inf}

    def look(history: History) -> None:
        """Note the hidden accuracy of a new best network; the search never sees those rows."""
        best = history.best
        if best is None or history.loss(best) >= seen["loss"]:
            return
        state = connect(storage).state("letters", best.number)
        if state is None:
            return
        seen["loss"] = history.loss(best)
        arrays = parts.preparation.arrays(best.recipe)
        if arrays.test is None:
            raise RuntimeError("the problem has no hidden rows")
        model = parts.framework.restore(parts.build, best.recipe, arrays.task, state)
        logits = parts.framework.outputs(model, arrays.test, arrays.task)
        problem.note(Path(log), float(began), seen["loss"], logits, arrays.test.target)

    luthier.tune(
        problem.build,
        data,
        task="classification",
        recipe=recipe,
        space=SPACES[space],
        budget=f"{seconds}s",
        workers=problem.PROCESSES,
        seed=int(seed),
        study="letters",
        storage=storage,
        notify=look,
    )
