"""Preprocessing: fitted constants, applied to any rows with the same columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.core import DataError
from luthier.data.apply import prepared_inputs, prepared_target, prepared_weight
from luthier.data.dataset import Dataset

VERSION = 1


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network says of each row.

    Args:
        values: Labels for classification, of rows or of their positions; numbers in the target's
            own units for regression.
        probabilities: One column a class, on the last axis; None for regression.
        rows: Name of each row, where rows are files.
    """

    values: Any
    probabilities: Any | None = None
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preprocessing:
    """What was learned from the training part, as plain data.

    Args:
        constants: Fills, centres, scales, categories, classes.
        reading: How rows are read: columns and their kinds, or shapes and modes.
    """

    constants: Mapping[str, Any]
    reading: Mapping[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels in the order of the outputs; empty for regression."""
        return tuple(self.constants["classes"])

    def inputs(self, dataset: Dataset, rows: Any | None = None) -> tuple[Any, ...]:
        """Return the inputs of a network, for all rows or some."""
        return prepared_inputs(dict(dataset.raw), self._rows(dataset, rows), dict(self.constants))

    def targets(self, dataset: Dataset, rows: Any | None = None) -> Any:
        """Return class numbers, or standardised numbers of shape (rows, outputs)."""
        if dataset.raw["target"] is None:
            raise DataError(
                f"{dataset.source} was read for prediction: it has no target. Targets come from "
                "data that is learned from. Read it with read(..., target=...)."
            )
        return prepared_target(dict(dataset.raw), self._rows(dataset, rows), dict(self.constants))

    def weights(self, dataset: Dataset, rows: Any | None = None) -> Any | None:
        """Return float32 weights with mean 1 over the training part, or None."""
        return prepared_weight(dict(dataset.raw), self._rows(dataset, rows), dict(self.constants))

    def decode(self, outputs: Any) -> Predictions:
        """Turn a network's outputs into labels and probabilities, or into the target's units."""
        outputs = np.asarray(outputs, np.float64)
        outputs = outputs.reshape(len(outputs), -1)
        if not self.classes:
            scale = np.array(self.constants["target_scale"])
            return Predictions(outputs * scale + np.array(self.constants["target_mean"]))
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        probabilities = powers / powers.sum(axis=1, keepdims=True)
        labels = np.array(self.classes)[probabilities.argmax(axis=1)]
        return Predictions(labels, probabilities)

    def to_json(self) -> dict[str, Any]:
        """Return the constants as plain data; floats survive JSON bit for bit."""
        return {
            "version": VERSION,
            "constants": dict(self.constants),
            "reading": dict(self.reading),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preprocessing:
        """Read what `to_json` wrote."""
        if data.get("version") != VERSION:
            raise DataError(
                f"the preprocessing has version {data.get('version')!r}. This luthier reads "
                f"version {VERSION}. Update luthier, or export again."
            )
        return cls(data["constants"], data["reading"])

    def _rows(self, dataset: Dataset, rows: Any | None) -> Any:
        return np.arange(len(dataset)) if rows is None else rows
