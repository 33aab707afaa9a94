"""A network as data that another process can make it from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras

from luthier.core import Captured, CaptureError, Signature


@dataclass(frozen=True, eq=False)
class Parcel:
    """What the other process gets; the live network itself stays here.

    Args:
        key: What networks must share to share a program.
        signature: Optimizer, loss, batch size, precision.
        config: The network's configuration, as Keras saves it.
        modules: Files of the modules that its own classes come from.
        names: Of its variables, those that train first.
        kernels: Names of those with two dimensions or more.
        penalised: Which of the kernels a recipe's penalties apply to.
        lifted: Whether the layers' own penalties are the recipe's matter.
        link: What turns its outputs into logits.
        rates: Of each dropout layer that was made without one and has no seed; None for others.
        sample: Inputs of a few rows.
        model: The live network, which stays on this side.
    """

    key: str
    signature: Signature
    config: str
    modules: dict[str, str]
    names: tuple[str, ...]
    kernels: tuple[str, ...]
    penalised: tuple[str, ...]
    lifted: bool
    link: str
    rates: tuple[float | None, ...]
    sample: tuple[Any, ...]
    model: Any = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "model": None}


def parcel_of(captured: Captured) -> Parcel:
    """Pack a network.

    Raises:
        CaptureError: for one that Keras cannot save as a configuration.
    """
    model = captured.make()
    try:
        with _without_rates(drops := _drops(model)):
            told = keras.saving.serialize_keras_object(model)
        told.pop("compile_config", None)
        config = json.dumps(told)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise CaptureError(f"Keras cannot save it as a configuration ({_short(error)})") from error
    signature, own = captured.signature, captured.penalised
    structure = (signature.optimizer, signature.loss, signature.batch_size, signature.precision)
    return Parcel(
        key=f"{signature.network} {structure} {own} {captured.link}",
        signature=signature,
        config=config,
        modules=_modules(told),
        names=tuple(captured.initial.group("weights")),
        kernels=captured.kernels,
        penalised=captured.kernels if own is None else own,
        lifted=all(getattr(v, "regularizer", None) is None for v in model.trainable_variables),
        link=captured.link,
        rates=tuple(layer.rate if bare else None for layer, bare in drops),
        sample=captured.sample,
        model=model,
    )


def dropout_layers(model: Any) -> list[Any]:
    """Return a network's layers with a rate, in Keras' order."""
    return [layer for layer in model._flatten_layers() if "Dropout" in type(layer).__name__]


def _drops(model: Any) -> list[tuple[Any, bool]]:
    """Return the dropout layers, and whether each was made without a rate."""
    return [
        (layer, getattr(layer, "seed_generator", None) is None)
        for layer in dropout_layers(model)
        if hasattr(layer, "rate")
    ]


@contextmanager
def _without_rates(drops: list[tuple[Any, bool]]) -> Iterator[None]:
    """Let layers that were made without a rate say so: with one they would be made with a seed."""
    kept = [layer.rate for layer, _ in drops]
    for layer, bare in drops:
        if bare:
            layer.rate = 0.0
    yield
    for (layer, _), rate in zip(drops, kept, strict=True):
        layer.rate = rate


def _modules(told: Any) -> dict[str, str]:
    """Return the files of a configuration's own classes, by the names of their modules."""
    found: dict[str, str] = {}
    if isinstance(told, dict):
        name = told.get("module")
        if isinstance(name, str) and not name.startswith(("keras", "builtins")):
            file = getattr(sys.modules.get(name), "__file__", None)
            if name != "__main__" and file:
                found[name] = file
        for value in told.values():
            found |= _modules(value)
    elif isinstance(told, list):
        for value in told:
            found |= _modules(value)
    return found


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
