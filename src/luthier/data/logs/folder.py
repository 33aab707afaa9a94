"""A folder that a tool left: which file in it is the log."""

from __future__ import annotations

import re
from pathlib import Path

# Hugging Face's Trainer, Lightning's CSVLogger, and names that people give Keras' CSVLogger.
NAMES = ("trainer_state.json", "metrics.csv", "history.json", "training.csv", "log.csv",
         "training.log", "results.csv", "metrics.jsonl")  # fmt: skip
DEPTH = 3  # folders below the given one that are looked into


def log_in(folder: Path) -> Path | None:
    """Return the log in a folder: of the highest version or checkpoint, the uppermost first.

    >>> log_in(Path("no such folder"))
    """
    for name in NAMES:
        found = [p for depth in range(DEPTH) for p in folder.glob("*/" * depth + name)]
        if found:
            top = min(len(one.parts) for one in found)
            return max((one for one in found if len(one.parts) == top), key=_numbers)
    return None


def _numbers(path: Path) -> tuple[list[int], str]:
    """Return what sorts version_10 behind version_9."""
    return [int(one) for one in re.findall(r"\d+", str(path))], str(path)
