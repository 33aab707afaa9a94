"""Score the models that need no network, on the rows that the networks were scored on."""

from __future__ import annotations

from luthier.core import DataError
from luthier.data import fit_references
from luthier.loop.assembly import Assembly
from luthier.loop.training.scoring import part_scores
from luthier.report.summary import Beside


def references(parts: Assembly, seed: int) -> tuple[Beside, ...]:
    """Return what a linear model and boosted trees reach; nothing where rows are no table.

    The test part was opened for the networks already: nothing is chosen by it here.

    Args:
        parts: Data and its splits.
        seed: Of the trees.
    """
    recipe = parts.recipe
    if recipe.preprocessing == "tokens":
        return ()
    try:
        arrays = parts.preparation.arrays(recipe.replace({"encoding": "onehot"}))
    except DataError:
        return ()
    test = arrays.test
    return tuple(
        Beside(
            name=one.name,
            validation=part_scores(arrays, one.outputs(arrays.val), arrays.val),
            test=(
                part_scores(arrays, one.outputs(test), test)
                if test is not None and len(test)
                else {}
            ),
            seconds=one.seconds,
        )
        for one in fit_references(arrays, seed=seed)
    )
