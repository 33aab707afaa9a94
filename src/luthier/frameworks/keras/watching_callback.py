"""The callback that `fit` calls: it counts, and hands on what is worth a look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from luthier.frameworks.keras.watching import KerasWatcher


class WatchCallback(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Follows one training through `fit`; a subclass says what is done with what is seen.

    Nothing is hooked to the end of steps: there Keras would wait for each step's numbers.
    """

    def __init__(self) -> None:
        super().__init__()
        self._watcher = KerasWatcher()
        self._start = self._last = 0
        self._stride = 1

    def began(self, model: Any) -> None:
        """A `fit` has begun; the watcher may be exchanged now."""

    def logged(self, epoch: int, values: dict[str, float]) -> None:
        """An epoch has ended."""

    def ended(self) -> None:
        """A `fit` has ended."""

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin to look on."""
        model = self._model
        self.began(model)
        self._stride = int(getattr(model, "steps_per_execution", 1) or 1)
        self._watcher.begin(model)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Take note of where the epoch's steps begin."""
        self._start, self._last = self._watcher.steps, -self._stride
        self._watcher.epoch_begins()

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Look, if this step or the one before is due. Every step comes here."""
        self._last = batch
        if self._start + batch >= self._watcher.wake:
            self._watcher.awake(self._start + batch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Hand on what the epoch logged."""
        steps = self._last + self._stride
        planned = (self.params or {}).get("steps")
        self._watcher.stepped(min(steps, planned) if planned and self._stride > 1 else steps)
        self.logged(epoch, self._watcher.epoch_ends(logs or {}))

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Let go of everything."""
        self.ended()
