"""What decides a network's computation apart from its weights, as a text to compare."""

from __future__ import annotations

import hashlib
import types
from typing import Any

import torch
from torch import Tensor, nn

_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device)
DROPOUTS = nn.modules.dropout._DropoutNd  # whose rates are no part of it
RECURRENT = nn.RNNBase  # whose rates are no part of it, unless they are 0
_SKIPPED = {"_parameters", "_buffers", "training"}


def fingerprint(module: nn.Module) -> str | None:
    """Return a hash that equals that of every network that computes the same from its weights.

    Two trials of one builder may differ in more than weights: a scale or a mask that the builder
    drew is part of the computation. Rates of dropout modules are left out, since they are read
    at run time.

    Returns:
        None where the network holds something that cannot be compared.

    >>> fingerprint(nn.Linear(2, 1)) == fingerprint(nn.Linear(2, 1))
    True
    >>> fingerprint(nn.ELU(1.0)) == fingerprint(nn.ELU(0.5))
    False
    """
    try:
        text = repr(_described(module, {}))
    except _UnknownError:
        return None
    return hashlib.sha256(text.encode()).hexdigest()


class _UnknownError(Exception):
    """Something whose value cannot be told."""


def _described(value: Any, seen: dict[int, int]) -> Any:
    if isinstance(value, _PLAIN):
        return repr(value)
    if id(value) in seen:
        return ("again", seen[id(value)])
    seen[id(value)] = len(seen)
    if isinstance(value, nn.Module):
        return _module(value, seen)
    if isinstance(value, Tensor):
        data = value.detach().cpu().contiguous()
        return ("tensor", str(data.dtype), tuple(data.shape), data.numpy().tobytes())
    if isinstance(value, dict):
        return ("dict", [(_described(k, seen), _described(v, seen)) for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [_described(one, seen) for one in value])
    if isinstance(value, (set, frozenset)):
        return ("set", sorted(repr(_described(one, seen)) for one in value))
    if isinstance(value, type):
        return _kind(value, seen)
    if isinstance(value, types.MethodType):
        return ("method", _described(value.__func__, seen), _described(value.__self__, seen))
    if isinstance(value, (types.BuiltinFunctionType, types.MethodDescriptorType)):
        return value.__qualname__
    if isinstance(value, types.FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return (
            value.__module__,
            value.__qualname__,
            _code(value.__code__),
            [_described(one, seen) for one in (*cells, *(value.__defaults__ or ()))],
        )
    raise _UnknownError


def _module(module: nn.Module, seen: dict[int, int]) -> Any:
    skipped = _SKIPPED | ({"p"} if isinstance(module, DROPOUTS) else set())
    values = {name: value for name, value in vars(module).items() if name not in skipped}
    if isinstance(module, RECURRENT):
        values["dropout"] = module.dropout > 0  # whether it drops, not how often
    attributes = [(name, _described(value, seen)) for name, value in values.items()]
    own = [
        (name, str(t.dtype), tuple(t.shape), t.requires_grad, id(t) in seen)
        for name, t in (*module._parameters.items(), *module._buffers.items())
        if t is not None
    ]
    ties = [_tie(t, seen) for t in module._parameters.values() if t is not None]
    return (_kind(type(module), seen), attributes, own, ties)


def _kind(kind: type, seen: dict[int, int]) -> Any:
    """Describe a class: its name, and unless it is PyTorch's own, its methods and parents."""
    if kind.__module__.partition(".")[0] in ("torch", "builtins"):
        return (kind.__module__, kind.__qualname__)
    if id(kind) in seen:
        return ("again", seen[id(kind)])
    seen[id(kind)] = len(seen)
    methods = [m for m in vars(kind).values() if isinstance(m, types.FunctionType)]
    functions = [_described(method, seen) for method in methods]
    parents = [_kind(parent, seen) for parent in kind.__bases__]
    return (kind.__module__, kind.__qualname__, functions, parents)


def _code(code: types.CodeType) -> Any:
    """Describe what a function does: its text without the places where it stands."""
    constants = [_code(c) if isinstance(c, types.CodeType) else repr(c) for c in code.co_consts]
    return (code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants)


def _tie(parameter: Tensor, seen: dict[int, int]) -> int:
    return seen.setdefault(id(parameter), len(seen))
