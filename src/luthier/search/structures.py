"""New structures in moderation: each costs a compiled program, and all else is free."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from luthier.core import (
    MODEL_PREFIX,
    STRUCTURE,
    Conditional,
    Domain,
    Float,
    History,
    Recipe,
    Space,
)


def with_few_structures(
    recipes: Sequence[Recipe],
    space: Space,
    history: History,
    *,
    share: float = 0.5,
    parents: int = 3,
) -> list[Recipe]:
    """Return recipes of which few have a structure that no trial has had.

    A program is compiled for each network, optimizer and batch size, in the time in which it
    trains a thousand epochs of a small network. So new ones may take a share of the time, and
    recipes beyond that borrow the structure of trials that did well, each in turn, and differ in
    everything else. A recipe that comes out as one of before is left out.

    Where `History.reads_rates` says so, a network's own numbers with a decimal point are taken to
    be what one program reads as it runs, as a rate of dropout is: no shape can depend on them.

    Args:
        recipes: What a strategy would try.
        space: Its baseline's structure is there from the start.
        history: The trials so far; where its `setup` is 0, all recipes stay as they are.
        share: Of the time, for new structures: with half of it what is left of a speed-up of n
            is n / 2, and the search sees as many structures as it can pay for.
        parents: How many of the best structures are borrowed from; a single one would be a bet.
    """
    if not history.setup:
        return list(recipes)
    own = _read(space) if history.reads_rates else frozenset()
    known = _ranked(space, history, own)
    room = int(share * history.seconds / history.setup) - (len(known) - 1)
    seen = {trial.recipe.identity for trial in history.trials}
    chosen: list[Recipe] = []
    for index, recipe in enumerate(recipes):
        kept, structure = recipe, _structure(recipe, own)
        if structure not in known:
            if room > 0:
                room -= 1
                known[structure] = recipe
            else:
                lender = list(known.values())[index % min(parents, len(known))]
                kept = _borrowed(space, recipe, lender, own)
        if kept.identity not in seen:
            seen.add(kept.identity)
            chosen.append(kept)
    return chosen


def _read(space: Space) -> frozenset[str]:
    """Return the names of what a program reads as it runs."""
    return frozenset(
        name
        for name, domain in space.parameters.items()
        if name.startswith(MODEL_PREFIX) and _is_float(domain)
    )


def _is_float(domain: Domain) -> bool:
    cases = domain.cases.values() if isinstance(domain, Conditional) else (domain,)
    return all(isinstance(case, Float) for case in cases)


def _borrowed(space: Space, recipe: Recipe, lender: Recipe, own: frozenset[str]) -> Recipe:
    """Return a recipe with another one's structure; a rate keeps its place within its range."""
    pairs = zip(space.parameters, space.encode(recipe), space.encode(lender), strict=True)
    return space.decode(
        [lent if _structural(name) and name not in own else mine for name, mine, lent in pairs]
    )


def _structural(name: str) -> bool:
    return name in STRUCTURE or name.startswith(MODEL_PREFIX)


def _structure(recipe: Recipe, own: frozenset[str]) -> Hashable:
    """Return `Recipe.structure` without some arguments, as something to compare."""
    if not own:  # the recipe remembers it
        return recipe.structure
    kept = {name: value for name, value in recipe.model.items() if MODEL_PREFIX + name not in own}
    return (
        *(getattr(recipe, name) for name in STRUCTURE if name != "model"),
        *sorted(kept.items()),
    )


def _ranked(space: Space, history: History, own: frozenset[str]) -> dict[Hashable, Recipe]:
    """Return a recipe of each structure so far, the best first."""
    trials = sorted(history.trials, key=lambda trial: (history.loss(trial), trial.number))
    found: dict[Hashable, Recipe] = {}
    for recipe in (*(trial.recipe for trial in trials), space.baseline):
        found.setdefault(_structure(recipe, own), recipe)
    return found
