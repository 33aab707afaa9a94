"""Prints the table: python -m benchmarks.studies."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.studies.problem import EPOCHS, PROCESSES, TRIALS

ROUNDS = 3
CORES = sorted(os.sched_getaffinity(0))[:PROCESSES]


def run(*arguments: str, cache: str) -> subprocess.Popen[bytes]:
    """Start a module of this benchmark in a fresh process."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # both have theirs where they are installed
    return subprocess.Popen([sys.executable, "-m", *arguments], env=environment)


def wait(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for all.

    Raises:
        SystemExit: when one of them failed.
    """
    codes = [process.wait() for process in processes]
    if any(codes):
        sys.exit("a process failed: its message stands above")


def optuna_way(cache: str) -> None:
    """Two processes share a journal, each with half of the trials."""
    with tempfile.TemporaryDirectory() as folder:
        share = str(TRIALS // PROCESSES)
        module, journal = "benchmarks.studies.optuna_way", f"{folder}/journal.log"
        wait([run(module, journal, share, str(core), cache=cache) for core in CORES])


def luthier_way(engine: str, cache: str) -> None:
    """One command with two workers."""
    with tempfile.TemporaryDirectory() as folder:
        wait([run("benchmarks.studies.luthier_way", folder, engine, cache=cache)])


def main() -> None:
    """Run the contenders in turns, start-up and all."""
    warm = tempfile.mkdtemp()
    contenders: dict[str, Callable[[], None]] = {
        "Optuna, plain PyTorch": lambda: optuna_way(warm),
        "luthier, plain PyTorch": lambda: luthier_way("torch_eager", warm),
        "luthier, nothing compiled yet": lambda: luthier_way("auto", tempfile.mkdtemp()),
        "luthier, compiled before": lambda: luthier_way("auto", warm),
    }
    luthier_way("auto", warm)
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    cores: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            start, before = time.perf_counter(), computed()
            contender()
            walls[name].append(time.perf_counter() - start)
            cores[name].append(computed() - before)
    first = "Optuna, plain PyTorch"
    sys.stdout.write(f"{TRIALS} trials of {EPOCHS} epochs, {PROCESSES} processes\n")
    for name in contenders:
        line = "".join(
            f"{median(taken[name]):8.1f} s {median(taken[first]) / median(taken[name]):6.2f} x"
            for taken in (walls, cores)
        )
        sys.stdout.write(f"{name:30}{line}\n")


def computed() -> float:
    """Return what all processes that have ended took of the cores: a busy machine adds little."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


main()
