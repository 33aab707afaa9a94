"""A few rows of a watched `fit`: what the set-up rules can tell without a copy.

They go forward through the model with the weights that it began with. That is done when somebody
asks and `fit` is over, or while it runs where that takes next to no time.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from luthier.core import LayerFacts
from luthier.frameworks.keras.watching_data import array_of
from luthier.frameworks.keras.watching_fit import Fit
from luthier.frameworks.keras.watching_state import State, copied

Array = NDArray[Any]
ROWS = 64  # that go through the model
LEAST = 8  # with fewer, a loss of guessing is that of chance
VALUES = 4_000_000  # of inputs that are kept: of large rows there are fewer
LABELS = 100_000  # targets that are looked at
WEIGHTS = 2_000_000  # of a larger model no copy is kept: it is called with the weights of the end
WHOLE = 50_000_000  # values that are searched for what is no number, once a loss is none
_MIXES = ("BatchNormalization",)


class FirstRows:
    """Keeps a few rows and the first weights, and measures them once.

    Args:
        model: The model, built and compiled.
        fit: What `fit` was called with.
        state: Where the model's numbers are.
        custom: Whether the model computes its loss in a way of its own.
    """

    def __init__(self, model: Any, fit: Fit, state: State, *, custom: bool) -> None:
        self._model = weakref.ref(model)
        self._custom = custom
        given = fit.x if isinstance(fit.x, (list, tuple)) else [fit.x]
        inputs, y = [array_of(one) for one in given], array_of(fit.y)
        self._rows: tuple[list[Array], Array] | None = None
        self._labels: Array | None = None
        self._weights: tuple[list[Array], list[Array]] | None = None
        whole = [one for one in inputs if one is not None]
        if y is None or len(whole) < len(inputs) or not whole or len(y) < LEAST:
            return
        if any(len(one) != len(y) for one in whole):
            return
        width = max(sum(one[:1].size for one in whole), 1)
        count = min(ROWS, max(VALUES // width, LEAST), len(y))
        chosen = np.linspace(0, len(y) - 1, count).astype(int)
        self._rows = [_fed(one[chosen]) for one in whole], y[chosen]
        self._labels = y[:: max(len(y) // LABELS, 1)].copy()
        held = state.weights(), state.others()
        if sum(math.prod(one.shape) for part in held for one in part) <= WEIGHTS:
            self._weights = tuple([copied(one, 0) for one in part] for part in held)  # type: ignore[assignment]

    @property
    def waits(self) -> bool:
        """Whether there are rows that were not measured."""
        return self._rows is not None and self._model() is not None

    def measure(self) -> dict[str, Any]:
        """Measure, and let go of everything; return facts by the names that rules read."""
        from luthier.frameworks.keras.inspecting import first_look
        from luthier.frameworks.keras.inspecting.layer_facts import layer_facts
        from luthier.frameworks.keras.inspecting.loss_facts import Compiled
        from luthier.frameworks.keras.inspecting.metric_facts import metric_facts
        from luthier.frameworks.keras.inspecting.net import Net
        from luthier.frameworks.keras.inspecting.untouched import untouched

        model, rows, labels = self._model(), self._rows, self._labels
        weights = self._weights
        self._rows = self._labels = self._weights = None
        if model is None or rows is None or labels is None:
            return {}
        inputs, target = rows
        with untouched(model):
            net = Net(model, weights)
            given = None if self._custom else first_look.plain_loss(model.loss)
            loss = None if given is None else Compiled(given)
            seen = first_look.look(net, loss, inputs, target)
            asked = metric_facts(model, seen.facts, seen.loss, seen.outputs, target)
            cut: Sequence[str] = ()
            held: Sequence[LayerFacts] = ()
            if loss is not None and seen.facts.finite and not seen.loss.error:
                grads = first_look.gradients_of(net, loss, inputs, target)
                cut = first_look.cut_off(net, seen.made, grads)
                held = layer_facts(model, net.weights, seen.made, grads)
            sizes = {v.path: math.prod(v.shape) for v in model.trainable_variables}
        named = {path.removeprefix(f"{model.name}/"): size for path, size in sizes.items()}
        found: dict[str, Any] = {
            "first_batch": {
                "data": first_look.targets_of(labels),
                "output": asdict(seen.facts),
                "loss": asdict(seen.loss),
                "metrics": [asdict(one) for one in asked],
                "layers": [asdict(one) for one in held],
            }
        }
        if cut:
            share = sum(named.get(name, 0) for name in cut) / max(sum(named.values()), 1)
            found |= {"without_gradient": tuple(cut), "without_gradient_share": share}
        if seen.note:
            found["note"] = seen.note
        return found


def is_fair(model: Any, loss: Any) -> bool:
    """Tell whether a training loss would be the same in evaluation mode, but for the weights.

    Nothing draws random numbers or mixes rows, and labels are not smoothed.
    """
    if loss.settings.get("label_smoothing"):
        return False
    return not any(map(_differs, model._flatten_layers(include_self=False)))


def bad_values(fit: Fit) -> tuple[int, int] | None:
    """Return how many inputs are no numbers, and of how many rows; None for none."""
    given = fit.x if isinstance(fit.x, (list, tuple)) else [fit.x]
    bad, rows = 0, 0
    for one in map(array_of, given):
        if one is not None and one.dtype.kind == "f" and one.size <= WHOLE:
            bad, rows = bad + int((~np.isfinite(one)).sum()), len(one)
    return (bad, rows) if bad else None


def _differs(layer: Any) -> bool:
    """Tell whether a layer does in training what it does not in evaluation."""
    if type(layer).__name__ in _MIXES:
        return bool(layer.trainable)
    rates = ("rate", "dropout", "recurrent_dropout", "_dropout", "stddev")
    drawn = [getattr(layer, name, None) for name in rates]
    if any(isinstance(one, float) and one > 0.0 for one in drawn):
        return True
    # Augmentation, and layers of the user's own, may do anything.
    kind = type(layer)
    own = not kind.__module__.startswith("keras.") and getattr(
        layer, "_call_has_training_arg", False
    )
    return kind.__name__.startswith("Random") or bool(own)


def _fed(rows: Array) -> Array:
    """Return rows as `fit` feeds them: numbers in Keras' own precision."""
    if rows.dtype == np.float64 and keras.config.floatx() == "float32":
        return rows.astype(np.float32)
    return np.array(rows)
