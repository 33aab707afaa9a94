"""A network as data that another process can make it from."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import keras
from keras.src.utils import module_utils

from luthier.core import Captured, CaptureError, Signature


@dataclass(frozen=True, eq=False)
class Parcel:
    """What the other process gets; the live network itself stays here.

    Args:
        key: What networks must share to share a program.
        signature: Optimizer, loss, batch size, precision.
        config: The network's configuration, as Keras saves it.
        classes: Its own classes: module, name, and the module's file.
        names: Of its variables, those that train first.
        kernels: Names of those with two dimensions or more.
        penalised: Which of the kernels a recipe's penalties apply to.
        lifted: Whether the layers' own penalties are the recipe's matter.
        link: What turns its outputs into logits.
        rates: Of each dropout layer, and whether it was made without one and has no seed. A class
            of the user's need not write them into its configuration.
        bare: Whether the last layer has no activation (any more).
        sample: Inputs of a few rows.
        model: The live network, which stays on this side.
    """

    key: str
    signature: Signature
    config: str
    classes: tuple[tuple[str, str, str], ...]
    names: tuple[str, ...]
    kernels: tuple[str, ...]
    penalised: tuple[str, ...]
    lifted: bool
    link: str
    rates: tuple[tuple[float, bool], ...]
    bare: bool
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
        with _without_rates(drops := _drops(model)), _without_tensorflow():
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
        classes=tuple(sorted(_classes(told))),
        names=tuple(captured.initial.group("weights")),
        kernels=captured.kernels,
        penalised=captured.kernels if own is None else own,
        lifted=all(getattr(v, "regularizer", None) is None for v in model.trainable_variables),
        link=captured.link,
        rates=tuple((layer.rate, bare) for layer, bare in drops),
        bare=getattr(last_layer(model), "activation", None) is keras.activations.linear,
        sample=captured.sample,
        model=model,
    )


@contextmanager
def _without_tensorflow() -> Iterator[None]:
    """Keep Keras from importing TensorFlow, whose types it asks for as it saves.

    Where nobody has imported it nothing is of its types, and importing it takes seconds.
    """
    lazy: Any = getattr(module_utils, "tensorflow", None)
    if "tensorflow" in sys.modules or getattr(lazy, "_available", False) is not None:
        yield
        return
    lazy._available = False
    try:
        yield
    finally:
        lazy._available = None


def last_layer(model: Any) -> Any:
    """Return the last layer that a network lists."""
    while isinstance(model, keras.Model) and model.layers:
        model = model.layers[-1]
    return model


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
    """Let layers say whether they were made with a rate: with one they are made with a seed."""
    kept = [layer.rate for layer, _ in drops]
    for layer, bare in drops:
        if bare or not layer.rate:
            layer.rate = 0.0 if bare else 0.5
    yield
    for (layer, _), rate in zip(drops, kept, strict=True):
        layer.rate = rate


def _classes(told: Any) -> set[tuple[str, str, str]]:
    """Return a configuration's own classes.

    Raises:
        CaptureError: for a class that no other process can import.
    """
    if isinstance(told, list):
        return set().union(*(_classes(value) for value in told))
    if not isinstance(told, dict):
        return set()
    found = set().union(*(_classes(value) for value in told.values()))
    module, name = told.get("module"), told.get("class_name")
    package = str(told.get("registered_name") or "").partition(">")[0]
    if not isinstance(name, str) or (isinstance(module, str) and module.startswith("keras")):
        return found
    kind = keras.saving.get_registered_object(str(told.get("registered_name")))
    module = getattr(kind, "__module__", module) if package else module
    if module in (None, "builtins") or str(module).startswith("keras"):
        return found
    if module == "__main__":
        raise CaptureError(
            f"its class {name} stands in the program itself; in a file of its own, which the "
            "program imports, other processes find it"
        )
    file = str(getattr(sys.modules.get(str(module)), "__file__", ""))
    return found | {(str(module), name, file)}


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
