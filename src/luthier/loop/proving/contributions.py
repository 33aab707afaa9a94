"""What each test row adds to a training's score: what verdicts are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from luthier.catalog import metrics
from luthier.core import Cost, Part, Recipe, State, Task, Trial
from luthier.loop.assembly import Assembly
from luthier.loop.comparing.costs import cost_of
from luthier.loop.training.scoring import in_units
from luthier.proof.pseudovalues import blocks, pseudovalues

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


def row_contributions(parts: Assembly, recipe: Recipe, state: State) -> Array:
    """Return what each test row, or group of rows, contributes to a training's score.

    Two numbers that are none where there is no test part.
    """
    arrays = parts.preparation.arrays(recipe)
    if arrays.test is None:
        return np.full(2, np.nan)
    model = parts.framework.restore(parts.build, recipe, arrays.task, state)
    outputs = parts.framework.outputs(model, arrays.test, arrays.task)
    return contributions(arrays.task, outputs, arrays.test, row_units(parts, arrays.test))


def row_units(parts: Assembly, part: Part) -> Array:
    """Return the group of each row; every row its own where there are none."""
    group = parts.preparation.dataset.raw["group"]
    return np.arange(len(part)) if group is None else np.asarray(group)[part.rows]


def contributions(task: Task, outputs: Array, part: Part, units: Array) -> Array:
    """Return what each unit of rows contributes to the deciding metric, in its own units.

    Args:
        task: Names the metric.
        outputs: Of a network, rows first.
        part: Targets and weights.
        units: Rows with equal values stay together.
    """
    metric = metrics.by_name(task.metric)
    outputs, target = in_units(task, outputs, part.target)
    without = metric.without(outputs, target, part.weight, blocks(units))
    return pseudovalues(metric.compute(outputs, target, part.weight), without)


def recipe_cost(parts: Assembly, trials: Sequence[Trial], state: State) -> Cost:
    """Return what a recipe costs; its latency is timed on the validation rows.

    Args:
        parts: Builder, data and framework.
        trials: The recipe's trainings.
        state: After the first of them.
    """
    recipe = trials[0].recipe
    arrays = parts.preparation.arrays(recipe)
    model = parts.framework.restore(parts.build, recipe, arrays.task, state)

    def predict() -> Array:
        outputs: Array = parts.framework.outputs(model, arrays.val, arrays.task)
        return outputs

    return cost_of(state, trials, predict, len(arrays.val))
