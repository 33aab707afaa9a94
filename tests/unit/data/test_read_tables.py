import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from luthier.data import read


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_separator_is_found(tmp_path: Path, table: pl.DataFrame, csv: Path, separator: str):
    other = tmp_path / "other.csv"
    table.write_csv(other, separator=separator)
    assert read(other, target="label").fingerprint == read(csv, target="label").fingerprint


def test_the_fingerprint_is_of_the_content_wherever_and_however_it_lies(
    tmp_path: Path, table: pl.DataFrame, csv: Path
):
    table.write_parquet(tmp_path / "table.parquet")
    table.write_ipc(tmp_path / "table.arrow")
    table.write_csv(tmp_path / "copy.tsv", separator="\t")
    same = [read(p, target="label") for p in sorted(tmp_path.iterdir())]
    assert len({d.fingerprint for d in same}) == 1
    changed = table.with_columns(pl.lit(1.5).alias("size") * pl.col("size"))
    changed.write_csv(tmp_path / "changed.csv")
    assert read(tmp_path / "changed.csv", target="label").fingerprint != same[0].fingerprint
    assert read(csv, target="price").fingerprint != same[0].fingerprint


def test_columns_become_numbers_dates_and_categories(csv: Path):
    dataset = read(csv, target="label", weight="weight", group="owner")
    assert dataset.names == (
        "size",
        "gap",
        "day (days)",
        "day (month)",
        "day (weekday)",
        "flag",
        "price",
    )
    assert dataset.categories == ("colour",)
    assert dataset.raw["levels"] == [["blue", "red"]]
    assert (dataset.raw["codes"][::17] == -1).all()
    assert np.isnan(dataset.raw["numeric"][::5, 1]).all()
    assert set(dataset.raw["numeric"][:, 5]) == {0.0, 1.0}
    first = datetime.date(2024, 1, 10)
    assert dataset.raw["numeric"][0, 2:5].tolist() == [
        (first - datetime.date(1970, 1, 1)).days,
        1,
        first.isoweekday(),
    ]
    assert dataset.raw["weight"].shape == dataset.raw["group"].shape == (120,)


def test_times_give_hours_and_parts_that_never_change_are_left_out(tmp_path: Path):
    path = tmp_path / "t.csv"
    rows = [f"2024-03-05T{i % 24:02}:30:00,{i % 2}" for i in range(48)]
    path.write_text("\n".join(["when,y", *rows]))
    assert read(path, target="y").names == ("when (days)", "when (hour)")


def test_ids_and_constants_are_left_out_with_a_note(tmp_path: Path):
    rows = [f"u{i},7,{i % 5},{i % 2}" for i in range(60)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["id,same,a,y", *rows]))
    dataset = read(path, target="y")
    assert dataset.names == ("a",)
    assert dataset.notes == (
        "column 'id' left out: 60 different texts in 60 rows.",
        "column 'same' left out: every value is 7.",
    )
    assert set(dataset.left_out) == {"id", "same"}


@pytest.mark.parametrize("word", ["", "NA", "N/A", "NaN", "null", "?"])
def test_words_for_missing_values(tmp_path: Path, word: str):
    rows = [
        f"{word if i % 4 == 0 else i},{word if i % 3 == 0 else 'ab'[i % 2]},{i % 2}"
        for i in range(40)
    ]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["n,c,y", *rows]))
    dataset = read(path, target="y")
    assert np.isnan(dataset.raw["numeric"][:, 0]).sum() == 10
    assert (dataset.raw["codes"][:, 0] == -1).sum() == 14


def test_blanks_after_separators_are_no_part_of_values(tmp_path: Path):
    rows = [
        f"{i}, {i / 2}, {'?' if i % 4 == 0 else 'ab'[i % 2]}, {'>' if i % 2 else '<'}50K"
        for i in range(40)
    ]
    path = tmp_path / "adult.csv"
    path.write_text("\n".join(["age, hours, job, pay", *rows]))
    dataset = read(path, target="pay")
    assert dataset.names == ("age", "hours")
    assert dataset.raw["levels"] == [["a", "b"]] or dataset.raw["levels"] == [["b"], ["a", "b"]]
    assert dataset.classes == ("<50K", ">50K")


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (["b", "a"], "classification", ("a", "b")),
        (["True", "False"], "classification", ("False", "True")),
        ([10, 9, 2], "classification", ("2", "9", "10")),
        ([1.0, 0.0], "classification", ("0", "1")),
        ([1.5, 0.5], "regression", ()),
        (list(range(30)), "regression", ()),
        (list(range(21)), "regression", ()),
    ],
)
def test_the_target_decides_the_task(tmp_path: Path, values: list, kind: str, classes: tuple):
    rows = [f"{i},{values[i % len(values)]}" for i in range(120)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,y", *rows]))
    dataset = read(path, target="y")
    assert (dataset.kind, dataset.classes) == (kind, classes)


def test_blank_lines_are_no_rows(tmp_path: Path):
    rows = [f"{i},{i % 2}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\r\n".join(["a,y", *rows[:9], "", *rows[9:], "", ""]))
    assert len(read(tmp_path / "t.csv", target="y")) == 40


def test_decimal_commas(tmp_path: Path):
    rows = [f"{i},5;{i};{i % 2}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a;b;y", *rows]))
    dataset = read(tmp_path / "t.csv", target="y")
    assert dataset.raw["numeric"][:2].tolist() == [[0.5, 0], [1.5, 1]]


def test_a_header_of_numbers_is_doubted(tmp_path: Path):
    (tmp_path / "t.csv").write_text("\n".join(f"{i},{i / 2},{i % 2}" for i in range(9, 50)))
    assert "lack its header" in read(tmp_path / "t.csv", target="1").notes[-1]


def test_the_task_can_be_said(csv: Path, tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,y", *[f"{i},{i % 2}" for i in range(40)]]))
    assert read(path, target="y", task="regression").kind == "regression"


def test_rows_of_tiny_classes_are_left_out_with_a_note(tmp_path: Path):
    rows = [f"{i},{'ab'[i % 2]}" for i in range(98)] + ["1,z", "2,z"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,y", *rows]))
    dataset = read(path, target="y")
    assert len(dataset) == 98
    assert dataset.classes == ("a", "b")
    assert dataset.notes == ("2 rows left out: their classes ('z') have fewer than 3 rows each.",)


def test_a_data_set_cannot_be_changed(csv: Path):
    dataset = read(csv, target="label")
    with pytest.raises(ValueError, match="read-only"):
        dataset.raw["numeric"][0, 0] = 1.0


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits", "iris", "wine"])
def test_bundled_data_sets(name: str):
    dataset = read(name)
    assert dataset.kind == ("regression" if name == "diabetes" else "classification")
    assert len(dataset.names) == dataset.raw["numeric"].shape[1]


def test_digits_as_images():
    tensor = read("digits", images=True).raw["tensor"]
    assert tensor.shape == (1797, 1, 8, 8)
    assert (tensor.min(), tensor.max()) == (0.0, 1.0)
