"""From a live PyTorch network to a `Graph`: exported, and decomposed to core operators."""

from __future__ import annotations

import io
import logging
import operator
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export.graph_signature import InputKind, OutputKind

from luthier.core import CaptureError, Forward, Graph, Node, Ref
from luthier.frameworks.torch.causal import masks_as_given
from luthier.frameworks.torch.marking import Marking
from luthier.frameworks.torch.rates import rates_of
from luthier.frameworks.torch.recurrent import whole_recurrences
from luthier.frameworks.torch.seeded import seeded

MOST = 500  # operations: compiling takes seconds for each hundred, more than most searches last

# Where a value lies and how is for an engine to decide.
_PLACES = {"device", "layout", "memory_format", "pin_memory", "non_blocking"}

_TALKING = ("torch.__trace", "torch.fx.experimental.symbolic_shapes")

_CHECKS = {"_assert_tensor_metadata"}  # compute nothing


def capture_graph(module: nn.Module, batch: Sequence[Tensor], chunk: Sequence[Tensor]) -> Graph:
    """Export a network in both modes.

    Args:
        module: The network; its mode is changed, its weights are not.
        batch: Inputs of a training step: only shapes and types count.
        chunk: Inputs of an evaluation pass.

    Raises:
        CaptureError: where it cannot be exported; the text says why.
    """
    names = {id(p): name for name, p in (*module.named_parameters(), *module.named_buffers())}
    with whole_recurrences(module), masks_as_given(module):
        graph = _captured(module, batch, chunk, names)
    return replace(graph, rates=rates_of(module, batch))


def _captured(
    module: nn.Module, batch: Sequence[Tensor], chunk: Sequence[Tensor], names: Mapping[int, str]
) -> Graph:
    train = _forward(module.train(), batch, names)
    if len(train.nodes) > MOST:
        raise CaptureError(
            f"a pass takes {len(train.nodes):,} operations, too many to compile (at most {MOST})"
        )
    evaluate = _forward(module.eval(), chunk, names)
    module.train()
    if "dropout" in evaluate.operations:
        raise CaptureError("it drops units in evaluation mode too")
    if evaluate.updates:
        name = min(evaluate.updates)
        raise CaptureError(f"it changes its buffer '{name}' in evaluation mode too")
    named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
    named.sort(key=lambda pair: pair[1].ndim < 2)
    return Graph(
        train=train,
        evaluate=evaluate,
        rows=len(chunk[0]),
        trainable=tuple(name for name, _ in named),
        kernels=sum(p.ndim >= 2 for _, p in named),
    )


class _Marked(nn.Module):
    """Calls a network under marks, so that export sees them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    def forward(self, *inputs: Tensor) -> Any:
        before = [dict(part._buffers) for part in self.network.modules()]
        with Marking():
            outputs = self.network(*inputs)
        # Export sees what is written into a buffer, and overlooks a buffer that is replaced.
        for part, buffers in zip(self.network.modules(), before, strict=True):
            for name, buffer in buffers.items():
                new = part._buffers[name]
                if buffer is not None and new is not None and new is not buffer:
                    buffer.copy_(new)
                    part._buffers[name] = buffer
        return outputs


def _forward(module: nn.Module, inputs: Sequence[Tensor], names: Mapping[int, str]) -> Forward:
    marked = _Marked(module)
    try:
        with seeded(0), _quiet():
            exported = torch.export.export(marked, tuple(inputs), strict=False)
            exported = exported.run_decompositions(_decompositions())
    except Exception as error:
        first = str(error).strip().partition("\n")[0][:200]
        raise CaptureError(
            f"torch.export cannot follow it ({type(error).__name__}: {first})"
        ) from error
    tensors = dict(
        (
            *marked.named_parameters(remove_duplicate=False),
            *marked.named_buffers(remove_duplicate=False),
        )
    )
    sizes = tuple(tuple(x.shape[1:]) for x in inputs)
    return _neutral(exported, {k: names.get(id(t)) for k, t in tensors.items()}, sizes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what export says of itself: it means nothing to a user."""
    loggers = [logging.getLogger(name) for name in _TALKING]
    disabled = [one.disabled for one in loggers]
    for one in loggers:
        one.disabled = True
    try:
        # Where a size depends on values, export prints the whole graph, and raises what is wrong.
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, before in zip(loggers, disabled, strict=True):
            one.disabled = before


@cache
def _decompositions() -> Any:
    return torch.export.default_decompositions()


def _neutral(
    exported: Any, names: Mapping[str, str | None], sizes: tuple[tuple[int, ...], ...]
) -> Forward:
    """Translate an exported program; tied tensors get the name under which they come first."""
    signature = exported.graph_signature
    inputs, reads, constants = [], {}, {}
    for spec in signature.input_specs:
        value = spec.arg.name
        if spec.kind is InputKind.USER_INPUT:
            inputs.append(value)
        elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER) and names.get(spec.target):
            reads[value] = names[spec.target]
        elif spec.target in exported.constants:
            constants[value] = exported.constants[spec.target].detach().clone().numpy()
        else:
            raise CaptureError(f"it reads '{spec.target}', which is no tensor of its own")
    output, updates = None, {}
    for spec in signature.output_specs:
        if spec.kind is OutputKind.USER_OUTPUT:
            output = spec.arg.name
        elif spec.kind is OutputKind.BUFFER_MUTATION and names.get(spec.target):
            updates[names[spec.target]] = spec.arg.name
        else:
            raise CaptureError(f"it changes '{spec.target}' as it runs")
    if output is None:
        raise CaptureError("it returns no tensor")
    calls = [n for n in exported.graph_module.graph.nodes if n.op == "call_function"]
    nodes = [_node(n) for n in calls if getattr(n.target, "_opname", "") not in _CHECKS]
    return Forward(tuple(inputs), reads, constants, tuple(nodes), output, updates, sizes)  # type: ignore[arg-type]


def _node(node: fx.Node) -> Node:
    target = node.target
    if target is operator.getitem:
        of, index = node.args
        return Node(node.name, "item", {"of": _plain(of), "index": index}, _dtypes(node))
    if not isinstance(target, torch._ops.OpOverload):
        name = getattr(target, "__name__", str(target))
        raise CaptureError(f"it computes with '{name}', whose result export leaves open")
    schema = target._schema
    given = dict(zip((a.name for a in schema.arguments), node.args, strict=False))
    args = {k: _plain(v) for k, v in {**given, **node.kwargs}.items() if k not in _PLACES}
    return Node(node.name, schema.name.partition("::")[2], args, _dtypes(node))


def _plain(value: Any) -> Any:
    """Turn an argument into plain data."""
    if isinstance(value, fx.Node):
        return Ref(value.name)
    if isinstance(value, (list, tuple)):
        return tuple(_plain(one) for one in value)
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise CaptureError(
        f"an operation takes {type(value).__name__} {value}, which is no plain value"
    )


def _dtypes(node: fx.Node) -> tuple[str, ...]:
    made = node.meta.get("val")
    results = made if isinstance(made, (list, tuple)) else (made,)
    if not all(isinstance(one, (Tensor, type(None))) for one in results):
        raise CaptureError("it turns a tensor into a number while it runs")
    return tuple("" if one is None else str(one.dtype).removeprefix("torch.") for one in results)
