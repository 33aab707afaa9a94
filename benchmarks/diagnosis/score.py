"""How the rules do on the corpus: recall, precision, false alarms, each beside published rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.diagnosis import fitting, published
from benchmarks.diagnosis.cases import (
    Case,
    alarms,
    as_log,
    as_log_of_classes,
    cases,
    everything,
    interval,
    named,
    share,
    with_recipe,
)
from benchmarks.diagnosis.corpus import Pair, pairs
from benchmarks.diagnosis.faults import BY_NAME, FAULTS
from luthier.diagnosis import run as rules


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
    asked = {
        "luthier": with_recipe,
        "luthier, log and --classes": as_log_of_classes,
        "luthier, plain log": as_log,
    }
    for name, ask in asked.items():
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
            share([bool(loud) for _, _, loud, _ in severe]),
            share([named(loud, fault) for _, fault, loud, _ in severe]),
            share([named(all_, fault) for _, fault, _, all_ in severe]),
            share([bool(loud) for _, _, loud, _ in told]),
            share([named(loud, fault) for _, fault, loud, _ in told]),
            share([bool(loud) for _, _, loud, _ in harmful]),
            share([named(loud, fault) for _, fault, loud, _ in harmful]),
            f"{right / max(1, spoke):.0%}",
        ]
        yield f"| {name} | {rate:.1%} ({low:.1%} to {high:.1%}) | {' | '.join(cells)} |"


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
        true = f"{right[name] / total:.0%}" if total else ""
        rate, _, high = interval(false[name] or [("", False)])
        shown = f"{rate:.2%} (to {high:.2%})" if name in names else "no rule of curves"
        yield f"| `{name}` | {' | '.join(cells)} | {total} | {true} | {shown} |"


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
        ("Thresholds with one data set left out", fitting.left_out(found)),
        ("By fault", by_fault(found, said["luthier"].loud)),
        ("By fault, plain log", by_fault(found, said["luthier, plain log"].loud)),
    ):
        yield f"\n### {title}\n"
        yield from lines


def stored(names: Sequence[str] = ()) -> list[Pair]:
    """Return the pairs as they are stored; nothing is trained."""
    return [replace(pair, store=pair.store.closed()) for pair in pairs(names=names)]
