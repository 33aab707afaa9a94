"""What one study has compiled, the next one runs: programs are kept for the machine."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GCC = shutil.which("gcc")
ENGINES = [
    pytest.param("native", marks=pytest.mark.skipif(not GCC, reason="there is no gcc")),
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs jax"),
    ),
]
TUNE = """
import sys, luthier
luthier.tune(
    "mlp", "wine", budget="3 trials", strategy="random", engine=sys.argv[1],
    seed=int(sys.argv[2]), study=sys.argv[2], storage="sqlite:///runs.db",
    recipe={"epochs": 2, "batch_size": 32, "schedule": "cosine"},
    space={
        "learning_rate": luthier.Float(1e-4, 1e-2, log=True),
        "dropout": luthier.Float(0.0, 0.5),
    },
)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_second_study_on_the_same_shapes_compiles_nothing(tmp_path: Path, engine: str):
    compiler = tmp_path / "compiler"  # notes what it is asked for, and lets gcc do it
    compiler.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexec {GCC} "$@"\n')
    compiler.chmod(0o755)
    cache, calls = tmp_path / "cache", tmp_path / "calls"
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "CC": str(compiler)}

    def tuned(seed: int) -> tuple[list[str], set[Path]]:
        calls.write_text("")
        run = [sys.executable, "-c", TUNE, engine, str(seed)]
        subprocess.run(run, env=environment, cwd=tmp_path, check=True, capture_output=True)
        compiled = [line for line in calls.read_text().splitlines() if "-shared" in line]
        # Beside programs lie marks of when one was used, and of what setting up one took.
        files = {file for file in cache.rglob("*") if file.is_file()}
        return compiled, {f for f in files if "atime" not in f.name and f.parent.name != "known"}

    first, kept = tuned(seed=0)
    assert kept
    assert bool(first) == (engine == "native")
    again, after = tuned(seed=1)
    assert again == []
    assert after == kept
