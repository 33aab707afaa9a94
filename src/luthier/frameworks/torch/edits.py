"""Safe changes to a PyTorch network's layers: which there are, and making them.

A change is offered where the layers that it touches are modules which a forward pass calls once
each. What a `forward` computes without modules is for a person to change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from luthier.core import Edit, Move
from luthier.frameworks.torch.redrawing import redraw, unusual

_SATURATING = (nn.Sigmoid, nn.Tanh, nn.Softsign, nn.Hardsigmoid, nn.Hardtanh)
_BENDING = (nn.ReLU, nn.GELU, nn.SiLU, nn.ELU, nn.SELU, nn.LeakyReLU, nn.PReLU, nn.Softplus)
_WEIGHTED = (nn.Linear, nn.modules.conv._ConvNd)
_NORMALISING = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.modules.instancenorm._InstanceNorm,
)


@dataclass(frozen=True)
class Call:
    """One call of a module without children in a forward pass."""

    path: str
    module: nn.Module
    given: Tensor | None
    made: Tensor


def edits_of(network: nn.Module, inputs: Sequence[Tensor]) -> list[Edit]:
    """Return the safe edits, in the order in which several are made.

    Args:
        network: In any mode; it is run once in evaluation mode, and left as it was.
        inputs: A few rows.

    >>> net = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 2), nn.Softmax(1))
    >>> [(edit.name, edit.code[0]) for edit in edits_of(net, [torch.zeros(2, 4)])][:2]
    [('without_last_activation', 'network[3] = torch.nn.Identity()'), ('relu_hidden', ...)]
    """
    calls, output = _calls(network, inputs)
    once = {call.path for call in calls if _count(calls, call.module) == 1}
    last = next((c for c in reversed(calls) if _same(c.made, output)), None)
    found = [
        _without_last(last, once),
        _exchanged("relu_hidden", "Take ReLU in hidden layers", calls, last, _SATURATING, "ReLU()"),
        _exchanged(
            "leaky_relu",
            "Take leaky ReLU in hidden layers: it cannot die",
            calls,
            last,
            (nn.ReLU,),
            "LeakyReLU(0.01)",
        ),
        _normalised(calls, once),
        _bent(calls, once),
        _zeroed(network, inputs),
        _thawed(network),
        _redrawn(network),
    ]
    return [_with_code(one, network) for one in found if one is not None]


def apply(network: nn.Module, edits: Sequence[Edit]) -> nn.Module:
    """Make some edits; the network itself is changed, and returned."""
    for edit in edits:
        for move in edit.moves:
            layer = network.get_submodule(move.path)
            if move.kind == "zero":
                _zero(layer)
                continue
            if move.kind == "train":
                layer.requires_grad_(True)
                continue
            if move.kind == "redraw":
                redraw(layer)
                continue
            new = _layer(move.layer)
            parent = network.get_submodule(move.path.rpartition(".")[0])
            own = move.path.rpartition(".")[2]
            setattr(parent, own, nn.Sequential(layer, new) if move.kind == "after" else new)
    return network


def _calls(network: nn.Module, inputs: Sequence[Tensor]) -> tuple[list[Call], Any]:
    """Run a network once; return the calls of its leaves, and what it returned."""
    calls: list[Call] = []
    handles = []
    for path, module in network.named_modules():
        if path and not any(module.children()):
            handles.append(module.register_forward_hook(_noting(path, calls)))
    modes = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            output = network.eval()(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    return calls, output


def _noting(path: str, calls: list[Call]) -> Callable[..., None]:
    def note(module: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        if isinstance(made, Tensor):
            first = given[0] if given and isinstance(given[0], Tensor) else None
            calls.append(Call(path, module, first, made))

    return note


def _count(calls: Sequence[Call], module: nn.Module) -> int:
    return sum(call.module is module for call in calls)


def _same(made: Tensor, output: Any) -> bool:
    """Tell whether a layer's result is the network's, but for its shape."""
    return (
        isinstance(output, Tensor)
        and made.numel() == output.numel()
        and made.data_ptr() == output.data_ptr()
    )


def _without_last(last: Call | None, once: set[str]) -> Edit | None:
    """Take the last activation out: a layer without weights that changes values alone."""
    if last is None or last.path not in once or last.given is None:
        return None
    if any(True for _ in last.module.parameters()) or last.given.shape != last.made.shape:
        return None
    if isinstance(last.module, (nn.Identity, nn.modules.dropout._DropoutNd)):
        return None
    name = type(last.module).__name__
    return Edit(
        "without_last_activation",
        f"Take the last {name} out",
        (Move("replace", last.path, "Identity()"),),
    )


def _exchanged(
    name: str,
    advice: str,
    calls: Sequence[Call],
    last: Call | None,
    kinds: tuple[type[nn.Module], ...],
    layer: str,
) -> Edit | None:
    end = None if last is None else last.module
    found = dict.fromkeys(c.path for c in calls if isinstance(c.module, kinds))
    if any(c.module is end for c in calls if c.path in found and c is not last):
        return None  # one object serves in the middle and at the end
    paths = [path for path in found if last is None or path != last.path]
    if not paths:
        return None
    return Edit(name, advice, tuple(Move("replace", path, layer) for path in paths))


def _hidden(calls: Sequence[Call], once: set[str]) -> list[Call]:
    """Return the layers with weights but for the last one."""
    weighted = [c for c in calls if isinstance(c.module, _WEIGHTED)]
    return weighted[:-1] if all(c.path in once for c in weighted) else []


def _normalised(calls: Sequence[Call], once: set[str]) -> Edit | None:
    """Put a normalisation of each row's features after hidden layers; rows stay independent.

    Source: Ba, Kiros & Hinton 2016, "Layer Normalization".
    """
    hidden = _hidden(calls, once)
    if not hidden or any(isinstance(c.module, _NORMALISING) for c in calls):
        return None
    moves = []
    for call in hidden:
        size = call.made.shape[-1 if isinstance(call.module, nn.Linear) else 1]
        linear = isinstance(call.module, nn.Linear)
        layer = f"LayerNorm({size})" if linear else f"GroupNorm(1, {size})"
        if size > 1:
            moves.append(Move("after", call.path, layer))
    advice = "Normalise what hidden layers return, before the activation"
    return Edit("normalise", advice, tuple(moves)) if moves else None


def _bent(calls: Sequence[Call], once: set[str]) -> Edit | None:
    """Put ReLU after hidden layers of a network that has no activation among its layers."""
    hidden = _hidden(calls, once)
    final = max((i for i, c in enumerate(calls) if isinstance(c.module, _WEIGHTED)), default=0)
    bends = [c for c in calls[:final] if isinstance(c.module, (*_BENDING, *_SATURATING))]
    if not hidden or bends:
        return None
    moves = tuple(Move("after", call.path, "ReLU()") for call in hidden)
    return Edit("relu_between", "Put ReLU between the layers", moves)


def _zeroed(network: nn.Module, inputs: Sequence[Tensor]) -> Edit | None:
    """Begin residual blocks as the identity: their last layer with weights starts at zero.

    A block is a module that returns just its input once that layer is zero, which is tried.

    Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.1 (the last scale of
    each block starts at 0); Zhang et al. 2019, "Fixup Initialization".
    """
    moves: list[Move] = []
    for path, block in network.named_modules():
        if not path or isinstance(block, nn.Sequential) or not any(block.children()):
            continue
        kinds = (*_WEIGHTED, *_NORMALISING)
        layers = [(p, m) for p, m in block.named_modules() if isinstance(m, kinds)]
        if not layers or any(path.startswith(f"{m.path.rpartition('.')[0]}.") for m in moves):
            continue
        own, layer = layers[-1]
        if _is_identity(network, block, layer, inputs):
            moves.append(Move("zero", f"{path}.{own}"))
    return (
        Edit("zero_residual", "Let each residual block begin as the identity", tuple(moves))
        if (moves)
        else None
    )


def _thawed(network: nn.Module) -> Edit | None:
    """Train what is frozen: a network that is built here has learnt nothing yet, as a rule."""
    if all(p.requires_grad for p in network.parameters() if p.is_floating_point()):
        return None
    return Edit("train_all", "Train the weights that are frozen, too", (Move("train", ""),))


def _redrawn(network: nn.Module) -> Edit | None:
    """Draw weights as layers do by themselves, where some are none that they would draw."""
    if not unusual(network):
        return None
    advice = "Draw all weights anew, as PyTorch's layers do by themselves"
    return Edit("redraw", advice, (Move("redraw", ""),))


def _is_identity(
    network: nn.Module, block: nn.Module, layer: nn.Module, inputs: Sequence[Tensor]
) -> bool:
    """Tell whether a block returns its input while one of its layers is zero."""
    kept = {name: p.detach().clone() for name, p in layer.named_parameters()}
    seen: list[bool] = []

    def compare(module: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        first = given[0] if given else None
        seen.append(
            isinstance(first, Tensor)
            and isinstance(made, Tensor)
            and first.shape == made.shape
            and torch.equal(first, made)
        )

    handle = block.register_forward_hook(compare)
    try:
        _zero(layer)
        _calls(network, inputs)
    finally:
        handle.remove()
        with torch.no_grad():
            for name, p in layer.named_parameters():
                p.copy_(kept[name])
    return bool(seen) and all(seen)


def _zero(layer: nn.Module) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()


def _layer(expression: str) -> nn.Module:
    """Return the layer that an expression of ours makes."""
    name, _, rest = expression.partition("(")
    numbers = [float(one) for one in rest.rstrip(")").split(",") if one.strip()]
    kind: type[nn.Module] = getattr(nn, name)
    return kind(*(int(n) if n.is_integer() else n for n in numbers))


def _with_code(edit: Edit, network: nn.Module) -> Edit:
    """Write an edit as lines to paste."""
    lines = []
    for move in edit.moves:
        place = _place(move.path)
        if move.kind == "zero":
            lines.append(f"for p in {place}.parameters():\n    torch.nn.init.zeros_(p)")
        elif move.kind == "train":
            lines.append("network.requires_grad_(True)")
        elif move.kind == "redraw":
            lines.append(
                "for layer in network.modules():\n"
                '    if hasattr(layer, "reset_parameters"):\n'
                "        layer.reset_parameters()"
            )
        elif move.kind == "after":
            lines.append(f"{place} = torch.nn.Sequential({place}, torch.nn.{move.layer})")
        else:
            lines.append(f"{place} = torch.nn.{move.layer}")
    return Edit(edit.name, edit.advice, edit.moves, tuple(lines))


def _place(path: str) -> str:
    """Return how code names a layer.

    >>> _place("body.0.fc")
    'network.body[0].fc'
    """
    parts = (f"[{one}]" if one.isdigit() else f".{one}" for one in path.split("."))
    return "network" + "".join(parts)
