"""Prints the table: python -m benchmarks.letters LetterRecognition.rda."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.letters.courses import SIDES, Course, incumbents, one_seed, told
from benchmarks.letters.problem import PROCESSES
from benchmarks.letters.spaces import SPACES

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


def one(data: str, side: str, seed: int, seconds: float, space: str) -> Course:
    """Run one side on this machine's first cores; say what it came to."""
    with tempfile.TemporaryDirectory() as folder:
        way, log, began = f"benchmarks.letters.{side}_way", Path(folder, "log"), time.time()
        shared = [data, folder, str(log), str(seed), str(began), str(int(seconds)), space]
        each = [[str(core)] for core in CORES] if side == "optuna" else [[]]
        wait([run(way, *shared, *own) for own in each])
        return Course(side, seed, seconds, incumbents(log), space)


def main() -> None:
    """Run both for each seed, one after the other; go on with what a file of results has."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.letters", description=__doc__)
    parser.add_argument("data", help="LetterRecognition.rda, or a CSV (see problem.py)")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--space", choices=SPACES, default="network")
    parser.add_argument("--out", type=Path, help="JSON lines, one a search: it goes on with them")
    chosen = parser.parse_args()
    out: Path | None = chosen.out
    kept = out.read_text(encoding="utf-8").splitlines() if out and out.exists() else []
    asked = (chosen.seconds, chosen.space)
    known = [one for one in map(Course.read, kept) if (one.seconds, one.space) == asked]
    done = {(course.side, course.seed): course for course in known}
    pairs = []
    for seed in chosen.seeds:
        for side in SIDES:
            if (side, seed) not in done:
                done[side, seed] = one(chosen.data, side, seed, *asked)
                if out is not None:
                    with out.open("a", encoding="utf-8") as file:
                        file.write(done[side, seed].line)
        pairs.append((done["luthier", seed], done["optuna", seed]))
        sys.stdout.write(one_seed(*pairs[-1]))
        sys.stdout.flush()
    sys.stdout.write(told(pairs))


if __name__ == "__main__":
    main()
