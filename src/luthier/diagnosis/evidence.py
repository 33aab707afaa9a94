"""What rules read off a run, and how they hand out settings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from luthier.core import Prescription, Run, Series

DRAWN = 48  # points of a curve that go into a finding: two a character of its sparkline


def curve(name: str, series: Sequence[float]) -> dict[str, tuple[float | None, ...]]:
    """Return a series as evidence, thinned to what is drawn of it.

    >>> curve("loss", (1.0, math.nan))
    {'loss': (1.0, None)}
    """
    if len(series) > DRAWN:
        series = [series[round(i * (len(series) - 1) / (DRAWN - 1))] for i in range(DRAWN)]
    return {name: tuple(one if math.isfinite(one) else None for one in series)}


def finite(series: Series) -> list[float]:
    """Return the values up to the first one that is no number.

    >>> finite((2.0, 1.0, math.nan, 3.0))
    [2.0, 1.0]
    """
    end = next((i for i, one in enumerate(series) if not math.isfinite(one)), len(series))
    return list(series[:end])


def lowered(run: Run, advice: str, *, by: float, key: str = "learning_rate") -> Prescription:
    """Advise to divide a setting, with the numbers of the recipe at hand, if there is one."""
    return changed(run, advice, {} if run.recipe is None else {key: run.recipe.get(key) / by})


def changed(run: Run, advice: str, settings: dict[str, float | int | str]) -> Prescription:
    """Advise new settings; without a recipe the advice stands alone."""
    if run.recipe is None:
        return Prescription(advice)
    old = {key: run.recipe.get(key) for key in settings}
    pairs = {key: (old[key], _short(new)) for key, new in settings.items() if new != old[key]}
    return Prescription(advice, change=pairs)


def _short(value: float | int | str) -> float | int | str:
    """Return a number that a person would write."""
    return float(f"{value:.2g}") if isinstance(value, float) else value
