"""Which loss a Keras model minimises, by the name and the settings that Keras has for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

_KINDS = {
    "mean_squared_error": "mse",
    "mean_absolute_error": "l1",
    "huber": "huber",
    "kl_divergence": "kl",
    "poisson": "poisson",
}
_ENTROPIES = ("sparse_categorical_crossentropy", "categorical_crossentropy")


@dataclass(frozen=True)
class LossName:
    """A loss as Keras knows it.

    Args:
        kind: What it is to `LossFacts`; ``other`` where that is not known by name.
        name: Keras' name for the function.
        settings: What the function gets beside targets and outputs.
        reduction: How rows are put together; empty where the function returns one number a row.
        sparse: Targets are class numbers.
        known: It is one of Keras' own.
    """

    kind: str = "other"
    name: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    reduction: str = "sum_over_batch_size"
    sparse: bool = False
    known: bool = False


def loss_name(loss: Any) -> LossName:
    """Return what a loss is: a name, a function or an object, as `compile` takes it.

    >>> loss_name("sparse_categorical_crossentropy").kind
    'shares'
    >>> loss_name(keras.losses.BinaryCrossentropy(from_logits=True)).kind
    'bce_logits'
    """
    if isinstance(loss, (list, tuple)) and len(loss) == 1:
        return loss_name(loss[0])
    if isinstance(loss, Mapping) and len(loss) == 1:
        return loss_name(next(iter(loss.values())))
    if loss is None or isinstance(loss, (list, tuple, Mapping)):
        return LossName()
    found = keras.losses.get(loss)
    function = getattr(found, "fn", found)
    settings = dict(getattr(found, "_fn_kwargs", None) or {})
    name = getattr(function, "__name__", type(found).__name__)
    if not (getattr(function, "__module__", "") or "").startswith("keras."):
        return LossName(name=name, reduction=str(getattr(found, "reduction", "") or ""))
    logits = bool(settings.get("from_logits", False))
    kind = _KINDS.get(name, "other")
    if name in _ENTROPIES:
        kind = "cross_entropy" if logits else "shares"
    elif name == "binary_crossentropy":
        kind = "bce_logits" if logits else "bce"
    reduction = str(getattr(found, "reduction", "sum_over_batch_size") or "none")
    return LossName(kind, name, settings, reduction, name == _ENTROPIES[0], known=True)
