"""A glimpse: does the first advice help the very next steps of a loop that is running?"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from luthier.core import Diagnosis, Recipe, Watcher, WatchError
from luthier.diagnosis.cures import Cure, Patient, cures
from luthier.proof.paired import Paired, paired

HORIZON = (
    "Short horizon: this is what the next steps come to, and not what the whole training would. "
    "Warm-up, decay and regularisers show later; luthier.repair trains to the end."
)
_SAID = {
    "lower": "helps",
    "higher": "does harm",
    "undecided": "makes no difference that is beyond noise",
}


@dataclass(frozen=True)
class Glimpse:
    """What the first advice did for some steps, against doing nothing on the same batches.

    Args:
        problem: What it is against; empty where there was nothing to try.
        advice: In words.
        settings: Old and new value by recipe key.
        plain: Loss of each step as they would have come.
        changed: Loss of each step with the advice.
        outcome: What the two come to; None where there was nothing to try.
        reason: Why there was not.
    """

    problem: str = ""
    advice: str = ""
    settings: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    plain: tuple[float, ...] = ()
    changed: tuple[float, ...] = ()
    outcome: Paired | None = None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """``helps``, ``does harm``, ``makes no difference …``; empty where nothing was tried."""
        return "" if self.outcome is None else _SAID[self.outcome.verdict]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = self.outcome
        return {
            "problem": self.problem or None,
            "advice": self.advice or None,
            "settings": {key: list(pair) for key, pair in self.settings.items()},
            "horizon": "short",
            "steps": len(self.plain),
            "verdict": None if found is None else found.verdict,
            "loss": None if found is None else [found.first, found.second],
            "p_value": None if found is None else found.p_value,
            "reason": self.reason or None,
        }

    def __str__(self) -> str:
        if self.outcome is None:
            return f"Nothing was tried: {self.reason}."
        settings = ", ".join(f"{k}: {_number(a)} → {_number(b)}" for k, (a, b) in _items(self))
        chance = "" if self.outcome.p_value is None else f" (p = {self.outcome.p_value:.2g})"
        text = (
            f"Over the next {len(self.plain)} steps, {self.advice[:1].lower()}{self.advice[1:]} "
            f"[{settings}], against {self.problem}, {self.verdict}: loss "
            f"{_number(self.outcome.second)} instead of {_number(self.outcome.first)} on the same "
            f"batches{chance}. Nothing of yours was changed."
        )
        return "\n".join(textwrap.wrap(text, 96) + textwrap.wrap(HORIZON, 96))


def glimpse(
    watcher: Watcher,
    diagnosis: Diagnosis,
    recipe: Recipe | None,
    step: Callable[[Any], Any],
    batches: Sequence[Any],
    *,
    seconds: float,
    keep: Sequence[Any] = (),
) -> Glimpse:
    """Take some steps twice, as they would come and with the first advice; put everything back.

    Args:
        watcher: Who looks on.
        diagnosis: What is wrong so far.
        recipe: How the loop trains, as far as that was seen.
        step: Takes a batch, makes a whole step, and returns its loss.
        batches: One a step.
        seconds: For both together.
        keep: What else a step changes.

    Raises:
        WatchError: for batches that are none.
    """
    rows = list(batches)
    if not rows:
        raise WatchError(
            "prove was given no batches to take steps on. Give a list of some: "
            "run.prove(step, list(itertools.islice(loader, 100)))."
        )
    found = [one for one in diagnosis.findings if one.severity != "info"]
    if not found:
        return Glimpse(reason="nothing wrong was found so far")
    if recipe is None:
        return Glimpse(reason="the optimizer is of a kind that is not known")
    tried = next((c for c in cures(found, Patient(recipe)) if _live(c, watcher.live)), None)
    if tried is None:
        advice = next((p.advice for one in found for p in one.prescriptions), "see the findings")
        return Glimpse(
            found[0].problem,
            reason=f"what helps against {found[0].problem} is no setting of an optimizer that "
            f"runs ({advice.rstrip('.')})",
        )
    settings = {key: (recipe.get(key), new) for key, new in tried.settings.items()}
    plain, changed = watcher.fork(step, rows, settings, seconds, keep)
    return Glimpse(
        tried.problem,
        tried.advice,
        settings,
        tuple(plain),
        tuple(changed),
        paired(plain, changed),
    )


def _live(cure: Cure, live: frozenset[str]) -> bool:
    return not cure.edit and bool(cure.settings) and set(cure.settings) <= live


def _items(one: Glimpse) -> list[tuple[str, tuple[Any, Any]]]:
    return list(one.settings.items())


def _number(value: Any) -> str:
    if value is None:
        return "no number"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
