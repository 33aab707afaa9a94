"""Logs as Keras, Lightning, Hugging Face and TensorBoard write them, and as people spoil them."""

import json
import math
import struct

import numpy as np
import pandas as pd
import polars as pl
import pytest

from luthier.core import Curves, DataError
from luthier.data import logs
from luthier.data.logs import read_log
from luthier.data.logs.event_file import _masked

CSV_LOGGER = """epoch,accuracy,loss,val_accuracy,val_loss
0,0.5,1.0,0.4,1.2
1,0.6,0.8,0.5,1.0
2,0.7,0.6,0.6,0.9
"""
LIGHTNING = """epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val_acc,val_loss
,0.01,9,,,,
0,,9,,1.3,,
0,,19,,,0.4,1.2
0,,19,1.1,,,
1,,29,,0.9,,
1,,39,,,0.5,1.0
1,,39,0.8,,,
"""
STATE = {
    "best_metric": None,
    "log_history": [
        {"epoch": 0.5, "learning_rate": 5e-5, "loss": 0.9, "grad_norm": 1.5, "step": 50},
        {"epoch": 1.0, "learning_rate": 4e-5, "loss": 0.7, "grad_norm": 1.3, "step": 100},
        {"epoch": 1.0, "eval_accuracy": 0.7, "eval_loss": 0.6, "eval_runtime": 3.1, "step": 100},
        {"epoch": 1.5, "learning_rate": 2e-5, "loss": 0.6, "grad_norm": 1.2, "step": 150},
        {"epoch": 2.0, "learning_rate": 0.0, "loss": 0.4, "grad_norm": 1.1, "step": 200},
        {"epoch": 2.0, "eval_accuracy": 0.8, "eval_loss": 0.5, "eval_runtime": 3.1, "step": 200},
        {"epoch": 2.0, "step": 200, "train_loss": 0.65, "train_runtime": 60.0},
    ],
}


@pytest.fixture
def wrote(tmp_path):
    def write(text, name="metrics.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def record(data):
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", _masked(head)) + data + struct.pack("<I", _masked(data))


def field(number, data):
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def event(step, tag, value, *, tensor=False):
    content = bytes([1 << 3 | 1]) + struct.pack("<d", 0.0) + bytes([2 << 3]) + varint(step)
    if tensor:
        number = field(8, bytes([1 << 3, 1]) + field(4, struct.pack("<f", value)))
    else:
        number = bytes([2 << 3 | 5]) + struct.pack("<f", value)
    return record(content + field(5, field(1, field(1, tag.encode()) + number)))


def test_keras_csv_logger(wrote):
    log = read_log(wrote(CSV_LOGGER))
    assert log.curves == Curves(
        train_loss=(1.0, 0.8, 0.6),
        val_loss=(1.2, 1.0, 0.9),
        metrics={"val_accuracy": (0.4, 0.5, 0.6)},
    )
    assert log.notes == ("read train_loss = loss",)


def test_lightning_writes_sparse_rows(wrote):
    curves = read_log(wrote(LIGHTNING)).curves
    assert curves.train_loss == (1.1, 0.8)
    assert curves.val_loss == (1.2, 1.0)
    assert curves.metrics == {"val_acc": (0.4, 0.5)}


def test_hugging_face_logs_within_epochs_and_evaluates_at_their_ends(wrote):
    curves = read_log(wrote(json.dumps(STATE), "trainer_state.json")).curves
    assert curves.train_loss == pytest.approx((0.8, 0.5))
    assert curves.val_loss == (0.6, 0.5)
    assert curves.metrics == {"eval_accuracy": (0.7, 0.8)}
    assert curves.learning_rate == (4e-5, 0.0)
    assert curves.signals == {"gradient_norm": pytest.approx((1.4, 1.15))}


def test_keras_history_as_json_and_as_an_object(wrote):
    history = {"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}

    class History:
        def __init__(self):
            self.history = history

    expected = Curves(train_loss=(1.0, 0.5), val_loss=(1.1, 0.7))
    assert read_log(wrote(json.dumps(history), "history.json")).curves == expected
    assert read_log(History()).curves == expected
    assert read_log(history).curves == expected
    assert read_log({k: np.array(v) for k, v in history.items()}).curves == expected


def test_json_lines_whose_last_one_was_cut_off(wrote):
    text = '{"epoch": 1, "loss": 1.0}\n{"epoch": 2, "loss": NaN}\n{"epoch": 3, "lo'
    curves = read_log(wrote(text, "log.jsonl")).curves
    assert curves.train_loss[0] == 1.0
    assert math.isnan(curves.train_loss[1])


def test_tensorboard_folders_of_two_parts(tmp_path):
    for part, values in (("train", (1.0, 0.5)), ("validation", (1.5, 0.75))):
        (tmp_path / part).mkdir()
        content = record(bytes([1 << 3 | 1]) + struct.pack("<d", 0.0))
        for step, value in enumerate(values):
            content += event(step, "epoch_loss", value, tensor=part == "train")
            content += event(step + 300, "evaluation_iterations", value)
        (tmp_path / part / "events.out.tfevents.1.host").write_bytes(content + b"\0\0\0")
    curves = read_log(tmp_path).curves
    assert curves.train_loss == (1.0, 0.5)
    assert curves.val_loss == (1.5, 0.75)


def test_a_broken_event_file_is_told(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    content = bytearray(event(0, "loss", 1.0) + event(1, "loss", 0.5))
    content[-6] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="checksum does not fit"):
        read_log(path)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_data_frames_tell_a_gap_from_a_loss_that_is_nan(kind):
    gaps = kind({"loss": [1.0, 0.9, 0.8, 0.7], "val_loss": [None, 0.9, None, 0.8]})
    assert read_log(gaps).curves.val_loss[1:] == pytest.approx((0.9, 0.85, 0.8))
    lost = read_log(kind({"loss": [1.0, 0.9, math.nan, math.nan]})).curves.train_loss
    assert [math.isnan(one) for one in lost] == [False, False, True, True]


def test_a_resume_goes_back_and_counts(wrote):
    text = "epoch,loss\n0,1.0\n1,0.9\n2,0.5\n1,0.8\n2,0.7\n"
    log = read_log(wrote(text))
    assert log.curves.train_loss == (1.0, 0.8, 0.7)
    assert "goes back to epoch 1: what was trained again counts" in log.notes


def test_of_two_runs_in_one_file_the_last_is_read(wrote):
    log = read_log(wrote(CSV_LOGGER + CSV_LOGGER.replace("1.0,0.4", "3.0,0.4")))
    assert log.curves.train_loss == (3.0, 0.8, 0.6)
    assert "holds several runs: the last one, from row 4 on, is read" in log.notes


def test_a_validation_every_few_epochs_makes_longer_points(wrote):
    rows = [f"{i},{10 - i},{20 - i if i % 2 else ''}" for i in range(8)]
    log = read_log(wrote("\n".join(["epoch,loss,val_loss", *rows])))
    assert log.curves.val_loss == (19.0, 17.0, 15.0, 13.0)
    assert log.curves.train_loss == (9.5, 7.5, 5.5, 3.5)
    assert log.notes[-1].startswith("validated every 2 points")


def test_a_map_goes_before_what_names_say(wrote):
    path = wrote("epoch,a,b,acc\n0,1.0,2.0,0.5\n1,0.5,1.0,0.6\n")
    log = read_log(path, {"train_loss": "a", "val_loss": "b", "accuracy": "acc"})
    assert log.curves.val_loss == (2.0, 1.0)
    assert log.curves.metrics == {"accuracy": (0.5, 0.6)}


def test_adversaries_are_known_as_such():
    log = read_log({"g_loss": [1.0, 2.0], "d_loss": [0.5, 0.4]})
    assert log.facts == {"adversarial": True}


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["train/loss", "val/loss", "lr"], ["train/loss", "val/loss", "lr"]),
        (["training_loss", "validation_loss"], ["training_loss", "validation_loss"]),
        (["trainLoss", "validLoss"], ["trainLoss", "validLoss"]),
        (["loss_train", "loss_val"], ["loss_train", "loss_val"]),
        (["Train Loss", "Test Loss"], ["Train Loss", "Test Loss"]),
        (["trainloss", "valloss"], ["trainloss", "valloss"]),
        (["loss", "eval_loss", "test_loss"], ["loss", "eval_loss"]),
    ],
)
def test_names_of_losses(names, roles):
    curves = read_log({name: [float(i), 0.5] for i, name in enumerate(names)}).curves
    found = [curves.train_loss, curves.val_loss, curves.learning_rate]
    assert [one[0] for one in found if one] == [float(names.index(one)) for one in roles]


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "a.csv", "is empty"),
        ("epoch,loss\n", "a.csv", "holds no row"),
        ("epoch,accuracy\n0,0.5\n", "a.csv", "no column that looks like a loss. It has epoch, acc"),
        ("epoch,loss\n0,1.0\n1,tensor(0.5)\n", "a.csv", r"row 2 of .* has 'tensor\(0.5\)'"),
        ("loss,loss\n1,2\n", "a.csv", "two columns 'loss'"),
        (b"\x89PNG\0\0\xff\xfe", "a.csv", "no log that luthier can read"),
        ('{"loss": [1.0, 0.5', "a.json", "broken off or no JSON"),
        ('{"a": "b"}', "a.json", "holds no curves"),
        ('{"loss": 1}\n{oops\n{"loss": 2}\n', "a.jsonl", "line 2 of .* is no JSON"),
    ],
)
def test_what_is_no_log_gets_a_message(wrote, text, name, message):
    with pytest.raises(DataError, match=message):
        read_log(wrote(text, name))


def test_a_missing_file_and_a_missing_column_are_named(wrote):
    path = wrote(CSV_LOGGER)
    with pytest.raises(DataError, match=r"Did you mean '.*metrics.csv'"):
        read_log(path.with_name("metric.csv"))
    with pytest.raises(DataError, match=r"no column 'val/loss'. Did you mean 'val_loss'\?"):
        read_log(path, {"val_loss": "val/loss"})


def test_objects_that_are_no_log_are_named():
    with pytest.raises(DataError, match="cannot read a log from int"):
        read_log(3)


def test_every_format_is_entered():
    assert [one.name for one in logs.ALL] == ["tensorboard", "json", "jsonl", "table"]


def test_the_checksum_is_the_published_one():
    # RFC 3720, B.4: CRC-32C of 32 zero bytes is 0x8A9136AA; masked as TFRecord says.
    crc = 0x8A9136AA
    assert _masked(bytes(32)) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
