"""Builders from files: ``FILE.py:function``."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from luthier.core import Build, BuilderError, did_you_mean
from luthier.core.hyperparameters import of_hyper_model


def read_builder(reference: str, folder: Path | None = None) -> Build:
    """Load a builder from a Python file, which is run for it.

    Args:
        reference: ``net.py:build``; without a function ``build`` is meant.
        folder: Where a relative path starts; the current one by default.

    Raises:
        BuilderError: when the file is missing, does not run, or holds no such function.
    """
    path_text, _, name = reference.partition(":")
    name, path = name or "build", builder_file(reference, folder)
    source = path.read_text(encoding="utf-8")
    function = _function(path, name, reference)
    return Build.read(function, f"{path_text}:{name}", source)


def builder_file(reference: str, folder: Path | None = None) -> Path:
    """Return the file of a builder, which is not run.

    Args:
        reference: As for `read_builder`.
        folder: Where a relative path starts; the current one by default.

    Raises:
        BuilderError: when it is missing.
    """
    path_text, _, _ = reference.partition(":")
    path = (folder or Path()) / Path(path_text).expanduser()
    if not path.is_file():
        raise BuilderError(
            f"no file '{path_text}'. --model takes a family (mlp, resnet, cnn) or FILE.py:function."
        )
    return path


def _function(path: Path, name: str, reference: str) -> Callable[..., Any]:
    path = path.resolve()
    # The file's own folder comes first, as when Python runs it, so that it can import siblings.
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location(f"luthier_builder_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise BuilderError(f"'{path.name}' is no Python file. --model takes FILE.py:function.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    except BuilderError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise BuilderError(
            f"{reference}: running the file raised {type(error).__name__}: "
            f"{str(error).rstrip('.')}. Try `python {path.name}` and mend it first."
        ) from error
    finally:
        sys.path.remove(str(path.parent))
    found: Any = getattr(module, name, None)
    function: Callable[..., Any] | None = of_hyper_model(found) or found
    if not callable(function):
        names = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise BuilderError(
            f"'{path.name}' has no function '{name}'.{did_you_mean(name, names)} "
            f"Write `def {name}(n_features, n_outputs): ...` or name another: "
            f"--model {path.name}:FUNCTION."
        )
    return function
