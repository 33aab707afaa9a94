"""Normalisation by batch, layer, group and weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax


def _scaled(x: Any, mean: Any, rstd: Any, weight: Any, bias: Any) -> Any:
    y = (x - mean) * rstd
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _layer_norm(
    input: Any,
    normalized_shape: Sequence[int],
    weight: Any,
    bias: Any,
    eps: float,
) -> Any:
    axes = tuple(range(-len(normalized_shape), 0))
    mean = input.mean(axes, keepdims=True)
    rstd = lax.rsqrt(jnp.square(input - mean).mean(axes, keepdims=True) + eps)
    return _scaled(input, mean, rstd, weight, bias), mean, rstd


def _group_norm(
    input: Any,
    weight: Any,
    bias: Any,
    N: int,
    C: int,
    HxW: int,
    group: int,
    eps: float,
) -> Any:
    grouped = input.reshape(N, group, -1)
    mean = grouped.mean(-1, keepdims=True)
    rstd = lax.rsqrt(jnp.square(grouped - mean).mean(-1, keepdims=True) + eps)
    plain = ((grouped - mean) * rstd).reshape(input.shape)
    shape = (1, C) + (1,) * (input.ndim - 2)
    plain = plain if weight is None else plain * weight.reshape(shape)
    plain = plain if bias is None else plain + bias.reshape(shape)
    return plain, mean.reshape(N, group), rstd.reshape(N, group)


def _channels(x: Any, like: Any, channels: int) -> Any:
    """Shape one value a channel so that it meets the channels of an input."""
    if x is None or channels == -1:
        return x
    return x.reshape((1, -1) + (1,) * (like.ndim - 2))


def batch_norm(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any = None,
    running_var: Any = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    channels: int = 1,
) -> Any:
    """Normalise by batch; channels are the second axis, or the last one (-1)."""
    if not training:
        given = (input, weight, bias, running_mean, running_var, momentum, eps, channels)
        return batch_norm_evaluating(*given)
    axes = tuple(axis for axis in range(input.ndim) if axis != channels % input.ndim)
    count = input.size // input.shape[channels]
    mean = input.mean(axes)
    var = jnp.square(input - _channels(mean, input, channels)).mean(axes)
    rstd = lax.rsqrt(var + eps)
    y = _scaled(input, *(_channels(v, input, channels) for v in (mean, rstd, weight, bias)))
    if running_mean is None:
        return y, mean, rstd
    unbiased = var * (count / (count - 1))
    new_mean = (1 - momentum) * running_mean + momentum * lax.stop_gradient(mean)
    new_var = (1 - momentum) * running_var + momentum * lax.stop_gradient(unbiased)
    return y, mean, rstd, new_mean, new_var


def batch_norm_evaluating(
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    momentum: float,
    eps: float,
    channels: int = 1,
) -> Any:
    """Normalise by what was seen so far."""
    rstd = lax.rsqrt(running_var + eps)
    shaped = (_channels(v, input, channels) for v in (running_mean, rstd, weight, bias))
    y = _scaled(input, *shaped)
    return y, running_mean, rstd, running_mean, running_var


def _weight_norm(v: Any, g: Any, dim: int = 0) -> Any:
    axes = tuple(axis for axis in range(v.ndim) if axis != dim % v.ndim)
    norm = jnp.sqrt(jnp.square(v).sum(axes, keepdims=True))
    return v * (g / norm), norm


NORMALISATION: Mapping[str, Callable[..., Any]] = {
    "_native_batch_norm_legit": batch_norm,
    "_native_batch_norm_legit_functional": batch_norm,
    "_native_batch_norm_legit_no_training": batch_norm_evaluating,
    "_weight_norm_interface": _weight_norm,
    "native_group_norm": _group_norm,
    "native_layer_norm": _layer_norm,
}
