"""A few rows forward through a model: what it says of them, and what its loss makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import BuilderError, LossFacts, OutputFacts
from luthier.frameworks.keras.calls import Calls
from luthier.frameworks.keras.inspecting.layer_facts import head_of, output_facts
from luthier.frameworks.keras.inspecting.loss_facts import Compiled, loss_facts
from luthier.frameworks.keras.inspecting.machine import backend, gradients
from luthier.frameworks.keras.inspecting.net import Net, array, tensors
from luthier.frameworks.keras.watching_steps import short

Array = NDArray[Any]
TWICE = (
    "from_logits=True beside {op}: Keras on TensorFlow finds the logits before it, and trains as "
    "it should; on JAX and PyTorch it would not"
)


@dataclass(frozen=True, eq=False)
class Look:
    """What a model returned for some rows.

    Args:
        made: Calls of its layers, in their order, with what they returned.
        head: The layer whose activation makes the outputs; None where none does.
        op: That activation.
        outputs: Of the model.
        facts: Of the outputs.
        loss: What the loss is for them; nothing where they are no numbers, or there is none.
        note: What a reader should know about that.
    """

    made: Sequence[tuple[Any, Any]]
    head: Any
    op: str
    outputs: Array
    facts: OutputFacts
    loss: LossFacts
    note: str = ""


def look(net: Net, loss: Compiled | None, inputs: Sequence[Array], target: Array) -> Look:
    """Run rows forward, without dropout, as training does.

    Raises:
        BuilderError: where the model raises, or returns something else than one tensor.
    """
    weights, others, given = tensors(net.weights), tensors(net.others), tensors(inputs)
    try:
        with net.changed(), Calls() as calls:
            output, _, _ = net.call(weights, others, given, training=True)
    except Exception as error:
        shapes = ", ".join(f"{one.shape} {one.dtype}" for one in inputs)
        raise BuilderError(
            f"the model raised {type(error).__name__} on inputs of shape {shapes}: "
            f"{str(error)[:300]}. Pass data as fit gets them."
        ) from error
    if not keras.ops.is_tensor(output):
        raise BuilderError(
            f"the model returned a {type(output).__name__}, but one tensor was expected. Check a "
            "model of one output: keras.Model(model.inputs, model.outputs[0])."
        )
    own = {id(one) for one in net.layers}
    made = [(layer, out) for layer, out in calls.made if id(layer) in own]
    head, op = head_of(made, output)
    outputs = array(output)
    facts = output_facts(outputs, _aligned(target, outputs), op, inputs)
    if loss is None or not facts.finite:
        return Look(made, head, op, outputs, facts, LossFacts())
    about, note = loss_facts(loss, outputs, target, op), ""
    twice = (op, about.kind) in (("softmax", "cross_entropy"), ("sigmoid", "bce_logits"))
    if backend() == "tensorflow" and twice and hasattr(output, "_keras_logits"):
        kind = "shares" if op == "softmax" else "bce"
        about = replace(loss_facts(loss, outputs, target, "none"), kind=kind, floor=0.0)
        note = TWICE.format(op=op)
    return Look(made, head, op, outputs, facts, about, note)


def gradients_of(
    net: Net, loss: Compiled, inputs: Sequence[Array], target: Array
) -> Sequence[Array | None]:
    """Return the gradient of each trainable weight; None for what the loss does not depend on."""
    others, given = tensors(net.others), tensors(inputs)
    truth = keras.ops.convert_to_tensor(target)

    def total(weights: list[Any]) -> Any:
        with net.changed():
            outputs, _, _ = net.call(weights, others, given, training=True)
        return loss(truth, outputs)

    try:
        return gradients(total, net.weights)
    except Exception:
        return [None] * len(net.weights)


def cut_off(net: Net, made: Sequence[tuple[Any, Any]], grads: Sequence[Array | None]) -> list[str]:
    """Return the weights of layers that took part and that no gradient reaches."""
    if all(one is None for one in grads):
        return []
    called = {id(v) for layer, _ in made for v in layer.weights}
    held = net.model.trainable_variables
    return [
        short(v.path, net.model)
        for v, g in zip(held, grads, strict=True)
        if g is None and id(v) in called
    ]


def _aligned(target: Array, outputs: Array) -> Array:
    """Return targets of the outputs' shape where Keras brings them to it."""
    if outputs.ndim == target.ndim + 1 and outputs.shape == (*target.shape, 1):
        return target.reshape(outputs.shape)
    if target.ndim == outputs.ndim + 1 and target.shape == (*outputs.shape, 1):
        return target.reshape(outputs.shape)
    if target.ndim == 2 and target.shape[1] == 1 and outputs.shape[-1] > 1:
        return target[:, 0]
    return target


def plain_loss(loss: Any) -> Any:
    """Return the one loss that `compile` was given; None for several, or none.

    >>> plain_loss(["mse"]), plain_loss({"a": "mse", "b": "mae"})
    ('mse', None)
    """
    if isinstance(loss, dict):
        loss = list(loss.values())
    if isinstance(loss, (list, tuple)):
        return plain_loss(loss[0]) if len(loss) == 1 else None
    return loss


def targets_of(y: Array) -> dict[str, Any]:
    """Return what targets tell, under the names of `luthier.core.DataFacts`."""
    values = y.astype(np.float64)
    known = values[np.isfinite(values)]
    one = values.size == len(values)
    whole = y.dtype.kind in "iub" and one
    binary = one and bool(((values == 0) | (values == 1)).all())
    names, counts = np.unique(known.astype(np.int64), return_counts=True) if (
        (whole or binary) and known.size
    ) else ((), ())  # fmt: skip
    return {
        "rows": len(y),
        "classes": {str(name): int(n) for name, n in zip(names, counts, strict=True)},
        "target_low": float(known.min()) if known.size else 0.0,
        "target_high": float(known.max()) if known.size else 0.0,
        "target_mean": float(known.mean()) if known.size else 0.0,
        "target_std": float(known.std(ddof=1)) if known.size > 1 else 0.0,
        "nonfinite_targets": int(values.size - known.size),
    }
