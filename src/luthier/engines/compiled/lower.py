"""From a graph's forward pass to JAX operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import lax

from luthier.core import Forward, Graph, Node, Ref
from luthier.core.keys import bits, fold_in
from luthier.engines.compiled.halved import HALVED
from luthier.engines.compiled.operations import KNOWN, OPERATIONS
from luthier.engines.compiled.operations.channels_last import BEGINS, KEEPS, Last, last, plain
from luthier.engines.compiled.operations.convolutions import SLICED

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
        thresholds: Of each call, the bound below which bits drop; unsigned 32-bit. None where
            nothing is dropped.
        scales: Of each call, what is kept is multiplied with.
    """

    key: tuple[Any, Any]
    thresholds: Any
    scales: Any

    def drop(self, input: Any, call: int, kept: int, *, turned: bool = False) -> Any:
        """Drop elements, or whole channels where a mask keeps fewer dimensions.

        Args:
            input: What is dropped from.
            call: Which of the pass's dropouts it is.
            kept: Leading dimensions that the mask has; of others it has one value.
            turned: Whether the input's second dimension lies last.
        """
        if self.thresholds is None:
            return input
        sizes = input.shape
        if turned:
            sizes = (sizes[0], sizes[-1], *sizes[1:-1])
        shape = (*sizes[:kept], *(1 for _ in sizes[kept:]))
        bound = self.thresholds[call]
        scale = self.scales[call].astype(input.dtype)

        def drawn() -> Any:
            # Positions are those of a flat mask, so that every engine draws the same.
            flat = lax.iota(jnp.uint32, _count(shape)).reshape(shape)
            words = bits(fold_in(self.key, jnp.uint32(call)), flat)
            return jnp.where(words >= bound, scale, jnp.zeros((), input.dtype))

        # A rate of 0 is a value like any other, but it need not cost a hash an element.
        mask = lax.cond(bound > 0, drawn, lambda: jnp.ones(shape, input.dtype))
        return input * (jnp.moveaxis(mask, 1, -1) if turned else mask)


def unknown_operation(graph: Graph) -> str | None:
    """Return in words which operation of a graph has no counterpart here; None where all have."""
    missing = sorted((graph.train.operations | graph.evaluate.operations) - KNOWN)
    drawing = [op for op in missing if op.startswith(_RANDOM)]
    if drawing:
        return f"it draws random numbers of its own with {drawing[0]}"
    if missing:
        return f"it computes with {', '.join(missing)}, which this engine does not know"
    return None


def compute(
    forward: Forward,
    tensors: Mapping[str, Any],
    inputs: Sequence[Any],
    masks: Masks | None,
    convolutions: Mapping[str, Callable[..., Any]] = SLICED,
    *,
    half: bool = False,
) -> tuple[Any, dict[str, Any]]:
    """Run a forward pass.

    Args:
        forward: What to compute.
        tensors: Parameters and buffers by name.
        inputs: The network's inputs.
        masks: For dropout; None in evaluation mode.
        convolutions: How they are computed, and other operations on images where it says so.
        half: Whether products of matrices take and give bfloat16, as under PyTorch's autocast.

    Returns:
        The output, and the new value of each buffer that the pass changes.
    """
    values: dict[str, Any] = dict(zip(forward.inputs, inputs, strict=True))
    values |= {name: tensors[source] for name, source in forward.reads.items()}
    values |= {name: jnp.asarray(array) for name, array in forward.constants.items()}
    for node in forward.nodes:
        args = {name: _filled(arg, values) for name, arg in node.args.items()}
        if half and node.op in HALVED:
            args = {name: _halved(arg) for name, arg in args.items()}
        values[node.name] = _result(node, args, masks, convolutions)
    updates = {k: plain(values[name]) for k, name in forward.updates.items()}
    return plain(values[forward.output]), updates


def _result(
    node: Node,
    args: dict[str, Any],
    masks: Masks | None,
    convolutions: Mapping[str, Callable[..., Any]],
) -> Any:
    """Compute one operation; images stay with their channels last for as long as they can."""
    if node.op == "item":
        return args["of"][args["index"]]
    if node.op == "dropout" and masks is not None:
        image = args["input"]
        if isinstance(image, Last):
            dropped = masks.drop(image.array, args["call"], args["kept"], turned=True)
            return Last(_typed(dropped, node.dtypes))
        return _typed(masks.drop(**args), node.dtypes)
    if node.op in BEGINS:
        name = "input" if node.op == "convolution" else "self"
        args = {**args, name: Last(last(args[name]))}
    arrays = [a for a in _arrays(args) if getattr(a, "ndim", 1) != 0]
    images = [a for a in arrays if isinstance(a, Last)]
    if images and node.op == "convolution":
        given = {**{k: plain(v) for k, v in args.items()}, "input": last(args["input"])}
        return _lasting(_typed(convolutions[node.op](**given), node.dtypes), images[0])
    norm = "batch_norm" in node.op
    if images and node.op in KEEPS and (norm or _alike(arrays, images[0])):
        given = {name: _turned(arg, images[0].array.ndim) for name, arg in args.items()}
        operation = convolutions.get(node.op, KEEPS[node.op])
        return _lasting(_typed(operation(**given), node.dtypes), images[0])
    given = {name: plain(arg) for name, arg in args.items()}
    return _typed(OPERATIONS[node.op](**given), node.dtypes)


def _arrays(args: Mapping[str, Any]) -> list[Any]:
    found = []
    for arg in args.values():
        parts = arg if isinstance(arg, (tuple, list)) else (arg,)
        found += [one for one in parts if isinstance(one, Last) or hasattr(one, "shape")]
    return found


def _alike(arrays: Sequence[Any], image: Last) -> bool:
    """Tell whether all have the image's axes, or else its channels would meet others."""
    rank = image.array.ndim
    return all(isinstance(a, Last) or a.ndim == rank for a in arrays) and all(
        a.array.ndim == rank for a in arrays if isinstance(a, Last)
    )


def _turned(arg: Any, rank: int) -> Any:
    """Return an argument with its channels last, if it is an image."""
    if isinstance(arg, (tuple, list)):
        return tuple(_turned(one, rank) for one in arg)
    return last(arg) if isinstance(arg, Last) or getattr(arg, "ndim", 0) == rank else arg


def _lasting(result: Any, image: Last) -> Any:
    """Mark results that are images."""
    if isinstance(result, (tuple, list)):
        return [_lasting(one, image) for one in result]
    return Last(result) if getattr(result, "ndim", 0) == image.array.ndim else result


def _filled(arg: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(arg, Ref):
        return values[arg.name]
    return tuple(_filled(one, values) for one in arg) if isinstance(arg, tuple) else arg


def _halved(arg: Any) -> Any:
    if isinstance(arg, Last):
        return Last(_halved(arg.array))
    floats = hasattr(arg, "dtype") and jnp.issubdtype(arg.dtype, jnp.floating)
    return arg.astype(jnp.bfloat16) if floats else arg


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
