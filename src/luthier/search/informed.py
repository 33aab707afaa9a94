"""Ranges that follow what was diagnosed: closed where rates blow up, opened where rows are learnt.

A function of the history and of its trials' problems, as `growing` is of their scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

from luthier.core import Conditional, Domain, Float, History, Plain, Space, Trial, Value
from luthier.search.growing import Moved

TOO_HIGH = frozenset({"learning_rate_too_high", "diverging", "nan_loss", "oscillating"})
BY_HEART = frozenset({"overfitting", "under_regularised"})
REGULARISERS = ("weight_decay", "dropout", "label_smoothing", "mixup", "noise")
TWICE = 2  # trials that must show a problem: one may be unlucky
BEST = 3  # trials of which most must learn by heart, for regularisers to open up

Problems = Mapping[int, frozenset[str]]


def informed(space: Space, history: History, problems: Problems) -> tuple[Space, list[Moved]]:
    """Return a space without what was seen to go wrong, and what was moved.

    Rates at and above those that blew up are closed, where two did and the best trial lies below.
    Where most of the best trials learn rows by heart, the weaker half of each regulariser closes.

    Args:
        space: As it is searched.
        history: The trials so far.
        problems: What is loudly wrong with each, by its number.

    >>> from luthier.core import Curves, Recipe
    >>> losses = [Curves(metrics={"val_loss": (loss,)}) for loss in (0.5, 3.0, 4.0)]
    >>> trials = tuple(
    ...     Trial(i, Recipe(learning_rate=rate), 0, curves=losses[i])
    ...     for i, rate in enumerate((0.001, 0.1, 0.2))
    ... )
    >>> high = frozenset({"learning_rate_too_high"})
    >>> space = Space({"learning_rate": Float(1e-4, 1.0, log=True)}, Recipe())
    >>> now, moved = informed(space, History(trials), {1: high, 2: high})
    >>> now.parameters["learning_rate"].high
    0.1
    """
    ranges: dict[str, Domain] = dict(space.parameters)
    moved: list[Moved] = []
    pairs: list[tuple[str, Domain, Domain]] = []
    best = history.best
    if best is None:
        return space, moved
    domain = ranges.get("learning_rate")
    if isinstance(domain, Conditional):
        cases: dict[Value, Plain] = {
            value: _closed(case, _of(history, domain.on, value), history, problems)
            for value, case in domain.cases.items()
        }
        ranges["learning_rate"] = replace(domain, cases=cases)
        pairs = [(f"learning_rate ({domain.on} {v})", domain.cases[v], cases[v]) for v in cases]
    elif domain is not None:
        now = _closed(domain, list(history.trials), history, problems)
        ranges["learning_rate"] = now
        pairs = [("learning_rate", domain, now)]
    for name in REGULARISERS if _by_heart(history, problems) else ():
        held = ranges.get(name)
        if isinstance(held, Float):
            ranges[name] = _stronger(held)
            pairs.append((name, held, ranges[name]))
        elif isinstance(held, Conditional):
            ranges[name] = replace(
                held, cases={value: _stronger(case) for value, case in held.cases.items()}
            )
    for name, before, after in pairs:
        if before != after and isinstance(before, Float) and isinstance(after, Float):
            moved.append(Moved(name, before, after))
    changed = ranges != dict(space.parameters)
    return (replace(space, parameters=ranges) if changed else space), moved


def _of(history: History, on: str, value: Value) -> list[Trial]:
    return [trial for trial in history.trials if trial.recipe.get(on) == value]


def _closed(domain: Plain, trials: list[Trial], history: History, problems: Problems) -> Plain:
    if not isinstance(domain, Float):
        return domain
    bad = sorted(
        trial.recipe.learning_rate
        for trial in trials
        if problems.get(trial.number, frozenset()) & TOO_HIGH
    )
    fine = [trial for trial in trials if not problems.get(trial.number) and trial.epochs]
    best = min(fine, key=history.loss, default=None)
    if len(bad) < TWICE or best is None:
        return domain
    high = next((rate for rate in bad if rate > best.recipe.learning_rate), None)
    if high is None or not domain.low < high < domain.high:
        return domain
    return replace(domain, high=high, likely=None)


def _by_heart(history: History, problems: Problems) -> bool:
    ranked = sorted(history.trials, key=history.loss)[:BEST]
    seen = [trial for trial in ranked if problems.get(trial.number, frozenset()) & BY_HEART]
    return len(seen) >= TWICE


def _stronger(domain: Plain) -> Plain:
    if not isinstance(domain, Float):
        return domain
    middle = sqrt(domain.low * domain.high) if domain.log else (domain.low + domain.high) / 2
    return replace(domain, low=float(f"{middle:.3g}"), likely=None)
