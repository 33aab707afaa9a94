"""A recipe's training as plain Keras objects, as `luthier check` looks at it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras

from luthier.core import Recipe
from luthier.frameworks.keras.heads import IDENTITY

_LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def loss_of(recipe: Recipe, loss: str, link: str) -> Any:
    """Return a recipe's loss, of targets as the data part hands them out and of outputs.

    Args:
        recipe: Gives the label smoothing.
        loss: Which one.
        link: What turns the network's outputs into logits: ``identity`` where they are logits.

    >>> float(loss_of(Recipe(), "mse", "identity")(keras.ops.ones((2, 1)), keras.ops.zeros((2, 1))))
    1.0
    """
    if loss in _LOSSES:
        return _LOSSES[loss]()
    logits = link == IDENTITY
    if loss == "binary_cross_entropy":
        return keras.losses.BinaryCrossentropy(from_logits=logits)
    if not recipe.label_smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    return Smoothed(recipe.label_smoothing, logits=logits)


class Smoothed(keras.losses.Loss):  # type: ignore[misc, unused-ignore]
    """Cross-entropy of class numbers with smoothed labels, which Keras has for one-hot rows alone.

    Args:
        smoothing: Share of the label that goes to all classes alike.
        logits: Whether outputs are logits.
    """

    def __init__(self, smoothing: float, *, logits: bool) -> None:
        super().__init__(name="categorical_crossentropy")
        self._smoothing, self._logits = smoothing, logits

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return a loss for each row."""
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        return keras.losses.categorical_crossentropy(
            keras.ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype),
            y_pred,
            from_logits=self._logits,
            label_smoothing=self._smoothing,
        )


def optimizer_of(recipe: Recipe) -> Any:
    """Return a recipe's optimizer; None for one that Keras does not have.

    >>> float(optimizer_of(Recipe(optimizer="momentum", learning_rate=0.5)).momentum)
    0.9
    >>> optimizer_of(Recipe(optimizer="radam"))
    """
    r, optimizers = recipe, keras.optimizers
    betas = {"beta_1": r.beta1, "beta_2": r.beta2}
    adam = {**betas, "epsilon": r.epsilon}
    known: dict[str, tuple[Any, dict[str, Any]]] = {
        "sgd": (optimizers.SGD, {}),
        "momentum": (optimizers.SGD, {"momentum": r.momentum}),
        "nesterov": (optimizers.SGD, {"momentum": r.momentum, "nesterov": True}),
        "rmsprop": (optimizers.RMSprop, {"rho": r.beta2, "epsilon": r.epsilon}),
        "adagrad": (optimizers.Adagrad, {"epsilon": r.epsilon}),
        "adadelta": (optimizers.Adadelta, {"rho": r.beta2, "epsilon": r.epsilon}),
        "adam": (optimizers.Adam, adam),
        "adamw": (optimizers.AdamW, adam),
        "nadam": (optimizers.Nadam, adam),
        "adamax": (optimizers.Adamax, adam),
        "lion": (optimizers.Lion, betas),
    }
    if r.optimizer not in known:
        return None
    make, settings = known[r.optimizer]
    if r.weight_decay or r.optimizer == "adamw":
        settings = {**settings, "weight_decay": r.weight_decay}
    return make(learning_rate=r.learning_rate, global_clipnorm=r.clip_norm, **settings)


def penalise(recipe: Recipe, kernels: Iterable[Any]) -> None:
    """Give kernels the recipe's penalties, as regularisers of Keras."""
    if recipe.l1 or recipe.l2:
        for kernel in kernels:
            kernel.regularizer = keras.regularizers.L1L2(recipe.l1, recipe.l2)
