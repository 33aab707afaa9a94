"""Steps of a Keras model for a try, with a setting changed and without, and all put back."""

from __future__ import annotations

import itertools
import math
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state  # where draws without a seed of their own begin

from luthier.core import WatchError
from luthier.frameworks.keras.watching_state import copied, inner_optimizer

# Recipe keys and the attributes that Keras' optimizers have for them.
_HELD = {
    "momentum": ("momentum",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2", "rho"),
    "epsilon": ("epsilon",),
    "weight_decay": ("weight_decay",),
    "clip_norm": ("global_clipnorm",),
}
_RATE = "learning_rate"
Settings = Mapping[str, tuple[Any, Any]]


def live(model: Any) -> frozenset[str]:
    """Return the recipe keys that can be changed in the model's optimizer as it stands.

    A rate that a schedule of Keras decides cannot, nor momentum where there was none: nothing is
    kept for it. A model that clips otherwise goes on with that.

    >>> model = keras.Sequential([keras.layers.Dense(1)])
    >>> model.compile(keras.optimizers.SGD(0.1), "mse")
    >>> sorted(live(model))
    ['clip_norm', 'learning_rate', 'weight_decay']
    """
    optimizer = inner_optimizer(model.optimizer)
    found = {key for key, names in _HELD.items() if any(hasattr(optimizer, n) for n in names)}
    if not getattr(optimizer, "momentum", 0.0):
        found -= {"momentum"}
    if getattr(optimizer, "clipnorm", None) or getattr(optimizer, "clipvalue", None):
        found -= {"clip_norm"}
    schedule = keras.optimizers.schedules.LearningRateSchedule
    given = getattr(optimizer, "_learning_rate", None)
    return frozenset(found if isinstance(given, schedule) or callable(given) else {*found, _RATE})


def step_of(model: Any) -> Callable[[Any], float]:
    """Return what takes a batch ``(x, y, sample_weight)``, makes a step, and returns its loss."""

    def step(batch: Any) -> float:
        x, y, weight = keras.utils.unpack_x_y_sample_weight(batch)
        logs = model.train_on_batch(x, y, sample_weight=weight, return_dict=True)
        if "loss" not in logs:
            raise WatchError(
                f"train_step of {type(model).__name__} returned {', '.join(logs) or 'nothing'}, "
                'but a loss was expected to compare. Return {"loss": ...} from it.'
            )
        return float(logs["loss"])

    return step


def batches_of(x: Any, y: Any, weight: Any, *, size: int, most: int) -> list[Any]:
    """Return the batches of some steps; rows of arrays are drawn anew in each pass.

    Args:
        x: Arrays of rows, also several in a list or a dict; or batches, where there is no target.
        y: Targets; None where `x` has them.
        weight: Of rows.
        size: Rows of a step, of arrays.
        most: How many batches.

    Raises:
        WatchError: for arrays of unlike length, or with fewer rows than two.
    """
    if y is None and not hasattr(x, "shape"):
        return list(itertools.islice(x, most))
    arrays = [np.asarray(one) for one in keras.tree.flatten((x, y, weight)) if one is not None]
    lengths = sorted({len(one) for one in arrays})
    if len(lengths) > 1 or lengths[0] < 2:
        raise WatchError(
            f"arrays of {', '.join(map(str, lengths))} rows were given, but as many of each were "
            "expected, and two at least. Pass x and y as model.fit takes them."
        )
    rows, size = lengths[0], min(size, lengths[0])
    rng = np.random.default_rng(0)
    found: list[Any] = []
    while len(found) < most:
        order = rng.permutation(rows)
        for begin in range(0, rows - size + 1, size):
            taken = order[begin : begin + size]
            found.append(keras.tree.map_structure(_rows(taken), (x, y, weight)))
    return found[:most]


def _rows(taken: Any) -> Callable[[Any], Any]:
    return lambda one: None if one is None else np.asarray(one)[taken]


def fork(
    model: Any,
    step: Callable[[Any], Any],
    batches: Sequence[Any],
    settings: Settings,
    seconds: float,
) -> tuple[list[float], list[float]]:
    """Return the losses of some steps as they would come, and of the same with settings changed.

    Args:
        model: Built and compiled.
        step: Takes a batch, makes a whole step, and returns its loss.
        batches: One a step.
        settings: Old and new value by recipe key, all of `live`.
        seconds: For both together, without compiling; the second takes as many steps as the first.
    """
    plain = _run(model, step, batches, {}, seconds / 2)
    changed = _run(model, step, batches[: len(plain)], settings, math.inf)
    return plain, changed


def _run(
    model: Any, step: Callable[[Any], Any], batches: Sequence[Any], settings: Settings, most: float
) -> list[float]:
    losses: list[float] = []
    with _untouched(model), _set(model, settings):
        began = math.inf
        for batch in batches:
            losses.append(float(step(batch)))
            began = min(began, time.perf_counter())  # the first one compiles
            if not math.isfinite(losses[-1]) or time.perf_counter() - began > most:
                break
    return losses


@contextmanager
def _set(model: Any, settings: Settings) -> Iterator[None]:
    """Change settings for a while; what was compiled with the old ones is compiled anew."""
    optimizer = inner_optimizer(model.optimizer)
    held = [
        (name, new)
        for key, (_, new) in settings.items()
        for name in _HELD.get(key, ())
        if hasattr(optimizer, name)
    ]
    before = {name: getattr(optimizer, name) for name, _ in held}
    several = int(getattr(model, "steps_per_execution", 1) or 1)
    compiled = getattr(model, "train_function", None)
    own, patched = model.train_step, "train_step" in vars(model)
    try:
        if _RATE in settings:
            old, new = settings[_RATE]
            rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
            optimizer.learning_rate = rate * new / old  # put back with all variables
        for name, new in held:
            setattr(optimizer, name, new)
        if held or several > 1:
            model.steps_per_execution, model.train_function = 1, None
            # JAX knows a function by what it is: the same one would not be traced again.
            model.train_step = lambda *args, **kwargs: own(*args, **kwargs)
        yield
    finally:
        for name, value in before.items():
            setattr(optimizer, name, value)
        if held or several > 1:
            model.steps_per_execution, model.train_function = several, compiled
            del model.train_step
            if patched:
                model.train_step = own


@contextmanager
def _untouched(model: Any) -> Iterator[None]:
    """Put back all variables of a model, of its metrics and optimizer, and random numbers."""
    if keras.backend.backend() == "jax":
        model.jax_state_sync()  # in an epoch its state is elsewhere
    drawn = global_state.get_global_attribute("global_seed_generator")
    several = [
        *model.variables,
        *model.metrics_variables,
        *model.optimizer.variables,
        *([] if drawn is None else [drawn.state]),
    ]
    kept = [(one, copied(one.value, 0)) for one in {id(one): one for one in several}.values()]
    plain, numbers = random.getstate(), np.random.get_state()
    torch: Any = sys.modules.get("torch") if keras.backend.backend() == "torch" else None
    tensors = torch.get_rng_state() if torch else None
    cards = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_available() else None
    try:
        yield
    finally:
        if not getattr(model, "_jax_state_synced", True):  # a step of JAX failed
            model._jax_state, model._jax_state_synced = None, True
        for one, value in kept:
            one.assign(value)
        random.setstate(plain)
        np.random.set_state(numbers)
        if torch:
            torch.set_rng_state(tensors)
        if cards:
            torch.cuda.set_rng_state_all(cards)
