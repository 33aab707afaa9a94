"""Gradients and compiled steps on the backend that the process has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Loss = Callable[[Sequence[Any], Sequence[Any], Sequence[Any], Any], tuple[Any, list[Any]]]


def backend() -> str:
    """Return the backend's name."""
    return str(keras.backend.backend())


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of tensors that the backend has compiled, where it does that."""
    if backend() == "tensorflow":
        import tensorflow as tf

        made: Callable[..., Any] = tf.function(function, reduce_retracing=True)
        return made
    if backend() == "jax":
        import jax

        made = jax.jit(function)
        return made
    import torch

    return torch.no_grad()(function)


def gradients(function: Callable[[list[Any]], Any], at: Sequence[Array]) -> list[Array | None]:
    """Return the gradients of a number by some arrays; None for one that it does not depend on.

    JAX makes no difference between that and a gradient of zero.
    """
    return gradients_of(function)(at)


def gradients_of(
    function: Callable[[list[Any]], Any],
) -> Callable[[Sequence[Array]], list[Array | None]]:
    """Return `gradients` of a function, compiled once where the backend does that."""
    made = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[backend()](function)
    return lambda at: made([keras.ops.convert_to_tensor(one) for one in at])


def _tensorflow(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Array | None]]:
    import tensorflow as tf

    def run(given: list[Any]) -> list[Array | None]:
        with tf.GradientTape() as tape:
            for one in given:
                tape.watch(one)
            value = function(given)
        found = tape.gradient(value, given)
        return [None if one is None else np.asarray(tf.convert_to_tensor(one)) for one in found]

    return run


def _jax(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Array | None]]:
    import jax

    made = jax.jit(jax.grad(function))
    return lambda given: [np.asarray(one) for one in made(given)]


def _torch(function: Callable[[list[Any]], Any]) -> Callable[[list[Any]], list[Array | None]]:
    import torch

    def run(given: list[Any]) -> list[Array | None]:
        leaves = [one.detach().clone().requires_grad_() for one in given]
        with torch.enable_grad():
            value = function(leaves)
            if not value.requires_grad:
                return [None] * len(leaves)
            found = torch.autograd.grad(value, leaves, allow_unused=True)
        return [None if one is None else one.detach().cpu().numpy() for one in found]

    return run


class Course:
    """Steps of an optimizer on copies of a model's weights.

    Args:
        loss: Of weights, layers' states, inputs and targets; returns the states after it, too.
        weights: The copies begin with these.
        optimizer: Made for this alone; it is built on the copies.
    """

    def __init__(self, loss: Loss, weights: Sequence[Array], optimizer: Any) -> None:
        self._loss, self._optimizer = loss, optimizer
        self._twins = [
            keras.Variable(one, dtype=str(one.dtype), name=f"twin_{i}")
            for i, one in enumerate(weights)
        ]
        optimizer.build(self._twins)
        self._fresh = [np.array(v.numpy()) for v in optimizer.variables]
        self._step = self._made()

    def begin(self, weights: Sequence[Array], rate: float) -> None:
        """Begin anew, with these weights and this rate."""
        for twin, value in zip(self._twins, weights, strict=True):
            twin.assign(value)
        for variable, value in zip(self._optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        self._optimizer.learning_rate = rate

    @property
    def rate(self) -> Any:
        """The rate as it is now."""
        return self._optimizer.learning_rate

    @rate.setter
    def rate(self, value: float) -> None:
        self._optimizer.learning_rate = value

    @property
    def weights(self) -> list[Any]:
        """The copies as they are now."""
        return [one.value for one in self._twins]

    def step(self, others: list[Any], inputs: Sequence[Any], target: Any) -> tuple[Any, list[Any]]:
        """Take one step; return the loss before it, and the layers' states."""
        found: tuple[Any, list[Any]] = self._step(others, list(inputs), target)
        return found

    def _made(self) -> Callable[..., Any]:
        made = {"tensorflow": self._tensorflow, "jax": self._jax, "torch": self._torch}
        return made[backend()]()

    def _tensorflow(self) -> Callable[..., Any]:
        import tensorflow as tf

        raw = [one.value for one in self._twins]

        def step(others: list[Any], inputs: list[Any], target: Any) -> Any:
            with tf.GradientTape() as tape:
                loss, after = self._loss(raw, others, inputs, target)
            grads = tape.gradient(loss, raw)
            self._optimizer.apply(grads, self._twins)
            return loss, after

        made: Callable[..., Any] = tf.function(step, reduce_retracing=True)
        return made

    def _jax(self) -> Callable[..., Any]:
        import jax

        def pure(
            weights: list[Any], state: list[Any], others: list[Any], inputs: list[Any], target: Any
        ) -> Any:
            (loss, after), grads = jax.value_and_grad(self._loss, has_aux=True)(
                weights, others, inputs, target
            )
            weights, state = self._optimizer.stateless_apply(state, grads, weights)
            return loss, after, weights, state

        run = jax.jit(pure)

        def step(others: list[Any], inputs: list[Any], target: Any) -> Any:
            weights = [one.value for one in self._twins]
            state = [one.value for one in self._optimizer.variables]
            loss, after, weights, state = run(weights, state, others, inputs, target)
            for twin, value in zip(self._twins, weights, strict=True):
                twin._value = value
            for variable, value in zip(self._optimizer.variables, state, strict=True):
                variable._value = value
            return loss, after

        return step

    def _torch(self) -> Callable[..., Any]:
        import torch

        def step(others: list[Any], inputs: list[Any], target: Any) -> Any:
            weights = [one.value for one in self._twins]
            with torch.enable_grad():
                loss, after = self._loss(weights, others, inputs, target)
                grads = torch.autograd.grad(loss, weights, allow_unused=True)
            with torch.no_grad():
                self._optimizer.apply(list(grads), self._twins)
            return loss.detach(), [one.detach() for one in after]

        return step
