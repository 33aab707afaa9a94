"""Data as strangers bring it: the command line reads it, and networks learn from it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

Luthier = Callable[..., Any]
Table = Callable[..., Path]

# What a network that learned nothing scores on the classes of `customers`, and a bit more.
BETTER = {"bought": 0.75, "segment": 0.6}


def tuned(luthier: Luthier, *arguments: object) -> Any:
    ran = luthier("tune", *arguments, "--json")
    assert ran.code == 0, ran.err
    return ran.json


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "arrow"])
def test_tables_of_every_format_are_one_and_the_same(
    ending: str, luthier: Luthier, table: Table, tmp_path: Path
) -> None:
    frame, path = pl.read_csv(table("bought"), try_parse_dates=True), tmp_path / f"data.{ending}"
    {
        "csv": lambda: frame.write_csv(path),
        "tsv": lambda: frame.write_csv(path, separator="\t"),
        "parquet": lambda: frame.write_parquet(path),
        "arrow": lambda: frame.write_ipc(path),
    }[ending]()
    # Timing chooses among engines, whose sums differ in the last bits: one is named.
    how = ("--target", "bought", "--epochs", 12, "--engine", "torch_eager")
    found = tuned(luthier, path, *how)
    plain = tuned(luthier, "customers.csv", *how)
    assert found["task"] == "classification"
    assert found["metric"] == "log_loss"
    assert found["best"]["validation"]["accuracy"] > BETTER["bought"]
    assert found["best"]["test"]["accuracy"] > BETTER["bought"]
    assert found["best"]["validation"] == plain["best"]["validation"]
    assert any("'email' left out" in note for note in found["notes"])
    assert any("'country' left out" in note for note in found["notes"])


def test_semicolons_and_decimal_commas(luthier: Luthier, table: Table, tmp_path: Path) -> None:
    frame = pl.read_csv(table("spent"))
    commas = pl.col("income", "spent").cast(pl.String).str.replace(".", ",", literal=True)
    frame.with_columns(commas).write_csv(tmp_path / "data.csv", separator=";")
    found = tuned(luthier, "data.csv", "--target", "spent", "--epochs", 20, "--model", "resnet")
    assert found["task"] == "regression"
    assert found["metric"] == "rmse"
    assert found["best"]["validation"]["r2"] > 0.5


def test_three_classes(luthier: Luthier, table: Table) -> None:
    found = tuned(luthier, table("segment"), "--target", "segment", "--epochs", 30)
    assert found["data"]["classes"].keys() == {"high", "low", "mid"}
    assert found["best"]["test"]["accuracy"] > BETTER["segment"]


def test_one_in_twenty_is_found(luthier: Luthier, table: Table, tmp_path: Path) -> None:
    path = table("fraud", rows=600)
    found = tuned(luthier, path, "--target", "fraud", "--epochs", 60, "--out", "out")
    assert found["metric"].startswith("balanced")
    assert found["best"]["test"]["balanced_accuracy"] > 0.6
    predicted = luthier("predict", path, "--model", "out", "--json").json
    rare = pl.read_csv(path)["fraud"].to_numpy() == 1
    caught = np.array([row["prediction"] == "1" for row in predicted])
    assert caught[rare].mean() > 0.5


def test_weights_decide(luthier: Luthier, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=400)
    # Each row stands twice, with either label; only the weights say which one is meant.
    rows = [
        f"{value},{label},{10.0 if (value > 0) == (label == 'up') else 0.01}"
        for value in x
        for label in ("up", "down")
    ]
    (tmp_path / "data.csv").write_text("\n".join(["x,y,trust", *rows]))
    given = ("data.csv", "--target", "y", "--epochs", 10)
    weighted = tuned(luthier, *given, "--weight", "trust")
    assert weighted["best"]["test"]["accuracy"] > 0.9
    pl.read_csv("data.csv").drop("trust").write_csv("data.csv")
    plain = tuned(luthier, *given, "--study", "plain")
    assert plain["best"]["test"]["accuracy"] < 0.6


def test_no_group_straddles(luthier: Luthier, table: Table) -> None:
    from luthier.data import SplitPlan, read, split

    path = table("bought", "clinic")
    tuned(luthier, path, "--target", "bought", "--group", "clinic", "--epochs", 10)
    group = pl.read_csv(path)["clinic"].to_numpy()
    parts = split(read(path, target="bought", group="clinic"), SplitPlan(seed=0))
    seen = [set(group[rows]) for rows in (parts.train, parts.val, parts.test)]
    assert all(seen)
    assert sum(map(len, seen)) == len(set.union(*seen))


def test_the_latest_rows_test(luthier: Luthier, table: Table, tmp_path: Path) -> None:
    frame = pl.read_csv(table("bought"), try_parse_dates=True).drop_nulls("since")
    frame.write_csv(tmp_path / "dated.csv")
    found = tuned(luthier, "dated.csv", "--target", "bought", "--time", "since", "--epochs", 10)
    sizes = found["data"]["splits"]
    assert sum(sizes.values()) == frame.height
    assert sizes["test"] == pytest.approx(0.2 * frame.height, abs=3)


def test_an_array(luthier: Luthier, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 5))
    np.savez(tmp_path / "data.npz", X=x, y=x @ [1.0, -2.0, 0.5, 0.0, 3.0] + 7)
    found = tuned(luthier, "data.npz", "--epochs", 60)
    assert found["task"] == "regression"
    assert found["best"]["test"]["r2"] > 0.8


def test_given_splits_are_kept(luthier: Luthier, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(300, 4))
    y = (x[:, 0] > 0).astype(int)
    cut = {"train": slice(200), "val": slice(200, 240), "test": slice(240, 300)}
    arrays = {f"{n}_{part}": a[rows] for part, rows in cut.items() for n, a in (("X", x), ("y", y))}
    np.savez(tmp_path / "data.npz", **arrays)
    found = tuned(luthier, "data.npz", "--epochs", 10)
    assert found["data"]["splits"] == {"train": 200, "val": 40, "test": 60}


def test_an_lstm_of_the_users_own(luthier: Luthier, series: Path) -> None:
    found = tuned(luthier, series, "--model", "lstm.py:build", "--epochs", 60)
    assert found["study"] == "series-lstm"
    assert found["best"]["test"]["accuracy"] > 0.8
    trials = luthier("show", found["study"], "--json").json["all_trials"]
    varied = {name: {t["recipe"]["model"][name] for t in trials} for name in ("width", "cell")}
    assert trials[0]["recipe"]["model"] == {"width": 12, "cell": "lstm"}
    assert len(varied["width"]) > 2
    assert varied["cell"] == {"lstm", "gru"}


def test_a_transformer_over_tokens(luthier: Luthier, tokens: Path) -> None:
    found = tuned(luthier, tokens, "--model", "reader.py", "--epochs", 40)
    assert found["best"]["recipe"]["preprocessing"] == "tokens"
    assert found["best"]["test"]["accuracy"] > 0.9


def test_a_folder_of_images_takes_a_cnn(luthier: Luthier, pictures: Path) -> None:
    found = tuned(luthier, "pictures", "--epochs", 40, "--out", "out")
    assert found["best"]["recipe"]["network"] == "cnn"
    assert found["best"]["test"]["accuracy"] > 0.7
    assert any("sizes" in note for note in found["notes"])
    predicted = luthier("predict", pictures / "bright", "--model", "out")
    assert predicted.out.startswith("file,prediction,probability_bright,probability_dark\n")
    assert predicted.out.count("bright/") == 40


def test_digits_as_images(luthier: Luthier) -> None:
    found = tuned(luthier, "digits", "--model", "cnn", "--epochs", 10)
    assert found["best"]["test"]["accuracy"] > 0.9


def test_a_bundled_table_with_a_resnet(luthier: Luthier) -> None:
    found = tuned(luthier, "wine", "--model", "resnet", "--epochs", 30)
    assert found["best"]["test"]["accuracy"] > 0.9
