"""Settings of all tests: one thread, fixed seeds, reproducible properties."""

import os
import random
import sys
import tempfile

import hypothesis
import pytest

# NumPy and PyTorch read them once, when a test first imports them.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

# Compiled programs are kept beside other temporary files, and not in the user's cache.
os.environ["XDG_CACHE_HOME"] = os.path.join(tempfile.gettempdir(), "luthier-tests")  # noqa: PTH118

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Seed what is loaded; a test that draws on its own passes a generator around."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
