"""Train published networks by luthier and by a loop of their users: see benchmarks/README.md."""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import luthier
from benchmarks.others.problems import PROBLEMS, Parts, Problem

BATCH = 32


def own_loop(problem: Problem, data: Parts, seed: int) -> nn.Module:
    """Train with Adam as its users do, and keep the weights of the best epoch."""
    torch.manual_seed(seed)
    network = problem.build()
    (x, y), (x_val, y_val) = (tuple(map(torch.from_numpy, part)) for part in data[:2])
    adam = torch.optim.Adam(network.parameters(), problem.rate)
    best, kept = float("inf"), network
    for _ in range(problem.epochs):
        network.train()
        for rows in torch.randperm(len(x)).split(BATCH)[: len(x) // BATCH]:
            adam.zero_grad()
            functional.cross_entropy(network(x[rows]), y[rows]).backward()
            adam.step()
        loss, _ = scored(problem, network, x_val, y_val)
        if loss < best:
            best, kept = loss, copy.deepcopy(network)
    return kept


def by_luthier(
    problem: Problem, data: Parts, seed: int, engine: str
) -> tuple[luthier.Training, nn.Module]:
    """Train the same recipe with luthier."""
    recipe = {
        "optimizer": "adam",
        "learning_rate": problem.rate,
        "schedule": "constant",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "batch_size": BATCH,
        "epochs": problem.epochs,
        "preprocessing": "none",
    }
    training = luthier.train(
        problem.build, data[:2], recipe=recipe, seed=seed, metric="log_loss", engine=engine
    )
    return training, training.model()


def scored(problem: Problem, network: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return the log-loss, and what is easier to read: accuracy, or the overlap of pixels."""
    network.eval()
    with torch.no_grad():
        outputs = torch.cat([network(rows) for rows in x.split(128)])
        loss, found = float(functional.cross_entropy(outputs, y)), outputs.argmax(1)
    if problem.shown == "accuracy":
        return loss, float((found == y).double().mean())
    shares = [
        float(((found == k) & (y == k)).sum() / ((found == k) | (y == k)).sum()) for k in (0, 1)
    ]
    return loss, mean(shares)


def compared(name: str, seeds: Sequence[int], engine: str) -> dict[str, object]:
    """Train with each seed, both ways in turn; print and return what came out."""
    problem, rows = PROBLEMS[name], []
    for seed in seeds:
        data = problem.data(seed)
        x, y = map(torch.from_numpy, data[2])
        began = time.process_time()
        theirs = scored(problem, own_loop(problem, data, seed), x, y)
        middle = time.process_time()
        training, network = by_luthier(problem, data, seed, engine)
        took = time.process_time() - middle
        ours = scored(problem, network, x, y)
        rows.append((*theirs, *ours, middle - began, took))
        print(f"{name} seed {seed}: loop {theirs}, luthier {ours} on {training.trial.engine}")
    table = np.array(rows)
    gap = table[:, 2] - table[:, 0]
    found: dict[str, object] = {
        "network": name,
        "engine": training.trial.engine,
        "seeds": len(seeds),
        "shown": problem.shown,
        "loop": table[:, :2].mean(0).tolist(),
        "luthier": table[:, 2:4].mean(0).tolist(),
        "difference": gap.mean(),
        "standard_error": stdev(gap) / len(gap) ** 0.5,
        "loop_seconds": float(np.median(table[:, 4])),
        "luthier_seconds": float(np.median(table[:, 5])),
    }
    print(json.dumps(found, indent=2))
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.others", description=__doc__)
    parser.add_argument("--only", choices=PROBLEMS, action="append")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = []
    for name in options.only or PROBLEMS:
        try:
            found.append(compared(name, range(options.seeds), options.engine))
        except ImportError as error:
            print(f"{name}: {error}. Install it: pip install {PROBLEMS[name].install}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
