"""One of Optuna's processes: python -m benchmarks.studies.optuna_way JOURNAL TRIALS CORE."""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"
JOURNAL, TRIALS, CORE = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.sched_setaffinity(0, {CORE})

import optuna  # noqa: E402 - after the number of threads
import torch  # noqa: E402
from optuna.storages import JournalStorage  # noqa: E402
from optuna.storages.journal import JournalFileBackend  # noqa: E402
from torch.nn import functional  # noqa: E402

from benchmarks.engines.networks import small  # noqa: E402
from benchmarks.studies.problem import BATCH, EPOCHS, digits  # noqa: E402


def objective(trial: optuna.Trial) -> float:
    """Train as a PyTorch tutorial does, tensors preloaded; return the best validation loss."""
    optimizer = torch.optim.Adam(
        (network := small(64, 10)).parameters(),
        lr=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        betas=(trial.suggest_float("beta1", 0.8, 0.99), trial.suggest_float("beta2", 0.9, 0.9999)),
    )
    best = float("inf")
    for _ in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH)[: len(x) // BATCH]:
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            outputs = network(val_x)
            best = min(best, functional.cross_entropy(outputs, val_y).item())
            (outputs.argmax(1) == val_y).float().mean().item()
    return best


torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.WARNING)
x, y, val_x, val_y = digits()
study = optuna.create_study(
    study_name="digits",
    storage=JournalStorage(JournalFileBackend(JOURNAL)),
    sampler=optuna.samplers.RandomSampler(),
    load_if_exists=True,
)
study.optimize(objective, n_trials=TRIALS)
