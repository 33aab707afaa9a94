"""luthier's command for the same study: python -m benchmarks.studies.luthier_way FOLDER ENGINE."""

from __future__ import annotations

import sys
from pathlib import Path

import luthier
from benchmarks.studies.problem import BATCH, EPOCHS, PROCESSES, TRIALS
from luthier.core import Float

# Named as at the command line: PyTorch is imported while the workers' nursery imports it, too.
SMALL = f"{Path(__file__).parents[1] / 'engines' / 'networks.py'}:small"

if __name__ == "__main__":
    folder, engine = sys.argv[1:]
    study = luthier.tune(
        SMALL,
        "digits",
        recipe={
            "optimizer": "adam",
            "schedule": "constant",
            "warmup": 0.0,
            "batch_size": BATCH,
            "epochs": EPOCHS,
        },
        space={
            "learning_rate": Float(1e-4, 1e-1, log=True),
            "beta1": Float(0.8, 0.99),
            "beta2": Float(0.9, 0.9999),
        },
        budget=f"{TRIALS} trials",
        strategy="random",
        engine=engine,
        workers=PROCESSES,
        storage=f"sqlite:///{folder}/study.db",
    )
    history = study.history
    sys.stdout.write(f"{len(history.trials)} trials, {history.epochs} epochs\n")
