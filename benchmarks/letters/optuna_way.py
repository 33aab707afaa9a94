"""One of Optuna's processes; arguments: DATA FOLDER LOG SEED BEGAN SECONDS SPACE CORE."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
DATA, FOLDER, LOG = sys.argv[1:4]
SEED, BEGAN, SECONDS = int(sys.argv[4]), float(sys.argv[5]), float(sys.argv[6])
SPACE, CORE = sys.argv[7], int(sys.argv[8])
os.sched_setaffinity(0, {CORE})

import optuna  # noqa: E402 - after the number of threads
import torch  # noqa: E402
from optuna.storages import JournalStorage  # noqa: E402
from optuna.storages.journal import JournalFileBackend  # noqa: E402
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from benchmarks.letters import problem  # noqa: E402
from benchmarks.letters.spaces import SPACES  # noqa: E402
from luthier import Conditional, Float, Int  # noqa: E402

SCALERS = {
    "standard": StandardScaler(),
    "minmax": MinMaxScaler(),
    "quantile": QuantileTransformer(output_distribution="normal"),
}
Values = Mapping[str, Any]


def suggested(trial: optuna.Trial) -> Values:
    """Return a value for all that may vary, and what holds otherwise."""
    values: dict[str, Any] = {
        "optimizer": "adamw",
        "schedule": "cosine",
        "preprocessing": "none",
        "noise": 0.0,
        "warmup": 0.0,
        "label_smoothing": 0.0,
        "beta2": 0.999,
        "epsilon": 1e-8,
    }
    for name, domain in SPACES[SPACE].items():
        case: Any = domain
        called = name
        if isinstance(domain, Conditional):
            found = domain.case(value := values[domain.on])
            if found is None:
                continue
            case, called = found, f"{name} of {value}"
        if isinstance(case, Float):
            values[name] = trial.suggest_float(called, case.low, case.high, log=case.log)
        elif isinstance(case, Int):
            values[name] = trial.suggest_int(called, case.low, case.high, log=case.log)
        else:
            values[name] = trial.suggest_categorical(called, list(case.choices))
    return values


def optimizer_of(network: nn.Module, values: Values) -> torch.optim.Optimizer:
    """Return the optimizer of a trial."""
    rate, decay = values["learning_rate"], values["weight_decay"]
    if values["optimizer"] == "nesterov":
        momentum = values["momentum"]
        return torch.optim.SGD(
            network.parameters(), rate, momentum, weight_decay=decay, nesterov=True
        )
    betas = values["beta1"], values["beta2"]
    return torch.optim.AdamW(network.parameters(), rate, betas, values["epsilon"], decay)


def schedule_of(optimizer: torch.optim.Optimizer, values: Values) -> Any:
    """Return what sets the rate of each epoch."""
    warm = values["warmup"] * problem.EPOCHS

    def factor(epoch: int) -> float:
        if epoch < warm:
            return (epoch + 1) / (warm + 1)
        share = (epoch - warm) / (problem.EPOCHS - warm)
        return 1 - share if values["schedule"] == "linear" else (1 + math.cos(math.pi * share)) / 2

    if values["schedule"] == "one_cycle":
        rate = values["learning_rate"]
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, rate, problem.EPOCHS + 1, cycle_momentum=False
        )
    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def objective(trial: optuna.Trial) -> float:
    """Train as a PyTorch tutorial does, tensors preloaded; return the best validation loss."""
    values = suggested(trial)
    x, val_x, hidden_x = inputs[values["preprocessing"]]
    model = {name[6:]: value for name, value in values.items() if name.startswith("model.")}
    network = problem.build(x.shape[1], 26, **model)
    optimizer = optimizer_of(network, values)
    schedule = schedule_of(optimizer, values)
    noise, smoothing = values["noise"] * x.std(0), values["label_smoothing"]
    best = float("inf")
    for epoch in range(problem.EPOCHS):
        network.train()
        for rows in torch.randperm(len(x)).split(problem.BATCH)[: len(x) // problem.BATCH]:
            batch = x[rows]
            if values["noise"]:
                batch = batch + noise * torch.randn_like(batch)
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(network(batch), y[rows], label_smoothing=smoothing)
            loss.backward()
            optimizer.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            score = functional.cross_entropy(network(val_x), val_y).item()
            if score < best:
                best = score
                logits = network(hidden_x).numpy()
                problem.note(Path(LOG), BEGAN, score, logits, hidden_y.numpy())
        trial.report(score if score == score else 1e6, epoch + 1)
        if time.time() - BEGAN > SECONDS:
            trial.study.stop()
            break
        if trial.should_prune():
            raise optuna.TrialPruned
    return best


def tensors(parts: list[Any], scaler: Any | None) -> list[Tensor]:
    """Return the inputs of all parts, scaled by what the first one has."""
    fitted = None if scaler is None else scaler.fit(parts[0])
    scaled = parts if fitted is None else [fitted.transform(part) for part in parts]
    return [torch.from_numpy(part.astype("float32")) for part in scaled]


torch.set_num_threads(1)
torch.manual_seed(SEED + CORE)
optuna.logging.set_verbosity(optuna.logging.ERROR)
pairs = problem.letters(DATA, SEED)
inputs = {
    name: tensors([pair.x for pair in pairs], scaler)
    for name, scaler in {"none": None, **SCALERS}.items()
}
y, val_y, hidden_y = (torch.from_numpy(pair.y) for pair in pairs)
study = optuna.create_study(
    study_name="letters",
    storage=JournalStorage(JournalFileBackend(f"{FOLDER}/journal")),
    sampler=optuna.samplers.TPESampler(
        seed=SEED + CORE, multivariate=True, constant_liar=True, group=SPACE == "whole"
    ),
    pruner=optuna.pruners.HyperbandPruner(
        min_resource=problem.EPOCHS // 16, max_resource=problem.EPOCHS, reduction_factor=3
    ),
    load_if_exists=True,
)
study.optimize(objective, timeout=SECONDS)
