"""How the rules do on the corpus: recall, precision, false alarms, each beside published rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.diagnosis import published
from benchmarks.diagnosis.corpus import Pair, Reference, pairs
from benchmarks.diagnosis.faults import BY_NAME, FAULTS
from benchmarks.diagnosis.jobs import Row
from luthier.core import Curves, Diagnosis, Finding, Run
from luthier.diagnosis import diagnose_run
from luthier.diagnosis import run as rules

Says = Callable[[Row], set[str]]


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
                yield Case(row, label, reference)


def with_recipe(row: Row) -> Diagnosis:
    """Return what luthier says of a training of its own."""
    return diagnose_run(row.run)


def as_log(row: Row) -> Diagnosis:
    """Return what ``luthier diagnose`` says of the losses and one metric, and nothing else."""
    curves = row.run.curves
    metrics = {k: v for k, v in curves.metrics.items() if k in ("accuracy", "rmse")}
    plain = Curves(train_loss=curves.train_loss, val_loss=curves.val_loss, metrics=metrics)
    return diagnose_run(Run(plain))


def alarms(diagnosis: Diagnosis) -> set[str]:
    """Return the problems that are more than info, consequences included."""
    return {
        name
        for one in diagnosis.findings
        if one.severity != "info"
        for name in (one.problem, *one.consequences)
    }


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


def tools() -> dict[str, Says]:
    """Return luthier on two kinds of evidence, and the published rules."""
    return {
        "luthier": lambda row: alarms(with_recipe(row)),
        "luthier, plain log": lambda row: alarms(as_log(row)),
        **published.ALL,
    }


def overall(found: Sequence[Case], said: dict[str, list[set[str]]]) -> Iterator[str]:
    """Yield the table of tools."""
    yield (
        "| tool | false alarms (95 %) | severe heard | severe named | severe heard, of faults that "
        "curves can tell | harmful heard |"
    )
    yield "|---|---|---|---|---|---|"
    for name, words in said.items():
        pairs_ = list(zip(found, words, strict=True))
        rate, low, high = interval(
            [(c.row.job.data, bool(w)) for c, w in pairs_ if c.label == "healthy"]
        )
        severe = [(c, w) for c, w in pairs_ if c.label == "severe"]
        harmful = [w for c, w in pairs_ if c.label == "harmful"]
        named = sum(bool(w & set(BY_NAME[c.row.job.group].true)) for c, w in severe)
        told = [w for c, w in severe if not BY_NAME[c.row.job.group].hinted]
        right = (
            f"{named / max(1, len(severe)):.1%}" if name.startswith("luthier") else "other names"
        )
        yield (
            f"| {name} | {rate:.1%} ({low:.1%} to {high:.1%}) "
            f"| {sum(bool(w) for _, w in severe) / max(1, len(severe)):.1%} | {right} "
            f"| {sum(map(bool, told)) / max(1, len(told)):.1%} "
            f"| {sum(map(bool, harmful)) / max(1, len(harmful)):.1%} |"
        )


def by_fault(found: Sequence[Case], words: Sequence[set[str]]) -> Iterator[str]:
    """Yield the table of faults: of those that did harm, how many were heard and named."""
    yield "| fault | strength | trained | harmed | heard | named | severe | heard | named |"
    yield "|---|---|---|---|---|---|---|---|---|"
    cells: dict[tuple[str, str], list[tuple[Case, set[str]]]] = defaultdict(list)
    for case, word in zip(found, words, strict=True):
        cells[case.row.job.group, case.row.job.strength].append((case, word))
    for fault in FAULTS:
        for strength in fault.strengths:
            cell = cells[fault.name, strength]
            harmed = [pair for pair in cell if pair[0].harmed]
            severe = [pair for pair in harmed if pair[0].label == "severe"]
            name = fault.name + " *" * fault.hinted
            heard = f"{_counts(harmed, fault.true)} | {_counts(severe, fault.true)}"
            yield f"| {name} | {strength} | {len(cell)} | {heard} |"


def _counts(part: Sequence[tuple[Case, set[str]]], true: Sequence[str]) -> str:
    heard = sum(bool(word) for _, word in part)
    named = sum(bool(word & set(true)) for _, word in part)
    return f"{len(part)} | {heard} | {named}" if part else "0 | | "


def by_problem(found: Sequence[Case]) -> Iterator[str]:
    """Yield the table of problems: alarms on harmed, of them right, and on healthy trainings."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    false: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    names = [rule.__name__ for rule in rules.ALL]
    for case in found:
        first = {
            one.problem: one for one in with_recipe(case.row).findings if one.severity != "info"
        }
        if case.label == "healthy":
            for name in names:
                false[name].append((case.row.job.data, name in first))
        elif case.harmed:
            true = BY_NAME[case.row.job.group].true
            for name in first:
                (right if name in true else wrong)[name] += 1
    yield "| problem | on harmed trainings | of them true | on healthy ones (95 %) |"
    yield "|---|---|---|---|"
    for name in names:
        total = right[name] + wrong[name]
        share = f"{right[name] / total:.0%}" if total else ""
        rate, _, high = interval(false[name])
        yield f"| `{name}` | {total} | {share} | {rate:.2%} (to {high:.2%}) |"


# One threshold of each rule that can raise an alarm, from the strictest to the loosest.
GRIDS: dict[str, tuple[str, tuple[float, ...]]] = {
    "oscillating": ("share", (0.2, 0.12, 0.08, 0.06, 0.04, 0.03, 0.02)),
    "learning_rate_too_high": ("no_better", (1.0, 0.95, 0.9, 0.8, 0.6, 0.4)),
    "learning_rate_too_low": ("far", (0.05, 0.1, 0.2, 0.4, 0.8)),
    "over_regularised": ("much", (0.8, 0.6, 0.5, 1 / 3, 0.2)),
    "slow_convergence": ("left", (0.8, 0.6, 0.5, 0.4, 0.3, 0.2)),
    "too_few_epochs": ("gain", (0.4, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03)),
    "diverging": ("share", (1.0, 0.5, 0.3, 0.2, 0.1)),
    "batch_too_large": ("left", (0.6, 0.4, 0.25, 0.15)),
    "batch_too_small": ("left", (0.5, 0.3, 0.2, 0.1)),
    "not_learning": ("no_better", (1.0, 0.97, 0.95, 0.9, 0.8)),
}
ALLOWED = 0.003  # share of healthy trainings that one rule may alarm on


def left_out(found: Sequence[Case]) -> Iterator[str]:
    """Yield, a rule: its threshold chosen without each data set, and the alarms on that one."""
    healthy = [case for case in found if case.label == "healthy"]
    data = sorted({case.row.job.data for case in healthy})
    by_name = {rule.__name__: rule for rule in rules.ALL}
    yield "| rule | threshold | in use | chosen without one data set | alarms on the one left out |"
    yield "|---|---|---|---|---|"
    for name, (keyword, grid) in GRIDS.items():
        loud = {
            value: Counter(
                case.row.job.data
                for case in healthy
                if _alarm(partial(by_name[name], **{keyword: value})(case.row.run))
            )
            for value in grid
        }
        sizes = Counter(case.row.job.data for case in healthy)
        chosen, wrong = Counter[float](), 0
        for one in data:
            others = len(healthy) - sizes[one]
            sound = [
                value
                for value in grid
                if sum(loud[value].values()) - loud[value][one] <= ALLOWED * others
            ]
            value = sound[-1] if sound else grid[0]
            chosen[value] += 1
            wrong += loud[value][one]
        used = by_name[name].__kwdefaults__[keyword]
        picks = ", ".join(f"{value:.2g} ({count})" for value, count in chosen.most_common())
        yield f"| `{name}` | {keyword} | {used:.2g} | {picks} | {wrong / len(healthy):.2%} |"


def _alarm(finding: Finding | None) -> bool:
    return finding is not None and finding.severity != "info"


def report(chosen: Sequence[Pair]) -> Iterator[str]:
    """Yield the whole report in Markdown."""
    found = list(cases(chosen))
    counts = Counter(case.label for case in found)
    kinds = {c.row.job.group for c in found if c.row.job.group in BY_NAME}
    yield (
        f"{len(found):,} trainings of {len({c.row.job.data for c in found})} data sets: "
        f"{counts['healthy']:,} healthy; with a fault, of {len(kinds)} kinds, {counts['severe']} "
        f"severe, {counts['harmful']} harmful. Scored on neither side: {counts['between']} "
        f"between, {counts['none']} that the fault did not harm."
    )
    said = {name: [says(case.row) for case in found] for name, says in tools().items()}
    for title, lines in (
        ("All tools", overall(found, said)),
        ("By problem", by_problem(found)),
        ("Thresholds with one data set left out", left_out(found)),
        ("By fault", by_fault(found, said["luthier"])),
        ("By fault, plain log", by_fault(found, said["luthier, plain log"])),
    ):
        yield f"\n### {title}\n"
        yield from lines


def stored(names: Sequence[str] = ()) -> list[Pair]:
    """Return the pairs as they are stored; nothing is trained."""
    return [replace(pair, store=pair.store.closed()) for pair in pairs(names=names)]
