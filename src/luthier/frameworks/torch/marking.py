"""Marks in an exported network: what export would lose, as operations of our own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

# Dimensions that an input of a channel-wise dropout needs to be a batch; 2-d ones always are.
_CHANNELWISE: dict[Callable[..., Any], int] = {
    functional.dropout1d: 3,
    functional.dropout2d: 0,
    functional.dropout3d: 5,
}
_DETACHING = (torch.Tensor.detach, torch.detach, torch.Tensor.data.__get__)  # type: ignore[attr-defined]

_library = torch.library.Library("luthier", "DEF")  # type: ignore[no-untyped-call]
_library.define("dropout(Tensor input, int call, int kept) -> Tensor")  # type: ignore[no-untyped-call]
_library.define("detach(Tensor input) -> Tensor")  # type: ignore[no-untyped-call]
for _name in ("dropout", "detach"):
    _library.impl(  # type: ignore[no-untyped-call]
        _name, lambda input, *_: input.clone(), "CompositeExplicitAutograd"
    )


class Marking(TorchFunctionMode):
    """Replaces dropout and detachment by operations that decomposition leaves alone.

    Export would turn dropout into draws from a generator, and drop `detach` and `no_grad`
    altogether, with wrong gradients and no error.

    Attributes:
        rates: Rate of each dropout call so far, 0 where it does not drop.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is functional.dropout:
            return self._drop(*args, **kwargs)
        if func in _CHANNELWISE:
            return self._drop(*args, **kwargs, batched=_CHANNELWISE[func])
        if func is functional.scaled_dot_product_attention:
            return self._attend(*args, **kwargs)
        if func is functional.multi_head_attention_forward:
            return _inside(self, func, args, kwargs)
        if func in _DETACHING:
            return torch.ops.luthier.detach(*args)
        result = func(*args, **kwargs)
        if torch.is_grad_enabled() or not _computes(func, args):
            return result
        return pytree.tree_map_only(Tensor, _detached, result)

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        *,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        """Take attention apart, so that its dropout is marked as any other.

        A query that a mask leaves nothing to look at sees zeros, as in PyTorch's own ways.
        """
        if enable_gqa:
            return functional.scaled_dot_product_attention(
                *(query, key, value, attn_mask, dropout_p, is_causal),
                scale=scale,
                enable_gqa=enable_gqa,
            )
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = query @ key.transpose(-2, -1) * factor
        if is_causal:
            seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
            shares = torch.softmax(scores.masked_fill(~seen, -math.inf), -1)
        elif attn_mask is None:
            shares = torch.softmax(scores, -1)
        else:
            ruled_out = attn_mask.dtype is torch.bool
            scores = scores.masked_fill(~attn_mask, -math.inf) if ruled_out else scores + attn_mask
            none = (scores == -math.inf).all(-1, keepdim=True)
            shares = torch.softmax(scores.masked_fill(none, 0.0), -1).masked_fill(none, 0.0)
        return (self._drop(shares, dropout_p) if dropout_p > 0 else shares) @ value

    def _drop(
        self,
        input: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        *,
        batched: int | None = None,
    ) -> Tensor:
        call = len(self.rates)
        self.rates.append(float(p) if training else 0.0)
        if not training:
            return input
        kept = input.ndim
        if batched is not None:
            kept = 2 if input.ndim >= batched else 1
        dropped: Tensor = torch.ops.luthier.dropout(input, call, kept)
        return input.copy_(dropped) if inplace else dropped


def _inside(
    mode: TorchFunctionMode,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call a function of Python so that a mode sees what it calls: it asks for modes itself."""
    asks = functional.has_torch_function  # type: ignore[attr-defined]
    functional.has_torch_function = lambda *_: False  # type: ignore[attr-defined]
    try:
        with mode:
            return func(*args, **kwargs)
    finally:
        functional.has_torch_function = asks  # type: ignore[attr-defined]


def _computes(func: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Tell whether a call makes a new tensor: in-place ones and attributes do not."""
    name = getattr(func, "__name__", "")
    plain = bool(args) and isinstance(args[0], Tensor) and not name.startswith("__get__")
    return plain and not (name.endswith("_") or name in {"__setitem__", "__set__"})


def _detached(tensor: Tensor) -> Tensor:
    detached: Tensor = torch.ops.luthier.detach(tensor) if tensor.is_floating_point() else tensor
    return detached
