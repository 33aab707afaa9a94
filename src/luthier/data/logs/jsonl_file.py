"""JSON lines: an object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from luthier.core import DataError
from luthier.data.logs.format import Format, Rows, beginning, is_text
from luthier.data.logs.json_file import rows_of_json


def knows(path: Path) -> bool:
    """Tell whether the first line is an object."""
    start = beginning(path).lstrip(b"\xef\xbb\xbf \t\r\n")
    return is_text(path) and start[:1] == b"{"


def rows(path: Path) -> Rows:
    """Return an object a line; a last line that was cut off while it was written is left out."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    found: list[Mapping[str, object]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            if number == len(lines) and found:
                break
            raise DataError(
                f"line {number} of {path} is no JSON ({error}). Each line holds an object such as "
                '{"epoch": 1, "loss": 0.9}. Repair or delete it.'
            ) from error
        if isinstance(row, Mapping):
            found.append(row)
    return rows_of_json(found, str(path))


JSONL = Format("jsonl", "JSON lines", knows, rows)
