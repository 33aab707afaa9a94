import numpy as np
import polars as pl
import pytest

from luthier.data import facts, from_python, read, split

X, Y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
TEXTS = np.array(["low", "mid", "top"])[Y]


@pytest.mark.parametrize(
    ("y", "kind", "classes"),
    [
        (Y, "classification", ("0", "1", "2")),
        (Y.tolist(), "classification", ("0", "1", "2")),
        (Y.astype(float), "classification", ("0", "1", "2")),
        (Y[:, None], "classification", ("0", "1", "2")),
        (np.eye(3)[Y], "classification", ("0", "1", "2")),
        (Y == 0, "classification", ("False", "True")),
        (TEXTS, "classification", ("low", "mid", "top")),
        (TEXTS.astype(object), "classification", ("low", "mid", "top")),
        (X[:, 0], "regression", ()),
        (X[:, :2], "regression", ()),
    ],
)
def test_targets(y: object, kind: str, classes: tuple):
    dataset = from_python((X, y))
    assert (dataset.kind, dataset.classes) == (kind, classes)


def test_data_frames_of_any_library(table: pl.DataFrame, csv):
    expected = read(csv, target="label").fingerprint
    assert from_python(table, target="label").fingerprint == expected
    # The parser that older versions take by default is off by a bit now and then.
    pandas = pytest.importorskip("pandas").read_csv(csv, float_precision="round_trip")
    assert from_python(pandas, target="label").fingerprint == expected
    arrow = pytest.importorskip("pyarrow").table(table.to_arrow())
    assert from_python(arrow, target="label").fingerprint == expected


def test_a_frame_beside_its_targets(table: pl.DataFrame):
    pandas = pytest.importorskip("pandas")
    frame = table.drop("label").to_pandas()
    labels = pandas.Series(table["label"].to_list())
    dataset = from_python((frame, labels), sample_weight=np.arange(120))
    assert dataset.classes == ("no", "yes")
    assert dataset.raw["weight"].tolist() == list(range(120))
    parts = from_python(((frame[:90], labels[:90]), (frame[90:], labels[90:])))
    assert len(split(parts).val) == 30


def test_missing_values_of_pandas(table: pl.DataFrame):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": pandas.array([None if i % 3 == 0 else i for i in range(60)], dtype="Int64"),
            "c": pandas.Categorical([None if i % 4 == 0 else "ab"[i % 2] for i in range(60)]),
            "t": pandas.date_range("2024-01-01", periods=60, tz="Europe/Berlin"),
        }
    )
    dataset = from_python((frame, TEXTS))
    assert np.isnan(dataset.raw["numeric"][:, 0]).sum() == 20
    assert (dataset.raw["codes"] == -1).sum() == 15
    assert dataset.names == ("n", "t (days)", "t (month)", "t (weekday)")


def test_weights_follow_rows_that_are_left_out():
    y = np.array([*["a", "b"] * 30, "z"])
    x = np.arange(61.0)[:, None]
    dataset = from_python((x, y), sample_weight=np.arange(61))
    assert dataset.raw["weight"].tolist() == list(range(60))
    framed = from_python((pl.DataFrame({"x": x[:, 0]}), y), sample_weight=np.arange(61))
    assert framed.raw["weight"].tolist() == list(range(60))


def test_weights_of_the_training_part_alone():
    dataset = from_python(((X, Y), (X[:20], Y[:20])), sample_weight=np.full(60, 2.0))
    assert dataset.raw["weight"].tolist() == [2.0] * 60 + [1.0] * 20


def test_texts_in_an_array_are_a_table():
    x = np.array([["red", 1.5], ["blue", 2.5]] * 30, dtype=object)
    x[::7, 1] = None
    dataset = from_python((x, Y))
    assert (dataset.names, dataset.categories) == (("x1",), ("x0",))


def test_torch_data_sets_and_loaders():
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    whole = data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    same = from_python((torch.tensor(X), torch.tensor(Y))).fingerprint
    assert from_python(whole).fingerprint == same
    assert from_python(data.DataLoader(whole, batch_size=7, shuffle=True)).fingerprint == same
    first, second = data.Subset(whole, range(40)), data.Subset(whole, range(40, 60))
    pair = from_python((data.DataLoader(first), data.DataLoader(second)))
    assert len(split(pair).val) == 20


def test_changing_the_users_array_changes_nothing():
    x = X.copy()
    dataset = from_python((x, Y))
    x[:] = 0
    assert dataset.raw["numeric"].any()
    x[0] = 1  # and the user's array stays writable


def test_facts(csv):
    dataset = read(csv, target="label")
    found = facts(dataset, split(dataset))
    assert found["rows"] == 120
    assert found["classes"] == {"no": 40, "yes": 80}
    assert found["imbalance_ratio"] == 2
    assert found["splits"] == {"train": 72, "val": 24, "test": 24}
    assert 0 < found["missing_share"] < 0.1
