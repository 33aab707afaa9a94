"""From a graph's forward pass to JAX operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax

from luthier.core import Forward, Graph, Ref
from luthier.core.keys import bits, fold_in
from luthier.engines.compiled.operations import OPERATIONS

_RANDOM = (
    "bernoulli",
    "multinomial",
    "normal",
    "rand",
    "native_dropout",
    "exponential",
    "geometric",
)


@dataclass(frozen=True)
class Masks:
    """What dropout masks are drawn from.

    Args:
        key: The key of (seed, step), in unsigned 32-bit words.
        thresholds: Of each call, the bound below which bits drop; unsigned 32-bit.
        scales: Of each call, what is kept is multiplied with.
    """

    key: tuple[Any, Any]
    thresholds: Any
    scales: Any

    def drop(self, input: Any, call: int, kept: int) -> Any:
        """Drop elements, or whole channels where a mask keeps fewer dimensions."""
        shape = (*input.shape[:kept], *(1 for _ in input.shape[kept:]))
        bound = self.thresholds[call]
        scale = self.scales[call].astype(input.dtype)

        def drawn() -> Any:
            # Positions are those of a flat mask, so that every engine draws the same.
            flat = lax.iota(jnp.uint32, _count(shape)).reshape(shape)
            words = bits(fold_in(self.key, jnp.uint32(call)), flat)
            return jnp.where(words >= bound, scale, jnp.zeros((), input.dtype))

        # A rate of 0 is a value like any other, but it need not cost a hash an element.
        mask = lax.cond(bound > 0, drawn, lambda: jnp.ones(shape, input.dtype))
        return input * mask


def unknown_operation(graph: Graph) -> str | None:
    """Return in words which operation of a graph has no counterpart here; None where all have."""
    known = {*OPERATIONS, "dropout"}
    missing = sorted((graph.train.operations | graph.evaluate.operations) - known)
    drawing = [op for op in missing if op.startswith(_RANDOM)]
    if drawing:
        return f"it draws random numbers of its own with {drawing[0]}"
    if missing:
        return f"it computes with {', '.join(missing)}, which this engine does not know"
    return None


def compute(
    forward: Forward, tensors: Mapping[str, Any], inputs: Sequence[Any], masks: Masks | None
) -> tuple[Any, dict[str, Any]]:
    """Run a forward pass.

    Args:
        forward: What to compute.
        tensors: Parameters and buffers by name.
        inputs: The network's inputs.
        masks: For dropout; None in evaluation mode.

    Returns:
        The output, and the new value of each buffer that the pass changes.
    """
    values: dict[str, Any] = dict(zip(forward.inputs, inputs, strict=True))
    values |= {name: tensors[source] for name, source in forward.reads.items()}
    values |= {name: jnp.asarray(array) for name, array in forward.constants.items()}
    for node in forward.nodes:
        args = {name: _filled(arg, values) for name, arg in node.args.items()}
        if node.op == "dropout" and masks is not None:
            result = masks.drop(**args)
        else:
            result = OPERATIONS[node.op](**args)
        values[node.name] = _typed(result, node.dtypes)
    return values[forward.output], {k: values[name] for k, name in forward.updates.items()}


def _filled(arg: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(arg, Ref):
        return values[arg.name]
    return tuple(_filled(one, values) for one in arg) if isinstance(arg, tuple) else arg


def _typed(result: Any, dtypes: tuple[str, ...]) -> Any:
    """Keep to the types that PyTorch computes; JAX promotes by rules of its own."""
    if isinstance(result, (tuple, list)):
        pairs = zip(result, dtypes, strict=False)
        return [one if not dtype else jnp.asarray(one, dtype) for one, dtype in pairs]
    return jnp.asarray(result, dtypes[0])


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
