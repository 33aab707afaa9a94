"""What is collected: modules that need JAX, Keras or Starlette only where these are installed."""

import importlib.util
import os

collect_ignore_glob = []
if importlib.util.find_spec("jax") is None:
    collect_ignore_glob += [f"src/luthier/engines/{one}/*" for one in ("compiled", "packed")]
if importlib.util.find_spec("starlette") is None:
    collect_ignore_glob.append("src/luthier/apps/dashboard/*")
# Keras' backend is a process' choice: `make keras` runs these once for each (KERAS_BACKEND).
if importlib.util.find_spec("keras") is None or "KERAS_BACKEND" not in os.environ:
    for place in (
        "frameworks/keras/*",
        "engines/keras_*",
        "loop/watching/keras_*",
        "testing/keras_*",
    ):
        collect_ignore_glob.append(f"src/luthier/{place}")
    collect_ignore_glob.append("tests/keras/*")
