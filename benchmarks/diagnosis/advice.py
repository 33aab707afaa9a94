"""Whether the first advice helps: applied to warned trainings, over paired seeds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import mean

from benchmarks.diagnosis.cases import Case, cases, with_recipe
from benchmarks.diagnosis.corpus import Pair
from benchmarks.diagnosis.jobs import Job
from luthier.core import Finding

SEEDS = 3
EACH = 8  # warnings of a problem that are tried, of as many data sets as there are
LEAST = 0.02  # share of the gap below which nobody calls it better


@dataclass(frozen=True)
class Trial:
    """One warning, and its training with the advice taken.

    Args:
        problem: What was found.
        case: Where.
        finding: With the advice.
    """

    problem: str
    case: Case
    finding: Finding


def chosen(found: Sequence[Case]) -> list[Trial]:
    """Return warnings to try, a few a problem, of data sets in turn."""
    by_problem: dict[str, dict[str, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for case in found:
        if case.row.job.recipe.learning_rate < 0.0:  # a missing minus: no recipe has the cure
            continue
        for one in with_recipe(case.row).findings:
            if one.severity != "info" and one.prescriptions and one.prescriptions[0].change:
                trial = Trial(one.problem, case, one)
                by_problem[one.problem][case.row.job.data].append(trial)
    trials = []
    for groups in by_problem.values():
        queues, taken = [list(group) for group in groups.values()], 0
        while taken < EACH and any(queues):
            for queue in queues:
                if queue and taken < EACH:
                    trials.append(queue.pop(len(queue) // 2))
                    taken += 1
    return trials


def outcome(trial: Trial, pair: Pair) -> tuple[str, float]:
    """Train before and after with the same seeds; return the verdict and the gain."""
    job, reference = trial.case.row.job, trial.case.reference
    change = {key: new for key, (_, new) in trial.finding.prescriptions[0].change.items()}
    gains = []
    for index in range(SEEDS):
        before = job if index == 0 else replace(job, seed=5000 + index, group="before")
        after = Job(
            job.data,
            job.family,
            before.recipe.replace(change),
            before.seed,
            job.spoilt,
            "advice",
            trial.problem,
            job.key,
        )
        # What ends in NaN is worth no more than guessing, and no score is worth less.
        lost = [min(reference.loss(pair.store.get(one)), 1.0) for one in (before, after)]
        gains.append(lost[0] - lost[1])
    noise = max(2 * sqrt(2 / SEEDS) * reference.spread / reference.gap, LEAST)
    gain = mean(gains)
    return ("better" if gain > noise else "worse" if gain < -noise else "same"), gain


def report(pairs: Sequence[Pair]) -> Iterator[str]:
    """Yield the table of advice; train what is missing."""
    by_place = {(pair.data, pair.family): pair for pair in pairs}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    gains: dict[str, list[float]] = defaultdict(list)
    for trial in chosen(list(cases(pairs))):
        job = trial.case.row.job
        verdict, gain = outcome(trial, by_place[job.data, job.family])
        counts[trial.problem][verdict] += 1
        gains[trial.problem].append(gain)
    yield "| problem | tried | better | same | worse | mean gain, of the gap |"
    yield "|---|---|---|---|---|---|"
    for problem, count in sorted(counts.items()):
        yield _line(f"`{problem}`", count, gains[problem])
    everything = sum(counts.values(), Counter[str]())
    yield _line("all", everything, [one for group in gains.values() for one in group])


def _line(name: str, count: Counter[str], gains: Sequence[float]) -> str:
    total = count.total()
    shares = " | ".join(f"{count[v]} ({count[v] / total:.0%})" for v in ("better", "same", "worse"))
    return f"| {name} | {total} | {shares} | {mean(gains):.0%} |"
