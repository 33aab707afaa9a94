"""Ranges that follow what was found: wider where the best lies at an end, narrower where all fail.

A function of the history, as a strategy is: the stored space stays what it was, and every trial
has its place in the range that it led to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from luthier.core import Conditional, Curves, Domain, Float, History, Plain, Space, Trial, Value

Limits = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Moved:
    """A range that was moved.

    Args:
        name: The parameter, with its case where it depends on another one.
        before: As the study has it.
        after: As it is searched.
    """

    name: str
    before: Float
    after: Float

    def __str__(self) -> str:
        """Say what was done and why.

        >>> str(Moved("learning_rate", Float(1e-4, 1e-1), Float(1e-4, 1.0)))
        'learning_rate: the best trials lie at the end of 0.0001 to 0.1; searched to 1, too'
        """
        said = []
        if self.after.low < self.before.low or self.after.high > self.before.high:
            wider = [
                f"{bound:g}"
                for bound in (self.after.low, self.after.high)
                if bound not in (self.before.low, self.before.high)
            ]
            said.append(
                f"the best trials lie at the end of {self.before.low:g} to {self.before.high:g}; "
                f"searched to {' and '.join(wider)}, too"
            )
        elif self.after.high < self.before.high:
            said.append(
                f"most trials above {self.after.high:g} fail; searched no further than that"
            )
        return f"{self.name}: {'; '.join(said)}"


def grown(space: Space, history: History, limits: Limits) -> tuple[Space, list[Moved]]:
    """Return the space that a search looks at next, and what was moved.

    Args:
        space: As the study has it.
        history: The trials so far.
        limits: Lowest and highest sensible value of each parameter whose range may be moved;
            ranges of others are the user's word.
    """
    ranges: dict[str, Domain] = dict(space.parameters)
    moved: list[Moved] = []
    for name in limits.keys() & space.parameters.keys():
        domain = space.parameters[name]
        if isinstance(domain, Conditional):
            cases: dict[Value, Plain] = {}
            for value, case in domain.cases.items():
                there = [t for t in history.trials if _same(t.recipe.get(domain.on), value)]
                cases[value] = _followed(name, case, there, history, limits[name])
                if cases[value] != case:
                    moved.append(_moved(f"{name} ({domain.on} {value})", case, cases[value]))
            ranges[name] = replace(domain, cases=cases)
        else:
            now = _followed(name, domain, list(history.trials), history, limits[name])
            ranges[name] = now
            if now != domain:
                moved.append(_moved(name, domain, now))
    if not moved:
        return space, []
    return replace(space, parameters=ranges), sorted(moved, key=lambda one: one.name)


def within(space: Space, history: History) -> History:
    """Return the history without failed trials beyond the ranges: these say it of them already."""

    def lies(trial: Trial) -> bool:
        for name in space.parameters:
            domain = space.active(name, trial.recipe)
            if isinstance(domain, Float) and trial.recipe.get(name) not in domain:
                return False
        return True

    kept = tuple(t for t in history.trials if t.state != "failed" or lies(t))
    return history if len(kept) == len(history.trials) else _numbered(history, kept)


def _numbered(history: History, kept: tuple[Trial, ...]) -> History:
    """Keep failed trials' numbers: strategies find trials by their place."""
    gone = {trial.number for trial in history.trials} - {trial.number for trial in kept}
    trials = tuple(
        replace(trial, state="pruned", curves=Curves()) if trial.number in gone else trial
        for trial in history.trials
    )
    return replace(history, trials=trials)


def _followed(
    name: str,
    domain: Plain,
    trials: list[Trial],
    history: History,
    limits: tuple[float, float],
) -> Plain:
    if not isinstance(domain, Float) or domain.low == domain.high:
        return domain
    low, high = _reach(domain, limits)
    tried = [t.recipe.get(name) for t in trials if t.state != "failed" and t.epochs]
    numbers = [float(v) for v in tried if isinstance(v, (int, float)) and low <= v <= high]
    seen = replace(domain, low=min([domain.low, *numbers]), high=max([domain.high, *numbers]))
    wider = _widened(name, seen, domain, trials, history, (low, high))
    return wider if wider != domain else _narrowed(name, domain, trials)


def _reach(domain: Float, limits: tuple[float, float]) -> tuple[float, float]:
    """Return how far a range may ever grow: by its width at either end, two orders at most."""
    to, back = _scale(domain)
    width = to(domain.high) - to(domain.low)
    reach = min(width, math.log(100)) if domain.log else width
    ends = back(to(domain.low) - reach), back(to(domain.high) + reach)
    return max(_short(ends[0]), limits[0]), min(_short(ends[1]), limits[1])


def _widened(
    name: str,
    seen: Float,
    domain: Float,
    trials: list[Trial],
    history: History,
    reach: tuple[float, float],
    *,
    least: int = 12,
    top: int = 3,
    edge: float = 0.05,
    near: float = 0.15,
    notch: float = 0.5,
) -> Float:
    """Return a range with more room at the end where the best trials lie.

    The rule is that of the finding `optimum_at_boundary`: by chance the top of twelve lies so in
    one study of five hundred, a parameter. A notch is half of the range, at most an order of
    magnitude.
    """
    ranked = sorted(
        (t for t in trials if history.loss(t) < math.inf), key=lambda t: (history.loss(t), t.number)
    )
    if len(ranked) < least:
        return seen
    places = [seen.unit(t.recipe.get(name)) for t in ranked]
    to, back = _scale(domain)
    width = to(domain.high) - to(domain.low)
    step = min(notch * width, math.log(10)) if domain.log else notch * width
    for far in (0.0, 1.0):
        apart = [abs(place - far) for place in places]
        inside = [history.loss(t) for t, gap in zip(ranked, apart, strict=True) if gap < 0.3]
        outside = [history.loss(t) for t, gap in zip(ranked, apart, strict=True) if gap >= 0.3]
        if apart[0] > edge or max(apart[:top]) > near:
            continue
        if outside and median(inside) >= median(outside):
            continue
        if far:
            high = min(_short(back(to(seen.high) + step)), reach[1])
            return replace(seen, high=max(high, seen.high))
        low = max(_short(back(to(seen.low) - step)), reach[0])
        return replace(seen, low=min(low, seen.low))
    return seen


def _narrowed(
    name: str, domain: Float, trials: list[Trial], *, least: int = 6, share: float = 0.8
) -> Float:
    """Return a range without its upper part, where that is where trials fail.

    Args:
        name: The parameter.
        domain: Its range.
        trials: Those that had it.
        least: How many must have been tried up there.
        share: How many of them must have failed; of those below, less than a third may have.
    """
    placed = sorted(
        ((domain.unit(t.recipe.get(name)), t.state == "failed") for t in trials), reverse=True
    )
    for count in range(least, len(placed)):
        above, below = placed[:count], placed[count:]
        if sum(bad for _, bad in above) < share * count or above[-1][0] < 0.25:
            break
        if not below[0][1] and sum(bad for _, bad in below) < len(below) / 3:
            high = domain.at(0.5 * (above[-1][0] + below[0][0]))
            return replace(domain, high=high, likely=None)
    return domain


def _scale(domain: Float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    return (math.log, math.exp) if domain.log else (float, float)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _moved(name: str, before: Plain, after: Plain) -> Moved:
    if not isinstance(before, Float) or not isinstance(after, Float):
        raise TypeError(f"only ranges of numbers move, but got {before} and {after}")
    return Moved(name, before, after)


def _same(value: object, other: object) -> bool:
    return value == other and type(value) is type(other)
