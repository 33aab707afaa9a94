"""Prints the table: python -m benchmarks.letters LetterRecognition.rda."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.letters.problem import PROCESSES, incumbents

CORES = sorted(os.sched_getaffinity(0))[:PROCESSES]


def run(*arguments: str) -> subprocess.Popen[bytes]:
    """Start a module of this benchmark in a fresh process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", *arguments], env=environment)


def wait(processes: list[subprocess.Popen[bytes]]) -> None:
    """Wait for all.

    Raises:
        SystemExit: when one of them failed.
    """
    codes = [process.wait() for process in processes]
    if any(codes):
        sys.exit("a process failed: its message stands above")


def one(data: str, seed: int, seconds: float) -> tuple[float, float, float | None]:
    """Return Optuna's hidden accuracy at the end, luthier's, and when luthier's stays as high."""
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = Path(folder, "optuna.jsonl"), Path(folder, "luthier.jsonl")
        way, journal, began = "benchmarks.letters.optuna_way", f"{folder}/journal", time.time()
        shared = [data, journal, str(theirs), str(seed), str(began), str(seconds)]
        wait([run(way, *shared, str(core)) for core in CORES])
        way = "benchmarks.letters.luthier_way"
        wait([run(way, data, folder, str(ours), str(seed), str(int(seconds)))])
        level = incumbents(theirs)[-1][1]
        course = incumbents(ours)
    below = [index for index, (_, right) in enumerate(course) if right < level]
    after = below[-1] + 1 if below else 0
    return level, course[-1][1], course[after][0] if after < len(course) else None


def main() -> None:
    """Run both for each seed, one after the other, on the same cores."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.letters", description=__doc__)
    parser.add_argument("data", help="LetterRecognition.rda, or a CSV (see problem.py)")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, default=5)
    chosen = parser.parse_args()
    shares: list[float] = []
    for seed in range(chosen.seeds):
        level, mine, when = one(chosen.data, seed, chosen.seconds)
        shares.append(float("inf") if when is None else when / chosen.seconds)
        said = "not reached (censored)" if when is None else f"reached after {when:.0f} s"
        sys.stdout.write(f"seed {seed}: Optuna {level:.4f}, luthier {mine:.4f}; {said}\n")
        sys.stdout.flush()
    sys.stdout.write(f"median share of Optuna's time: {median(shares):.3f}\n")


main()
