"""Dropout whose masks are keyed by (seed, step, index of the call in the forward pass)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from luthier.core.keys import bits, fold, threshold

# Dimensions of a batch, of which fewer mean a single example; dropout2d always sees a batch.
_CHANNELWISE: dict[Callable[..., Any], int] = {
    functional.dropout1d: 3,
    functional.dropout2d: 0,
    functional.dropout3d: 5,
}


class KeyedDropout(TorchFunctionMode):
    """Replaces the masks of `torch.nn.functional.dropout` and its channel-wise kin.

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
        return func(*args, **kwargs)

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
