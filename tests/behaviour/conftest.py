"""The command line as a stranger uses it, and data such as they bring."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Luthier = Callable[..., Ran]


@pytest.fixture
def luthier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Luthier:
    """Run the command line in this process, in an empty folder of its own."""
    from luthier.apps.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["luthier", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Ran]:
    """Run Python in a process of its own, where luthier cannot be imported."""
    blocked = tmp_path / "blocked"

    def run(*arguments: object) -> Ran:
        blocked.mkdir(exist_ok=True)
        (blocked / "luthier.py").write_text("raise ImportError('luthier is not here')\n")
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": "", "PYTHONPATH": str(blocked), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def customers(rows: int = 300, seed: int = 0) -> pl.DataFrame:
    """Make a table as it comes from a company: mixed columns, gaps, rare categories, a signal.

    Targets are `bought` (two classes), `segment` (three), `spent` (an amount), `fraud` (1 in 20).
    """
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 80, rows)
    income = np.exp(draw.normal(10, 0.6, rows))
    city = draw.choice(
        ["Graz", "Wien", "Linz", "Ulm", "Bonn"], rows, p=[0.5, 0.3, 0.15, 0.04, 0.01]
    )
    member = draw.random(rows) < 0.4
    day = draw.integers(0, 1500, rows)
    signal = (
        (age - 45) / 15
        + 1.5 * (city == "Graz")
        - 1.2 * member
        + 0.8 * (np.log(income) - 10)
        + 0.8 * (day > 730)
        + draw.normal(0, 0.4, rows)
    )
    frame = pl.DataFrame(
        {
            "age": age,
            "income": income.round(2),
            "city": city,
            "member": member,
            "since": np.datetime64("2019-01-01") + day.astype("timedelta64[D]"),
            "clinic": draw.integers(0, 30, rows),
            "trust": draw.uniform(0.2, 2, rows).round(3),
            "email": [f"user{i}@example.org" for i in range(rows)],
            "country": "AT",
            "bought": np.where(signal > 0.5, "yes", "no"),
            "segment": np.array(["low", "mid", "high"])[np.digitize(signal, [-0.3, 1.2])],
            "spent": (20 + 7 * signal).round(2),
            "fraud": (signal > np.quantile(signal, 0.95)).astype(int),
        }
    )
    gaps = draw.random((rows, 3)) < 0.08
    return frame.with_columns(
        pl.when(pl.Series(gaps[:, i])).then(None).otherwise(pl.col(name)).alias(name)
        for i, name in enumerate(("age", "city", "since"))
    )


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write customers as a CSV file with one target; return its path."""

    def write(target: str, *others: str, rows: int = 300, name: str = "customers.csv") -> Path:
        targets = {"bought", "segment", "spent", "fraud", "clinic", "trust"} - {target, *others}
        path = tmp_path / name
        customers(rows).drop(targets).write_csv(path)
        return path

    return write


LSTM = """
from typing import Annotated

from torch import nn

from luthier import Categorical, Int


class Last(nn.Module):
    def __init__(self, width, cell, n_inputs, n_outputs):
        super().__init__()
        self.cells = (nn.LSTM if cell == "lstm" else nn.GRU)(n_inputs, width, batch_first=True)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def build(
    input_shape,
    n_outputs,
    width: Annotated[int, Int(4, 32, log=True)] = 12,
    cell: Annotated[str, Categorical("lstm", "gru")] = "lstm",
):
    return Last(width, cell, input_shape[-1], n_outputs)
"""

TRANSFORMER = """
from typing import Annotated

import torch
from torch import nn

from luthier import Int


class Reader(nn.Module):
    def __init__(self, length, n_outputs, width, depth):
        super().__init__()
        self.embed = nn.Embedding(20, width)
        self.place = nn.Parameter(torch.zeros(length, width))
        layer = nn.TransformerEncoderLayer(width, 2, 2 * width, batch_first=True)
        self.body = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.head = nn.Linear(width, n_outputs)

    def forward(self, tokens):
        return self.head(self.body(self.embed(tokens) + self.place).mean(1))


def build(
    input_shape,
    n_outputs,
    width: Annotated[int, Int(8, 32, step=2)] = 16,
    depth: Annotated[int, Int(1, 2)] = 1,
):
    return Reader(input_shape[0], n_outputs, width, depth)
"""


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Write series whose sum decides their class, and an LSTM to learn it; return the data."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(240, 12, 3))
    np.savez(tmp_path / "series.npz", X=x, y=np.where(x[:, :, 0].sum(1) > 0, "up", "down"))
    (tmp_path / "lstm.py").write_text(LSTM)
    return tmp_path / "series.npz"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Write rows of token numbers, and a transformer that can tell which hold a 7."""
    draw = np.random.default_rng(0)
    x = draw.integers(0, 20, size=(240, 10))
    np.savez(tmp_path / "tokens.npz", X=x, y=np.where((x == 7).any(1), "has", "not"))
    (tmp_path / "reader.py").write_text(TRANSFORMER)
    return tmp_path / "tokens.npz"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Write dark and bright images, grey and in colour, of mixed sizes; return their folder."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for kind, light in (("dark", 0), ("bright", 15)):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for i in range(40):
            shape = (8 + i % 5, 8 + i % 3, *((3,) if i % 2 else ()))
            pixels = (draw.integers(0, 200, shape) + light).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / kind / f"{i}.png")
    return tmp_path / "pictures"
