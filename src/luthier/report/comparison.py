"""A comparison of two: the record that text, JSON and page are made of."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

from luthier.core import COSTS, Cost, Verdict
from luthier.core.cost import WORDS
from luthier.report.amounts import cost_text, mean_text, short, signed, size
from luthier.report.proof import noise_texts, outlook

_PARTS = {
    "trained": ("trainings", "on test rows that neither has seen"),
    "predictions": ("sets of predictions", "on the same rows"),
    "runs": ("runs", "the best epoch of each"),
}
_TITLES = {"parameters": "parameters", "latency": "latency", "training_time": "training"}


@dataclass(frozen=True)
class Side:
    """One of two that are compared.

    Args:
        name: What it is called.
        scores: One a training, a set of predictions or a run.
        seeds: Of its trainings, where luthier trained it.
        cost: What it costs.
    """

    name: str
    scores: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    cost: Cost = field(default_factory=Cost)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        score = sum(self.scores) / len(self.scores) if self.scores else None
        return {
            "name": self.name,
            "score": score,
            "scores": list(self.scores),
            "seeds": list(self.seeds),
            "cost": self.cost.to_json(),
        }


@dataclass(frozen=True)
class Compared:
    """What comparing A with B came to; positive differences are gains of A.

    Args:
        kind: ``trained`` by luthier, ``predictions`` by row, or ``runs`` that were logged.
        metric, direction: What decides.
        a, b: The two.
        verdict: On A against B; None where nothing can be claimed.
        reason: Why nothing can.
        cost: Which cost decides between equals.
        openings: How often the test rows were opened before; None where there are none.
        epochs_spent, seconds: What it took.
        method: Of the verdict, in words.
        notes: What a reader should know.
    """

    kind: str
    metric: str
    direction: str
    a: Side
    b: Side
    verdict: Verdict | None = None
    reason: str = ""
    cost: str = COSTS[0]
    openings: int | None = None
    epochs_spent: int = 0
    seconds: float = 0.0
    method: str = ""
    notes: tuple[str, ...] = ()

    @property
    def choice(self) -> str | None:
        """Which to take, ``a`` or ``b``: the better one, or of two equals the cheaper; or None."""
        said = None if self.verdict is None else self.verdict.verdict
        if said in ("better", "worse"):
            return "a" if said == "better" else "b"
        if said == "equivalent":
            if self.a.cost.below(self.b.cost, self.cost):
                return "a"
            return "b" if self.b.cost.below(self.a.cost, self.cost) else None
        return None

    @property
    def sentence(self) -> str:
        """What to do, in one sentence for whoever decides."""
        if self.verdict is None:
            return f"Nothing can be said: {self.reason}."
        gain, metric = size(self.verdict.difference), self.metric
        if self.verdict.verdict == "undecided":
            return (
                f"Do not decide by this: the difference of {gain} {metric} between {self.a.name} "
                f"and {self.b.name} may be chance."
            )
        if self.verdict.verdict == "equivalent":
            within = size(self.verdict.min_difference or 0.0)
            if self.choice is None:
                return f"Take either: they differ by less than {within} {metric}, and cost alike."
            first, second = self._sides()
            return (
                f"Take {first.name}: it {WORDS[self.cost]} ({cost_text(first.cost, self.cost)} "
                f"against {cost_text(second.cost, self.cost)}), and {second.name} is no better "
                f"by as much as {within} {metric}."
            )
        first, second = self._sides()
        price = self._price(first, second)
        return (
            f"Take {first.name}: it is better than {second.name} by {gain} {metric} "
            f"({mean_text(first.scores)} against {mean_text(second.scores)}), which chance alone "
            f"hardly explains{price}."
        )

    def _sides(self) -> tuple[Side, Side]:
        return (self.a, self.b) if self.choice == "a" else (self.b, self.a)

    def _price(self, first: Side, second: Side) -> str:
        """Return what the better one costs more, if it does clearly."""
        ours, theirs = getattr(first.cost, self.cost), getattr(second.cost, self.cost)
        if not ours or not theirs or ours <= 1.1 * theirs:
            return ""
        times = f"{short(ours / theirs)} times"
        said = {
            "parameters": f"it has {times} as many parameters",
            "latency": f"it takes {times} as long to answer",
            "training_time": f"it takes {times} as long to train",
        }
        return f"; {said[self.cost]}"

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {
            "kind": self.kind,
            "metric": self.metric,
            "direction": self.direction,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            **({} if self.verdict is None else self.verdict.to_json()),
            "verdict": None if self.verdict is None else self.verdict.verdict,
            "reason": self.reason or None,
            "choice": self.choice,
            "sentence": self.sentence,
            "cost": self.cost,
            "test_openings": self.openings,
            "epochs_spent": self.epochs_spent,
            "seconds": round(self.seconds, 3),
            "method": self.method or None,
            "notes": list(self.notes),
        }


def comparison_text(found: Compared, *, columns: int = 100) -> str:
    """Return a comparison for a terminal: both beside each other, then what follows from it."""
    lines = textwrap.wrap(found.sentence, columns)
    lines += ["", *_table(found), ""]
    for text in detail_texts(found):
        lines += textwrap.wrap(text, columns)
    return "\n".join(lines)


def table_rows(found: Compared) -> list[tuple[str, str, str]]:
    """Return what is known of both: a name and two values a line."""
    if not (found.a.scores and found.b.scores):
        return []
    what, where = _PARTS[found.kind]
    one, other = found.a, found.b
    rows = [
        (f"{found.metric}, {where}", mean_text(one.scores), mean_text(other.scores)),
        (what, str(len(one.scores)), str(len(other.scores))),
    ]
    for name in COSTS:
        values = (cost_text(one.cost, name), cost_text(other.cost, name))
        if values != ("–", "–"):
            rows.append((_TITLES[name], *values))
    return rows


def detail_texts(found: Compared) -> list[str]:
    """Return the numbers behind the sentence, one a text."""
    texts = []
    verdict = found.verdict
    if verdict is not None:
        low, high = verdict.interval
        texts.append(
            f"{_verdict(found, verdict.verdict)}: gain of {found.a.name} over {found.b.name} "
            f"{signed(verdict.difference)} {found.metric}, 95 % interval {signed(low)} to "
            f"{signed(high)}, p = {verdict.p_value:.2g} (a claim takes {verdict.level:.2g})"
        )
        if verdict.rows and verdict.seed_interval:
            texts += noise_texts(verdict, found.a.name, found.b.name)
        if verdict.verdict == "undecided":
            texts.append(outlook(verdict, found.metric))
    if found.openings:
        times = "once" if found.openings == 1 else f"{found.openings} times"
        texts.append(
            f"Not confirmatory: these test rows were opened {times} before, and what was chosen "
            "by them flatters."
        )
    return [*texts, *(f"note: {note}" for note in found.notes)]


def _verdict(found: Compared, said: str) -> str:
    return f"{found.a.name} is {said}" if said in ("better", "worse") else said


def _table(found: Compared) -> list[str]:
    rows = [("", found.a.name, found.b.name), *table_rows(found)]
    if len(rows) == 1:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
