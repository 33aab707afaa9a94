"""``python -m benchmarks.feedback``: the same searches with and without diagnoses."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

import luthier
from luthier.core import History


def main() -> None:
    """Run the pairs, and print how many epochs the score of the plain search took."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--data", nargs="+", default=["digits", "wine", "breast_cancer", "diabetes"]
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", default="300 epochs")
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    ratios, gains = [], []
    for data in a.data:
        for seed in range(a.seeds):
            plain, told = (course(data, seed, a.budget, feedback=f) for f in (False, True))
            final = plain[-1]
            reached = next((i + 1 for i, loss in enumerate(told) if loss <= final), None)
            first = next(i + 1 for i, loss in enumerate(plain) if loss <= final)
            ratios.append((reached or 2 * len(told)) / first)
            gains.append(final - told[-1])
            row = {"data": data, "seed": seed, "plain": final, "told": told[-1], "at": first,
                   "reached": reached}  # fmt: skip
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
            if a.out:
                with a.out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
    better, worse = sum(g > 0 for g in gains), sum(g < 0 for g in gains)
    sys.stdout.write(
        f"epochs to the plain search's score, with diagnoses over without: median "
        f"{np.median(ratios):.2f}, geometric mean {np.exp(np.mean(np.log(ratios))):.2f}; final "
        f"score better in {better}, worse in {worse} of {len(gains)}\n"
    )


def course(data: str, seed: int, budget: str, *, feedback: bool) -> list[float]:
    """Return the best validation loss after each epoch that a search spent."""
    seen: list[tuple[int, float]] = []

    def note(history: History) -> None:
        found = history.searched
        if found.best is not None:
            seen.append((found.epochs, found.loss(found.best)))

    luthier.tune("mlp", data, budget=budget, seed=seed, storage="sqlite://", feedback=feedback,
                 engine="torch_eager", notify=note)  # fmt: skip
    losses: list[float] = []
    for epochs, loss in seen:
        losses += [np.inf if not losses else losses[-1]] * (epochs - len(losses))
        losses[-1] = min(losses[-1], loss)
    return losses


if __name__ == "__main__":
    main()
