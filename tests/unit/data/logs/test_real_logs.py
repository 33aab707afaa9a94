"""Logs that Keras, Lightning, Hugging Face and TensorBoard wrote themselves (samples/README.md)."""

import math
import shutil
from pathlib import Path

import pytest

import luthier
from luthier.data.logs import read_log

SAMPLES = Path(__file__).parent / "samples"
# path, epochs, first and last training loss, last validation loss, metrics
LOGS = [
    ("keras_csvlogger.csv", 8, 0.7, 0.6, 0.6, ["val_accuracy"]),
    ("keras_csvlogger_appended.csv", 8, 0.6257, 0.5894, 0.5645, ["val_accuracy"]),
    ("keras_two_runs.csv", 5, 0.5629, 0.5472, 0.5336, ["val_accuracy"]),
    ("keras_csvlogger_of_two_fits.csv", 5, 0.5435, 0.5301, None, []),
    ("keras_csvlogger_every_second.csv", 4, None, None, None, ["val_accuracy"]),
    ("keras_history.json", 8, None, None, None, ["val_accuracy"]),
    ("lightning", 8, None, None, None, ["val_acc"]),
    ("lightning/version_0/metrics.csv", 8, None, None, None, ["val_acc"]),
    ("lightning_tensorboard", 8, None, None, None, ["val_acc"]),
    ("hugging_face_epochs", 6, None, None, None, ["eval_accuracy"]),
    ("hugging_face_steps", 6, None, None, None, ["eval_accuracy"]),
    ("hugging_face_default/trainer_state.json", 4, None, None, None, []),
    ("tensorboard_hugging_face", 5, None, None, None, ["eval/accuracy"]),
    ("tensorboard_torch", 12, 1.1, math.exp(-11 / 5) + 0.1, math.exp(-11 / 5) + 0.2,
     ["Accuracy/validation"]),
    ("tensorboardx", 12, 1.1, math.exp(-11 / 5) + 0.1, math.exp(-11 / 5) + 0.2,
     ["Accuracy/validation"]),
    ("tensorboard_add_scalars", 12, 1.1, math.exp(-11 / 5) + 0.1, math.exp(-11 / 5) + 0.2, []),
]  # fmt: skip


@pytest.mark.parametrize(("path", "epochs", "first", "last", "val", "metrics"), LOGS,
                         ids=[one[0] for one in LOGS])  # fmt: skip
def test_what_a_tool_wrote_is_read_without_a_word_from_the_user(
    path, epochs, first, last, val, metrics
):
    curves = read_log(SAMPLES / path).curves
    assert len(curves) == epochs
    assert [name for name in curves.metrics if "acc" in name.lower()] == metrics
    for seen, expected in ((curves.train_loss[0], first), (curves.train_loss[-1], last)):
        assert expected is None or seen == pytest.approx(expected, abs=0.12)
    if val is not None:
        assert curves.val_loss[-1] == pytest.approx(val, abs=0.12)


def test_a_loss_that_became_nan_is_found():
    assert luthier.diagnose(SAMPLES / "keras_csvlogger_nan.csv").problems[0] == "nan_loss"


def test_of_several_versions_the_last_is_read(tmp_path):
    shutil.copytree(SAMPLES / "lightning" / "version_0", tmp_path / "version_9")
    shutil.copytree(SAMPLES / "lightning" / "version_0", tmp_path / "version_10")
    assert "version_10" in read_log(tmp_path).notes[0]


def test_of_several_event_folders_the_newest_with_a_curve_is_read(tmp_path):
    shutil.copytree(SAMPLES / "lightning_tensorboard" / "version_0", tmp_path / "a")
    shutil.copytree(SAMPLES / "tensorboard_torch", tmp_path / "b")
    log = read_log(tmp_path)
    assert log.notes[0] == f"holds 2 runs: {tmp_path / 'b'} is read"
    assert len(log.curves) == 12


def test_resumed_fits_are_one_run_and_two_fits_are_two():
    assert not any(
        "runs" in one for one in read_log(SAMPLES / "keras_csvlogger_appended.csv").notes
    )
    notes = read_log(SAMPLES / "keras_two_runs.csv").notes
    assert "holds several runs: the last one, from row 6 on, is read" in notes


def test_one_epoch_is_read_and_told_to_be_few():
    log = read_log({"loss": [0.7], "val_loss": [0.8]})
    assert (len(log.curves), log.notes[-1]) == (1, "1 epoch: most rules need five or more")


def test_columns_that_weights_and_biases_exports():
    rows = {"Step": [10, 20, 30, 40]}
    for name, first in (("train/loss", 1.0), ("val/loss", 1.2)):
        for end in ("", "__MIN", "__MAX"):
            rows[f"sunny-1 - {name}{end}"] = [first, first / 2, first / 3, first / 4]
    curves = read_log(rows).curves
    assert (curves.train_loss[0], curves.val_loss[0]) == (1.0, 1.2)
    assert not curves.metrics


def test_lists_below_the_name_of_a_part(tmp_path):
    path = tmp_path / "history.json"
    path.write_text('{"train": {"loss": [1, 0.5, 0.4]}, "val": {"loss": [1.1, 0.7, 0.6]}}')
    log = read_log(path)
    assert log.curves.val_loss == (1.1, 0.7, 0.6)


def test_a_second_run_that_begins_like_the_first_is_told_by_its_row(tmp_path):
    path = tmp_path / "log.csv"
    epochs = [*range(8), *range(6)]
    path.write_text("epoch,loss\n" + "".join(f"{i},{1 / (i + 1)}\n" for i in epochs))
    assert "holds several runs: the last one, from row 9 on, is read" in read_log(path).notes
