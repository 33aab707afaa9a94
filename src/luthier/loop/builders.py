"""From what a user names or passes to a `Build`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from luthier import frameworks
from luthier.catalog import families
from luthier.core import Build, BuilderError, did_you_mean
from luthier.core.hyperparameters import of_hyper_model
from luthier.frameworks.builders import read_builder

log = logging.getLogger(__name__)


def as_build(model: str | Build | Callable[..., Any], folder: Path | None = None) -> Build:
    """Return the build of a family's name, of ``FILE.py:function``, or of a function.

    A build is returned as it is.

    Raises:
        BuilderError: when there is no such family, file or function.

    >>> as_build("mlp").reference
    'mlp'
    """
    if isinstance(model, Build):
        return model
    made: Any = model
    owner = frameworks.owner(made)
    if owner is not None:
        raise BuilderError(
            f"a live {type(made).__name__} of {owner.name} was given, but each trial needs a "
            "network of its own. Pass a function that makes one: def build(): ... return model."
        )
    method = of_hyper_model(made)
    if method is not None:
        kind = made if isinstance(made, type) else type(made)
        fit = getattr(kind, "fit", None)
        if fit is not None and not fit.__module__.startswith("keras_tuner"):
            log.warning(
                "%s.fit is not called: luthier trains, and its recipe says how. "
                "What fit asks hp for is not tuned.",
                kind.__name__,
            )
        return Build.read(method, f"{kind.__module__}:{kind.__name__}")
    if callable(model):
        named = model.func if isinstance(model, partial) else model
        name = getattr(named, "__name__", type(named).__name__)
        return Build.read(model, f"{getattr(named, '__module__', '')}:{name}")
    if not isinstance(model, str):
        raise BuilderError(
            f"a {type(model).__name__} makes no networks. Pass a function that returns one: "
            "def build(n_features, n_outputs): ..."
        )
    name = model.partition("#")[0]
    names = [family.name for family in families.ALL]
    if name in names:
        return families.by_name(name).build
    if ".py" not in name:
        raise BuilderError(
            f"no model '{name}'.{did_you_mean(name, names)} --model takes a family "
            f"({', '.join(names)}) or FILE.py:function."
        )
    return read_builder(name, folder)


def is_file(reference: str) -> bool:
    """Tell whether a build's reference names a file, which can be loaded again.

    >>> is_file("net.py:build"), is_file("mlp"), is_file("__main__:build")
    (True, False, False)
    """
    return reference.partition(":")[0].endswith(".py")


def lasting_reference(build: Build) -> str:
    """Return what names a build wherever it is read; empty for a function of a program.

    >>> lasting_reference(as_build("mlp"))
    'mlp'
    """
    file, _, name = build.reference.partition(":")
    if is_file(build.reference):
        return f"{Path(file).expanduser().resolve()}:{name}"
    return "" if name else file
