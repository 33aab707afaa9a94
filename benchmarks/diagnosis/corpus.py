"""The corpus: which trainings there are, and what their results say of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Any

from benchmarks.diagnosis.data import SOURCES
from benchmarks.diagnosis.faults import BY_NAME, FAULTS, Fault
from benchmarks.diagnosis.jobs import Job, Row
from benchmarks.diagnosis.recipes import NARROW, WIDE, drawn
from benchmarks.diagnosis.store import Store

SEQUENCES = ("digit_rows", "waves", "trend", "decay")
IMAGES = ("digit_images", "odd_images", "gratings", "spots")
HARD = ("faint", "gusts", "mislabelled", "rare")
PAIRS: tuple[tuple[str, str], ...] = (
    *((name, "mlp") for name in SOURCES if name not in (*SEQUENCES, *IMAGES)),
    *((name, "cnn") for name in IMAGES),
    *((name, family) for family in ("rnn", "transformer") for name in SEQUENCES),
)
RECIPES = 40  # random ones a pair
FINALISTS, SEEDS = 5, 3  # the best of them, trained again: what the reference is the best mean of
ENOUGH = 40  # healthy trainings of a pair: those that are healthy are trained again until then
AGAIN = 40  # with other seeds, and no more often than that
NEAR, FAR, HALF = 0.05, 0.2, 0.5  # shares of the gap between guessing and the reference
ROUNDS = 8  # trainings of each fault and strength


@dataclass(frozen=True)
class Reference:
    """What can be reached on a data set with a family.

    Args:
        score: Mean over seeds of the best of the finalists.
        spread: Standard deviation from one seed to another, pooled over the finalists.
        guess: The score of a constant prediction.
    """

    score: float
    spread: float
    guess: float

    @property
    def gap(self) -> float:
        """What there is to gain."""
        return self.guess - self.score

    @property
    def tells_harm(self) -> bool:
        """Whether a loss of a fifth of the gap is more than one seed may do."""
        return self.spread <= FAR * self.gap

    def loss(self, row: Row) -> float:
        """Return what a training lost, as a share of the gap; 1 for one that gave nothing."""
        return 1.0 if row.score is None else (row.score - self.score) / self.gap

    def healthy(self, row: Row) -> bool:
        """Tell whether a training came near enough."""
        near = max(self.spread, NEAR * self.gap)
        return row.score is not None and row.score <= self.score + near

    def reached(self, row: Row, level: float) -> int | None:
        """Return the first epoch whose score is as good as a level."""
        task = row.run.task
        metric = "" if task is None else task.metric
        series = row.run.curves.metrics.get(metric, ())
        return next((i + 1 for i, one in enumerate(series) if one <= level), None)

    def harm(self, row: Row, base: Row | None, fault: Fault) -> str:
        """Return ``severe``, ``harmful``, ``between`` or ``none``: what a fault did.

        Severe is the loss of half of the gap; harmful that of a fifth, or more than twice the
        epochs that the same training takes without the fault.
        """
        lost = self.loss(row)
        if lost > HALF or (row.score is not None and len(row.run.curves) < row.job.recipe.epochs):
            return "severe"
        if lost > FAR or fault.always:
            return "harmful"
        if base is not None and base.score is not None:
            level = base.score + NEAR * self.gap
            quick, slow = self.reached(base, level) or 1, self.reached(row, level)
            if slow is not None and slow > max(2 * quick, quick + 5):
                return "harmful"
        return "none" if self.healthy(row) else "between"


def references(data: str, family: str, count: int = RECIPES) -> list[Job]:
    """Return the trainings of random recipes."""
    rng = random.Random(f"{data} {family}")  # noqa: S311 - a draw, no secret
    task = SOURCES[data].task
    # Easy tables within narrow ranges, all others within wide ones: good recipes are rarer there.
    ranges = NARROW if family == "mlp" and data not in HARD else WIDE
    return [
        Job(data, family, drawn(family, task, rng, ranges), rng.randrange(1000))
        for _ in range(count)
    ]


def reference(rows: Sequence[Row], finals: Sequence[Sequence[Row]]) -> Reference:
    """Return what the finalists reach with seeds that did not choose them."""
    groups = [[one.score for one in group if one.score is not None] for group in finals]
    best = min(mean(group) for group in groups if group)
    spread = mean(stdev(group) ** 2 for group in groups if len(group) > 1) ** 0.5
    return Reference(best, spread, rows[0].extra["guess"])


@dataclass
class Pair:
    """The trainings of one data set and family.

    Args:
        data: Name of the data set.
        family: Which network.
        store: Where they are.
        scale: Share of the whole corpus that is made: less for a trial.
    """

    data: str
    family: str
    store: Store
    scale: float = 1.0

    def healthy_part(self) -> tuple[Reference, list[Row]]:
        """Return the reference and all trainings that were not harmed; train what is missing."""
        rows = [
            self.store.get(job)
            for job in references(self.data, self.family, max(4, round(RECIPES * self.scale)))
        ]
        ended = [row for row in rows if row.score is not None]
        ended.sort(key=lambda row: row.score or 0.0)
        finals = [
            [self.store.get(self.again(row, 1000 + seed)) for seed in range(SEEDS)]
            for row in ended[: max(2, round(FINALISTS * self.scale))]
        ]
        found = reference(rows, finals)
        sound = [row for row in rows if found.healthy(row)]
        done = [*rows, *(one for group in finals for one in group)]
        healthy, most = sum(map(found.healthy, done)), round(AGAIN * self.scale)
        for index in range(most if sound else 0):
            if healthy >= ENOUGH * self.scale:
                break
            job = self.again(sound[index % len(sound)], 2000 + index // len(sound))
            # To read alone: these are the ones that can be fewer without changing any label.
            if self.store.complete and job.key not in self.store.rows:
                break
            done.append(self.store.get(job))
            healthy += found.healthy(done[-1])
        return found, done

    def again(self, row: Row, seed: int) -> Job:
        """Return the same training with another seed."""
        return Job(self.data, self.family, row.job.recipe, seed, group="again", base=row.job.key)

    def faulty_part(self) -> Iterator[Row]:
        """Yield the trainings that a fault was put into; train what is missing."""
        found, rows = self.healthy_part()
        sound = [row for row in rows if row.job.group == "reference" and found.healthy(row)]
        for job in self.faulty(sound):
            yield self.store.get(job)

    def faulty(self, sound: Sequence[Row]) -> Iterator[Job]:
        """Yield the jobs of the faults that fall to this pair."""
        if not sound:
            return
        task = SOURCES[self.data].task
        for fault in FAULTS:
            if self.family not in fault.families or (fault.tasks and task not in fault.tasks):
                continue
            able = [
                pair
                for pair in PAIRS
                if pair[1] in fault.families
                and (not fault.tasks or SOURCES[pair[0]].task in fault.tasks)
            ]
            for strength, change in fault.strengths.items():
                draw = random.Random(f"{fault.name} {strength}")  # noqa: S311
                chosen = draw.sample(able, min(ROUNDS, len(able)))
                if (self.data, self.family) not in chosen:
                    continue
                base = random.Random(f"{fault.name} {strength} {self.data}").choice(sound)  # noqa: S311
                changes = dict(change(base.job.recipe))
                spoilt = changes.pop("spoilt", "")
                yield Job(
                    self.data,
                    self.family,
                    base.job.recipe.replace(changes),
                    base.job.seed,
                    spoilt,
                    fault.name,
                    strength,
                    base.job.key,
                )


def pairs(scale: float = 1.0, names: Sequence[str] = ()) -> list[Pair]:
    """Return all pairs, or those of some data sets."""
    return [
        Pair(data, family, Store.of(data, family), scale)
        for data, family in PAIRS
        if not names or data in names
    ]


def summary(pair: Pair) -> dict[str, Any]:
    """Return counts of what a pair holds."""
    found, rows = pair.healthy_part()
    lost = [found.loss(row) for row in rows]
    return {
        "data": pair.data,
        "family": pair.family,
        "reference": found.score,
        "spread": found.spread / found.gap,
        "guess": found.guess,
        "trainings": len(rows),
        "healthy": sum(found.healthy(row) for row in rows),
        "median_loss": median(lost),
    }


__all__ = ["BY_NAME", "PAIRS", "Pair", "Reference", "pairs", "summary"]
