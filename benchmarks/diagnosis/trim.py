"""A small part of the corpus, recorded with its labels: what tests score in seconds."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.cases import cases
from benchmarks.diagnosis.corpus import Pair
from benchmarks.diagnosis.jobs import Row, read
from benchmarks.diagnosis.store import lines

FILE = Path(__file__).parent / "trimmed.jsonl.gz"
HEALTHY, SEVERE = 5, 2  # a pair, and a strength of a fault


def write(pairs: Sequence[Pair], file: Path = FILE) -> int:
    """Write some healthy trainings of each pair, and a severe one of each fault and strength."""
    raw = {
        (one["data"], one["family"], read(one).job.key): one
        for pair in pairs
        for one in lines(pair.store.path)[0]
    }
    taken: Counter[tuple[str, str]] = Counter()
    kept = []
    # By key, which is as good as a draw: nothing is chosen by what a rule says of it.
    for case in sorted(cases(pairs), key=lambda case: case.row.job.key):
        job = case.row.job
        group = (job.data, job.family) if case.label == "healthy" else (job.group, job.strength)
        most = {"healthy": HEALTHY, "severe": SEVERE}.get(case.label, 0)
        if taken[group] < most:
            taken[group] += 1
            kept.append({**_slim(raw[job.data, job.family, job.key]), "label": case.label})
    text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in kept)
    file.write_bytes(gzip.compress(text.encode(), mtime=0))
    return len(kept)


def load(file: Path = FILE) -> list[tuple[Row, str]]:
    """Return the trainings with their labels."""
    return [(read(one), one["label"]) for one in lines(file)[0]]


def _slim(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out what no rule of luthier reads."""
    curves = row["curves"]
    kept = {
        name: values
        for name, values in curves["signals"].items()
        if name == "gradient_norm" or name.startswith("update_ratio/")
    }
    return {**row, "curves": {**curves, "signals": kept}}
