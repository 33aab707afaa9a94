import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from luthier.core import DataError, Recipe
from luthier.data import Preprocessing, SplitPlan, from_python, prepare, read, split
from luthier.data.fit import ENCODINGS, IMPUTATIONS, PREPROCESSING

SCALERS = [name for name in PREPROCESSING if name not in ("raw", "tokens")]  # raw is none here


@pytest.mark.parametrize("preprocessing", SCALERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("imputation", IMPUTATIONS)
def test_every_combination_gives_finite_arrays(
    table: pl.DataFrame, preprocessing: str, encoding: str, imputation: str
):
    dataset = from_python(table, target="label")
    recipe = Recipe(preprocessing=preprocessing, encoding=encoding, imputation=imputation)
    arrays = prepare(dataset, split(dataset), recipe).arrays
    for part in (arrays.train, arrays.val, arrays.test):
        assert part.inputs[0].dtype == np.float32
        assert part.inputs[0].shape[1:] == arrays.task.input_shape
        assert np.isfinite(part.inputs[0]).all()
        assert part.target.dtype == np.int64
        assert len(part) == len(part.rows)
    assert len(arrays.train.inputs) == (2 if encoding == "embedding" else 1)


@pytest.mark.parametrize("preprocessing", SCALERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_constants_come_from_the_training_part_alone(
    table: pl.DataFrame, preprocessing: str, encoding: str
):
    recipe = Recipe(preprocessing=preprocessing, encoding=encoding)
    before = from_python(table, target="price")
    splits = split(before)
    other = np.ones(len(table), bool)
    other[splits.train] = False
    changed = table.with_columns(
        pl.when(pl.Series(other))
        .then(pl.col("size") * 100 + 7)
        .otherwise(pl.col("size"))
        .alias("size"),
        pl.when(pl.Series(other)).then(None).otherwise(pl.col("weight")).alias("weight"),
        pl.when(pl.Series(other)).then(pl.lit("green")).otherwise(pl.col("colour")).alias("colour"),
        pl.when(pl.Series(other))
        .then(pl.col("price") * 9)
        .otherwise(pl.col("price"))
        .alias("price"),
    )
    after = from_python(changed, target="price")
    one, two = prepare(before, splits, recipe), prepare(after, splits, recipe)
    assert one.preprocessing.constants == two.preprocessing.constants
    assert all(map(np.array_equal, one.arrays.train.inputs, two.arrays.train.inputs))
    assert one.arrays.key != two.arrays.key


def scaled(preprocessing: str, column: np.ndarray) -> np.ndarray:
    y = np.arange(len(column)) % 2
    dataset = from_python((column.reshape(-1, 1), y))
    return prepare(
        dataset, split(dataset), Recipe(preprocessing=preprocessing)
    ).arrays.train.inputs[0]


def test_scalers_do_what_their_names_say():
    column = np.random.default_rng(0).lognormal(size=400)
    standard, minmax = scaled("standard", column), scaled("minmax", column)
    assert standard.mean() == pytest.approx(0, abs=1e-6)
    assert standard.std() == pytest.approx(1, abs=1e-6)
    assert (minmax.min(), minmax.max()) == (0, 1)
    robust, quantile = scaled("robust", column), scaled("quantile", column)
    assert np.median(robust) == pytest.approx(0, abs=1e-6)
    assert np.subtract(*np.percentile(robust, [75, 25])) == pytest.approx(1, abs=1e-5)
    assert abs(quantile.mean()) < 0.01
    assert quantile.std() == pytest.approx(1, abs=0.02)
    assert set(scaled("none", column).ravel().tolist()) <= set(column.astype(np.float32).tolist())


def test_quantile_keeps_two_valued_columns_small():
    assert np.abs(scaled("quantile", np.arange(200) // 2 % 2 * 1.0)).max() < 1.5


def test_a_column_that_is_constant_in_training_stays_finite():
    column = np.zeros(100)
    dataset = from_python((np.stack([column, np.arange(100)], axis=1), np.arange(100) % 2))
    splits = split(dataset)
    for preprocessing in SCALERS:
        constants = prepare(dataset, splits, Recipe(preprocessing=preprocessing)).preprocessing
        assert constants.constants["scaler"]["scale"][0] == 1


@pytest.mark.parametrize(
    ("imputation", "expected"),
    [("median", 3.0), ("mean", 4.0), ("zero", 0.0), ("most_frequent", 1.0)],
)
def test_imputation_fills_and_marks(imputation: str, expected: float):
    from luthier.data.fit import fit_fill

    values = np.array([[1.0], [1.0], [np.nan], [3.0], [5.0], [10.0]])
    assert fit_fill(values, imputation).tolist() == [expected]
    x = np.arange(90.0).reshape(45, 2)
    x[::4, 1] = np.nan
    dataset = from_python((x, np.arange(45) % 3))
    arrays = prepare(dataset, split(dataset), Recipe(imputation=imputation)).arrays
    assert arrays.task.input_shape == (3,)
    assert np.array_equal(arrays.train.inputs[0][:, 2] == 1, np.isnan(x[arrays.train.rows, 1]))


def categories(encoding: str, values: list, **options):
    frame = pl.DataFrame(
        {"c": values, "n": range(len(values)), "y": [i % 2 for i in range(len(values))]}
    )
    dataset = from_python(frame, target="y")
    return prepare(
        dataset, split(dataset), Recipe(encoding=encoding, preprocessing="none"), **options
    )


def test_encodings_of_a_column():
    values = ["a", "b", None, "b"] * 30
    onehot = categories("onehot", values).arrays
    assert onehot.task.input_shape == (4,)
    assert (onehot.train.inputs[0][:, 1:].sum(axis=1) == 1).all()
    ordinal = categories("ordinal", values).arrays
    assert set(ordinal.train.inputs[0][:, 1].tolist()) == {np.float32(i / 3) for i in (1, 2, 3)}
    embedding = categories("embedding", values).arrays
    assert embedding.task.cardinalities == (4,)
    assert embedding.train.inputs[1].dtype == np.int64
    assert set(embedding.train.inputs[1].ravel().tolist()) == {1, 2, 3}


def test_rare_categories_are_pooled():
    values = ["a", "b"] * 60
    values[::10] = [f"rare{i}" for i in range(12)]
    pooled = categories("onehot", values)
    assert pooled.preprocessing.constants["categories"][0]["levels"] == ["a", "b"]
    assert pooled.arrays.task.input_shape == (4,)
    kept = categories("onehot", values, rare_count=1)
    assert kept.arrays.task.input_shape[0] > 8


def test_encoding_changes_nothing_without_categories():
    iris = read("iris")
    keys = {prepare(iris, split(iris), Recipe(encoding=e)).arrays.key for e in ENCODINGS}
    assert len(keys) == 1


def test_the_key_tells_arrays_apart():
    iris = read("iris")
    splits, other = split(iris), split(iris, SplitPlan(seed=1))
    keys = [
        prepare(iris, s, Recipe(preprocessing=p)).arrays.key
        for s in (splits, other)
        for p in SCALERS
    ]
    assert len(set(keys)) == len(keys)
    assert prepare(iris, splits, Recipe(learning_rate=9.0)).arrays.key == keys[1]


TENSORS = {
    "series": ((60, 9, 3), 2),
    "images": ((60, 3, 8, 8), 1),
    "images with channels last": ((60, 8, 8, 3), 3),
}


@pytest.mark.parametrize(("shape", "axis"), TENSORS.values(), ids=TENSORS.keys())
@pytest.mark.parametrize("preprocessing", SCALERS)
def test_tensors_have_a_scale_for_each_channel(shape: tuple, axis: int, preprocessing: str):
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    x = np.moveaxis(np.moveaxis(x, axis, -1) * [1, 10, 100] + [5, 0, -5], -1, axis)
    dataset = from_python((x, np.arange(60) % 2))
    arrays = prepare(dataset, split(dataset), Recipe(preprocessing=preprocessing)).arrays
    values = arrays.train.inputs[0]
    assert arrays.task.input_shape == shape[1:]
    assert values.dtype == np.float32
    if preprocessing == "standard":
        other = tuple(a for a in range(values.ndim) if a != axis)
        assert values.mean(axis=other) == pytest.approx([0, 0, 0], abs=1e-5)
        assert values.std(axis=other) == pytest.approx([1, 1, 1], abs=1e-5)


def test_bytes_are_images_from_0_to_1():
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    dataset = from_python((x, np.arange(60) % 2))
    arrays = prepare(dataset, split(dataset), Recipe(preprocessing="none")).arrays
    assert arrays.task.input_shape == (1, 8, 8)
    assert arrays.train.inputs[0].max() <= 1


def test_raw_bytes_stay_bytes():
    """A network with a layer that scales them takes them as they are."""
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    dataset = from_python((x, np.arange(60) % 2))
    train = prepare(dataset, split(dataset), Recipe(preprocessing="raw")).arrays.train
    assert np.array_equal(train.inputs[0][:, 0], x[train.rows])


def test_tokens_stay_whole_numbers():
    x = np.random.default_rng(0).integers(0, 99, (60, 12))
    dataset = from_python((x, np.arange(60) % 2))
    train = prepare(dataset, split(dataset), Recipe(preprocessing="tokens")).arrays.train
    assert train.inputs[0].dtype == np.int64
    assert np.array_equal(train.inputs[0], x[train.rows])


def test_regression_targets_are_standardised_and_come_back():
    y = np.random.default_rng(0).normal(50, 9, (80, 2))
    dataset = from_python((np.random.default_rng(1).normal(size=(80, 3)), y))
    prepared = prepare(dataset, split(dataset), Recipe())
    task, train = prepared.arrays.task, prepared.arrays.train
    assert (task.kind, task.n_outputs, task.metric, task.shown) == (
        "regression",
        2,
        "rmse",
        ("r2", "mae"),
    )
    assert train.target.dtype == np.float32
    assert train.target.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert train.target.std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    back = prepared.preprocessing.decode(train.target).values
    assert back == pytest.approx(y[train.rows], rel=1e-5)


def test_classes_come_back_with_probabilities():
    iris = read("iris")
    prepared = prepare(iris, split(iris), Recipe())
    found = prepared.preprocessing.decode([[0.0, 3.0, 1.0], [900.0, 0.0, 0.0]])
    assert found.values.tolist() == ["versicolor", "setosa"]
    assert found.probabilities.sum(axis=1) == pytest.approx([1, 1])


def test_weights_have_mean_one_over_training(csv: Path):
    dataset = read(csv, target="label", weight="weight")
    arrays = prepare(dataset, split(dataset), Recipe()).arrays
    assert arrays.train.weight.dtype == np.float32
    assert arrays.train.weight.mean() == pytest.approx(1, abs=1e-6)
    assert prepare(read("iris"), split(read("iris")), Recipe()).arrays.train.weight is None


METRICS = {
    "even classes": ([20, 20], None, ("log_loss", "minimize", ("accuracy",))),
    "uneven classes": (
        [90, 20],
        None,
        ("balanced_log_loss", "minimize", ("balanced_accuracy", "accuracy")),
    ),
    "accuracy is asked for": ([20, 20], "accuracy", ("accuracy", "maximize", ())),
    "ranking": ([20, 20], "roc_auc", ("roc_auc", "maximize", ("accuracy",))),
}


@pytest.mark.parametrize(("counts", "metric", "expected"), METRICS.values(), ids=METRICS.keys())
def test_metrics(counts: list, metric: str | None, expected: tuple):
    y = np.repeat(np.arange(len(counts)), counts)
    dataset = from_python((np.arange(len(y), dtype=float)[:, None], y))
    task = prepare(dataset, split(dataset), Recipe(), metric=metric).arrays.task
    assert (task.metric, task.direction, task.shown) == expected


MISTAKES = {
    "unknown scaler": ({"preprocessing": "standart"}, None, "Did you mean 'standard'"),
    "unknown encoding": ({"encoding": "one-hot"}, None, "Did you mean 'onehot'"),
    "unknown imputation": ({"imputation": "avg"}, None, "imputation is 'avg'"),
    "tokens of fractions": ({"preprocessing": "tokens"}, None, "not all whole numbers"),
    "unknown metric": ({}, "acuracy", "Did you mean 'accuracy'"),
    "metric of another task": ({}, "rmse", "does not measure classification"),
}


@pytest.mark.parametrize(("changes", "metric", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(changes: dict, metric: str | None, message: str):
    iris = read("iris")
    with pytest.raises(DataError, match=message):
        prepare(iris, split(iris), Recipe(**changes), metric=metric)


@pytest.mark.parametrize("preprocessing", SCALERS)
def test_preprocessing_survives_json_bit_for_bit(table: pl.DataFrame, preprocessing: str):
    dataset = from_python(table, target="price")
    fitted = prepare(dataset, split(dataset), Recipe(preprocessing=preprocessing)).preprocessing
    back = Preprocessing.from_json(json.loads(json.dumps(fitted.to_json())))
    assert back == fitted
    assert np.array_equal(back.inputs(dataset)[0], fitted.inputs(dataset)[0])
    assert np.array_equal(back.targets(dataset), fitted.targets(dataset))
    with pytest.raises(DataError, match="version 9"):
        Preprocessing.from_json({**fitted.to_json(), "version": 9})
