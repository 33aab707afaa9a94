"""One data set, split once, prepared for whatever preprocessing a recipe asks for."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

import numpy as np

from luthier.core import Arrays, Recipe
from luthier.data import TEST, Dataset, Prepared, SplitPlan, Splits, prepare, split

KEPT = 4  # prepared versions in memory at a time: a default space has three


@dataclass(eq=False)
class Preparation:
    """Splits a data set, and remembers what it was prepared to.

    Args:
        dataset: The data.
        plan: How to split it.
        metric: The metric that decides; None takes the task's default.
        also: Further metrics to show.
    """

    dataset: Dataset
    plan: SplitPlan
    metric: str | None = None
    also: tuple[str, ...] = ()
    splits: Splits = field(init=False)
    _prepared: OrderedDict[tuple[str, ...], Prepared] = field(
        init=False, default_factory=OrderedDict
    )

    _again: dict[int, Preparation] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.splits = split(self.dataset, self.plan)

    def prepared(self, recipe: Recipe) -> Prepared:
        """Return arrays and fitted preprocessing for a recipe.

        Raises:
            DataError: when the data does not suit what the recipe asks for.
        """
        key = (recipe.preprocessing, recipe.encoding, recipe.imputation)
        if key not in self._prepared:
            self._prepared[key] = prepare(
                self.dataset, self.splits, recipe, metric=self.metric, also=self.also
            )
        self._prepared.move_to_end(key)
        while len(self._prepared) > KEPT:
            self._prepared.popitem(last=False)
        return self._prepared[key]

    def arrays(self, recipe: Recipe) -> Arrays:
        """Return the arrays alone."""
        return self.prepared(recipe).arrays

    def again(self, seed: int) -> Preparation:
        """Return the same rows with other ones to train and to validate on; test rows stay.

        Args:
            seed: Draws them, stratified and by groups as before.
        """
        if seed not in self._again:
            raw = self.dataset.raw
            part = np.zeros(len(self.dataset), np.int64)
            part[self.splits.test] = TEST
            # The share of the rows that are left, so that parts are as large as before.
            share = len(self.splits.val) / (len(self.splits.val) + len(self.splits.train))
            dataset = replace(self.dataset, raw={**raw, "given": part})
            plan = SplitPlan(test=0.0, val=share, seed=seed)
            self._again[seed] = Preparation(dataset, plan, self.metric, self.also)
        return self._again[seed]
