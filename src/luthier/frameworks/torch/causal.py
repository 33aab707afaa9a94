"""Masks of PyTorch's transformers in an exported network, which cannot be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from luthier.core import CaptureError


@contextmanager
def masks_as_given(module: nn.Module) -> Iterator[None]:
    """Have PyTorch's transformers use the masks that they are given, while they are exported.

    They would look whether a mask happens to be the causal one, which export cannot follow; the
    mask itself says the same.

    Raises:
        CaptureError: by an encoder that computes with other places in evaluation mode.
    """
    from torch.nn.modules import transformer

    parts = [part for part in module.modules() if isinstance(part, nn.TransformerEncoder)]
    looks: Any = getattr(transformer, "_detect_is_causal_mask", None)
    hooks = [part.register_forward_pre_hook(_checked, with_kwargs=True) for part in parts]
    if looks is not None:
        transformer._detect_is_causal_mask = _as_told
    try:
        yield
    finally:
        if looks is not None:
            transformer._detect_is_causal_mask = looks
        for hook in hooks:
            hook.remove()


def _as_told(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    return bool(is_causal)


def _checked(encoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse an encoder whose padded places become zeros in evaluation mode, and only there."""
    padding = args[2] if len(args) > 2 else kwargs.get("src_key_padding_mask")
    if padding is not None and getattr(encoder, "use_nested_tensor", False):
        raise CaptureError(
            "its TransformerEncoder cuts padded places off in evaluation mode alone "
            "(enable_nested_tensor=False keeps them)"
        )
