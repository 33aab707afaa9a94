from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from luthier.core import DataError, Recipe
from luthier.data import (
    Preprocessing,
    from_python,
    prepare,
    read,
    read_rows,
    rows_from_python,
    split,
)


@pytest.fixture
def fitted(csv: Path) -> Preprocessing:
    dataset = read(csv, target="label", weight="weight")
    return prepare(dataset, split(dataset), Recipe()).preprocessing


def test_rows_are_prepared_as_in_training(csv: Path, tmp_path: Path, table: pl.DataFrame, fitted):
    expected = fitted.inputs(read(csv, target="label", weight="weight"))[0]
    table.drop("label", "weight").with_columns(extra=1).reverse().write_csv(tmp_path / "new.csv")
    assert np.array_equal(fitted.inputs(read_rows(tmp_path / "new.csv", fitted))[0], expected[::-1])
    assert np.array_equal(fitted.inputs(rows_from_python(table, fitted))[0], expected)
    with pytest.raises(DataError, match="no target"):
        fitted.targets(rows_from_python(table, fitted))


def test_a_single_row_with_nothing_in_it_can_be_predicted(tmp_path: Path, table, fitted):
    table.head(1).select(pl.lit(None).alias(name) for name in table.columns).write_csv(
        tmp_path / "new.csv"
    )
    assert np.isfinite(fitted.inputs(read_rows(tmp_path / "new.csv", fitted))[0]).all()


def test_texts_that_training_never_saw_are_rare(table: pl.DataFrame):
    dataset = from_python(table, target="label")
    fitted = prepare(dataset, split(dataset), Recipe(encoding="embedding")).preprocessing
    new = table.with_columns(colour=pl.lit("purple"))
    colour = dataset.categories.index("colour")
    assert (fitted.inputs(rows_from_python(new, fitted))[1][:, colour] == 0).all()


def test_texts_stay_texts_where_they_look_like_numbers_or_dates(tmp_path: Path):
    codes = ["01", "2", "x", "2024-01-01"]
    rows = [f"{codes[i % 4]},{i},{i % 2}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["code,n,y", *rows]))
    dataset = read(tmp_path / "t.csv", target="y")
    fitted = prepare(dataset, split(dataset), Recipe()).preprocessing
    (tmp_path / "new.csv").write_text("code,n\n01,1\n2,1\n")
    new = fitted.inputs(read_rows(tmp_path / "new.csv", fitted))[0]
    old = fitted.inputs(dataset)[0]
    assert np.array_equal(new[:, 1:], old[:2, 1:])
    (tmp_path / "new.csv").write_text("code,n\n2024-01-01,1\n")
    new = fitted.inputs(read_rows(tmp_path / "new.csv", fitted))[0]
    assert np.array_equal(new[:, 1:], old[3:4, 1:])


MISTAKES = {
    "missing columns": (lambda t: t.drop("size", "gap"), "lacks 2 columns.*size, gap"),
    "text among numbers": (
        lambda t: t.with_columns(
            size=pl.when(pl.col("size") > 5).then(pl.lit("big")).otherwise(pl.lit("1"))
        ),
        "column 'size' .*holds 'big'.*it held numbers",
    ),
    "number for a date": (lambda t: t.with_columns(day=3), "column 'day' .*holds 3.*held dates"),
    "infinite": (lambda t: t.with_columns(size=pl.lit(float("inf"))), "column 'size' .*infinite"),
}


@pytest.mark.parametrize(("change", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_rows_that_do_not_fit(tmp_path: Path, table, fitted, change: Callable, message: str):
    change(table).write_csv(tmp_path / "new.csv")
    with pytest.raises(DataError, match=message):
        read_rows(tmp_path / "new.csv", fitted)


def test_arrays_need_the_shape_of_training(tmp_path: Path, fitted):
    iris = read("iris")
    of_iris = prepare(iris, split(iris), Recipe()).preprocessing
    x = iris.raw["numeric"]
    np.savez(tmp_path / "new.npz", X=x[:3])
    assert np.array_equal(
        of_iris.inputs(read_rows(tmp_path / "new.npz", of_iris))[0], of_iris.inputs(iris)[0][:3]
    )
    assert len(read_rows("iris", of_iris)) == 150
    with pytest.raises(DataError, match=r"rows of shape \[3\].*\[4\]"):
        rows_from_python(x[:, :3], of_iris)
    with pytest.raises(DataError, match="trained on a table"):
        read_rows(tmp_path / "new.npz", fitted)
    with pytest.raises(DataError, match="no file or folder"):
        read_rows(tmp_path / "gone.csv", fitted)


def test_images_are_brought_to_the_size_of_training(tmp_path: Path, write_images):
    folder = write_images(tmp_path / "pictures", sizes=((90, 120), (100, 70)))
    dataset = read(folder)
    assert dataset.raw["tensor"].shape == (24, 1, 64, 64)
    assert "resized to 64 x 64" in dataset.notes[0]
    fitted = prepare(dataset, split(dataset), Recipe()).preprocessing
    one = read_rows(folder / "cat" / "01.png", fitted)
    assert np.array_equal(fitted.inputs(one)[0], fitted.inputs(dataset)[0][1:2])
    assert len(read_rows(folder, fitted).row_names) == 24
