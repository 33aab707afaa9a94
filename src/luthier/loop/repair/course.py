"""Where a repair stands: what was tried, what was taken, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from luthier.core import Finding, Recipe, Step, Trial
from luthier.diagnosis.cures import Cure


@dataclass(frozen=True)
class Tried:
    """One cure that was tried.

    Args:
        cure: It.
        recipe: The recipe with it, and with what was taken before.
        trial: Its training, as far as it went; None where the budget did not reach.
        taken: Whether it is part of the repair.
    """

    cure: Cure
    recipe: Recipe
    trial: Trial | None
    taken: bool = False


@dataclass(frozen=True)
class Course:
    """Where a repair stands.

    Args:
        steps: What is to be trained next; nothing once it is decided.
        findings: What was wrong.
        taken: The changes, in the order in which they were found.
        tried: All that was tried.
        after: The repaired recipe; the given one where nothing helped.
    """

    steps: tuple[Step, ...] = ()
    findings: tuple[Finding, ...] = ()
    taken: tuple[Cure, ...] = ()
    tried: tuple[Tried, ...] = ()
    after: Recipe = field(default_factory=Recipe)

    @property
    def healthy(self) -> bool:
        """Whether nothing called for a repair."""
        return all(one.severity == "info" for one in self.findings)

    def taking(self, best: Tried) -> Course:
        """Return it with a cure, or with its parts.

        What it replaces is out, for a rate is raised once.
        """
        settings = best.cure.settings.keys()
        edits = {*best.cure.edit.split("+"), ""}
        kept = tuple(
            one
            for one in self.taken
            if not (one.settings.keys() <= settings and {*one.edit.split("+")} <= edits)
        )
        parts = best.cure.parts or (best.cure,)
        return replace(self, taken=(*kept, *parts), after=best.recipe)
