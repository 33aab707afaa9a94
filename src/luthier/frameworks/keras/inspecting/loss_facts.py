"""A loss as `compile` takes it, and how it behaves for outputs that are not the network's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import LossFacts
from luthier.frameworks.keras.inspecting.machine import gradients_of
from luthier.frameworks.keras.inspecting.net import array
from luthier.frameworks.keras.loss_names import LossName, loss_name

Array = NDArray[Any]
NUMBERS = ("mse", "l1", "huber", "difference")
ENTROPIES = ("cross_entropy", "shares")
_TINY = 1e-7
_FAR = 20.0  # logits of a network that is sure
_NEAR = 0.02  # of a loss whose exact value is known
_PAIRS = 6  # rows that are held against each other
_STEPS = 100  # of the search for the best outputs


class Compiled:
    """The loss of outputs and targets, as a compiled model computes it.

    Args:
        loss: A name, a function or an object.
    """

    def __init__(self, loss: Any) -> None:
        holder = keras.Sequential(name="luthier")
        holder.compile(loss=loss)
        self.name: LossName = loss_name(loss)
        self._compute = holder._compile_loss

    def __call__(self, target: Any, outputs: Any) -> Any:
        """Return the loss of tensors."""
        return self._compute(target, outputs)

    def of(self, target: Array, outputs: Array) -> float:
        """Return the loss of arrays."""
        made = keras.ops.convert_to_tensor
        return float(array(self(made(target), made(outputs))))


def loss_facts(loss: Compiled, outputs: Array, target: Array, op: str) -> LossFacts:
    """Measure a loss.

    Args:
        loss: The user's.
        outputs: What the network returned for some rows.
        target: Theirs, as the loss gets them.
        op: The activation that the outputs come from.
    """
    try:
        initial = loss.of(target, outputs)
    except Exception as error:
        return LossFacts(loss.name.kind, error=f"{type(error).__name__}: {error}"[:300])
    sums = _sums(loss, outputs, target)
    kind = loss.name.kind
    if kind == "other" and not loss.name.name.startswith(("categorical", "sparse")):
        kind = _behaviour(loss, outputs, target, len(outputs) if sums else 1) or kind
        if kind == "other" and _is_difference(loss, outputs, target):
            kind = "difference"
    truth, off = _extremes(loss, kind, outputs, target)
    guess = _guess(loss, kind, outputs, target)
    known = kind in (*ENTROPIES, *NUMBERS, "bce", "bce_logits")
    if truth is not None and known and loss.name.settings.get("label_smoothing"):
        truth = min(truth, _smoothed_truth(loss, kind, outputs, target) or truth)
    floor = (truth if truth is not None and off is not None and truth < off else 0.0) if (
        known
    ) else None  # fmt: skip
    # Outputs that hardly differ from row to row, as before the first step, do not tell pairs apart.
    perfect = target.reshape(outputs.shape) if target.size == outputs.size else outputs
    perfect = perfect.astype(outputs.dtype)
    return LossFacts(
        kind=kind,
        initial=initial,
        guess=guess,
        floor=floor,
        truth=truth,
        off=off,
        reachable=_reachable(loss, kind, op, outputs, target),
        sums=sums,
        endless=_endless(kind, outputs, target, truth, guess),
        aligned=None if loss.name.known else _side_by_side(loss, outputs, target),
        aligned_truth=None if loss.name.known else _side_by_side(loss, perfect, target),
    )


def one_hot(target: Array, units: int) -> Array | None:
    """Return targets as rows of shares; None where they are none."""
    if target.shape[1:] == (units,) and units > 1:
        return np.asarray(target, np.float64)
    if target.dtype.kind not in "iub" and not bool((target == np.round(target)).all()):
        return None
    labels = target.reshape(-1).astype(int)
    if len(labels) != len(target) or labels.min() < 0 or labels.max() >= units:
        return None
    return np.asarray(np.eye(units)[labels])


def _extremes(
    loss: Compiled, kind: str, outputs: Array, target: Array
) -> tuple[float | None, float | None]:
    """Return the loss of perfect outputs, and of ones that are far off."""
    try:
        if kind in ENTROPIES:
            hot = one_hot(target, outputs.shape[-1])
            if hot is None:
                return None, None
            pair = hot, np.roll(hot, 1, axis=1)
            good, bad = (one if kind == "shares" else _FAR * one for one in pair)
        elif target.size != outputs.size or target.dtype.kind not in "fiub":
            return None, None
        else:
            y = target.reshape(outputs.shape).astype(np.float64)
            if kind == "bce_logits":
                good, bad = 2 * _FAR * (y - 0.5), -2 * _FAR * (y - 0.5)
            elif kind == "bce":
                good, bad = np.clip(y, 1e-6, 1 - 1e-6), np.clip(1 - y, 1e-6, 1 - 1e-6)
            else:
                good, bad = y, y + max(10.0 * float(y.std()), 1e-6)
        return tuple(loss.of(target, one.astype(outputs.dtype)) for one in (good, bad))  # type: ignore[return-value]
    except Exception:
        return None, None


def _smoothed_truth(loss: Compiled, kind: str, outputs: Array, target: Array) -> float | None:
    share = float(loss.name.settings["label_smoothing"])
    hot = one_hot(target, outputs.shape[-1])
    if kind not in ENTROPIES or hot is None:
        return None
    best = hot * (1 - share) + share / hot.shape[1]
    best = best if kind == "shares" else np.log(np.maximum(best, _TINY))
    return loss.of(target, best.astype(outputs.dtype))


def _sums(loss: Compiled, outputs: Array, target: Array) -> bool:
    """Tell whether the same rows twice have twice the loss."""
    try:
        once = loss.of(target, outputs)
        twice = loss.of(np.concatenate([target] * 2), np.concatenate([outputs] * 2))
    except Exception:
        return False
    return once != 0.0 and len(outputs) > 1 and abs(twice / once - 2.0) < 1e-3


def _side_by_side(loss: Compiled, outputs: Array, target: Array) -> float | None:
    """Return the loss of rows with their own targets, where each row is held against all targets.

    Shapes do not show it, for Keras brings both to one rank before a function of the user's own
    takes them apart again. So a few rows are asked one by one: a mean over all pairs that is not
    the mean over rows tells it, and no loss that is meant to look at several rows is one.
    """
    if target.size != outputs.size or len(outputs) < _PAIRS:
        return None
    few = np.linspace(0, len(outputs) - 1, _PAIRS).astype(int)
    y, z = target[few], outputs[few]
    try:
        whole = loss.of(y, z)
        pairs = np.array([[loss.of(y[i : i + 1], z[j : j + 1]) for j in range(_PAIRS)]
                          for i in range(_PAIRS)])  # fmt: skip
    except Exception:
        return None
    own, every = float(np.trace(pairs)) / _PAIRS, float(pairs.mean())
    if not math.isclose(whole, every, rel_tol=1e-4) or math.isclose(own, every, rel_tol=1e-2):
        return None
    single = [loss.of(target[i : i + 1], outputs[i : i + 1]) for i in range(len(outputs))]
    return float(np.mean(single))


def _behaviour(loss: Compiled, outputs: Array, target: Array, rows: int) -> str | None:
    """Return what a loss of the user's own making is: exact shares give 0, even ones log K."""
    units = outputs.shape[-1] if outputs.ndim == 2 else 1
    if units > 1:
        exact = one_hot(target, units)
    else:
        binary = bool(((target == 0) | (target == 1)).all())
        exact = target.reshape(outputs.shape).astype(float) if binary else None
    if exact is None or exact.shape != outputs.shape:
        return None
    try:
        zero, even, half = (
            loss.of(target, one.astype(outputs.dtype)) / rows
            for one in (exact, np.full_like(exact, 1 / max(units, 2)), np.full_like(exact, 0.5))
        )
    except Exception:
        return None
    if abs(zero) > _NEAR:
        return None
    if units > 1 and abs(abs(even) - math.log(units)) < _NEAR:
        return "shares"
    return "bce" if abs(abs(half) - math.log(2)) < _NEAR else None


def _is_difference(loss: Compiled, outputs: Array, target: Array) -> bool:
    """Tell a loss of outputs less targets: both may be moved together, and what is equal costs 0.

    One that is upside down is of its kind, too.
    """
    if target.size != outputs.size or target.dtype.kind != "f":
        return False
    truth = target.reshape(outputs.shape)
    moved = np.random.default_rng(0).normal(size=outputs.shape).astype(outputs.dtype)
    moved *= max(float(truth.std()), _TINY)
    try:
        zero, plain = loss.of(target, truth.astype(outputs.dtype)), loss.of(target, outputs)
        shifted = (truth + moved).reshape(target.shape).astype(target.dtype)
        again = loss.of(shifted, outputs + moved)
    except Exception:
        return False
    return abs(zero) <= 1e-4 * abs(plain) and abs(again - plain) <= 1e-3 * abs(plain)


def guess_of(loss: Compiled, kind: str, outputs: Array, target: Array) -> float | None:
    """Return the lowest loss of outputs that are the same for every row."""
    return _guess(loss, kind, outputs, target)


def _guess(loss: Compiled, kind: str, outputs: Array, target: Array) -> float | None:
    rows = [_constant(kind, outputs, target, median=one) for one in (False, True)]
    found = []
    for row in rows:
        if row is not None:
            whole = np.broadcast_to(row, outputs.shape).astype(outputs.dtype)
            try:
                found.append(loss.of(target, whole))
            except Exception:
                return None
    if kind == "other" and target.size == outputs.size and target.dtype.kind == "f":
        searched = _searched(loss, outputs, target)
        found += [] if searched is None else [searched]
    finite = [one for one in found if math.isfinite(one)]
    return min(finite, default=None)


def _constant(kind: str, outputs: Array, target: Array, *, median: bool) -> Array | None:
    """Return the outputs that are best for all rows at once."""
    if kind in ENTROPIES:
        hot = one_hot(target, outputs.shape[-1])
        if hot is None or median:
            return None
        shares = np.clip(hot.mean(axis=0), _TINY, None)
        return np.asarray(np.log(shares) if kind == "cross_entropy" else shares / shares.sum())
    if target.size != outputs.size:
        return None
    y = target.reshape(outputs.shape).astype(np.float64)
    if kind in ("bce", "bce_logits"):
        share = np.clip(y.mean(axis=0), 1e-6, 1 - 1e-6)
        return np.asarray(np.log(share / (1 - share)) if kind == "bce_logits" else share)
    if kind in NUMBERS:
        return np.asarray(np.median(y, axis=0) if median else y.mean(axis=0))
    return None


def _searched(loss: Compiled, outputs: Array, target: Array) -> float | None:
    """Search constant outputs of a loss that is not known, with Adam (Kingma & Ba 2015)."""
    made = keras.ops.convert_to_tensor
    y = target.reshape(outputs.shape).astype(np.float64)
    free = y.mean(axis=0, keepdims=True).astype(outputs.dtype)
    rate = 0.1 * max(float(y.std()), _TINY)
    given, shape = made(target), outputs.shape
    m, v, best = np.zeros_like(free), np.zeros_like(free), math.inf
    grad_of = _gradient_of(lambda at: loss(given, keras.ops.broadcast_to(at[0], shape)))
    for step in range(1, _STEPS + 1):
        try:
            grad = grad_of(free)
            value = loss.of(target, np.broadcast_to(free, shape).copy())
        except Exception:
            return None
        if grad is None or not math.isfinite(value):
            return None
        best = min(best, value)
        m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
        free = free - rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        free = free.astype(outputs.dtype)
    return best


def _gradient_of(function: Callable[[list[Any]], Any]) -> Callable[[Array], Array | None]:
    made = gradients_of(function)
    return lambda at: made([at])[0]


def _reachable(loss: Compiled, kind: str, op: str, outputs: Array, target: Array) -> float | None:
    """Return the lowest loss of an activation's outputs, each row free to be its best."""
    best: Array | None = None
    bounds = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf),
              "softmax": (0.0, 1.0), "hardsigmoid": (0.0, 1.0)}.get(op)  # fmt: skip
    if bounds is None:
        return None
    if kind in ENTROPIES:
        hot = one_hot(target, outputs.shape[-1])
        if hot is None:
            return None
        low, high = bounds
        best = np.where(hot > 0.5, min(high, _FAR), low)
    elif kind in ("bce_logits", *NUMBERS) and target.size == outputs.size:
        y = target.reshape(outputs.shape).astype(np.float64)
        wanted = 2 * _FAR * (y - 0.5) if kind == "bce_logits" else y
        best = np.clip(wanted, *bounds)
        if op == "softmax" and outputs.shape[-1] == 1:
            best = np.ones_like(best)
        elif op == "softmax" and kind in NUMBERS:
            best = np.clip(y, 0.0, None)
            best = best / np.maximum(best.sum(axis=1, keepdims=True), _TINY)
    if best is None:
        return None
    try:
        return loss.of(target, best.astype(outputs.dtype))
    except Exception:
        return None


def _endless(
    kind: str, outputs: Array, target: Array, truth: float | None, guess: float | None
) -> bool:
    """Tell whether outputs that are the same for every row do better than perfect ones."""
    if kind != "other" or truth is None or guess is None or target.size != outputs.size:
        return False
    if outputs[0].size != 1 or len(np.unique(target)) <= 2:
        return False
    return guess < truth - 1e-3 * max(abs(truth), abs(guess))
