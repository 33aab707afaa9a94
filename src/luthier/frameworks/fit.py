"""Whether a recipe asks for what its data allow: the same for every framework."""

from __future__ import annotations

from luthier.catalog import losses
from luthier.core import Arrays, Recipe, RecipeError

_FOR_CLASSES = ("label_smoothing", "class_weight")


def check_fit(recipe: Recipe, loss: str, arrays: Arrays) -> None:
    """Check what a recipe's keys mean for a data set.

    Raises:
        RecipeError: for a loss of the other kind of task, smoothed or weighted classes where
            there are none, mirrored rows that are no images, or blended or noisy codes.
    """
    kind, inputs = arrays.task.kind, arrays.train.inputs
    if losses.by_name(loss).kind != kind:
        fitting = ", ".join(one.name for one in losses.ALL if one.kind == kind)
        raise RecipeError(
            f"loss: got '{loss}' for a {kind} target. It takes one of {fitting} there. "
            "Leave it out to get the one that fits."
        )
    for name in _FOR_CLASSES:
        if kind == "regression" and recipe.get(name):
            raise RecipeError(
                f"{name}: got {recipe.get(name)!r} for a regression target. It is for classes. "
                f"Leave {name} out."
            )
    if recipe.augmentation != "none" and len(arrays.task.input_shape) != 3:
        raise RecipeError(
            f"augmentation: got '{recipe.augmentation}' for rows of shape "
            f"{arrays.task.input_shape}. It is for images of shape (channels, height, width). "
            "Write `augmentation: none`."
        )
    if recipe.augmentation != "none" and arrays.task.positions not in (
        (),
        arrays.task.input_shape[1:],
    ):
        raise RecipeError(
            f"augmentation: got '{recipe.augmentation}' for images of shape "
            f"{arrays.task.input_shape} whose targets have the positions {arrays.task.positions}. "
            "Targets move with their pixels, and need one each. Write `augmentation: none`."
        )
    if recipe.mixup and arrays.task.positions:
        raise RecipeError(
            f"mixup: got {recipe.mixup!r} for targets with a class at each position. It blends "
            "rows of one class. Write `mixup: 0`."
        )
    if recipe.noise and inputs[0].dtype.kind != "f":
        raise RecipeError(
            f"noise: got {recipe.noise!r} for inputs that are codes or tokens. It is added to "
            "numbers. Write `noise: 0`."
        )
    if recipe.mixup and any(x.dtype.kind != "f" for x in inputs):
        raise RecipeError(
            f"mixup: got {recipe.mixup!r} for inputs that are codes or tokens. It blends numbers. "
            "Write `mixup: 0`, or for categories `encoding: onehot`."
        )
