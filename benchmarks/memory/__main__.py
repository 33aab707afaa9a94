"""Prints the table: python -m benchmarks.memory [TRIALS]."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import luthier
from luthier.core import Float, History

TRIALS = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
ROWS = 10  # of the table
EPOCHS = 3  # of one training: short trials, and many


def resident() -> float:
    """Return what this process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


class Table:
    """Prints a row whenever another tenth of the trials is there."""

    def __init__(self) -> None:
        self.due, self.last, self.count = TRIALS // ROWS, time.process_time(), 0

    def __call__(self, history: History) -> None:
        """Look at a study in progress."""
        if len(history.trials) >= self.due:
            self.row(len(history.trials))
            self.due += TRIALS // ROWS

    def row(self, count: int) -> None:
        """Print what a study of so many trials takes; in processor time, as others may work too."""
        now = time.process_time()
        pace = (now - self.last) / max(count - self.count, 1)
        sys.stdout.write(f"{count:6,} trials  {resident():6.0f} MB  {pace * 1e3:6.1f} ms a trial\n")
        sys.stdout.flush()
        self.last, self.count = now, count


def main() -> None:
    """Tune a small network in very many short trials."""
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        study = luthier.tune(
            "mlp",
            "iris",
            recipe={"epochs": EPOCHS, "batch_size": 32},
            space={"learning_rate": Float(1e-5, 1.0, log=True), "l2": Float(1e-9, 1.0, log=True)},
            budget=f"{TRIALS} trials",
            storage=f"sqlite:///{folder}/study.db",
            engine=os.environ.get("ENGINE", "compiled"),
            notify=table,
        )
        table.row(len(study.history.trials))


main()
