"""What a user waits for before anything happens."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import luthier

HEAVY = ("jax", "keras", "numpy", "polars", "scipy", "sklearn", "sqlalchemy", "torch")


def cpu_seconds(*arguments: str) -> float:
    """Return the CPU time of the fastest of three runs; a busy machine slows all but one."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def loaded(code: str) -> set[str]:
    """Return the packages that are loaded after running some code in a fresh interpreter."""
    listing = f"{code}\nimport sys, json; print('\\n' + json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", listing], check=True, capture_output=True, text=True
    )
    return {name.split(".")[0] for name in json.loads(run.stdout.splitlines()[-1])}


def test_importing_luthier_loads_no_heavy_package():
    assert loaded("import luthier").isdisjoint(HEAVY)


def test_importing_luthier_is_cheap():
    assert cpu_seconds("-c", "import luthier") < 0.3


def test_asking_for_help_is_cheap():
    if not any(Path(luthier.__file__).parent.glob("apps/**/*.py")):
        pytest.skip("no command line yet")
    assert cpu_seconds("-c", "from luthier.apps.cli import main; main()", "--help") < 0.5


def test_a_search_on_arrays_imports_what_it_uses():
    code = (
        "import tempfile, numpy as np, luthier\n"
        "x = np.random.default_rng(0).normal(size=(80, 3))\n"
        "luthier.tune('mlp', (x, (x[:, 0] > 0) * 1), budget='2 trials', strategy='random',\n"
        "    recipe={'epochs': 1}, storage='sqlite:///' + tempfile.mkdtemp() + '/a.db')"
    )
    assert loaded(code).isdisjoint({"jax", "scipy", "sklearn", "pandas", "matplotlib"})
