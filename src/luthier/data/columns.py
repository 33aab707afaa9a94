"""What each column of a table is: a number, a date, a category, or nothing to learn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import polars as pl


def inspect_columns(
    frame: pl.DataFrame, *, id_share: float = 0.9, id_distinct: int = 50
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Decide the kind of each column.

    Args:
        frame: The columns that may be inputs.
        id_share: Texts that differ in more than this share of rows name rows: what is learned
            from them holds for no other row.
        id_distinct: So few different texts are categories even in a small table.

    Returns:
        Name, kind (number, date or text) and parts of each column that stays; the reason for
        each that is left out.
    """
    columns: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for series in frame.iter_columns():
        present = series.drop_nulls()
        if _nested(series):
            left_out[series.name] = f"a column of type {series.dtype} is no number, date or text"
            continue
        distinct = present.n_unique()
        kind = _kind(series)
        if not distinct:
            left_out[series.name] = "every value is missing"
        elif distinct == 1 and len(present) == len(series):
            left_out[series.name] = f"every value is {present[0]}"
        elif kind == "text" and distinct > max(id_distinct, id_share * len(series)):
            left_out[series.name] = f"{distinct} different texts in {len(series)} rows"
        else:
            parts = _date_parts(series) if kind == "date" else []
            columns.append({"name": series.name, "kind": kind, "parts": parts})
    return columns, left_out


def feature_names(columns: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the names of the numeric columns, several for a date."""
    names: list[str] = []
    for column in columns:
        if column["kind"] != "text":
            parts = [f"{column['name']} ({part})" for part in column["parts"]]
            names += parts or [column["name"]]
    return tuple(names)


def _nested(series: pl.Series) -> bool:
    import polars as pl

    return series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object)


def _kind(series: pl.Series) -> str:
    import polars as pl

    if series.dtype in (pl.Date, pl.Datetime):
        return "date"
    if series.dtype.is_numeric() or series.dtype.is_temporal() or series.dtype == pl.Boolean:
        return "number"
    return "text"


def _date_parts(series: pl.Series) -> list[str]:
    import polars as pl

    from luthier.data.frame import numbers

    parts = ["days", "month", "weekday"]
    parts += ["hour"] if series.dtype == pl.Datetime else []
    # A part that never changes, such as the hour of dates at midnight, says nothing.
    values = {part: numbers(series, [part])[0] for part in parts}
    return [
        part
        for part in parts
        if len(np.unique(v := values[part][~np.isnan(values[part])])) > 1 or len(v) == 0
    ]
