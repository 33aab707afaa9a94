"""A cure: something to try against a problem; and what there is to try it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from luthier.core import EDITS, MODEL_PREFIX, Recipe, Value

GUESSED = frozenset(
    ("learning_rate", "optimizer", "batch_size", "clip_norm", "epsilon", "initialiser", "warmup")
)  # whose one right value no rule knows
_SURE = ("without_last_activation", "relu_between", "train_all")  # edits that mend or do not
_EDITS = f"{MODEL_PREFIX}{EDITS}"


@dataclass(frozen=True)
class Patient:
    """What is to be cured.

    Args:
        recipe: How it is trained.
        edits: Names of the changes to its network that are safe.
        choices: Values that arguments of its builder can have, by recipe key.
        tabular: Whether its rows are a table or other numbers that scaling suits.
        outlying: Whether a few rows have numbers far beyond all others'.
        steps: Of the whole training; 0 where that is not known.
    """

    recipe: Recipe
    edits: tuple[str, ...] = ()
    choices: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    tabular: bool = True
    outlying: bool = False
    steps: int = 0

    def argument(self, name: str, *wanted: Value) -> dict[str, Value]:
        """Return the first of some values that an argument can have and has not; or nothing."""
        key = f"{MODEL_PREFIX}{name}"
        for value in wanted:
            if value in self.choices.get(key, ()) and self.recipe.get(key) != value:
                return {key: value}
        return {}


@dataclass(frozen=True)
class Cure:
    """Something to try.

    Args:
        problem: What it is against.
        advice: For a person.
        settings: New values by recipe key.
        edit: Name of a change to the network, or several joined by ``+``.
        parts: The cures that it is made of, where it is several at once.

    >>> Cure("nan_loss", "Clip gradients", {"clip_norm": 1.0}).on(Recipe()).clip_norm
    1.0
    """

    problem: str
    advice: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    edit: str = ""
    parts: tuple[Cure, ...] = ()

    @property
    def guessed(self) -> bool:
        """Whether only trials tell that it helps: a value among many, or weights drawn anew.

        >>> Cure("x", "", {"learning_rate": 0.1}).guessed, Cure("x", "", {"l2": 0.0}).guessed
        (True, False)
        """
        edits = [*filter(None, self.edit.split("+"))]
        return bool(GUESSED & self.settings.keys()) or not set(edits) <= set(_SURE)

    def beside(self, other: Cure) -> Cure:
        """Return this cure and another one, which decides where both change the same."""
        edits = dict.fromkeys(filter(None, (*self.edit.split("+"), *other.edit.split("+"))))
        parts = (*(self.parts or (self,)), *(other.parts or (other,)))
        advice = f"{self.advice}; {other.advice[:1].lower()}{other.advice[1:]}"
        settings = {**self.settings, **other.settings}
        return Cure(self.problem, advice, settings, "+".join(edits), parts)

    def on(self, recipe: Recipe) -> Recipe:
        """Return a recipe with it."""
        changes: dict[str, Value] = dict(self.settings)
        if self.edit:
            names = [*filter(None, str(recipe.get(_EDITS) or "").split("+"))]
            changes[_EDITS] = "+".join(dict.fromkeys([*names, *self.edit.split("+")]))
        return recipe.replace(changes)
