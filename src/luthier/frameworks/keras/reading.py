"""What a compile step says, as keys of a recipe; and in words, what it says otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from luthier.catalog import losses
from luthier.core import BuilderError

_POINTS = 200  # of all steps, at which a schedule of the user's own is asked
_OPTIMIZERS = {
    "RMSprop": "rmsprop",
    "Adagrad": "adagrad",
    "Adadelta": "adadelta",
    "Adam": "adam",
    "AdamW": "adamw",
    "Nadam": "nadam",
    "Adamax": "adamax",
    "Lion": "lion",
}
_LOSSES = {
    "sparse_categorical_crossentropy": "cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "mean_squared_error": "mse",
    "mse": "mse",
    "mean_absolute_error": "mae",
    "mae": "mae",
    "huber": "huber",
}


@dataclass
class Reading:
    """What was read.

    Args:
        keys: Recipe keys and their values.
        notes: Where Keras' meaning and the recipe's differ, or something has no key.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_compiled(model: Any, steps: int, *, loss_known: bool = False) -> Reading:
    """Read optimizer, rate, schedule, penalty of weights, clipping, average and loss.

    Args:
        model: A network that was compiled; one that was not says nothing.
        steps: Updates of a whole run, which lengths of schedules are shares of.
        loss_known: Whether a recipe says already what is minimised.

    Raises:
        BuilderError: for a loss, or a way of training, that luthier does not have.
    """
    read = Reading()
    _read_steps(model, read, loss_known)
    optimizer = getattr(model, "optimizer", None) if getattr(model, "compiled", False) else None
    if optimizer is None:
        return read
    _read_optimizer(optimizer, read)
    _read_rate(optimizer, steps, read)
    _read_changes(optimizer, read)
    _read_loss(getattr(model, "loss", None), read, loss_known)
    return read


def _read_steps(model: Any, read: Reading, known: bool) -> None:
    """Say that a model's own way of training is not followed; refuse, unless a loss is named."""
    for name in ("train_step", "compute_loss"):
        if _is_kerass(getattr(type(model), name)):
            continue
        own = f"{type(model).__name__}.{name}"
        if not known:
            raise BuilderError(
                f"the network trains in a way of its own ({own}), which luthier does not call. "
                "Say what to minimise instead (recipe={'loss': 'cross_entropy'}), or tune your "
                "own loop: luthier.tune(objective), with model.fit in it."
            )
        read.notes.append(f"{name}: the network's own is not called; the recipe's loss is")


def _read_optimizer(optimizer: Any, read: Reading) -> None:
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    kind, keys = type(optimizer).__name__, read.keys
    if kind == "SGD":
        momentum = float(optimizer.momentum)
        keys["optimizer"] = (
            "sgd" if momentum == 0 else "nesterov" if optimizer.nesterov else "momentum"
        )
        if momentum:
            keys["momentum"] = momentum
        return
    if kind not in _OPTIMIZERS or not type(optimizer).__module__.startswith("keras"):
        read.notes.append(
            f"optimizer: luthier has no {kind}; the baseline keeps adamw at its usual rate"
        )
        return
    keys["optimizer"] = _OPTIMIZERS[kind]
    for key, names in (("beta1", ("beta_1",)), ("beta2", ("beta_2", "rho"))):
        for name in names:
            if hasattr(optimizer, name):
                keys[key] = float(getattr(optimizer, name))
    if getattr(optimizer, "epsilon", 0):
        keys["epsilon"] = float(optimizer.epsilon)
    for name, off in (("amsgrad", False), ("centered", False), ("momentum", 0.0)):
        if getattr(optimizer, name, off) not in (off, None):
            read.notes.append(f"optimizer: {kind}'s {name} has no key; the baseline leaves it off")
    if getattr(optimizer, "initial_accumulator_value", 0.1) != 0.1:
        read.notes.append("optimizer: Adagrad's sum starts at 0.1, Keras' own default")


def _read_rate(optimizer: Any, steps: int, read: Reading) -> None:
    if "optimizer" not in read.keys:
        return
    keys, rate = read.keys, getattr(optimizer, "_learning_rate", None)
    keys |= {"schedule": "constant", "warmup": 0.0}
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        keys["learning_rate"] = float(f"{rate:.7g}")  # it is kept in single precision
        return
    if not type(rate).__module__.startswith("keras."):
        top = max(float(rate(step)) for step in range(0, steps, max(steps // _POINTS, 1)))
        keys["learning_rate"] = float(f"{top:.7g}")
        read.notes.append(
            f"schedule: {type(rate).__name__} is your own; the baseline's rate is constant, at "
            f"its highest, {top:.3g}"
        )
        return
    told = rate.get_config()
    keys["learning_rate"] = float(told.get("initial_learning_rate", told.get("values", [1e-3])[0]))
    _read_schedule(type(rate).__name__, told, steps, read)


def _read_schedule(kind: str, told: Mapping[str, Any], steps: int, read: Reading) -> None:
    keys, length = read.keys, told.get("decay_steps")
    share = (length or steps) / steps
    match kind:
        case "ExponentialDecay" if told["staircase"]:
            keys |= {"schedule": "step", "step_size": min(share, 1.0), "gamma": told["decay_rate"]}
        case "ExponentialDecay":
            keys |= {"schedule": "exponential", "gamma": float(told["decay_rate"] ** (1 / share))}
        case "CosineDecay":
            target, warm = told.get("warmup_target"), told.get("warmup_steps") or 0
            keys |= {"schedule": "cosine", "end_factor": float(told["alpha"])}
            if target and warm:
                keys["learning_rate"] = float(target)
                keys["warmup"] = warm / (warm + told["decay_steps"])
                share = (warm + told["decay_steps"]) / steps
        case "PolynomialDecay":
            end = told["end_learning_rate"] / keys["learning_rate"]
            keys |= {"schedule": "polynomial", "end_factor": end, "power": float(told["power"])}
        case "CosineDecayRestarts":
            keys |= {"schedule": "cosine_restarts", "end_factor": float(told["alpha"])}
            share = 1.0
            read.notes.append(
                "schedule: cosine_restarts has cycles of one length and height, and as many as "
                "the key `cycles` says"
            )
        case "PiecewiseConstantDecay" if _even(told["values"]):
            values = told["values"]
            keys |= {
                "schedule": "multi_step",
                "gamma": float(values[1] / values[0]),
                "milestones": tuple(min(b / steps, 1.0) for b in told["boundaries"]),
            }
            share = 1.0
        case _:
            read.notes.append(f"schedule: {kind} has no key; the baseline's rate is constant")
            share = 1.0
    if abs(share - 1) > 0.01 and kind in ("CosineDecay", "PolynomialDecay"):
        read.notes.append(
            f"schedule: {kind} runs over {length} steps, and the baseline's run has {steps}; a "
            "recipe's schedule always ends with the run"
        )


def _even(values: Any) -> bool:
    """Tell whether each value is the same share of the one before it."""
    shares = [after / before for before, after in itertools.pairwise(values)]
    return bool(shares) and max(shares) - min(shares) < 1e-6 and 0 < shares[0] <= 1


def _read_changes(optimizer: Any, read: Reading) -> None:
    keys = read.keys
    decay = getattr(optimizer, "weight_decay", None)
    keys["weight_decay"] = float(decay or 0.0)
    if decay:
        read.notes.append(
            f"weight_decay: {type(optimizer).__name__} shrinks every variable, biases too; "
            "a recipe's shrinks kernels alone"
        )
    if getattr(optimizer, "global_clipnorm", None):
        keys["clip_norm"] = float(optimizer.global_clipnorm)
    for name in ("clipnorm", "clipvalue"):
        if getattr(optimizer, name, None):
            read.notes.append(
                f"{name}: it clips each variable's gradient; a recipe's clip_norm clips all "
                "together, and the baseline leaves it off"
            )
    if getattr(optimizer, "use_ema", False):
        keys["ema"] = float(optimizer.ema_momentum)
        read.notes.append(
            "ema: the average is what is evaluated and kept; its decay grows from 0.1 in the "
            "first steps"
        )


def _read_loss(loss: Any, read: Reading, known: bool) -> None:
    if loss is None or isinstance(loss, (list, tuple, dict)):
        if loss and not known:
            raise BuilderError(
                "the network is compiled with several losses, but luthier trains one output with "
                "one. Compile with one loss, or tune your own loop: luthier.tune(objective)."
            )
        return
    name = _loss_name(loss)
    if name not in _LOSSES:
        if known:
            return
        known_losses = ", ".join(one.name for one in losses.ALL)
        raise BuilderError(
            f"the network is compiled with the loss '{name}', which luthier does not have: it "
            f"trains with one of {known_losses}. Say which (recipe={{'loss': ...}}), or keep your "
            "loss and tune your own loop: luthier.tune(objective), with model.fit in it."
        )
    read.keys["loss"] = _LOSSES[name]
    if getattr(loss, "label_smoothing", 0):
        read.keys["label_smoothing"] = float(loss.label_smoothing)
    if name == "huber" and getattr(loss, "delta", 1.0) != 1.0:
        read.notes.append("loss: huber's delta is 1, of a target scaled to variance 1")


def loss_key(loss: Any) -> str | None:
    """Return what a compiled loss is called in a recipe; None where a recipe has no name for it.

    >>> loss_key("sparse_categorical_crossentropy"), loss_key("poisson")
    ('cross_entropy', None)
    """
    return _LOSSES.get(_loss_name(loss))


def _loss_name(loss: Any) -> str:
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return str(loss)
    if isinstance(loss, keras.losses.Loss):
        return _snake(type(loss).__name__) if _is_kerass(type(loss)) else type(loss).__name__
    return str(getattr(loss, "__name__", loss))


def _is_kerass(kind: Any) -> bool:
    return str(kind.__module__).partition(".")[0] == "keras"


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")
