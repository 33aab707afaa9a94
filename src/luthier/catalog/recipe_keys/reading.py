"""How recipe.yaml is read, checked and written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from luthier.catalog import families, losses, optimizers, schedules
from luthier.catalog.recipe_keys.key import Key, names
from luthier.catalog.recipe_keys.table import BY_NAME, KEYS
from luthier.catalog.recipe_keys.values import FULL, parse, refuse
from luthier.core import Recipe, RecipeError, did_you_mean
from luthier.core.recipe import MODEL_PREFIX

VERSION = 1
_HINTS = {
    "lr": "learning_rate",
    "learn_rate": "learning_rate",
    "bs": "batch_size",
    "wd": "weight_decay",
    "decay": "weight_decay",
    "scheduler": "schedule",
    "clip": "clip_norm",
    "grad_clip": "clip_norm",
    "patience": "early_stopping",
    "eps": "epsilon",
    "rho": "beta2",
    "alpha": "beta2",
    "init": "initialiser",
    "initializer": "initialiser",
    "scaler": "preprocessing",
    "normalization": "preprocessing",
}


def key(name: str) -> Key:
    """Return the key of that name.

    Raises:
        RecipeError: for a name that is no key.

    >>> key("beta1").default
    0.9
    """
    if name not in BY_NAME:
        raise _unknown(name, Recipe().network)
    return BY_NAME[name]


def read_recipe(
    data: Mapping[str, Any], *, base: Recipe | None = None
) -> tuple[Recipe, Mapping[str, Any]]:
    """Read what recipe.yaml holds.

    Keys that are left out come from `base`. Where the file names another optimizer than `base`,
    the learning rate and that optimizer's settings are the usual ones of the optimizer; another
    network has none of the arguments of `base`. `model` replaces that of `base`, `model.width`
    changes one argument of it. The network must be a family, FILE.py:function, or that of
    `base`, which is how the recipe of a function that was handed over in Python is read.

    Args:
        data: The file's content, as a safe YAML reader returns it.
        base: The recipe that the file changes; the defaults without one.

    Returns:
        The recipe, and the `run` block beside it, which is not part of a recipe's identity.

    Raises:
        RecipeError: for an unknown key, or a value that its key does not take.

    >>> recipe, run = read_recipe({"version": 1, "optimizer": "lion", "epochs": "5"})
    >>> recipe.learning_rate, recipe.beta2, recipe.epochs, run
    (0.0003, 0.99, 5, {})
    >>> read_recipe({"optimizer": "gd"})[0].batch_size
    'full'
    >>> read_recipe({"learnin_rate": 0.1})
    Traceback (most recent call last):
    luthier.core.errors.RecipeError: no recipe key 'learnin_rate'. Did you mean ...
    """
    if not isinstance(data, Mapping):
        raise RecipeError(
            f"a recipe is a mapping of keys to values, but got {type(data).__name__}. "
            "Write for example `optimizer: adamw`."
        )
    base = base or Recipe()
    given = dict(data)
    _check_version(given.pop("version", VERSION))
    run = given.pop("run", None) or {}
    if not isinstance(run, Mapping):
        raise RecipeError(f"run: got {run!r}. It takes a mapping. Leave it out, or copy it whole.")
    arguments = {k: given.pop(k) for k in list(given) if str(k).startswith(MODEL_PREFIX)}
    network = given.get("network", base.network)
    for name in given:
        if name not in BY_NAME:
            raise _unknown(str(name), str(network))
    if given.get("optimizer") == "gd":
        _read_gd(given)
    changes = {name: parse(BY_NAME[name], value) for name, value in given.items()}
    _check_network(changes.get("network", base.network), base)
    if changes.get("network", base.network) != base.network:
        changes = {"model": {}, **changes}
    if changes.get("optimizer", base.optimizer) != base.optimizer:
        changes = {**optimizers.by_name(changes["optimizer"]).usual, **changes}
    recipe = check_recipe(base.replace(changes).replace(arguments))
    return recipe, run


def check_recipe(recipe: Recipe) -> Recipe:
    """Check a recipe that was made in Python, and return it with its numbers in their own types.

    Raises:
        RecipeError: for a value that its key does not take, or values that contradict.

    >>> check_recipe(Recipe(learning_rate=1)).learning_rate
    1.0
    >>> check_recipe(Recipe(learning_rate=-1))
    Traceback (most recent call last):
    luthier.core.errors.RecipeError: learning_rate: got -1. It takes a number above 0 to 100. ...
    """
    values = {f.name: getattr(recipe, f.name) for f in dataclasses.fields(Recipe)}
    if recipe.optimizer == "gd":
        _read_gd(values)
    recipe = Recipe(**{name: parse(BY_NAME[name], value) for name, value in values.items()})
    changes = [
        (after, tuple((name, parse(BY_NAME[name], value)) for name, value in pairs))
        for after, pairs in recipe.changes
    ]
    recipe = dataclasses.replace(recipe, changes=tuple(changes))
    _check_together(recipe)
    return recipe


def write_recipe(recipe: Recipe, run: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what recipe.yaml should hold; `read_recipe` makes the same recipe of it.

    Left out is what is not used: keys whose default means that (null, 0, none) and keys of other
    optimizers and schedules, as long as they have their defaults.

    >>> text = write_recipe(Recipe(optimizer="momentum", schedule="linear"), {"seed": 3})
    >>> list(text)[:7]
    ['version', 'network', 'optimizer', 'learning_rate', 'momentum', 'schedule', 'end_factor']
    """
    recipe = check_recipe(recipe)
    settings = {name for optimizer in optimizers.ALL for name in optimizer.settings}
    details = {name for schedule in schedules.ALL for name in schedule.keys}
    used = {
        *optimizers.by_name(recipe.optimizer).settings,
        *schedules.by_name(recipe.schedule).keys,
    }
    unused = (settings | details) - used
    written: dict[str, Any] = {"version": VERSION}
    for one in KEYS:
        value = getattr(recipe, one.name)
        idle = one.name in unused or one.default in (None, 0, "none", {}, ())
        if one.name in used or not (idle and value == one.default):
            written[one.name] = recipe.to_json()[one.name]
    if run:
        written["run"] = dict(run)
    return written


def _check_network(name: str, base: Recipe) -> None:
    """Check the network of a file; one made in Python may have a function's bare name."""
    known = names(families.ALL)
    if name not in (*known, base.network) and not re.search(r".:[^\W\d]\w*(#\w+)?$", name):
        raise refuse(BY_NAME["network"], name, did_you_mean(name, known))


def _check_version(version: Any) -> None:
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise RecipeError(f"version: got {version!r}. It takes {VERSION}. Write `version: 1`.")
    if version > VERSION:
        raise RecipeError(
            f"this recipe has version {version}, and this luthier reads up to {VERSION}. "
            "A newer luthier wrote it. Install that one: `pip install --upgrade luthier`."
        )


def _read_gd(values: dict[str, Any]) -> None:
    size = values.get("batch_size", FULL)
    if size != FULL:
        raise RecipeError(
            f"optimizer: got gd beside batch_size {size!r}. Gradient descent takes all rows in "
            "every step. Write `batch_size: full`, or `optimizer: sgd` to keep the batch size."
        )
    values.update(optimizer="sgd", batch_size=FULL)


def _check_together(recipe: Recipe) -> None:
    if recipe.loss is not None and losses.by_name(recipe.loss).kind == "regression":
        wrong = [
            name
            for name in ("label_smoothing", "class_weight")
            if getattr(recipe, name) not in (None, 0)
        ]
        if wrong:
            raise RecipeError(
                f"{wrong[0]}: got {getattr(recipe, wrong[0])!r} beside loss '{recipe.loss}'. "
                f"It is for classes, and the loss is for numbers. Leave {wrong[0]} out."
            )
    if recipe.network in names(families.ALL):
        defaults = families.by_name(recipe.network).build.defaults
        for name in recipe.model:
            if name not in defaults:
                raise RecipeError(
                    f"model: {recipe.network} has no argument '{name}'."
                    f"{did_you_mean(name, defaults)} It has {', '.join(defaults)}."
                )
        # An image has many values a channel, so that a convolution can normalise one row.
        arguments = {**defaults, **recipe.model}
        batch = arguments.get("normalisation") == "batch" and recipe.network != "cnn"
        if batch and recipe.batch_size == 1:
            raise RecipeError(
                f"batch_size: got 1 beside the batch normalisation of {recipe.network}. A batch "
                "needs two rows to be normalised. Write `model: {normalisation: layer}`."
            )


def _unknown(name: str, network: str) -> RecipeError:
    if network in names(families.ALL) and name in families.by_name(network).build.defaults:
        return RecipeError(
            f"no recipe key '{name}'. It is an argument of {network}, which stands below `model`. "
            f"Write `model: {{{name}: ...}}`."
        )
    near = f" Did you mean '{_HINTS[name]}'?" if name in _HINTS else did_you_mean(name, BY_NAME)
    return RecipeError(f"no recipe key '{name}'.{near} The keys are {', '.join(BY_NAME)}.")
