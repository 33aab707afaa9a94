"""A mistake gets one message, exit code 2, and leaves everything as it was."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Make = Callable[[Path], object]

GOOD = [f"{i},{i * 0.5},{'ab'[i % 2]}" for i in range(40)]
BUILDER = """
from typing import Annotated
from torch import nn
from luthier import Float, Int

def build(n_features, n_outputs, width: Annotated[int, Int(4, 16)] = 8):
    return nn.Sequential(nn.Linear(n_features, width), nn.ReLU(), nn.Linear(width, n_outputs))
"""


def lines(*rows: str, header: str = "a,b,y") -> str:
    return "\n".join([header, *rows]) + "\n"


def file(name: str, content: str | bytes) -> Make:
    data = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(data)


def table(*rows: str, header: str = "a,b,y") -> Make:
    return file("data.csv", lines(*rows, header=header))


def builder(old: str, new: str) -> Make:
    assert old in BUILDER
    return file("net.py", BUILDER.replace(old, new))


def sparse(folder: Path) -> None:
    (folder / "data.csv").write_text(lines(*GOOD))
    os.truncate(folder / "data.csv", 10 << 30)


def pictures(folder: Path) -> None:
    from PIL import Image

    for kind in ("cats", "dogs"):
        (folder / "images" / kind).mkdir(parents=True)
        for i in range(12):
            Image.new("L", (8, 8), i).save(folder / "images" / kind / f"{i}.png")
    (folder / "images" / "cats" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")


def one_class_of_pictures(folder: Path) -> None:
    pictures(folder)
    shutil.rmtree(folder / "images" / "dogs")


def other_database(folder: Path) -> None:
    with sqlite3.connect(folder / "other.db") as connection:
        connection.execute("CREATE TABLE notes (text)")


def newer_database(folder: Path) -> None:
    from luthier.storage import connect

    connect(f"sqlite:///{folder}/newer.db").close()
    connection = sqlite3.connect(folder / "newer.db")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()


def arrays(**found: Any) -> Make:
    return lambda folder: np.savez(folder / "data.npz", **found)


DATA: dict[str, tuple[Make | None, str, str]] = {
    "missing file": (None, "tune nothing.csv", "no file or folder 'nothing.csv'"),
    "bundled name with a slip": (None, "tune digitz", "Did you mean 'digits'"),
    "empty file": (file("data.csv", ""), "tune data.csv --target y", "is empty"),
    "blank lines alone": (file("data.csv", "\n\n\n"), "tune data.csv --target y", "data.csv"),
    "header only": (table(), "tune data.csv --target y", "header but no rows: a, b, y"),
    "unknown target": (
        table(*GOOD, header="a,b,label"),
        "tune data.csv --target lable",
        "no column 'lable'. Did you mean 'label'",
    ),
    "no target": (table(*GOOD), "tune data.csv", "no target is named.* a, b, y.*--target y"),
    "one class": (
        table(*[f"{i},{i},a" for i in range(40)]),
        "tune data.csv --target y",
        "one class only: 'a'",
    ),
    "missing targets": (
        table(*GOOD, "1,2,", "1,2,"),
        "tune data.csv --target y",
        "missing in 2 of 42 rows",
    ),
    "infinite feature": (
        table(*GOOD, "inf,1,a"),
        "tune data.csv --target y",
        "column 'a' holds 1 infinite",
    ),
    "infinite array": (
        arrays(X=np.full((40, 3), np.inf), y=np.arange(40) % 2),
        "tune data.npz",
        "infinite values",
    ),
    "only ids": (
        table(*[f"u{i},v{i},{'ab'[i % 2]}" for i in range(60)]),
        "tune data.csv --target y",
        "every column but the target is a text id",
    ),
    "three rows": (
        table("1,2,0.5", "2,3,1.5", "3,4,2.5"),
        "tune data.csv --target y",
        "3 rows.*at least 20",
    ),
    "three rows of classes": (
        table("1,2,a", "2,3,b", "3,4,a"),
        "tune data.csv --target y",
        "3 rows.*at least 20",
    ),
    "latin-1": (
        file("data.csv", lines(*GOOD, "1,2,ä").encode("latin-1")),
        "tune data.csv --target y",
        "not UTF-8.*iconv",
    ),
    "UTF-16": (
        file("data.csv", lines(*GOOD).encode("utf-16")),
        "tune data.csv --target y",
        "UTF-16",
    ),
    "ragged": (
        table(*GOOD[:5], "1,2,a,9", *GOOD),
        "tune data.csv --target y",
        "line 7: 4 fields, but the header has 3",
    ),
    "duplicate names": (
        table(*GOOD, header="a,a,y"),
        "tune data.csv --target y",
        "several columns named 'a'",
    ),
    "unreadable image": (pictures, "tune images", "cannot read the image .*cats/3.png"),
    "no images": (
        lambda folder: (folder / "images").mkdir(),
        "tune images",
        "no folders with images",
    ),
    "images of one class": (one_class_of_pictures, "tune images", "in one folder only: 'cats'"),
    "10 GB": (sparse, "tune data.csv --target y", "10,240 MiB.*stops at"),
    "target for images": (
        None,
        "tune digits --target y",
        "no named columns",
    ),
    "text file as Parquet": (
        file("data.parquet", lines(*GOOD)),
        "tune data.parquet --target y",
        "cannot read .*data.parquet as parquet",
    ),
    "text file as NPZ": (file("data.npz", lines(*GOOD)), "tune data.npz", "no zip archive"),
    "unknown ending": (file("data.xlsx", "x"), "tune data.xlsx --target y", "'.xlsx'"),
    "unknown group": (
        table(*GOOD),
        "tune data.csv --target y --group patient",
        "no column 'patient' to use as group",
    ),
    "texts as weights": (
        table(*[f"{row},heavy" for row in GOOD], header="a,b,y,w"),
        "tune data.csv --target y --weight w",
        "column 'w', used as weight, holds texts",
    ),
}

BUILDERS: dict[str, tuple[Make | None, str, str]] = {
    "unknown model": (None, "tune wine --model mpl", "no model 'mpl'. Did you mean 'mlp'"),
    "missing builder": (None, "tune wine --model net.py:build", "no file 'net.py'"),
    "builder raises": (
        builder("    return", "    raise RuntimeError('no luck')\n    return"),
        "tune wine --model net.py:build",
        "net.py:build raised RuntimeError: no luck",
    ),
    "file raises": (
        builder("def build", "1 / 0\n\ndef build"),
        "tune wine --model net.py:build",
        "ZeroDivisionError",
    ),
    "syntax error": (
        builder("def build(", "def build(:"),
        "tune wine --model net.py:build",
        "SyntaxError.*line 6",
    ),
    "returns no module": (
        builder("return nn", "nn"),
        "tune wine --model net.py:build",
        "returned None, but a torch.nn.Module was expected",
    ),
    "returns a tuple": (
        builder(
            "return nn.Sequential(nn.Linear(n_features, width), nn.ReLU(), "
            "nn.Linear(width, n_outputs))",
            "return nn.LSTM(n_features, width)",
        ),
        "tune wine --model net.py:build",
        "the network returned a tuple",
    ),
    "wrong width": (
        builder("nn.Linear(width, n_outputs)", "nn.Linear(width, 7)"),
        "tune wine --model net.py:build",
        "7 outputs, but the target has 3 classes",
    ),
    "no such function": (
        builder("def build", "def bild"),
        "tune wine --model net.py:build",
        "no function 'build'. Did you mean 'bild'",
    ),
    "argument without default": (
        builder("] = 8", "]"),
        "tune wine --model net.py:build",
        "argument 'width' has no default",
    ),
    "low above high": (
        builder("Int(4, 16)", "Int(16, 4)"),
        "tune wine --model net.py:build",
        "low <= high",
    ),
    "log of 0": (
        builder("Int(4, 16)", "Float(0, 1, log=True)"),
        "tune wine --model net.py:build",
        "low > 0",
    ),
    "network that does not fit the data": (None, "tune wine --model cnn", "cnn"),
}

FILES: dict[str, tuple[Make | None, str, str]] = {
    "missing recipe": (None, "tune wine --recipe start.yaml", "no file 'start.yaml'"),
    "unknown key": (
        file("start.yaml", "learnin_rate: 0.1\n"),
        "tune wine --recipe start.yaml",
        "learnin_rate.*Did you mean 'learning_rate'",
    ),
    "negative rate": (
        file("start.yaml", "learning_rate: -1\n"),
        "tune wine --recipe start.yaml",
        "learning_rate.*-1",
    ),
    "unknown optimizer": (
        file("start.yaml", "optimizer: adm\n"),
        "tune wine --recipe start.yaml",
        "'adm'.*Did you mean 'adam'",
    ),
    "unknown argument of the model": (
        file("start.yaml", "model: {depht: 3}\n"),
        "tune wine --recipe start.yaml",
        "depht.*depth",
    ),
    "no YAML": (
        file("start.yaml", "optimizer: [adam\nx: y: z"),
        "tune wine --recipe start.yaml",
        "cannot read 'start.yaml' as YAML",
    ),
    "YAML list": (file("start.yaml", "- adam\n"), "tune wine --recipe start.yaml", "a list"),
    "empty recipe": (file("start.yaml", ""), "tune wine --recipe start.yaml", "is empty"),
    "recipe is a folder": (
        lambda folder: (folder / "start.yaml").mkdir(),
        "tune wine --recipe start.yaml",
        "start.yaml",
    ),
    "recipe of train is unknown": (
        file("start.yaml", "optimizer: adm\n"),
        "train wine --recipe start.yaml",
        "Did you mean 'adam'",
    ),
    "broken run block": (
        file("start.yaml", "optimizer: adam\nrun: 7\n"),
        "train wine --recipe start.yaml",
        "run",
    ),
    "run block with a wrong split": (
        file("start.yaml", "optimizer: adam\nrun: {split: {tset: 0.2}}\n"),
        "train wine --recipe start.yaml",
        "split",
    ),
    "unknown key in a space": (
        file("space.yaml", "learnin_rate: {float: [0.001, 0.1]}\n"),
        "tune wine --space space.yaml",
        "no recipe key 'learnin_rate'. Did you mean 'learning_rate'",
    ),
    "space with low above high": (
        file("space.yaml", "learning_rate: {float: [0.1, 0.001]}\n"),
        "tune wine --space space.yaml",
        "learning_rate: .*low <= high",
    ),
    "space with log of 0": (
        file("space.yaml", "learning_rate: {float: [0, 0.1], log: true}\n"),
        "tune wine --space space.yaml",
        "learning_rate: .*low > 0",
    ),
    "space with a value that no recipe takes": (
        file("space.yaml", "optimizer: {choices: [adam, adm]}\n"),
        "tune wine --space space.yaml",
        "'adm'",
    ),
    "space with a range that no recipe takes": (
        file("space.yaml", "dropout: {float: [0.5, 1.5]}\n"),
        "tune wine --space space.yaml",
        "dropout.*1.5",
    ),
    "space of epochs": (
        file("space.yaml", "epochs: {int: [10, 100]}\n"),
        "tune wine --space space.yaml",
        "'epochs' cannot vary",
    ),
    "space that is no range": (
        file("space.yaml", "learning_rate: 0.1\n"),
        "tune wine --space space.yaml",
        "learning_rate: cannot read 0.1 as a range",
    ),
    "empty space": (file("space.yaml", ""), "tune wine --space space.yaml", "is empty"),
}

OPTIONS: dict[str, tuple[Make | None, str, str]] = {
    "unknown metric": (None, "tune wine --metric acuracy", "Did you mean 'accuracy'"),
    "metric of the other task": (None, "tune wine --metric rmse", "rmse.*classification"),
    "metric of the other task again": (None, "tune diabetes --metric accuracy", "accuracy"),
    "roc_auc": (None, "tune wine --metric roc_auc --task regression", "roc_auc"),
    "unknown task": (None, "tune wine --task clasification", "Did you mean 'classification'"),
    "bad budget": (None, "tune wine --budget soon", "cannot read the budget 'soon'"),
    "budget of nothing": (None, "tune wine --budget 0s", "cannot read the budget '0s'"),
    "no epochs": (None, "tune wine --epochs 0", "epochs"),
    "no number": (None, "tune wine --trials many", "trials"),
    "unknown option": (None, "tune wine --bugdet 5m", "--budget"),
    "unknown command": (None, "tnue wine", "'tune'[?] Try: luthier --help"),
    "no data": (None, "tune", "DATA"),
    "unknown engine": (None, "tune wine --engine torch_eagr", "Did you mean 'torch_eager'"),
    "unknown executor": (None, "tune wine --executor locl", "Did you mean 'local'"),
    "unknown strategy": (None, "tune wine --strategy halvin", "Did you mean 'halving'"),
    "unknown engine to train": (
        file("start.yaml", "optimizer: adam\n"),
        "train wine --recipe start.yaml --engine gpu",
        "gpu",
    ),
    "out is a file": (file("out", "mine"), "tune wine --out out", "'?out'? is a file"),
    "out lies below a file": (file("mine", "x"), "tune wine --out mine/out", "mine"),
    "text as storage": (
        file("notes.txt", "mine"),
        "tune wine --storage sqlite:///notes.txt",
        "notes.txt is no database",
    ),
    "database of another program": (
        other_database,
        "tune wine --storage sqlite:///other.db",
        "database of another program",
    ),
    "newer database": (newer_database, "tune wine --storage sqlite:///newer.db", "newer luthier"),
    "storage in a missing folder": (
        None,
        "tune wine --storage sqlite:///gone/luthier.db",
        "gone is no folder.*mkdir",
    ),
    "no address": (None, "tune wine --storage luthier.db", "no address of a storage"),
    "nothing to show": (None, "show", "no file 'luthier.db'"),
    "predict without export": (
        lambda folder: (folder / "out").mkdir(),
        "predict wine --model out",
        "'out/preprocessing.json'.*luthier tune --out",
    ),
    "predict with a missing model": (None, "predict wine --model out", "out"),
}


def everything(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and path.stat().st_size < 1 << 20
        else path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if "__pycache__" not in path.parts
    }


def refused(luthier: Any, folder: Path, command: str, says: str) -> None:
    before = everything(folder)
    ran = luthier(*command.split())
    assert ran.code == 2, (ran.out, ran.err)
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1, ran.err
    assert re.search(says, ran.err), ran.err
    assert everything(folder) == before


CASES = {**DATA, **BUILDERS, **FILES, **OPTIONS}


@pytest.mark.parametrize(("make", "command", "says"), CASES.values(), ids=CASES)
def test_a_mistake_gets_one_message(
    make: Make | None, command: str, says: str, luthier: Any, tmp_path: Path
) -> None:
    if make is not None:
        make(tmp_path)
    refused(luthier, tmp_path, command, says)
