"""A live Keras network as pure functions of its variables' values."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keras import ops

from luthier.engines.keras_eager.backends import Backend
from luthier.engines.keras_eager.dropout import Recording, replaced

_TINY = 1e-7  # Keras' own bound of probabilities


@dataclass(frozen=True, eq=False)
class Network:
    """A network's forward passes.

    Args:
        model: The live network; its own values are never used.
        names: Of all variables: those that train, then the others, as Keras lists them.
        trainable: Names of those that train, kernels first.
        buffers: Names of the others: statistics, seeds, and weights that are frozen.
        changing: Which buffers a training pass may change: all but frozen weights.
        averaged: Which buffers a running mean of weights covers: statistics.
        kernels: How many of the trainable ones are kernels.
        link: What turns outputs into logits.
    """

    model: Any
    names: tuple[str, ...]
    trainable: tuple[str, ...]
    buffers: tuple[str, ...]
    changing: tuple[str, ...]
    averaged: tuple[str, ...]
    kernels: int
    link: str

    @classmethod
    def of(cls, model: Any, names: Sequence[str], kernels: Sequence[str], link: str) -> Network:
        """Read a live network, whose variables have these names in this order."""
        count = len(model.trainable_variables)
        trained, others = tuple(names[:count]), tuple(names[count:])
        own = {id(v) for layer in model._flatten_layers() for v in layer._trainable_variables}
        kinds = {
            name: str(v.dtype)
            for name, v in zip(others, model.non_trainable_variables, strict=True)
            if id(v) not in own
        }
        statistics = tuple(name for name, kind in kinds.items() if "float" in kind)
        chosen = set(kernels)
        first = tuple(name for name in trained if name in chosen)
        rest = tuple(name for name in trained if name not in chosen)
        return cls(
            model, tuple(names), first + rest, others, tuple(kinds), statistics, len(first), link
        )

    def train(
        self, tensors: dict[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any], Any]:
        """Return outputs in training mode, new buffers, and the network's own penalties."""
        count = len(self.trainable)
        values = [tensors[name] for name in self.names]
        outputs, changed, own = self.model.stateless_call(
            values[:count], values[count:], _fed(inputs), return_losses=True, **self._mode(True)
        )
        new = {
            name: ops.cast(value, tensors[name].dtype)
            for name, value in zip(self.buffers, changed, strict=True)
        }
        return self._logits(outputs), new, sum(own) if own else None

    def evaluate(self, tensors: dict[str, Any], inputs: tuple[Any, ...]) -> Any:
        """Return outputs in inference mode."""
        count = len(self.trainable)
        values = [tensors[name] for name in self.names]
        outputs, _ = self.model.stateless_call(
            values[:count], values[count:], _fed(inputs), **self._mode(False)
        )
        return self._logits(outputs)

    def _mode(self, training: bool, /) -> dict[str, bool]:
        """Return what to call the network with: `fit` gives no mode to a `call` that takes none."""
        return {"training": training} if self.model._call_has_training_arg else {}

    def rates(
        self, backend: Backend, tensors: dict[str, Any], inputs: tuple[Any, ...]
    ) -> tuple[float, ...]:
        """Return the rate of each dropout call of a training pass."""
        recording = Recording()

        def passed() -> Any:
            recording.rates.clear()
            return self.train(tensors, inputs)[0]

        # A network that cannot train says so when it is to train.
        with replaced(recording), suppress(Exception):
            backend.abstract(passed)
        return tuple(recording.rates)

    def _logits(self, outputs: Any) -> Any:
        """Return a matrix of logits, or of predictions."""
        if len(outputs.shape) == 1:
            outputs = ops.expand_dims(outputs, 1)
        if self.link == "identity":
            return outputs
        outputs = ops.clip(outputs, _TINY, 1.0 if self.link == "log" else 1.0 - _TINY)
        return ops.log(outputs) - (ops.log1p(-outputs) if self.link == "logit" else 0.0)


def _fed(inputs: tuple[Any, ...]) -> Any:
    return inputs[0] if len(inputs) == 1 else list(inputs)
