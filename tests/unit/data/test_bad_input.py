"""Every mistake gets one message: what happened, what was expected, what to type."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from luthier.core import DataError
from luthier.data import from_python, read

GOOD = [f"{i},{i * 0.5},{'ab'[i % 2]}" for i in range(40)]


def lines(*rows: str, header: str = "a,b,y") -> str:
    return "\n".join([header, *rows]) + "\n"


TEXTS = {
    "empty file": ("", {}, "is empty"),
    "header only": (lines(), {}, "header but no rows"),
    "no target": (lines(*GOOD), {"target": None}, "no target is named.*a, b, y.*--target y"),
    "unknown target": (
        lines(*GOOD, header="a,b,label"),
        {"target": "lable"},
        "no column 'lable'.*Did you mean 'label'.*a, b, label",
    ),
    "unknown weight": (lines(*GOOD), {"weight": "wieght"}, "no column 'wieght' to use as weight"),
    "text weight": (
        lines(*[f"{r},x" for r in GOOD], header="a,b,y,w"),
        {"weight": "w"},
        "texts such as 'x'",
    ),
    "one class": (lines(*[f"{i},1,a" for i in range(40)]), {}, "one class only: 'a'"),
    "constant regression target": (
        lines(*[f"{i},1,2.5" for i in range(40)]),
        {},
        "2.5 in every row",
    ),
    "missing target": (lines(*GOOD[:37], "1,2,", "1,2,", "1,2,"), {}, "missing in 3 of 40 rows"),
    "target of ids": (lines(*[f"{i},1,u{i}" for i in range(40)]), {}, "40 different texts"),
    "text target for regression": (lines(*GOOD), {"task": "regression"}, "texts such as 'a'"),
    "unknown task": (
        lines(*GOOD),
        {"task": "classify"},
        "task is 'classify'.*Did you mean 'classification'",
    ),
    "too many tiny classes": (
        lines(*GOOD[:30], "1,1,p", "1,1,q", "1,1,r", "1,1,s"),
        {},
        "4 of 6 classes with fewer than 3 rows",
    ),
    "infinite": (lines(*GOOD, "inf,1,a", "-inf,1,b"), {}, "column 'a' holds 2 infinite"),
    "infinite target": (
        lines(*[f"{i},1,{i}.5" for i in range(40)], "1,2,inf"),
        {},
        "1 infinite",
    ),
    "only ids": (
        lines(*[f"u{i},7,{'ab'[i % 2]}" for i in range(60)]),
        {},
        "every column but the target is a text id or constant",
    ),
    "three rows": (
        lines("1,2,a", "2,3,b", "3,4,a", "1,2,b", "2,2,a", "2,2,b"),
        {},
        "has 6 rows.*at least 20",
    ),
    "ragged": (lines(*GOOD[:5], "1,2,a,9", *GOOD), {}, "line 7: 4 fields, but the header has 3"),
    "duplicate columns": (lines(*GOOD, header="a,a,y"), {}, "several columns named 'a'"),
    "negative weight": (
        lines(*[f"{r},-1" for r in GOOD], header="a,b,y,w"),
        {"weight": "w"},
        "40 weights are negative",
    ),
    "missing group": (
        lines(*[f"{r}," for r in GOOD[:2]], *[f"{r},g" for r in GOOD], header="a,b,y,g"),
        {"group": "g"},
        "used as group, is missing in 2 rows",
    ),
}


@pytest.mark.parametrize(("text", "options", "message"), TEXTS.values(), ids=TEXTS.keys())
def test_tables(tmp_path: Path, text: str, options: dict, message: str):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=re.compile(message, re.DOTALL)) as caught:
        read(path, **{"target": "y", **options})
    assert len(re.findall(r"[.?:!](\s|$)", str(caught.value))) >= 2


def test_another_encoding_is_named_with_its_byte(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(lines(*GOOD, "1,2,caf\xe9").encode("latin1"))
    position = path.read_bytes().index(b"\xe9")
    with pytest.raises(DataError, match=f"byte {position} .*iconv -f latin1 -t utf-8"):
        read(path, target="y")


def test_two_byte_text_is_named(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(lines(*GOOD).encode("utf-16"))
    with pytest.raises(DataError, match="iconv -f utf-16 -t utf-8"):
        read(path, target="y")
    path.write_bytes(bytes(range(99)) * 9)
    with pytest.raises(DataError, match="is no text"):
        read(path, target="y")


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_bytes(lines(*GOOD).encode("utf-8-sig"))
    assert read(path, target="y").names == ("a", "b")


def test_a_large_file_is_refused_before_it_is_read(csv: Path):
    with pytest.raises(DataError, match=r"max_bytes=\d+"):
        read(csv, target="label", max_bytes=1000)


def test_broken_parquet(tmp_path: Path):
    path = tmp_path / "t.parquet"
    path.write_bytes(b"no parquet at all")
    with pytest.raises(DataError, match=r"cannot read .* as parquet"):
        read(path, target="y")


def test_missing_file_names_what_is_near(csv: Path):
    with pytest.raises(DataError, match=r"Did you mean '.*table.csv'"):
        read(csv.parent / "tabel.csv", target="y")
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        read("digit")


def test_unknown_ending(tmp_path: Path):
    (tmp_path / "t.xlsx").write_bytes(b"x")
    with pytest.raises(DataError, match=r"ends in '.xlsx'"):
        read(tmp_path / "t.xlsx")


def test_a_target_for_data_without_columns():
    with pytest.raises(DataError, match="no named columns, but target is 'y'"):
        read("iris", target="y")
    with pytest.raises(DataError, match="only digits has them"):
        read("iris", images=True)


X, Y = np.arange(80.0).reshape(40, 2), np.arange(40) % 2
ARCHIVES = {
    "object array": ({"X": np.array([[1], "a"], dtype=object), "y": Y}, "never unpickles"),
    "lengths": ({"X": X, "y": Y[:-1]}, "40 rows of inputs and 39 of targets"),
    "no X": ({"features": X, "y": Y}, "holds the arrays features, y"),
    "infinite": ({"X": np.where(X == 3, np.inf, X), "y": Y}, "column 'x1' holds 1 infinite"),
    "text inputs": ({"X": X.astype(str), "y": Y}, "numbers"),
    "one dimension": ({"X": X[:, 0], "y": Y}, r"shape \(40,\)"),
    "missing target": ({"X": X, "y": np.where(Y == 0, np.nan, 1.0)}, "missing in 20 of 40"),
    "other features": (
        {"X_train": X, "y_train": Y, "X_val": X[:, :1], "y_val": Y},
        "part 2 of .*rows of shape",
    ),
    "validation alone": ({"X_val": X, "y_val": Y}, "looks for X and y"),
}


@pytest.mark.parametrize(("arrays", "message"), ARCHIVES.values(), ids=ARCHIVES.keys())
def test_archives(tmp_path: Path, arrays: dict, message: str):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "t.npz")


def test_an_archive_that_is_none(tmp_path: Path):
    (tmp_path / "t.npz").write_bytes(b"nothing")
    with pytest.raises(DataError):
        read(tmp_path / "t.npz")


def test_unreadable_image_is_named(tmp_path: Path, write_images: Callable[..., Path]):
    folder = write_images(tmp_path / "pictures")
    (folder / "cat" / "03.png").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"cannot read the image .*03\.png"):
        read(folder)
    whole = (folder / "cat" / "04.png").read_bytes()
    (folder / "cat" / "03.png").write_bytes(whole[: len(whole) - 40])
    with pytest.raises(DataError, match=r"cannot read the image .*03\.png"):
        read(folder)


def test_folders_without_classes(tmp_path: Path, write_images: Callable[..., Path]):
    with pytest.raises(DataError, match="no folders with images"):
        read(tmp_path)
    folder = write_images(tmp_path / "pictures")
    with pytest.raises(DataError, match="24 images needs"):
        read(folder, max_bytes=100)
    with pytest.raises(DataError, match="task is 'regression'"):
        read(folder, task="regression")


OBJECTS = {
    "a number": (7, {}, "data is a int"),
    "four parts": (((X, Y),) * 4, {}, "of length 4"),
    "target for arrays": ((X, Y), {"target": "y"}, "no data frame"),
    "frame without target": (pl.DataFrame({"a": [1.0, 2.0]}), {}, "no target is named"),
    "short weights": ((X, Y), {"sample_weight": [1.0]}, "sample_weight has 1 values for 40"),
    "matrix target as classes": (
        (X, np.random.default_rng(0).normal(size=(40, 2))),
        {"task": "classification"},
        "no class labels",
    ),
    "ragged rows": (([[1.0], [1.0, 2.0]] * 20, Y), {}, "same shape"),
    "infinite tensor": ((np.full((40, 3, 2), np.inf), Y), {}, "the inputs holds 240 infinite"),
}


@pytest.mark.parametrize(("data", "options", "message"), OBJECTS.values(), ids=OBJECTS.keys())
def test_objects(data: object, options: dict, message: str):
    with pytest.raises(DataError, match=message):
        from_python(data, **options)
