"""A table file as arrays: numbers, categories, target. NumPy and Polars only.

This module is written into exported scripts as it stands, so it imports nothing of luthier
but what is written beside it. What a file holds was decided before: ``reading`` says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from luthier.data.labels import class_numbers, keep_classes

if TYPE_CHECKING:
    import polars as pl

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
)


def read_frame(path: str, reading: dict[str, Any]) -> pl.DataFrame:
    """Read a table file as it stands."""
    import polars as pl

    texts = {c["name"] for c in reading.get("columns", []) if c["kind"] == "text"}
    if reading["format"] == "parquet":
        return tidy(pl.read_parquet(path), [], texts)
    if reading["format"] == "arrow":
        return tidy(pl.read_ipc(path), [], texts)
    frame = pl.read_csv(
        path,
        separator=reading["separator"],
        null_values=reading["nulls"],
        decimal_comma=reading["decimal_comma"],
        infer_schema_length=None,
        # Texts stay texts where the rows at hand happen to look like numbers.
        schema_overrides=dict.fromkeys(texts, pl.String),
    )
    if reading["skip_blank"]:
        frame = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    return tidy(frame, reading["nulls"], texts)


def tidy(frame: pl.DataFrame, nulls: list[str], texts: set[str]) -> pl.DataFrame:
    """Make NaN missing, remove blanks around fields, and see numbers and dates behind texts."""
    import polars as pl
    import polars.selectors as cs

    frame = frame.rename({name: name.strip() for name in frame.columns if name != name.strip()})
    frame = frame.with_columns(cs.float().fill_nan(None))
    changed = []
    for column in frame.iter_columns():
        if column.dtype != pl.String:
            continue
        numeric = False
        if column.str.contains(r"^\s|\s$").any():
            column = column.str.strip_chars()
            column = column.set(column.is_in(nulls), None)
            numeric = column.name not in texts
        if numeric and column.str.contains(NUMBER).all():
            column = column.cast(pl.Float64)
        elif column.name not in texts:
            column = dates(column)
        changed.append(column)
    return frame.with_columns(changed)


def dates(column: pl.Series) -> pl.Series:
    """Return texts as dates where all of them are ISO dates or times, else as they are."""
    import polars as pl

    first = column.drop_nulls().head(1).to_list()
    for form in DATE_FORMATS if first and first[0][:1].isdigit() else ():
        kind = pl.Datetime("us") if "%H" in form else pl.Date
        if pl.Series(first).str.strptime(kind, form, strict=False).null_count():
            continue
        parsed = column.str.strptime(kind, form, strict=False)
        if parsed.null_count() == column.null_count():
            return parsed
    return column


def level_codes(column: pl.Series) -> tuple[NDArray[Any], list[str]]:
    """Return the number of each text among the sorted different ones, -1 where missing."""
    import polars as pl

    present = column.drop_nulls()
    if column.dtype.is_float() and present.is_finite().all() and (present.round() == present).all():
        column = column.cast(pl.Int64)
    texts = column.cast(pl.String)
    if column.dtype == pl.Boolean:
        texts = texts.str.to_titlecase()
    codes = texts.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return codes, texts.drop_nulls().unique().sort().to_list()


def numbers(column: pl.Series, parts: list[str]) -> list[NDArray[Any]]:
    """Return a column as float64 with NaN where missing; a date as several."""
    import polars as pl

    if parts:
        if column.dtype == pl.Datetime:
            # Hours count on the clock of the place where they were written.
            column = column.dt.replace_time_zone(None)
        column = column.cast(pl.Datetime("us"))
        micros = column.to_physical().cast(pl.Float64) / 86_400_000_000
        views = {
            "days": lambda: micros,
            "month": column.dt.month,
            "weekday": column.dt.weekday,
            "hour": column.dt.hour,
        }
        found = [views[part]() for part in parts]
    elif column.dtype.is_temporal():
        found = [column.to_physical()]
    else:
        found = [column]
    return [x.cast(pl.Float64).fill_null(float("nan")).to_numpy() for x in found]


def frame_raw(frame: pl.DataFrame, reading: dict[str, Any]) -> dict[str, Any]:
    """Return a table as arrays, in the form that splits and preprocessing read."""
    import polars as pl

    numeric: list[NDArray[Any]] = []
    codes: list[NDArray[Any]] = []
    levels: list[list[str]] = []
    for column in reading["columns"]:
        if column["kind"] == "text":
            found, texts = level_codes(frame[column["name"]])
            codes.append(found)
            levels.append(texts)
        else:
            numeric += numbers(frame[column["name"]], column["parts"])
    rows = frame.height
    raw: dict[str, Any] = {
        "numeric": np.column_stack(numeric) if numeric else np.zeros((rows, 0)),
        "codes": np.column_stack(codes) if codes else np.zeros((rows, 0), np.int64),
        "levels": levels,
        "tensor": None,
        "target": None,
        "weight": None,
        "group": None,
        "time": None,
        "given": None,
    }
    if reading["weight"] is not None:
        raw["weight"] = frame[reading["weight"]].cast(pl.Float64).to_numpy()
    for role in ("group", "time"):
        if reading[role] is not None:
            raw[role] = frame[reading[role]].rank("dense").cast(pl.Int64).to_numpy() - 1
    if reading.get("given") is not None:
        raw["given"] = frame[reading["given"]].cast(pl.Int64).to_numpy()
    if reading["target"] is not None and reading["kind"] == "classification":
        raw["target"] = class_numbers(*level_codes(frame[reading["target"]]), reading["classes"])
    elif reading["target"] is not None:
        raw["target"] = frame[reading["target"]].cast(pl.Float64).to_numpy()[:, None]
    return keep_classes(raw)
