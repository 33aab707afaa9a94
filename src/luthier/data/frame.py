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


def read_frame(path: str, reading: dict[str, Any]) -> pl.DataFrame:
    """Read a table file as it stands."""
    import polars as pl

    if reading["format"] == "parquet":
        return tidy(pl.read_parquet(path), [])
    if reading["format"] == "arrow":
        return tidy(pl.read_ipc(path), [])
    columns = reading.get("columns", [])
    frame = pl.read_csv(
        path,
        separator=reading["separator"],
        null_values=reading["nulls"],
        try_parse_dates=True,
        infer_schema_length=None,
        # Texts stay texts where the rows at hand happen to look like numbers.
        schema_overrides={c["name"]: pl.String for c in columns if c["kind"] == "text"},
    )
    return tidy(frame, reading["nulls"])


def tidy(frame: pl.DataFrame, nulls: list[str]) -> pl.DataFrame:
    """Make missing what is no number, and remove the blanks that some files have around fields."""
    import polars as pl
    import polars.selectors as cs

    frame = frame.rename({name: name.strip() for name in frame.columns if name != name.strip()})
    frame = frame.with_columns(cs.float().fill_nan(None))
    changed = []
    for column in frame.iter_columns():
        if column.dtype != pl.String or not column.str.contains(r"^\s|\s$").any():
            continue
        bare = column.str.strip_chars()
        bare = bare.set(bare.is_in(nulls), None)
        numbers = bare.cast(pl.Float64, strict=False)
        changed.append(numbers if numbers.null_count() == bare.null_count() else bare)
    return frame.with_columns(changed)


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
        micros = column.cast(pl.Datetime("us")).to_physical().cast(pl.Float64) / 86_400_000_000
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
