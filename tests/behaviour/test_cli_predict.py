"""New rows to predict: what may be missing from them, and what may not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Luthier = Callable[..., Any]


@pytest.fixture
def rows(luthier: Luthier, table: Callable[..., Path]) -> pl.DataFrame:
    """Tune on customers; return some of their rows without what is to be predicted."""
    path = table("bought")
    luthier("tune", path, "--target", "bought", "--epochs", 10, "--out", "out", "--quiet")
    return pl.read_csv(path, try_parse_dates=True).drop("bought").head(10)


def predicted(luthier: Luthier, rows: pl.DataFrame) -> Any:
    rows.write_csv("new.csv")
    return luthier("predict", "new.csv", "--model", "out")


def test_predictions_are_csv(luthier: Luthier, rows: pl.DataFrame) -> None:
    ran = predicted(luthier, rows)
    assert (ran.code, ran.err) == (0, "")
    header, *lines = ran.out.splitlines()
    assert header == "prediction,probability_no,probability_yes"
    assert len(lines) == 10
    for line in lines:
        label, no, yes = line.split(",")
        assert label == ("no" if float(no) > float(yes) else "yes")
        assert float(no) + float(yes) == pytest.approx(1, abs=1e-4)


def test_predictions_go_to_a_file(luthier: Luthier, rows: pl.DataFrame) -> None:
    expected = predicted(luthier, rows).out
    ran = luthier("predict", "new.csv", "--model", "out", "--out", "found.csv")
    assert (ran.code, ran.out) == (0, "")
    assert Path("found.csv").read_text() == expected
    refused = luthier("predict", "new.csv", "--model", "out", "--out", "gone/found.csv")
    assert refused.code == 2
    assert refused.err.startswith("error: cannot write to 'gone/found.csv'")


def test_columns_come_in_any_order_and_more_are_ignored(
    luthier: Luthier, rows: pl.DataFrame
) -> None:
    expected = predicted(luthier, rows).out
    shuffled = rows.select(reversed(rows.columns)).with_columns(pl.lit(3).alias("more"))
    assert predicted(luthier, shuffled).out == expected


def test_a_row_does_not_depend_on_its_neighbours(luthier: Luthier, rows: pl.DataFrame) -> None:
    whole = predicted(luthier, rows).out.splitlines()
    for index in (0, 4):
        alone = predicted(luthier, rows[index : index + 1]).out.splitlines()
        assert alone == [whole[0], whole[1 + index]]


def test_categories_never_seen_and_gaps(luthier: Luthier, rows: pl.DataFrame) -> None:
    strange = rows.with_columns(
        pl.lit("Atlantis").alias("city"), pl.lit(None, pl.Float64).alias("income")
    )
    ran = predicted(luthier, strange)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 11


def test_missing_columns(luthier: Luthier, rows: pl.DataFrame) -> None:
    ran = predicted(luthier, rows.drop("income", "city"))
    assert (ran.code, ran.out) == (2, "")
    assert "lacks 2 columns that training used: income, city" in ran.err


def test_a_misnamed_column(luthier: Luthier, rows: pl.DataFrame) -> None:
    ran = predicted(luthier, rows.rename({"income": "incomes"}))
    assert ran.code == 2
    assert "Did you mean 'incomes'?" in ran.err


def test_texts_where_numbers_were(luthier: Luthier, rows: pl.DataFrame) -> None:
    ran = predicted(luthier, rows.with_columns(pl.lit("a lot").alias("income")))
    assert (ran.code, ran.out) == (2, "")
    assert "column 'income'" in ran.err
    assert "'a lot'" in ran.err


def test_no_rows(luthier: Luthier, rows: pl.DataFrame) -> None:
    ran = predicted(luthier, rows.head(0))
    assert ran.code == 2
    assert "header but no rows" in ran.err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("preprocessing.json", "{"),
        ("preprocessing.json", "[]"),
        ("preprocessing.json", "{}"),
        ("recipe.yaml", "network: [mlp"),
        ("model.safetensors", "no weights"),
    ],
)
def test_a_damaged_folder(name: str, content: str, luthier: Luthier, rows: pl.DataFrame) -> None:
    Path("out", name).write_text(content)
    ran = predicted(luthier, rows)
    assert (ran.code, ran.out) == (2, "")
    assert name in ran.err
    assert ran.err.count("\n") == 1


def test_weights_of_another_network(luthier: Luthier, rows: pl.DataFrame) -> None:
    text = Path("out/recipe.yaml").read_text().replace("depth: 2", "depth: 4")
    text = text.replace("depth: 1", "depth: 4").replace("depth: 3", "depth: 4")
    Path("out/recipe.yaml").write_text(text)
    ran = predicted(luthier, rows)
    assert (ran.code, ran.out) == (2, "")
    assert "model.safetensors" in ran.err
