"""Rows to predict: read like those that were learned from, without a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import DataError, did_you_mean
from luthier.data.arrays import arrays_raw
from luthier.data.bundled import bundle_inputs
from luthier.data.bundles import NAMES, bundle
from luthier.data.columns import feature_names
from luthier.data.dataset import Dataset
from luthier.data.file import missing_file
from luthier.data.folders import open_image
from luthier.data.frame import frame_raw, tidy
from luthier.data.matrices import check_inputs, open_archive
from luthier.data.objects import as_array, as_frame
from luthier.data.pictures import IMAGE_ENDINGS
from luthier.data.preprocessing import Preprocessing
from luthier.data.tables import TABLE_ENDINGS, open_table, table_format

if TYPE_CHECKING:
    import polars as pl


def read_rows(
    path: str | Path, preprocessing: Preprocessing, *, max_bytes: int = 2 << 30
) -> Dataset:
    """Read rows for prediction, in the form that the training data had.

    Columns that training did not use are ignored. A text that training never saw, or saw too
    seldom, counts as "rare"; a missing value is treated as in training.

    Args:
        path: A table, an NPZ file with ``X``, an image or a folder of images, or the name of the
            bundled data set that was trained on.
        preprocessing: What was fitted in training.
        max_bytes: Larger files are refused.

    Raises:
        DataError: for missing columns, texts where numbers are expected, or another shape.
    """
    place, reading = Path(path), dict(preprocessing.reading)
    reader = reading.get("reader")
    if not place.exists():
        if str(path) not in NAMES:
            raise missing_file(str(path), NAMES)
        x = bundle_inputs(bundle(str(path)), reading.get("form", "matrix"))
        return _array_rows(x, preprocessing, str(path))
    if reader == "images":
        return _image_rows(place, preprocessing)
    if place.suffix.lower() == ".npz":
        return _array_rows(_only_inputs(open_archive(place, max_bytes), path), preprocessing, path)
    if place.suffix.lower() in TABLE_ENDINGS:
        form = table_format(place)
        columns = reading.get("columns", [])
        frame = open_table(place, {**form, "columns": columns, "skip_blank": False}, max_bytes)
        if columns:
            return _frame_rows(frame, preprocessing, str(path))
        numbers = frame.select(c for c in frame.columns if frame[c].dtype.is_numeric())
        return _array_rows(numbers.to_numpy().astype(np.float64), preprocessing, str(path))
    raise DataError(
        f"{path} holds no rows to predict: the network was trained on {_trained_on(reading)}. "
        "Rows come in the same form. Give a file of that kind."
    )


def rows_from_python(data: object, preprocessing: Preprocessing) -> Dataset:
    """Bring an array or a data frame of rows into the form that the training data had.

    Raises:
        DataError: as `read_rows` does.
    """
    if isinstance(data, (str, Path)):
        return read_rows(data, preprocessing)
    if "columns" in preprocessing.reading:
        frame = as_frame(data if not isinstance(data, (list, tuple)) else as_array(data))
        if frame is None:
            raise DataError(
                f"the rows are a {type(data).__name__}, and the network was trained on a table. "
                "Columns are found by their names. Give a data frame."
            )
        return _frame_rows(frame, preprocessing, "")
    return _array_rows(as_array(data), preprocessing, "")


def _frame_rows(frame: pl.DataFrame, preprocessing: Preprocessing, path: str) -> Dataset:
    import polars as pl

    where = path or "the data frame"
    reading: dict[str, Any] = {**preprocessing.reading}
    columns = reading["columns"]
    frame = tidy(frame, [], {c["name"] for c in columns if c["kind"] == "text"})
    missing = [c["name"] for c in columns if c["name"] not in frame.columns]
    if missing:
        raise DataError(
            f"{where} lacks {len(missing)} columns that training used: {', '.join(missing)}."
            f"{did_you_mean(missing[0], frame.columns)} It has: "
            f"{', '.join(frame.columns[:30])}. Add them; values may be missing."
        )
    for column in columns:
        series = frame[column["name"]]
        if series.null_count() == len(series):
            # A column without any value has no type of its own.
            kinds = {"text": pl.String, "date": pl.Datetime("us"), "number": pl.Float64}
            frame = frame.with_columns(series.cast(pl.String).cast(kinds[column["kind"]]))
        elif column["kind"] != "text":
            _check_type(series, column, where)
    numbers = {"weight": None, "group": None, "time": None, "given": None, "target": None}
    raw = frame_raw(frame, {**reading, **numbers})
    names = feature_names(columns)
    infinite = np.flatnonzero(np.isinf(raw["numeric"]).any(axis=0))
    if len(infinite):
        raise _infinite(where, f"column '{names[infinite[0]]}'")
    return Dataset(
        raw,
        reading["kind"],
        preprocessing.classes,
        names,
        tuple(c["name"] for c in columns if c["kind"] == "text"),
        reading,
        path,
    )


def _check_type(series: pl.Series, column: dict[str, Any], where: str) -> None:
    import polars as pl

    temporal = series.dtype in (pl.Date, pl.Datetime)
    fits = (
        temporal
        if column["kind"] == "date"
        else series.dtype == pl.Boolean
        or (series.dtype.is_numeric() or (series.dtype.is_temporal() and not temporal))
    )
    if fits:
        return
    shown = series.drop_nulls()
    if series.dtype == pl.String and column["kind"] == "number":
        shown = shown.filter(shown.cast(pl.Float64, strict=False).is_null())
    value = shown[0] if len(shown) else series.drop_nulls()[0]
    expected = {"date": "dates", "number": "numbers"}[column["kind"]]
    raise DataError(
        f"column '{column['name']}' of {where} holds {value!r}. In training it held {expected}. "
        "Correct these values, or leave them empty."
    )


def _array_rows(x: Any, preprocessing: Preprocessing, path: str | Path) -> Dataset:
    reading: dict[str, Any] = {**preprocessing.reading}
    where = str(path) or "the data"
    if "form" not in reading:
        raise DataError(
            f"{where} is an array; the network was trained on {_trained_on(reading)}. Rows come "
            "in the same form. Give them so."
        )
    check_inputs(x, where)
    constants = preprocessing.constants
    expected = reading["row_shape"]
    if list(x.shape[1:]) != expected:
        raise DataError(
            f"{where} has rows of shape {list(x.shape[1:])}. In training they had the shape "
            f"{expected}. Give the same features in the same order."
        )
    if constants.get("divide") == 255.0 and x.dtype != np.uint8:
        raise DataError(
            f"{where} holds {x.dtype} values. In training images were bytes from 0 to 255. Give "
            "them so: X.astype(numpy.uint8)"
        )
    if constants["form"] != "tokens" and x.dtype.kind == "f" and np.isinf(x).any():
        raise _infinite(where, "the array")
    raw = arrays_raw([x], [], reading)
    names = tuple(reading.get("names", ()))
    return Dataset(raw, reading["kind"], preprocessing.classes, names, (), reading, str(path))


def _only_inputs(arrays: dict[str, Any], path: str | Path) -> Any:
    for name in ("X", "x", "X_test", "x_test"):
        if name in arrays:
            return arrays[name]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise DataError(
        f"{path} holds the arrays {', '.join(sorted(arrays))}. Rows to predict are in an array "
        "named X. Save them so: np.savez(path, X=X)"
    )


def _image_rows(place: Path, preprocessing: Preprocessing) -> Dataset:
    reading: dict[str, Any] = {**preprocessing.reading}
    files = (
        [place]
        if place.is_file()
        else sorted(f for f in place.rglob("*") if f.suffix.lower() in IMAGE_ENDINGS)
    )
    if not files:
        raise DataError(
            f"{place} holds no images. Files end in {', '.join(IMAGE_ENDINGS[:6])}. Give an image "
            "or a folder of them."
        )
    raw: dict[str, Any] = {
        "numeric": np.zeros((len(files), 0)),
        "codes": np.zeros((len(files), 0), np.int64),
        "levels": [],
        "tensor": np.stack([open_image(str(f), reading) for f in files]),
        **dict.fromkeys(("target", "weight", "group", "time", "given")),
    }
    return Dataset(
        raw,
        reading["kind"],
        preprocessing.classes,
        reading=reading,
        path=str(place),
        row_names=tuple(str(f) for f in files),
    )


def _infinite(where: str, what: str) -> DataError:
    return DataError(
        f"{what} of {where} holds infinite values. Inputs are finite numbers, or missing. "
        "Correct them, or leave them empty."
    )


def _trained_on(reading: dict[str, Any]) -> str:
    return {
        "table": "a table",
        "frame": "a data frame",
        "images": "images",
        "bundled": "a bundled data set",
    }.get(str(reading.get("reader")), "arrays")
