"""Targets with a class at each position: what is taken for it, and what is said of the rest."""

import numpy as np
import pytest

from luthier.core import DataError, Recipe
from luthier.data import prepare, read, split
from luthier.data.facts import facts
from luthier.data.python import from_python

RNG = np.random.default_rng(0)
WORDS = RNG.integers(1, 9, (40, 6))
TAGS = WORDS % 3
IMAGES = RNG.normal(size=(40, 3, 5, 4)).astype(np.float32)
MASKS = (IMAGES[:, 0] > 0).astype(np.uint8)


def prepared(data, **options):
    dataset = from_python(data, **options)
    recipe = Recipe(preprocessing="tokens" if data[0] is WORDS else "standard")
    return prepare(dataset, split(dataset), recipe).arrays


class TestTokens:
    def test_are_said_to_be_classes(self):
        task = prepared((WORDS, TAGS), task="classification").task
        assert (task.kind, task.positions, task.classes) == (
            "classification",
            (6,),
            ("0", "1", "2"),
        )
        assert (task.metric, task.shown) == ("log_loss", ("accuracy",))

    def test_or_hold_the_class_that_counts_nothing(self):
        padded = np.where(WORDS > 6, -100, TAGS)
        arrays = prepared((WORDS, padded))
        assert arrays.task.classes == ("0", "1", "2")
        np.testing.assert_array_equal(arrays.train.target, padded[arrays.train.rows])

    def test_else_whole_numbers_are_amounts_and_that_is_said(self):
        dataset = from_python((WORDS, TAGS))
        assert dataset.kind == "regression"
        assert "task='classification' takes them for a class at each position" in dataset.notes[0]

    def test_numbers_that_never_occur_are_classes_too(self):
        dataset = from_python((WORDS, TAGS * 2), task="classification")
        assert dataset.classes == ("0", "1", "2", "3", "4")
        assert "2 of the class numbers never occur: 1, 3." in dataset.notes[1]

    def test_several_things_that_may_be_true_are_a_class_each(self):
        true = (RNG.random((40, 5)) < 0.4).astype(int)
        assert prepared((IMAGES, true), task="classification").task.positions == (5,)

    def test_one_hot_rows_stay_one_class_a_row(self):
        assert from_python((WORDS, np.eye(3, dtype=int)[TAGS[:, 0]])).raw["target"].ndim == 1


class TestPixels:
    @pytest.mark.parametrize(
        "form",
        [
            lambda y: y,
            lambda y: y * 255,
            lambda y: y.astype(bool),
            lambda y: y[:, None].astype(np.float32),
            lambda y: y[..., None],
        ],
        ids=["numbers", "0 and 255", "truth values", "floats of one channel", "a last axis"],
    )
    def test_of_two_classes_come_in_many_forms(self, form):
        arrays = prepared((IMAGES, form(MASKS)))
        assert (arrays.task.positions, arrays.task.n_outputs) == ((5, 4), 2)
        np.testing.assert_array_equal(arrays.train.target, MASKS[arrays.train.rows])
        assert arrays.task.shown == ("mean_iou", "accuracy")

    def test_are_counted_without_those_that_count_nothing(self):
        ignoring = MASKS.astype(int)
        ignoring[:, 0] = -100
        dataset = from_python((IMAGES, ignoring))
        about = facts(dataset, split(dataset))
        assert sum(about["classes"].values()) == 40 * 4 * 4
        assert about["classes"]["1"] == MASKS[:, 1:].sum()

    def test_rows_are_split_at_random_and_that_is_said(self):
        dataset = from_python((IMAGES, MASKS))
        assert "rows are split at random" in dataset.notes[0]
        assert sorted(np.concatenate([*vars(split(dataset)).values()])) == list(range(40))

    def test_parts_that_are_given_stay(self):
        arrays = prepared(((IMAGES, MASKS), (IMAGES[:25], MASKS[:25])))
        assert (len(arrays.train), len(arrays.val)) == (40, 25)

    def test_an_archive_reads_as_the_arrays_do(self, tmp_path):
        np.savez(tmp_path / "photos.npz", X=IMAGES, y=MASKS)
        dataset = read(tmp_path / "photos.npz")
        assert dataset.fingerprint == from_python((IMAGES, MASKS)).fingerprint


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (IMAGES[:, 0], "no class labels: they hold values that are no whole numbers"),
        (np.zeros((40, 5, 4), int), r"have 1 class: \[0\]"),
        (np.full((40, 5, 4), -100), r"have 0 class: \[\]"),
        (np.array([0, 1, 255] * 800)[: 40 * 20].reshape(40, 5, 4) - 1, "reach from -1 to 254"),
        (np.array(["a", "b"] * 400).reshape(40, 5, 4), "class numbers at each position"),
    ],
)
def test_what_is_no_class_at_each_position_is_refused(y, message):
    with pytest.raises(DataError, match=message):
        from_python((IMAGES, y))


def test_parts_of_other_positions_are_refused():
    with pytest.raises(DataError, match=r"part 2 of .* has targets of shape \(5, 3\) a row"):
        from_python(((IMAGES, MASKS), (IMAGES, MASKS[:, :, :3])))
