"""One of Optuna's processes; arguments: DATA FOLDER LOG SEED BEGAN SECONDS CORE."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
DATA, FOLDER, LOG = sys.argv[1:4]
SEED, BEGAN, SECONDS, CORE = int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6]), sys.argv[7]
os.sched_setaffinity(0, {int(CORE)})

import optuna  # noqa: E402 - after the number of threads
import torch  # noqa: E402
from optuna.storages import JournalStorage  # noqa: E402
from optuna.storages.journal import JournalFileBackend  # noqa: E402
from torch.nn import functional  # noqa: E402

from benchmarks.letters import problem  # noqa: E402


def objective(trial: optuna.Trial) -> float:
    """Train as a PyTorch tutorial does, tensors preloaded; return the best validation loss."""
    network = problem.build(
        x.shape[1],
        26,
        trial.suggest_int("width", problem.WIDTH.low, problem.WIDTH.high, log=True),
        trial.suggest_int("depth", problem.DEPTH.low, problem.DEPTH.high),
        trial.suggest_float("dropout", problem.DROPOUT.low, problem.DROPOUT.high),
        trial.suggest_categorical("activation", list(problem.ACTIVATIONS)),
        trial.suggest_categorical("norm", list(problem.NORMS)),
    )
    optimizer = torch.optim.AdamW(
        network.parameters(),
        lr=trial.suggest_float("learning_rate", problem.RATE.low, problem.RATE.high, log=True),
        betas=(trial.suggest_float("beta1", problem.BETA.low, problem.BETA.high), 0.999),
        weight_decay=trial.suggest_float(
            "weight_decay", problem.DECAY.low, problem.DECAY.high, log=True
        ),
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, problem.EPOCHS)
    best = float("inf")
    for epoch in range(problem.EPOCHS):
        network.train()
        for rows in torch.randperm(len(x)).split(problem.BATCH)[: len(x) // problem.BATCH]:
            optimizer.zero_grad(set_to_none=True)
            functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            loss = functional.cross_entropy(network(val_x), val_y).item()
            if loss < best:
                best = loss
                logits = network(hidden_x).numpy()
                problem.note(Path(LOG), BEGAN, loss, logits, hidden_y.numpy())
        trial.report(loss if loss == loss else 1e6, epoch + 1)
        if time.time() - BEGAN > SECONDS:
            trial.study.stop()
            break
        if trial.should_prune():
            raise optuna.TrialPruned
    return best


torch.set_num_threads(1)
torch.manual_seed(SEED + int(CORE))
optuna.logging.set_verbosity(optuna.logging.ERROR)
parts = [torch.from_numpy(a) for part in problem.letters(DATA, SEED) for a in part]
x, y, val_x, val_y, hidden_x, hidden_y = parts
study = optuna.create_study(
    study_name="letters",
    storage=JournalStorage(JournalFileBackend(f"{FOLDER}/journal")),
    sampler=optuna.samplers.TPESampler(
        seed=SEED + int(CORE), multivariate=True, constant_liar=True
    ),
    pruner=optuna.pruners.HyperbandPruner(
        min_resource=problem.EPOCHS // 16, max_resource=problem.EPOCHS, reduction_factor=3
    ),
    load_if_exists=True,
)
study.optimize(objective, timeout=SECONDS)
