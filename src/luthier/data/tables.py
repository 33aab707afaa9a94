"""Tables: files that Polars reads, and data frames. What they hold is decided here, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from luthier.core import DataError, did_you_mean
from luthier.data.columns import feature_names, inspect_columns
from luthier.data.dataset import Dataset, check_rows, checked
from luthier.data.file import (
    NULLS,
    check_header,
    check_size,
    has_decimal_commas,
    sniff_separator,
    unreadable,
)
from luthier.data.frame import frame_raw, level_codes, numbers, read_frame
from luthier.data.target import Target, check_kind, inspect_target

if TYPE_CHECKING:
    import polars as pl

TABLE_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".tab": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}


def open_table(path: Path, reading: dict[str, Any], max_bytes: int) -> pl.DataFrame:
    """Read a table file, and say what is wrong with it where that fails.

    Raises:
        DataError: for a file that is too large, empty, ragged, in another encoding, broken, or
            with two columns of one name.
    """
    import polars as pl

    check_size(path, max_bytes)
    if reading["format"] == "csv":
        check_header(path, reading["separator"])
    try:
        frame = read_frame(str(path), reading)
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as error:
        if reading["format"] == "csv":
            raise unreadable(path, reading["separator"], error) from None
        raise DataError(
            f"cannot read {path} as {reading['format']}: {str(error).splitlines()[0]}. The ending "
            f"{path.suffix} promises that format. Write the file again, or rename it."
        ) from None
    if not frame.height:
        raise DataError(
            f"{path} has a header but no rows: {', '.join(frame.columns[:10])}. A network learns "
            "from rows. Give a file that has some."
        )
    return frame


def table_format(path: Path) -> dict[str, Any]:
    """Return how to parse a table file: the part of ``reading`` that its columns do not decide."""
    form = TABLE_ENDINGS[path.suffix.lower()]
    if form != "csv":
        return {"reader": "table", "format": form}
    separator = sniff_separator(path)
    return {
        "reader": "table",
        "format": form,
        "separator": separator,
        "decimal_comma": has_decimal_commas(path, separator),
        "skip_blank": True,
        "nulls": list(NULLS),
    }


def read_table(
    path: Path,
    *,
    target: str | None,
    task: str | None,
    roles: dict[str, str | None],
    max_bytes: int,
) -> Dataset:
    """Read a table file."""
    check_size(path, max_bytes)
    reading = table_format(path)
    frame = open_table(path, reading, max_bytes)
    return from_frame(frame, reading, str(path), target=target, task=task, roles=roles)


def from_frame(
    frame: pl.DataFrame,
    reading: dict[str, Any],
    path: str,
    *,
    target: str | None,
    task: str | None,
    roles: dict[str, str | None],
) -> Dataset:
    """Decide what the columns of a table are, and turn them into arrays.

    Args:
        frame: The table.
        reading: How it was parsed; completed here.
        path: Where it came from; empty for a data frame.
        target: Name of the column to predict.
        task: What kind of task the user says it is.
        roles: Column of ``weight``, ``group`` and ``time``, or None.

    Raises:
        DataError: for what cannot be learned from.
    """
    where = path or "the data frame"
    target = _target_name(frame, target, where)
    for role, name in roles.items():
        if name is not None:
            _check_role(frame, role, name, where)
    check_rows(frame.height, where)
    found = _inspect(frame[target], task)
    used = [target, *(name for name in roles.values() if name is not None)]
    columns, left_out = inspect_columns(frame.drop(used))
    if not columns:
        reasons = "; ".join(f"'{name}': {reason}" for name, reason in list(left_out.items())[:5])
        raise DataError(
            f"{where} leaves nothing to learn from: every column but the target is a text id or "
            f"constant ({reasons or 'there is none'}). Inputs are numbers, dates or categories "
            "that recur. Add columns that tell rows apart."
        )
    reading = {
        **reading,
        **roles,
        "columns": columns,
        "target": target,
        "kind": found.kind,
        "classes": list(found.classes),
    }
    notes = [f"column '{name}' left out: {reason}." for name, reason in left_out.items()]
    if all(
        name.strip().lstrip("+-").replace(".", "", 1).isdigit()
        for name in frame.columns
        if name != target
    ):
        notes.append("the column names are all numbers: the file may lack its header line.")
    dataset = Dataset(
        raw=frame_raw(frame, reading),
        kind=found.kind,
        classes=found.classes,
        names=feature_names(columns),
        categories=tuple(c["name"] for c in columns if c["kind"] == "text"),
        reading=reading,
        path=path,
        left_out=left_out,
        notes=(*notes, *found.notes),
    )
    return checked(dataset)


def _target_name(frame: pl.DataFrame, target: str | None, where: str) -> str:
    listed = ", ".join(frame.columns[:30]) + (", ..." if frame.width > 30 else "")
    if target is None:
        raise DataError(
            f"{where} is a table, and no target is named. Its columns are: {listed}. Say which "
            f"one to predict: --target {frame.columns[-1]}"
        )
    if target not in frame.columns:
        raise DataError(
            f"{where} has no column '{target}'.{did_you_mean(target, frame.columns)} Its columns "
            f"are: {listed}. Name one of them: --target COL"
        )
    return target


def _check_role(frame: pl.DataFrame, role: str, name: str, where: str) -> None:
    import polars as pl

    if name not in frame.columns:
        raise DataError(
            f"{where} has no column '{name}' to use as {role}."
            f"{did_you_mean(name, frame.columns)} Its columns are: "
            f"{', '.join(frame.columns[:30])}. Name one of them."
        )
    missing = frame[name].null_count()
    if missing:
        raise DataError(
            f"column '{name}', used as {role}, is missing in {missing} rows. Every row needs "
            "one. Remove these rows, or fill them in."
        )
    if role == "weight" and not (frame[name].dtype.is_numeric() or frame[name].dtype == pl.Boolean):
        raise DataError(
            f"column '{name}', used as weight, holds texts such as '{frame[name][0]}'. Weights "
            "are numbers from 0 up. Name another column."
        )


def _inspect(series: pl.Series, task: str | None) -> Target:
    check_kind(task)
    amounts = numbers(series, [])[0] if series.dtype.is_numeric() else None
    present = None if amounts is None else amounts[~series.is_null().to_numpy()]
    codes, levels = level_codes(series)
    return inspect_target(series.name, codes, levels, present, task)
