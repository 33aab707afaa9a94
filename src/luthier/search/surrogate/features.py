"""Points of the unit cube as what a kernel compares: choices have no order, grids have steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.core import Categorical, Conditional, Int, Plain, Space

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Features:
    """The columns of a space.

    A number stays its position in [0, 1], on the grid of its range. A choice becomes one column
    for each of its values, so that any two differ by a distance of 1. Where a parameter is
    inactive it is 0.5, so that recipes do not differ in what they do not have.

    Trainings of several lengths have one more column: the logarithm of the length, to the base of
    ten, as a share of the study's own.

    Args:
        space: What may vary.
        lengths: Whether trainings have several lengths.

    >>> from luthier.core import Float, Recipe
    >>> space = Space({"optimizer": Categorical("sgd", "adam"), "dropout": Float(0, 1)}, Recipe())
    >>> Features(space).of(np.array([[0.1, 0.25]])).round(2).tolist()
    [[0.71, 0.0, 0.25]]
    """

    space: Space
    lengths: bool = False

    @cached_property
    def groups(self) -> NDArray[np.intp]:
        """Which parameter each column belongs to."""
        widths = [max(len(self._choices(name)), 1) for name in self.space.parameters]
        widths += [1] if self.lengths else []
        return np.repeat(np.arange(len(widths)), widths)

    def of(self, points: Array, epochs: Sequence[int] = ()) -> Array:
        """Return the columns of points, shape (points, columns).

        Args:
            points: In the unit cube.
            epochs: How long their trainings are; by default as long as the study's.
        """
        columns = []
        for index, name in enumerate(self.space.parameters):
            unit = self._snapped(index, name, points)
            choices = self._choices(name)
            if choices:
                place = np.minimum((unit * len(choices)).astype(int), len(choices) - 1)
                columns.append((place[:, None] == np.arange(len(choices))) / np.sqrt(2))
            else:
                columns.append(unit[:, None])
        if self.lengths:
            own = self.space.baseline.epochs
            columns.append(np.log10(np.array(epochs or [own] * len(points), float) / own)[:, None])
        return np.hstack(columns) if columns else np.zeros((len(points), 0))

    def _choices(self, name: str) -> tuple[Any, ...]:
        domain = self.space.parameters[name]
        return domain.choices if isinstance(domain, Categorical) else ()

    def _snapped(self, index: int, name: str, points: Array) -> Array:
        """Return a parameter's positions as its recipes have them."""
        domain, unit = self.space.parameters[name], points[:, index]
        if not isinstance(domain, Conditional):
            return _on_grid(domain, unit)
        names = list(self.space.parameters)
        if domain.on not in names:
            case = domain.case(self.space.baseline.get(domain.on))
            return np.full(len(unit), 0.5) if case is None else _on_grid(case, unit)
        deciding = self.space.parameters[domain.on]
        if isinstance(deciding, Conditional):
            return unit
        values = [deciding.at(u) for u in points[:, names.index(domain.on)].tolist()]
        snapped = np.full(len(unit), 0.5)
        for value, case in domain.cases.items():
            rows = np.array([v == value for v in values], bool)
            snapped[rows] = _on_grid(case, unit[rows])
        return snapped


def _on_grid(domain: Plain, unit: Array) -> Array:
    """Return the positions that a range's own values have."""
    if isinstance(domain, Int) and (domain.high - domain.low) // domain.step <= 64:
        return np.array([domain.unit(domain.at(u)) for u in unit.tolist()], float)
    if isinstance(domain, Categorical):
        count = len(domain.choices)
        return np.asarray((np.minimum((unit * count).astype(int), count - 1) + 0.5) / count)
    return unit
