"""Dropout whose masks are keyed by (seed, step, index of the call in the forward pass)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from luthier.core.keys import bits, fold, threshold
from luthier.engines.torch_eager.recurrent import RECURRENT, by_layers

# Dimensions of a batch, of which fewer mean a single example; dropout2d always sees a batch.
_CHANNELWISE: dict[Callable[..., Any], int] = {
    functional.dropout1d: 3,
    functional.dropout2d: 0,
    functional.dropout3d: 5,
}


class KeyedDropout(TorchFunctionMode):
    """Replaces the masks of `torch.nn.functional.dropout` and of what drops inside itself.

    That is its channel-wise kin, attention, and what recurrent layers drop between each other.

    A mode sees every call of a forward pass, the user's own ones too. Other random operations
    draw from the generator, which the engine seeds before each step.

    Args:
        seed: The trial's seed.
        step: Number of the step, from 0.
    """

    def __init__(self, seed: int, step: int) -> None:
        super().__init__()
        self._seed, self._step, self._calls = seed, step, 0

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
            return self._inside(func, args, kwargs)
        if func in RECURRENT and not kwargs:
            return by_layers(func, args, self._drop)
        return func(*args, **kwargs)

    def _inside(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a function of Python, and see what it calls: it asks for modes itself."""
        asks = functional.has_torch_function  # type: ignore[attr-defined]
        functional.has_torch_function = lambda *_: False  # type: ignore[attr-defined]
        try:
            with self:
                return func(*args, **kwargs)
        finally:
            functional.has_torch_function = asks  # type: ignore[attr-defined]

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
        """Take attention apart where it drops shares: its own ways draw masks of theirs."""
        if dropout_p <= 0.0:
            return functional.scaled_dot_product_attention(
                *(query, key, value, attn_mask, 0.0, is_causal), scale=scale, enable_gqa=enable_gqa
            )
        if enable_gqa:
            key, value = (
                x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value)
            )
        factor = query.shape[-1] ** -0.5 if scale is None else scale
        scores = query @ key.transpose(-2, -1) * factor
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is None:
            return self._drop(torch.softmax(scores, -1), dropout_p) @ value
        seen = attn_mask if attn_mask.dtype is torch.bool else attn_mask != -math.inf
        if attn_mask.dtype is torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        else:
            scores = scores + attn_mask
        none = ~seen.any(-1, keepdim=True)
        if not none.any():
            return self._drop(torch.softmax(scores, -1), dropout_p) @ value
        # A query that is left nothing to look at sees zeros, as in PyTorch's own ways.
        shares = torch.softmax(scores.masked_fill(none, 0.0), -1).masked_fill(none, 0.0)
        return self._drop(shares, dropout_p) @ value

    def _drop(
        self,
        input: Tensor,
        p: float = 0.5,
        training: bool = True,
        inplace: bool = False,
        *,
        batched: int | None = None,
    ) -> Tensor:
        call, self._calls = self._calls, self._calls + 1
        if not training or p == 0.0:
            return input
        shape = tuple(input.shape)
        if batched is not None:
            kept = 2 if input.ndim >= batched else 1
            shape = (*shape[:kept], *(1 for _ in shape[kept:]))
        mask = keyed_mask(shape, p, self._seed, self._step, call)
        scaled = torch.from_numpy(mask).to(input.dtype)
        return input.mul_(scaled) if inplace else input * scaled


def keyed_mask(
    shape: tuple[int, ...], p: float, seed: int, step: int, call: int
) -> np.ndarray[Any, Any]:
    """Return the mask of one dropout call: 0 where dropped, 1 / (1 - p) where kept.

    >>> keyed_mask((2, 4), 0.5, seed=0, step=0, call=0)
    array([[0., 2., 2., 2.],
           [0., 2., 2., 2.]], dtype=float32)
    """
    count = int(np.prod(shape))
    drawn = bits(fold(seed, step, call), np.arange(count, dtype=np.uint32))
    kept = drawn >= min(threshold(p), 0xFFFFFFFF)
    scale = 0.0 if p >= 1.0 else 1.0 / (1.0 - p)
    mask: np.ndarray[Any, Any] = (kept.astype(np.float32) * np.float32(scale)).reshape(shape)
    return mask
