"""The corpus on disk: a file a data set and family, a line a training; it survives kills."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.jobs import Job, Row, read, trained


def folder() -> Path:
    """Return where the corpus lies: ``LUTHIER_CORPUS``, or below the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("LUTHIER_CORPUS") or Path(cache) / "luthier" / "diagnosis")


@dataclass
class Store:
    """The trainings of one data set and family.

    Args:
        path: The file.
        complete: Whether nothing may be added: what lacks is a `LookupError`.
    """

    path: Path
    complete: bool = False
    rows: dict[str, Row] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        if not self.path.exists():
            return
        raw, whole = lines(self.path)
        self.rows = {row.job.key: row for row in map(read, raw)}
        if not whole:  # killed while it wrote: the whole lines are kept, as one piece
            text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in raw)
            self.path.write_bytes(gzip.compress(text.encode(), mtime=0))

    @classmethod
    def of(cls, data: str, family: str) -> Store:
        """Open the file of a data set and family."""
        folder().mkdir(parents=True, exist_ok=True)
        return cls(folder() / f"{data}-{family}.jsonl.gz")

    def get(self, job: Job) -> Row:
        """Return a training; train it first where that was not done."""
        if job.key not in self.rows and self.complete:
            raise LookupError(f"{self.path.name} lacks training {job.key}: build it first")
        if job.key not in self.rows:
            plain = trained(job)
            line = json.dumps(plain, separators=(",", ":")) + "\n"
            with self.path.open("ab") as file:
                file.write(gzip.compress(line.encode(), mtime=0))
            self.rows[job.key] = read(plain)
        return self.rows[job.key]

    def closed(self) -> Store:
        """Return the same trainings, to read alone."""
        return Store(self.path, complete=True)


def lines(path: Path) -> tuple[list[Any], bool]:
    """Return a file's whole lines, and whether it ends with one."""
    found: list[Any] = []
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                found.append(json.loads(line))
    except (EOFError, OSError, zlib.error, json.JSONDecodeError):
        return found, False
    return found, True
