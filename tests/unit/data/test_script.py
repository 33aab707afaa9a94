"""The script that is written reads, splits and prepares to the same bits, without luthier."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from luthier.core import Recipe
from luthier.data import Dataset, SplitPlan, from_python, prepare, read, save_npz, script, split

DUMP = """
import numpy
out = {}
for name, (inputs, target, weight) in zip(("train", "val", "test"), load()):
    out |= {f"{name}/{i}": x for i, x in enumerate(inputs)} | {f"{name}/target": target}
    if weight is not None:
        out[f"{name}/weight"] = weight
numpy.savez("out.npz", **out)
assert not any(name.partition(".")[0] == "luthier" for name in sys.modules)
"""


def given_table(csv: Path) -> Dataset:
    return read(csv, target="label", weight="weight", group="owner")


CASES: dict[str, tuple[Callable[..., Dataset], dict]] = {
    "table, one-hot": (lambda csv, **_: given_table(csv), {}),
    "table, embedding": (
        lambda csv, **_: read(csv, target="label", time="day"),
        {"encoding": "embedding", "preprocessing": "minmax"},
    ),
    "table, regression": (
        lambda csv, **_: read(csv, target="price"),
        {"encoding": "ordinal", "preprocessing": "quantile"},
    ),
    "images": (lambda images, **_: read(images), {}),
    "bundled": (lambda **_: read("digits", images=True), {"preprocessing": "minmax"}),
    "archive": (lambda npz, **_: read(npz), {"preprocessing": "robust"}),
    "objects": (lambda table, **_: from_python(table, target="label"), {}),
    "weighted arrays": (
        lambda **_: from_python(
            (np.random.default_rng(0).normal(size=(50, 4, 2)), np.arange(50.0)),
            sample_weight=np.arange(50),
        ),
        {},
    ),
}


@pytest.mark.parametrize(("make", "recipe"), CASES.values(), ids=CASES.keys())
def test_the_script_gives_the_same_bits(
    tmp_path: Path,
    csv: Path,
    table: pl.DataFrame,
    write_images: Callable[..., Path],
    make: Callable[..., Dataset],
    recipe: dict,
):
    images = write_images(tmp_path / "pictures", sizes=((9, 7), (12, 8)), mode="RGB")
    rng = np.random.default_rng(0)
    y = np.array(["a", "b"])[np.arange(50) % 2]
    np.savez(
        tmp_path / "t.npz",
        X_train=rng.normal(size=(40, 3)),
        y_train=y[:40],
        X_test=rng.normal(size=(10, 3)),
        y_test=y[:10],
    )
    dataset = make(csv=csv, images=images, npz=tmp_path / "t.npz", table=table)
    plan = SplitPlan(seed=5)
    prepared = prepare(dataset, split(dataset, plan), Recipe(**recipe))
    work = tmp_path / "work"
    work.mkdir()
    save_npz(dataset, work / "data.npz")
    text = script(dataset, plan, prepared.preprocessing)
    (work / "data.py").write_text(text + DUMP)
    subprocess.run([sys.executable, "-I", "data.py"], cwd=work, check=True, timeout=60)
    with np.load(work / "out.npz") as got:
        expected = {}
        for name in ("train", "val", "test"):
            part = getattr(prepared.arrays, name)
            expected |= {f"{name}/{i}": x for i, x in enumerate(part.inputs)}
            expected[f"{name}/target"] = part.target
            if part.weight is not None:
                expected[f"{name}/weight"] = part.weight
        assert set(expected) == set(got)
        for key, value in expected.items():
            assert value.dtype == got[key].dtype
            assert value.tobytes() == got[key].tobytes()


def test_the_script_reads_where_it_is_told_to(csv: Path):
    dataset = read(csv, target="label")
    fitted = prepare(dataset, split(dataset), Recipe()).preprocessing
    assert f"DATA = {str(csv.resolve())!r}" in script(dataset, None, fitted)
    assert "DATA = 'here.csv'" in script(dataset, None, fitted, path="here.csv")


def test_the_script_is_sound_and_names_nothing_of_luthiers_modules(csv: Path):
    dataset = read(csv, target="label")
    fitted = prepare(dataset, split(dataset), Recipe()).preprocessing
    text = script(dataset, None, fitted)
    compile(text, "data.py", "exec")
    assert "import luthier" not in text
    assert "from luthier" not in text
