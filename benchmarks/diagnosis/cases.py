"""Trainings of the corpus with their labels, and what luthier says of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.diagnosis import published
from benchmarks.diagnosis.corpus import Pair, Reference
from benchmarks.diagnosis.faults import BY_NAME, Fault
from benchmarks.diagnosis.jobs import Row
from luthier.core import Curves, Diagnosis, Run
from luthier.diagnosis import diagnose_run


@dataclass(frozen=True)
class Case:
    """A training with its label.

    Args:
        row: The training.
        label: ``healthy``, or what its fault did: ``severe``, ``harmful``, ``between``, ``none``.
        reference: What could be reached.
    """

    row: Row
    label: str
    reference: Reference

    @property
    def harmed(self) -> bool:
        """Whether a rule is to speak."""
        return self.label in ("severe", "harmful")


def cases(chosen: Sequence[Pair]) -> Iterator[Case]:
    """Yield every training that is stored, with its label; pairs without a reference are left."""
    for pair in chosen:
        try:
            reference, rows = pair.healthy_part()
        except LookupError:
            continue
        for row in rows:
            label = "healthy" if reference.healthy(row) else "between"
            yield Case(row, label, reference)
        by_key = pair.store.rows
        for row in list(by_key.values()):
            fault = BY_NAME.get(row.job.group)
            if fault is not None and not row.extra["refused"]:
                label = reference.harm(row, by_key.get(row.job.base), fault)
                if not reference.tells_harm and not fault.always:
                    label = "between"
                yield Case(row, label, reference)


def with_recipe(row: Row) -> Diagnosis:
    """Return what luthier says of a training of its own."""
    return diagnose_run(row.run)


def as_log(row: Row) -> Diagnosis:
    """Return what ``luthier diagnose`` says of the losses and one metric, and nothing else."""
    return diagnose_run(Run(_plain(row)))


def _plain(row: Row) -> Curves:
    """Return what a usual log holds."""
    curves = row.run.curves
    metrics = {k: v for k, v in curves.metrics.items() if k in ("accuracy", "rmse")}
    return Curves(train_loss=curves.train_loss, val_loss=curves.val_loss, metrics=metrics)


def as_log_of_classes(row: Row) -> Diagnosis:
    """Return what it says where ``--classes`` was given too; for numbers there is no such thing."""
    task = row.run.task
    known = task if task is not None and task.kind == "classification" else None
    return diagnose_run(Run(_plain(row), task=known))


def alarms(diagnosis: Diagnosis) -> set[str]:
    """Return the problems that are more than info, consequences included."""
    return {
        name
        for one in diagnosis.findings
        if one.severity != "info"
        for name in (one.problem, *one.consequences)
    }


def everything(diagnosis: Diagnosis) -> set[str]:
    """Return the problems that were named at all, consequences included."""
    return {name for one in diagnosis.findings for name in (one.problem, *one.consequences)}


def interval(hits: Sequence[tuple[str, bool]], draws: int = 2000) -> tuple[float, float, float]:
    """Return a rate and its 95 % interval, whole data sets drawn with replacement."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for name, hit in hits:
        groups[name].append(hit)
    counts = np.array([[sum(group), len(group)] for group in groups.values()], float)
    rng = np.random.default_rng(0)
    drawn = counts[rng.integers(len(counts), size=(draws, len(counts)))].sum(1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    rate, many = counts[:, 0].sum() / counts[:, 1].sum(), counts[:, 1].sum()
    if not counts[:, 0].sum():  # nothing seen: the bound of a binomial that shows none
        high = 1 - 0.025 ** (1 / many)
    return float(rate), float(low), float(high)


def named(words: set[str], fault: Fault) -> bool:
    """Tell whether one of a fault's problems was named, by luthier's names or another tool's."""
    known = {word for word in words if word in published.MEANS}
    return bool((words - known | published.problems(known)) & set(fault.true))


def share(hits: Sequence[bool]) -> str:
    """Return a rate in words."""
    return f"{sum(hits) / max(1, len(hits)):.1%}"
