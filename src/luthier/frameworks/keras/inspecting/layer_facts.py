"""Layers on the user's rows: what they put out, their gradients, and units that are copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.core import LayerFacts, OutputFacts
from luthier.frameworks.keras.calls import activation_of
from luthier.frameworks.keras.inspecting.net import array
from luthier.frameworks.keras.watching_steps import short

Array = NDArray[Any]
Call = tuple[Any, Any]  # a layer, and what it returned
_LINEAR = ("Dense", "Conv1D", "Conv2D", "Conv3D")
_MOVES = ("Flatten", "Reshape", "Permute", "Dropout", "Dense0")
_OPS = {
    "linear": "none",
    "softmax": "softmax",
    "sigmoid": "sigmoid",
    "relu": "relu",
    "tanh": "tanh",
    "log_softmax": "log_softmax",
    "hard_sigmoid": "hardsigmoid",
    "softplus": "softplus",
}
_BENDS = ("MaxPooling", "GlobalMaxPooling", "LSTM", "GRU", "SimpleRNN", "MultiHeadAttention",
          "LayerNormalization", "GroupNormalization", "RMSNormalization")  # fmt: skip


def head_of(calls: Sequence[Call], output: Any) -> tuple[Any, str]:
    """Return the layer whose activation makes the outputs, and that activation.

    Args:
        calls: Of layers that hold no others, in their order.
        output: What the model returned.

    Returns:
        None and ``other`` where the outputs come from an operation that is no layer.
    """
    if not calls:
        return None, "other"
    last = calls[-1][1]
    if last is not output and (
        getattr(last, "shape", None) != output.shape
        or not np.array_equal(array(last), array(output))
    ):
        return None, "other"
    for layer, _ in reversed(calls):
        name = activation_of(layer)
        if type(layer).__name__ in _MOVES or (
            name == "linear" and type(layer).__name__ == "Activation"
        ):
            continue
        return layer, _OPS.get(name, "other")
    return None, "other"


def output_facts(output: Array, target: Array, op: str, inputs: Sequence[Array]) -> OutputFacts:
    """Return what the network says of some rows."""
    values = output.astype(np.float64)
    wide = values.ndim >= 2 and values.shape[1] > 1
    finite = bool(np.isfinite(values).all())
    sums = values.sum(axis=1) if wide and finite else np.zeros(1)
    with np.errstate(over="ignore"):
        logs = np.log(np.exp(values).sum(axis=1)) if wide and finite else np.ones(1)
    spread = float(values.std(axis=0).max()) if len(values) > 1 else 1.0
    whole = target.dtype.kind in "iub"
    shares = (
        target.ndim == 2
        and target.shape[1] > 1
        and bool((target >= 0).all())
        and bool(np.abs(target.sum(axis=1) - 1).max() < 1e-4)
    )
    size = float(np.abs(values).max()) if finite else 0.0
    return OutputFacts(
        op=op,
        shape=output.shape,
        target_shape=target.shape,
        target_type="shares" if shares else "classes" if whole else "numbers",
        tags=_tags(target),
        low=float(values.min()),
        high=float(values.max()),
        zero_share=float((values == 0).mean()),
        sums_to_one=finite and bool((values >= 0).all() and np.abs(sums - 1).max() < 1e-3),
        logs_of_shares=finite and bool(np.abs(logs).max() < 1e-3),
        constant=finite and spread <= 1e-5 * max(size, 1e-30),
        finite=finite,
        input_shape=inputs[0].shape,
        whole_inputs=inputs[0].dtype.kind in "iub",
    )


def _tags(target: Array, often: float = 0.05) -> bool:
    """Tell whether several things are true of a row at once, and of one row in twenty at least."""
    if target.ndim != 2 or target.shape[1] < 2 or not len(target):
        return False
    ones = target == 1
    several = float((ones.sum(axis=1) > 1).mean())
    return bool((ones | (target == 0)).all()) and several >= often


def layer_facts(
    model: Any, weights: Sequence[Array], calls: Sequence[Call], grads: Sequence[Array | None]
) -> tuple[LayerFacts, ...]:
    """Return facts of the layers with a weight matrix, in the order in which they took part.

    Args:
        model: The user's.
        weights: Of its trainable variables, as they were in the calls.
        calls: Of its layers.
        grads: Of these weights.
    """
    values = {id(v): w for v, w in zip(model.trainable_variables, weights, strict=True)}
    by_weight = {
        id(v): g for v, g in zip(model.trainable_variables, grads, strict=True) if g is not None
    }
    seen: dict[int, float] = {}
    order: list[Any] = []
    for layer, output in calls:
        if id(layer) not in seen and hasattr(output, "shape"):
            order.append(layer)
            seen[id(layer)] = float(np.sqrt(np.mean(array(output).astype(np.float64) ** 2)))
    own = [one for one in model._flatten_layers(include_self=False) if id(one) not in seen]
    found = []
    for layer in (*order, *own):
        held = [v for v in (*layer._trainable_variables, *layer.weights) if len(v.shape) >= 2]
        weight = held[0] if held else None
        if weight is None or list(layer._flatten_layers(include_self=False)):
            continue
        kernel = np.asarray(values[id(weight)] if id(weight) in values else weight.numpy())
        kernel = kernel.astype(np.float64)
        rows = np.moveaxis(kernel, -1, 0).reshape(kernel.shape[-1], -1)
        grad = by_weight.get(id(weight))
        linear = type(layer).__name__ in _LINEAR
        found.append(
            LayerFacts(
                name=short(layer.path, model),
                kind=type(layer).__name__,
                shape=(kernel.shape[-1], kernel.shape[-2], *kernel.shape[:-2]),
                weight_std=float(rows.std()) if rows.size > 1 else 0.0,
                same_units=linear and len(rows) > 1 and _alike(rows),
                same_gradients=grad is not None
                and len(rows) > 1
                and _alike(np.moveaxis(grad, -1, 0).reshape(len(rows), -1)),
                output_scale=seen.get(id(layer), 1.0),
                gradient=None if grad is None else float(np.linalg.norm(grad)),
                reached=id(layer) in seen,
                trained=bool(weight.trainable),
            )
        )
    return tuple(found)


def activations(calls: Sequence[Call], head: Any) -> dict[str, int]:
    """Return the non-linear operations before the outputs, how often each."""
    counts: dict[str, int] = {}
    for layer, _ in calls:
        name = activation_of(layer)
        kind = type(layer).__name__
        if layer is head:
            continue
        bends = kind.startswith(_BENDS)
        if (name and name != "linear") or bends:
            named = {"sigmoid": "Sigmoid", "tanh": "Tanh", "softmax": "Softmax"}.get(name, name)
            counts[kind if bends else named] = counts.get(kind if bends else named, 0) + 1
    return counts


def _alike(rows: Array) -> bool:
    """Tell whether all rows are the same, but for rounding."""
    size = float(np.abs(rows).max())
    return size == 0.0 or float(np.abs(rows - rows[:1]).max()) <= 1e-5 * size
