"""A start within the limits: where the sound default is too large, the largest that is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from luthier.core import MODEL_PREFIX, History, LuthierError, Recipe, Space, StudyRecord
from luthier.loop.assembly import Assembly
from luthier.loop.limits import Limits
from luthier.search.quasirandom import new_recipes

_TRIED = 64  # networks built to find one that fits: some milliseconds each


def within_limits(
    record: StudyRecord, parts: Assembly, limits: Limits, *, given: bool
) -> StudyRecord:
    """Return a study's record whose baseline keeps the limits.

    Of networks spread over the space, the largest that keeps them takes the default's place; all
    else of the recipe stays.

    Args:
        record: Of a study that begins.
        parts: Builds and measures networks.
        limits: What they may cost.
        given: Whether the user said which network to start from: that is not changed silently.

    Raises:
        LuthierError: where the user's recipe is over a limit, or every network is.
    """
    if not limits.most:
        return record
    first = record.space.baseline
    over = _passed(parts, limits, first)
    if over is None:
        return record
    if given:
        raise LuthierError(
            f"the recipe to start from is {over}. Start from a smaller network, or raise the limit."
        )
    names = [name for name in record.space.parameters if name.startswith(MODEL_PREFIX)]
    space = Space({name: record.space.parameters[name] for name in names}, first)
    tried = new_recipes(space, History(), _TRIED)
    sizes = [(_parameters(parts, recipe), index) for index, recipe in enumerate(tried)]
    for _, index in sorted(sizes, reverse=True):
        if _passed(parts, limits, tried[index]) is None:
            said = f"the default network is {over}: the largest found within it began the search"
            space = replace(record.space, baseline=tried[index])
            return replace(record, space=space, about={**record.about, "start": said})
    raise LuthierError(
        f"the default network is {over}, and so was each of {len(tried)} others of the space. "
        "Raise the limit, or widen the space towards smaller networks: --space FILE."
    )


def names_network(recipe: object) -> bool:
    """Tell whether what a user starts from says anything of the network's own arguments.

    >>> names_network({"epochs": 5}), names_network({"model": {"width": 8}})
    (False, True)
    """
    if isinstance(recipe, Mapping):
        return any(str(key).partition(".")[0] == "model" for key in recipe)
    return recipe is not None


def _parameters(parts: Assembly, recipe: Recipe) -> int:
    captured = parts.framework.capture(parts.build, recipe, parts.preparation.arrays(recipe), 0)
    return captured.n_parameters


def _passed(parts: Assembly, limits: Limits, recipe: Recipe) -> str | None:
    arrays = parts.preparation.arrays(recipe)
    captured = parts.framework.capture(parts.build, recipe, arrays, 0)
    return limits.passed(limits.measured(parts.framework, parts.build, captured, arrays))
