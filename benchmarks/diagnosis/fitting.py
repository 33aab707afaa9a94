"""Thresholds chosen without one data set, and what they do on that one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks.diagnosis.cases import Case, alarms, interval, named, share
from benchmarks.diagnosis.faults import BY_NAME
from luthier.core import Finding
from luthier.diagnosis import diagnose_run
from luthier.diagnosis import run as rules

# One threshold of each rule that can raise an alarm, from the strictest to the loosest.
RULES: dict[str, Any] = {rule.__name__: rule for rule in rules.ALL}
GRIDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "oscillating": ("share", (0.2, 0.12, 0.1, 0.08, 0.06, 0.04, 0.03)),
    "loss_spikes": ("share", (0.8, 0.5, 0.35, 0.25, 0.15)),
    "learning_rate_too_high": ("poor", (1.0, 0.9, 0.75, 0.6, 0.5, 0.4)),
    "learning_rate_too_low": ("far", (0.05, 0.1, 0.2, 0.3, 0.4, 0.8)),
    "over_regularised": ("much", (0.8, 0.6, 0.5, 1 / 3, 0.2)),
    "plateau": ("some", (0.8, 0.6, 0.4, 0.3, 0.2, 0.1)),
    "slow_convergence": ("left", (0.8, 0.6, 0.5, 0.4, 0.3, 0.2)),
    "too_few_epochs": ("gain", (0.4, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)),
    "diverging": ("share", (1.0, 0.5, 0.3, 0.2, 0.1)),
    "batch_too_large": ("left", (0.6, 0.4, 0.25, 0.15)),
    "batch_too_small": ("left", (0.5, 0.3, 0.2, 0.1)),
    "not_learning": ("hardly", (1.0, 0.97, 0.95, 0.93, 0.9, 0.85)),
}
ALLOWED = 0.001  # share of healthy trainings that one rule may alarm on: twelve share one budget
RESERVE = 1  # steps of a grid back from the loosest: a new data set may be noisier than all others


def left_out(found: Sequence[Case]) -> Iterator[str]:
    """Yield, a rule: its threshold chosen without each data set, and the alarms on that one."""
    healthy = [case for case in found if case.label == "healthy"]
    data = sorted({case.row.job.data for case in healthy})
    sizes = Counter(case.row.job.data for case in healthy)
    picked: dict[str, dict[str, float]] = {one: {} for one in data}
    yield "| rule | threshold | in use | chosen without one data set | alarms on the one left out |"
    yield "|---|---|---|---|---|"
    for name, (keyword, grid) in GRIDS.items():
        loud = {
            value: Counter(
                case.row.job.data
                for case in healthy
                if _alarm(partial(RULES[name], **{keyword: value})(case.row.run))
            )
            for value in grid
        }
        chosen, wrong = Counter[float](), 0
        for one in data:
            others = len(healthy) - sizes[one]
            sound = [
                value
                for value in grid
                if sum(loud[value].values()) - loud[value][one] <= ALLOWED * others
            ]
            picked[one][name] = value = (
                sound[max(0, len(sound) - 1 - RESERVE)] if sound else grid[0]
            )
            chosen[value] += 1
            wrong += loud[value][one]
        used = RULES[name].__kwdefaults__[keyword]
        picks = ", ".join(f"{value:.2g} ({count})" for value, count in chosen.most_common())
        yield f"| `{name}` | {keyword} | {used:.2g} | {picks} | {wrong / len(healthy):.2%} |"
    yield ""
    yield from _together(found, picked)


def _together(found: Sequence[Case], picked: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield what all rules do on each data set with the thresholds that were chosen without it."""
    false: list[tuple[str, bool]] = []
    told: list[bool] = []
    for case in found:
        name = case.row.job.data
        fitted: list[Any] = [
            partial(rule, **{GRIDS[key][0]: picked[name][key]})
            if key in GRIDS and name in picked
            else rule
            for key, rule in RULES.items()
        ]
        wanted = case.label == "severe" and not BY_NAME[case.row.job.group].hinted
        if case.label != "healthy" and not wanted:
            continue
        loud = alarms(diagnose_run(case.row.run, rules=fitted))
        if wanted:
            told.append(named(loud, BY_NAME[case.row.job.group]))
        else:
            false.append((name, bool(loud)))
    rate, low, high = interval(false)
    yield (
        f"With every threshold chosen so: false alarms {rate:.1%} ({low:.1%} to {high:.1%}), "
        f"severe faults that curves can tell named {share(told)}."
    )


def _alarm(finding: Finding | None) -> bool:
    return finding is not None and finding.severity != "info"
