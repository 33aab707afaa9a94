"""A network as data that another process can make it from."""

from __future__ import annotations

import json
import sys
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
        sample: Inputs of a few rows.
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
        sample=captured.sample,
        model=model,
    )


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
