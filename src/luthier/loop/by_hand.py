"""A recipe as a person fills it into a form."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.core import Categorical, Int, LuthierError, Plain, Recipe, Space, Value


def recipe_by_hand(space: Space, base: Recipe, values: Mapping[str, str]) -> Recipe:
    """Return a recipe of a space, read from texts.

    Args:
        space: Says what may vary, and within which ranges.
        base: Has the value of what is left out, or empty.
        values: By parameter; of a choice, its index. What is inactive is ignored.

    Raises:
        LuthierError: for what is no parameter, no number, or outside of its range.

    >>> from luthier.core import Float
    >>> space = Space({"learning_rate": Float(1e-4, 1e-1, log=True)})
    >>> recipe_by_hand(space, Recipe(), {"learning_rate": "0.02"}).learning_rate
    0.02
    """
    if unknown := sorted(set(values) - set(space.parameters)):
        raise LuthierError(
            f"'{unknown[0]}' is no parameter of this study. It searches: "
            f"{', '.join(space.parameters)}."
        )
    recipe = base
    for name in space.parameters:
        domain, text = space.active(name, recipe), str(values.get(name, "")).strip()
        if domain is not None and text:
            recipe = recipe.replace({name: _read(name, domain, text)})
    return recipe


def _read(name: str, domain: Plain, text: str) -> Value:
    if isinstance(domain, Categorical):
        if text.isdecimal() and int(text) < len(domain.choices):
            return domain.choices[int(text)]
        raise LuthierError(f"{name} has {len(domain.choices)} choices, and none of number '{text}'")
    try:
        value: Value = int(text) if isinstance(domain, Int) else float(text)
    except ValueError:
        kind = "whole number" if isinstance(domain, Int) else "number"
        raise LuthierError(f"{name} is '{text}', which is no {kind}") from None
    if value not in domain:
        raise LuthierError(
            f"{name} is {text}, and is searched from {domain.low:g} to {domain.high:g}"
        )
    return value
