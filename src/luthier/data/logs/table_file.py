"""CSV and TSV: a line an epoch, as Keras' CSVLogger writes, or sparse ones, as Lightning does."""

from __future__ import annotations

import csv
from pathlib import Path

from luthier.core import DataError
from luthier.data.file import has_decimal_commas, sniff_separator
from luthier.data.logs.format import Format, Rows, is_text


def knows(path: Path) -> bool:
    """Tell whether a file is a text with columns."""
    return is_text(path)


def rows(path: Path) -> Rows:
    """Return the lines below the header; an empty field was not logged."""
    separator = sniff_separator(path)
    commas = has_decimal_commas(path, separator)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = [line for line in csv.reader(file, delimiter=separator) if any(line)]
    header = [name.strip() for name in lines[0]] if lines else []
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise DataError(
            f"{path} has two columns '{twice[0]}'. Each column needs a name of its own. "
            "Rename one in its first line."
        )
    found = []
    for line in lines[1:]:
        fields = [one.strip() for one in line]
        if fields == header:
            continue  # a run that was started anew has written its header again
        if commas:
            fields = [one.replace(",", ".") for one in fields]
        found.append({name: one for name, one in zip(header, fields, strict=False) if one})
    return found


TABLE = Format("table", "a CSV file", knows, rows)
