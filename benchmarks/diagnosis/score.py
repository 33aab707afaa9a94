"""How the rules do on the corpus: recall, precision, false alarms, each beside published rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.diagnosis import published
from benchmarks.diagnosis.corpus import Pair, Reference, pairs
from benchmarks.diagnosis.faults import BY_NAME, FAULTS, Fault
from benchmarks.diagnosis.jobs import Row
from luthier.core import Curves, Diagnosis, Finding, Run
from luthier.diagnosis import diagnose_run
from luthier.diagnosis import run as rules


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


@dataclass(frozen=True)
class Said:
    """What a tool says of every training.

    Args:
        loud: Its warnings and errors.
        all: Those, and what it says for information.
    """

    loud: list[set[str]]
    all: list[set[str]]


def heard(found: Sequence[Case]) -> dict[str, Said]:
    """Return what luthier says, given two kinds of evidence, and what the published rules say."""
    answers = {}
    for name, ask in (("luthier", with_recipe), ("luthier, plain log", as_log)):
        diagnoses = [ask(case.row) for case in found]
        answers[name] = Said(list(map(alarms, diagnoses)), list(map(everything, diagnoses)))
    for name, says in published.ALL.items():
        words = [says(case.row) for case in found]
        answers[name] = Said(words, words)
    return answers


def overall(found: Sequence[Case], said: dict[str, Said]) -> Iterator[str]:
    """Yield the table of tools."""
    yield (
        "| tool | false alarms (95 %) | severe: heard | named | named, info included | severe that "
        "curves can tell: heard | named | harmful: heard | named | alarms that are true |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for name, words in said.items():
        rate, low, high = interval(
            [
                (c.row.job.data, bool(w))
                for c, w in zip(found, words.loud, strict=True)
                if c.label == "healthy"
            ]
        )
        harmed = [
            (c, BY_NAME[c.row.job.group], loud, all_)
            for c, loud, all_ in zip(found, words.loud, words.all, strict=True)
            if c.harmed
        ]
        severe = [one for one in harmed if one[0].label == "severe"]
        told = [one for one in severe if not one[1].hinted]
        harmful = [one for one in harmed if one[0].label == "harmful"]
        right = sum(named(loud, fault) for _, fault, loud, _ in harmed)
        false = sum(bool(w) for c, w in zip(found, words.loud, strict=True) if c.label == "healthy")
        spoke = sum(bool(loud) for _, _, loud, _ in harmed) + false
        cells = [
            _share([bool(loud) for _, _, loud, _ in severe]),
            _share([named(loud, fault) for _, fault, loud, _ in severe]),
            _share([named(all_, fault) for _, fault, _, all_ in severe]),
            _share([bool(loud) for _, _, loud, _ in told]),
            _share([named(loud, fault) for _, fault, loud, _ in told]),
            _share([bool(loud) for _, _, loud, _ in harmful]),
            _share([named(loud, fault) for _, fault, loud, _ in harmful]),
            f"{right / max(1, spoke):.0%}",
        ]
        yield f"| {name} | {rate:.1%} ({low:.1%} to {high:.1%}) | {' | '.join(cells)} |"


def _share(hits: Sequence[bool]) -> str:
    return f"{sum(hits) / max(1, len(hits)):.1%}"


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
    """Yield the table of problems: faults that are it, alarms that are true, and false ones."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    false: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    planted: dict[tuple[str, str], list[bool]] = defaultdict(list)
    names = [rule.__name__ for rule in rules.ALL]
    for case in found:
        diagnosis = with_recipe(case.row)
        first = {one.problem for one in diagnosis.findings if one.severity != "info"}
        if case.label == "healthy":
            for name in names:
                false[name].append((case.row.job.data, name in first))
        elif case.harmed:
            fault = BY_NAME[case.row.job.group]
            told = everything(diagnosis) if fault.hinted else alarms(diagnosis)
            planted[fault.true[0], case.label].append(named(told, fault))
            for name in first:
                (right if name in fault.true else wrong)[name] += 1
    yield (
        "| problem | severe faults: true cause named | harmful ones | alarms | of them true "
        "| on healthy trainings (95 %) |"
    )
    yield "|---|---|---|---|---|---|"
    for name in [*names, *sorted({name for name, _ in planted} - set(names))]:
        cells = [
            f"{sum(hits)} of {len(hits)}" if (hits := planted[name, label]) else ""
            for label in ("severe", "harmful")
        ]
        total = right[name] + wrong[name]
        share = f"{right[name] / total:.0%}" if total else ""
        rate, _, high = interval(false[name] or [("", False)])
        shown = f"{rate:.2%} (to {high:.2%})" if name in names else "no rule of curves"
        yield f"| `{name}` | {' | '.join(cells)} | {total} | {share} | {shown} |"


# One threshold of each rule that can raise an alarm, from the strictest to the loosest.
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
ALLOWED = 0.003  # share of healthy trainings that one rule may alarm on


def left_out(found: Sequence[Case]) -> Iterator[str]:
    """Yield, a rule: its threshold chosen without each data set, and the alarms on that one."""
    healthy = [case for case in found if case.label == "healthy"]
    data = sorted({case.row.job.data for case in healthy})
    sizes = Counter(case.row.job.data for case in healthy)
    by_name = {rule.__name__: rule for rule in rules.ALL}
    picked: dict[str, dict[str, float]] = {one: {} for one in data}
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
        chosen, wrong = Counter[float](), 0
        for one in data:
            others = len(healthy) - sizes[one]
            sound = [
                value
                for value in grid
                if sum(loud[value].values()) - loud[value][one] <= ALLOWED * others
            ]
            picked[one][name] = value = sound[-1] if sound else grid[0]
            chosen[value] += 1
            wrong += loud[value][one]
        used = by_name[name].__kwdefaults__[keyword]
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
        fitted = [
            partial(rule, **{GRIDS[rule.__name__][0]: picked[name][rule.__name__]})
            if rule.__name__ in GRIDS and name in picked
            else rule
            for rule in rules.ALL
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
        f"severe faults that curves can tell named {_share(told)}."
    )


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
    said = heard(found)
    for title, lines in (
        ("All tools", overall(found, said)),
        ("By problem", by_problem(found)),
        ("Thresholds with one data set left out", left_out(found)),
        ("By fault", by_fault(found, said["luthier"].loud)),
        ("By fault, plain log", by_fault(found, said["luthier, plain log"].loud)),
    ):
        yield f"\n### {title}\n"
        yield from lines


def stored(names: Sequence[str] = ()) -> list[Pair]:
    """Return the pairs as they are stored; nothing is trained."""
    return [replace(pair, store=pair.store.closed()) for pair in pairs(names=names)]
