"""Verdict and Proof: whether one recipe is better than another, with all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf, isfinite
from typing import Any

from luthier.core.cost import Cost


@dataclass(frozen=True)
class Verdict:
    """What can be said of a candidate against a baseline; positive differences are gains.

    Args:
        verdict: better, worse, equivalent or undecided.
        difference: Mean gain on test rows.
        interval: 95 % interval over fresh seeds and fresh rows.
        seed_interval: The same over fresh seeds alone, on these rows: training noise; None where
            each was trained once.
        p_value: Two-sided, against no difference.
        level: What the p-value must not exceed, at this look.
        superiority: Chance that one training of the candidate beats one of the baseline; None
            where each was trained once.
        seeds: Trainings of each.
        rows: Test rows, groups, or blocks of rows that were taken together; 0 where scores of
            runs are all that is known.
        detectable: Smallest difference that would have been claimed four times in five.
        more_seeds: How many more of each would resolve a difference as large; infinite where
            test rows are what is short.
        min_difference: What is too small to matter; None where nobody said.
        p_equivalence: Against a difference of that size or more.
    """

    verdict: str
    difference: float
    interval: tuple[float, float]
    seed_interval: tuple[float, float] | None
    p_value: float
    level: float
    superiority: float | None
    seeds: int
    rows: int
    detectable: float
    more_seeds: float
    min_difference: float | None = None
    p_equivalence: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; null is what no number of seeds resolves."""
        more = int(self.more_seeds) if isfinite(self.more_seeds) else None
        return {
            "verdict": self.verdict,
            "difference": self.difference,
            "interval": list(self.interval),
            "seed_interval": None if self.seed_interval is None else list(self.seed_interval),
            "p_value": self.p_value,
            "level": self.level,
            "superiority": self.superiority,
            "seeds": self.seeds,
            "rows": self.rows,
            "detectable": self.detectable,
            "more_seeds": more,
            "min_difference": self.min_difference,
            "p_equivalence": self.p_equivalence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Verdict:
        """Read what `to_json` wrote, among other keys."""
        known = {one.name: data[one.name] for one in fields(cls)}
        more = known["more_seeds"]
        reach = known["seed_interval"]
        known |= {
            "interval": tuple(known["interval"]),
            "seed_interval": None if reach is None else tuple(reach),
            "more_seeds": inf if more is None else float(more),
        }
        return cls(**known)


@dataclass(frozen=True)
class Proof:
    """What confirming a study's winner against its baseline came to.

    Args:
        verdict: None where nothing is claimed.
        reason: Why nothing is.
        seeds: That the winner was trained with.
        baseline_seeds: That the baseline was trained with.
        best: Test score of each seed of the winner.
        baseline: The same of the baseline.
        best_interval, baseline_interval: 95 % intervals of those scores' means, over seeds.
        planned: Numbers of seeds at which a look was planned.
        looks: How many were taken.
        openings: How often the test part was opened before; None where it was not opened now.
        method: Of the verdict, in words.
        detectable: Without a verdict: the smallest difference that these test rows could have
            shown, had training no noise at all; None where that is not known.
        own: Test scores of the two trainings that the search compared, winner and baseline: a
            claim that they contradict is not made. None where they are not known.
        against: What the winner is held against, in words.
        tuned: Whether that was tuned as well, in a study of its own.
        best_cost, baseline_cost: What either costs.
        cost: Which of the costs decides where the verdict is that both are equivalent.
    """

    verdict: Verdict | None = None
    reason: str = ""
    seeds: tuple[int, ...] = ()
    baseline_seeds: tuple[int, ...] = ()
    best: tuple[float, ...] = ()
    baseline: tuple[float, ...] = ()
    best_interval: tuple[float, float] | None = None
    baseline_interval: tuple[float, float] | None = None
    planned: tuple[int, ...] = ()
    looks: int = 0
    openings: int | None = None
    method: str = ""
    detectable: float | None = None
    own: tuple[float, float] | None = None
    against: str = "the recipe that the search began with"
    tuned: bool = False
    best_cost: Cost = field(default_factory=Cost)
    baseline_cost: Cost = field(default_factory=Cost)
    cost: str = "parameters"

    @property
    def choice(self) -> str:
        """What to take, ``best`` or ``baseline``: of two that are equivalent, the cheaper one.

        >>> Proof().choice
        'best'
        """
        verdict = None if self.verdict is None else self.verdict.verdict
        equal = verdict == "equivalent" and not self.best_cost.below(self.baseline_cost, self.cost)
        return "baseline" if verdict == "worse" or equal else "best"

    @property
    def contradicted(self) -> bool:
        """Whether fresh trainings showed a difference that the search's own two contradict."""
        verdict = self.verdict
        if verdict is None or self.own is None or verdict.verdict != "undecided":
            return False
        low, high = verdict.interval
        return verdict.p_value <= verdict.level and not low <= 0 <= high

    @property
    def confirmatory(self) -> bool:
        """Whether nobody had looked at the test part before."""
        return self.verdict is not None and not self.openings

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **({} if self.verdict is None else self.verdict.to_json()),
            "verdict": None if self.verdict is None else self.verdict.verdict,
            "reason": self.reason or None,
            "confirmatory": self.confirmatory,
            "choice": self.choice,
            "costs": {
                "decides": self.cost,
                "best": self.best_cost.to_json(),
                "baseline": self.baseline_cost.to_json(),
            },
            "openings": self.openings,
            "against": self.against,
            "baseline_tuned": self.tuned,
            "own": None if self.own is None else list(self.own),
            "best_interval": None if self.best_interval is None else list(self.best_interval),
            "baseline_interval": (
                None if self.baseline_interval is None else list(self.baseline_interval)
            ),
            "trainings": 0 if self.verdict is None else self.verdict.seeds,
            "seeds": list(self.seeds),
            "baseline_seeds": list(self.baseline_seeds),
            "best": list(self.best),
            "baseline": list(self.baseline),
            "planned": list(self.planned),
            "looks": self.looks,
            "method": self.method or None,
            "detectable": self.detectable if self.verdict is None else self.verdict.detectable,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Proof:
        """Read what `to_json` wrote.

        >>> Proof.from_json(Proof(reason="no test rows", openings=2).to_json()).openings
        2
        """
        said = data["verdict"]
        verdict = said and Verdict.from_json({**data, "seeds": data["trainings"]})
        costs = data["costs"]
        return cls(
            verdict=verdict,
            reason=data["reason"] or "",
            seeds=tuple(data["seeds"]),
            baseline_seeds=tuple(data["baseline_seeds"]),
            best=tuple(data["best"]),
            baseline=tuple(data["baseline"]),
            best_interval=data["best_interval"] and tuple(data["best_interval"]),
            baseline_interval=data["baseline_interval"] and tuple(data["baseline_interval"]),
            planned=tuple(data["planned"]),
            looks=data["looks"],
            openings=data["openings"],
            method=data["method"] or "",
            detectable=None if verdict else data["detectable"],
            against=data.get("against", cls.against),
            tuned=data.get("baseline_tuned", False),
            own=data.get("own") and tuple(data["own"]),
            best_cost=Cost(**costs["best"]),
            baseline_cost=Cost(**costs["baseline"]),
            cost=costs["decides"],
        )
