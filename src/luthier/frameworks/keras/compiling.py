"""A network that is handed over, compiled as it was trained: it can be evaluated, and go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from luthier.catalog import losses
from luthier.core import Recipe, Task
from luthier.frameworks.keras.penalties import penalties_of
from luthier.frameworks.keras.reading import loss_key
from luthier.frameworks.keras.ready import loss_of, optimizer_of

_KERNELS = ("kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", "embeddings")


def compile_as(
    model: Any, recipe: Recipe, task: Task, ending: str, width: Callable[[], int]
) -> None:
    """Compile a network with a recipe's optimizer, loss and penalties.

    The rate is the recipe's own, where a schedule begins. A loss that the builder compiled and that
    is the recipe's stays as it is, since it says what targets look like; so do its metrics. Labels
    are not smoothed: the loss is that of the data. Of an optimizer that Keras does not have
    nothing is changed.

    Args:
        model: As its builder made it, with its weights.
        recipe: What it was trained with.
        task: What was learned.
        ending: What turns its outputs into logits.
        width: Returns how many outputs it has, where nobody said which loss it has.
    """
    optimizer = optimizer_of(recipe)
    if optimizer is None:
        return
    _penalise(model, recipe)
    held = getattr(model, "loss", None)
    key = recipe.loss or (loss_key(held) if held is not None else None)
    name = key or losses.default(task.kind, width())
    metrics = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
    if metrics is None:
        metrics = ["accuracy"] if task.kind == "classification" else ["mae"]
    plain = recipe.replace({"label_smoothing": 0.0})
    loss = held if held is not None and loss_key(held) == name else loss_of(plain, name, ending)
    model.compile(optimizer=optimizer, loss=loss, metrics=metrics)


def _penalise(model: Any, recipe: Recipe) -> None:
    """Give layers the recipe's penalties, unless their own differ, which stay as they are."""
    own = penalties_of({v.path: v for v in model.trainable_variables})
    if not own.liftable:
        return
    penalty = keras.regularizers.L1L2(recipe.l1, recipe.l2) if recipe.l1 or recipe.l2 else None
    trained = {id(v) for v in model.trainable_variables if not own.names or v.path in own.names}
    for layer in model._flatten_layers():
        for name in _KERNELS:
            kernel: Any = getattr(layer, name, None)
            if id(kernel) in trained and hasattr(layer, f"{name}_regularizer"):
                setattr(layer, f"{name}_regularizer", penalty)
                kernel.regularizer = penalty
