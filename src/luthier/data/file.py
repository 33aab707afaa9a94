"""A text table before it is parsed: separator, header, and what is wrong with it."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

from luthier.core import DataError, did_you_mean

SEPARATORS = (",", ";", "\t", "|")
# What spreadsheets, R, pandas and the UCI archive write where a value is missing.
NULLS = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "?")


def check_size(path: Path, max_bytes: int) -> None:
    """Refuse a file that will not fit in memory, before any of it is read."""
    size = path.stat().st_size
    if size > max_bytes:
        raise DataError(too_large(str(path), size, max_bytes))
    if size == 0:
        raise DataError(
            f"{path} is empty. A table has a header line and rows below it. Give another file."
        )


def too_large(what: str, size: int, max_bytes: int) -> str:
    """Return the three sentences for data beyond the bound."""
    return (
        f"{what} needs {size / 2**20:,.0f} MiB. luthier holds data in memory and stops at "
        f"{max_bytes / 2**20:,.0f} MiB. Give a sample of the rows, or read(..., max_bytes={size})."
    )


def missing_file(source: str, bundled: tuple[str, ...]) -> DataError:
    """Return the error for a path where nothing lies."""
    folder = Path(source).parent
    beside = [str(folder / p.name) for p in folder.iterdir()] if folder.is_dir() else []
    return DataError(
        f"no file or folder '{source}'.{did_you_mean(source, [*bundled, *beside])} Data is a CSV, "
        "TSV, Parquet, Arrow or NPZ file, a folder of class folders of images, or one of "
        f"{', '.join(bundled)}. Give the path of one."
    )


def sniff_separator(path: Path, *, lines: int = 20) -> str:
    """Return the separator that cuts the first lines into the most equal pieces."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        sample = [line for _, line in zip(range(lines), file, strict=False) if line.strip()]
    best, best_score = "\t" if path.suffix.lower() == ".tsv" else ",", (0.0, 0)
    for separator in SEPARATORS:
        widths = [len(row) for row in csv.reader(sample, delimiter=separator)]
        if not widths or widths[0] < 2:
            continue
        agreeing = sum(width == widths[0] for width in widths) / len(widths)
        if (agreeing, widths[0]) > best_score:
            best, best_score = separator, (agreeing, widths[0])
    return best


def has_decimal_commas(path: Path, separator: str, *, lines: int = 20) -> bool:
    """Tell whether numbers are written as 1,5: only where commas do not separate, nor points."""
    if separator == ",":
        return False
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = [
            row for _, row in zip(range(lines), csv.reader(file, delimiter=separator), strict=False)
        ]
    fields = [field.strip() for row in rows[1:] for field in row]
    commas = any(re.fullmatch(r"[+-]?\d+,\d+", field) for field in fields)
    return commas and not any(re.fullmatch(r"[+-]?\d*\.\d+", field) for field in fields)


def check_header(path: Path, separator: str) -> None:
    """Refuse what is no text, and two columns of one name: the parser would rename one."""
    with path.open("rb") as raw:
        start = raw.read(4096)
    if b"\0" in start:
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        raise DataError(
            f"{path} is {'UTF-16' if wide else 'no text: it holds zero bytes'}. luthier reads "
            "tables as UTF-8 text. "
            + (
                f"Convert it: iconv -f utf-16 -t utf-8 {path} > utf8{path.suffix}"
                if wide
                else "Give a text file, or use the ending of the format that it is in."
            )
        )
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        names = [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{path} has several columns named {', '.join(repr(n) for n in twice)}. Each column "
            "needs a name of its own. Rename them in the first line."
        )


def unreadable(path: Path, separator: str, cause: Exception) -> DataError:
    """Return the error that says where a text table is broken."""
    place = _not_utf8(path)
    if place is not None:
        return DataError(
            f"{path} is not UTF-8: byte {place} is no text in it. luthier reads UTF-8 alone. "
            f"Convert it, for example: iconv -f latin1 -t utf-8 {path} > utf8{path.suffix}"
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        width = len(next(reader, []))
        for row in reader:
            if len(row) > width:
                return DataError(
                    f"{path}, line {reader.line_num}: {len(row)} fields, but the header has "
                    f"{width}. Every line needs as many. Correct it, or quote fields that hold "
                    f"{separator!r}."
                )
    reason = str(cause).strip().splitlines()
    return DataError(
        f"cannot read {path} as a table: {reason[0] if reason else type(cause).__name__}. "
        "A table has a header line, and as many fields in every line. Correct the file; an "
        "open quote is a common cause."
    )


def _not_utf8(path: Path, *, chunk: int = 1 << 20) -> int | None:
    """Return the position of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    with path.open("rb") as file:
        while True:
            block = file.read(chunk)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return before - held + error.start
            if not block:
                return None
            before += len(block)
