import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core import DataError
from luthier.data import Dataset, SplitPlan, from_python, read, split


def dataset(labels: np.ndarray, **roles: np.ndarray) -> Dataset:
    x = np.arange(len(labels), dtype=float)[:, None]
    classes = tuple(str(i) for i in range(labels.max() + 1)) if labels.dtype.kind == "i" else ()
    raw = {
        "numeric": x,
        "codes": np.zeros((len(x), 0), np.int64),
        "levels": [],
        "tensor": None,
        "target": labels if classes else labels[:, None],
        **dict.fromkeys(("weight", "group", "time", "given")),
        **roles,
    }
    return Dataset(raw, "classification" if classes else "regression", classes, ("x",))


def parts(splits):
    return (splits.train, splits.val, splits.test)


counts = st.lists(st.integers(3, 40), min_size=2, max_size=6).filter(lambda c: sum(c) >= 20)


@settings(max_examples=60, deadline=None)
@given(counts, st.integers(0, 2**40), st.randoms())
def test_every_row_is_in_one_part_and_every_class_in_each(counts, seed, random):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    random.shuffle(labels)
    labels = np.array(labels)
    splits = split(dataset(labels), SplitPlan(seed=seed))
    joined = np.concatenate(parts(splits))
    assert sorted(joined.tolist()) == list(range(len(labels)))
    for rows in parts(splits):
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
        for label, count in enumerate(counts):
            assert (labels[rows] == label).any() or count < 5
    for label, count in enumerate(counts):
        assert (labels[splits.train] == label).sum() >= max(1, 0.6 * count - 1.5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 11), min_size=30, max_size=80), st.integers(0, 99))
def test_groups_stay_whole_and_no_part_is_empty(groups, seed):
    groups = np.array([*groups, 0, 1, 2])
    labels = np.random.default_rng(seed).normal(size=len(groups))
    splits = split(dataset(labels, group=groups), SplitPlan(seed=seed))
    held = [set(groups[rows].tolist()) for rows in parts(splits)]
    assert all(held)
    assert sum(map(len, held)) == len(set(groups.tolist()))


def test_groups_keep_the_shares_of_classes():
    rng = np.random.default_rng(0)
    labels, groups = np.arange(600) % 2, rng.integers(0, 60, 600)
    splits = split(dataset(labels, group=groups))
    assert [round(len(rows) / 600, 1) for rows in parts(splits)] == [0.6, 0.2, 0.2]
    assert abs(labels[splits.val].mean() - 0.5) < 0.05


def test_time_puts_the_latest_rows_last():
    time = np.random.default_rng(0).permutation(50)
    splits = split(dataset(np.linspace(0, 1, 50), time=time))
    assert time[splits.train].max() < time[splits.val].min()
    assert time[splits.val].max() < time[splits.test].min()
    assert [len(rows) for rows in parts(splits)] == [30, 10, 10]


def test_the_rows_are_the_same_on_every_machine_and_version():
    splits = split(read("iris"))
    assert splits.key == GOLDEN
    assert split(read("iris"), SplitPlan(seed=1)).key != GOLDEN


GOLDEN = "991951dffdc6"


def pair(rows: int):
    return np.arange(rows * 2.0).reshape(rows, 2), np.arange(rows) % 2


def test_given_parts_are_kept():
    two = split(from_python((pair(30), pair(10))))
    assert [len(rows) for rows in parts(two)] == [30, 10, 0]
    three = split(from_python((pair(30), pair(10), pair(8))))
    assert [len(rows) for rows in parts(three)] == [30, 10, 8]
    assert three.test.tolist() == list(range(40, 48))


def test_only_a_missing_validation_part_is_drawn(tmp_path):
    (x, y), (x2, y2) = pair(40), pair(10)
    np.savez(tmp_path / "t.npz", x_train=x, y_train=y, x_test=x2, y_test=y2)
    splits = split(read(tmp_path / "t.npz"))
    assert [len(rows) for rows in parts(splits)] == [32, 8, 10]
    assert splits.test.tolist() == list(range(40, 50))


def test_no_test_part_if_none_is_asked_for():
    assert len(split(read("iris"), SplitPlan(test=0.0)).test) == 0


MISTAKES = {
    "no validation": (lambda: SplitPlan(val=0.0), "val above 0"),
    "nothing to train on": (lambda: SplitPlan(test=0.5, val=0.5), "together below 1"),
    "two groups": (
        lambda: split(dataset(np.arange(40) % 2, group=np.arange(40) % 2)),
        "2 different values",
    ),
    "group and time": (
        lambda: split(dataset(np.arange(40) % 2, group=np.arange(40), time=np.arange(40))),
        "Name one",
    ),
    "a class of late rows alone": (
        lambda: split(dataset(np.arange(40) // 30, time=np.arange(40))),
        "class '1' is not in the training part",
    ),
}


@pytest.mark.parametrize(("act", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(act, message):
    with pytest.raises(DataError, match=message):
        act()
