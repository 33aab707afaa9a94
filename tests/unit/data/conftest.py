"""Tables, arrays and images that the data tests read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

ROWS = 120


@pytest.fixture
def table() -> pl.DataFrame:
    """A table with every kind of column, missing values, weights and groups."""
    rng = np.random.default_rng(0)
    colours = [None if i % 17 == 0 else v for i, v in enumerate(rng.choice(["red", "blue"], ROWS))]
    return pl.DataFrame(
        {
            "size": rng.normal(5, 2, ROWS),
            "gap": [None if i % 5 == 0 else float(i % 7) for i in range(ROWS)],
            "colour": colours,
            "day": [f"2024-0{i % 9 + 1}-1{i % 10}" for i in range(ROWS)],
            "flag": rng.choice([True, False], ROWS),
            "weight": rng.random(ROWS) + 0.5,
            "owner": [f"o{i % 12}" for i in range(ROWS)],
            "label": [("no", "yes", "yes")[i % 3] for i in range(ROWS)],
            "price": rng.normal(100, 30, ROWS),
        }
    )


@pytest.fixture
def csv(tmp_path: Path, table: pl.DataFrame) -> Path:
    path = tmp_path / "table.csv"
    table.write_csv(path)
    return path


@pytest.fixture
def write_images() -> Callable[..., Path]:
    def write(
        folder: Path,
        each: int = 12,
        sizes: tuple[tuple[int, int], ...] = ((9, 7),),
        mode: str = "L",
    ) -> Path:
        rng = np.random.default_rng(0)
        for label in ("cat", "dog"):
            (folder / label).mkdir(parents=True)
            for i in range(each):
                shape = sizes[i % len(sizes)] + ((3,) if mode == "RGB" else ())
                values = rng.integers(0, 255, shape).astype(np.uint8)
                Image.fromarray(values).save(folder / label / f"{i:02}.png")
        return folder

    return write
