"""Prints the tables: python -m benchmarks.schedules digits diabetes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.schedules.curves import EPOCHS, SCHEDULES, table
from benchmarks.schedules.rounds import held
from benchmarks.search import ours
from benchmarks.search.tables import Session, Table
from luthier import search
from luthier.core import Strategy

BUDGETS = (5, 10, 20)


def main() -> None:
    """Show what each schedule comes to, early and late, and what searches make of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schedules", description=__doc__)
    parser.add_argument("data", nargs="+")
    parser.add_argument("--folder", default=".", help="where tables of curves are kept")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--strategies", nargs="+", default=("freeze_thaw", "halving", "hyperband", "tpe", "random")
    )
    parser.add_argument(
        "--first", nargs="+", choices=SCHEDULES, default=(), help="held in the first round"
    )
    asked = parser.parse_args()
    for data in asked.data:
        found = table(data, Path(asked.folder) / f"schedules_{data}.npz")
        say = sys.stdout.write
        say(f"\n{data}: {len(found.points)} recipes of {EPOCHS} epochs\n{_alone(found)}")
        say(f"{'':14}{'regret at 5, 10, 20 trainings':34}")
        say("winner's schedule at 20, full trainings of each\n")
        for strategy in asked.strategies:
            say(_searched(found, strategy, asked.seeds))
            sys.stdout.flush()
            for first in asked.first:
                say(_in_rounds(found, search.by_name(strategy), first, asked.seeds))
                sys.stdout.flush()


def _alone(found: Table) -> str:
    """Return of each schedule its best, and its share of the best tenth at some epochs."""
    lines = []
    kind = _kinds(found.points)
    for index, name in enumerate(SCHEDULES):
        best = np.nanmin(found.curves[kind == index])
        shares = []
        for epoch in (3, 6, 12, 24, EPOCHS):
            values = np.where(
                np.isnan(found.curves[:, epoch - 1]), np.inf, found.curves[:, epoch - 1]
            )
            top = np.argsort(values)[: len(values) // 10]
            shares.append(f"{np.mean(kind[top] == index):4.0%}")
        lines.append(
            f"  {name:11} best {best:.4f} (regret {found.regret(best):.2f}); of the best tenth "
            f"after 3, 6, 12, 24, {EPOCHS} epochs: {' '.join(shares)}\n"
        )
    return "".join(lines)


def _searched(found: Table, strategy: str, seeds: int) -> str:
    regrets, winners = np.zeros((seeds, len(BUDGETS))), np.zeros(len(SCHEDULES), int)
    whole = np.zeros(len(SCHEDULES), int)
    for seed in range(seeds):
        session = Session(found, seed, max(BUDGETS) * EPOCHS)
        ours.run(session, search.by_name(strategy), seed)
        for place, budget in enumerate(BUDGETS):
            value = next(v for t, v in reversed(session.trace) if t <= budget * EPOCHS)
            regrets[seed, place] = found.regret(value)
        winners[_kinds(found.points)[session.winner]] += 1
        np.add.at(whole, _kinds(found.points)[list(session.finished)], 1)
    shown = ", ".join(
        f"{mean:.3f} ± {error:.3f}"
        for mean, error in zip(regrets.mean(0), regrets.std(0, ddof=1) / seeds**0.5, strict=True)
    )
    won = ", ".join(f"{name} {count}" for name, count in zip(SCHEDULES, winners, strict=True))
    trained = ", ".join(f"{count / seeds:.1f}" for count in whole)
    return f"  {strategy:12}{shown:34}{won};  {trained}\n"


def _in_rounds(found: Table, strategy: Strategy, first: str, seeds: int) -> str:
    """Return what searches come to that hold a schedule, and such as try the others last.

    Each budget is a search of its own, whose last round comes at its end.
    """
    lines = []
    others = [name for name in SCHEDULES if name not in (first, "constant")]
    for last in ((), others):
        decides = held(strategy, SCHEDULES.index(first), [SCHEDULES.index(name) for name in last])
        regrets = np.zeros((seeds, len(BUDGETS)))
        for seed in range(seeds):
            for place, budget in enumerate(BUDGETS):
                session = Session(found, seed, budget * EPOCHS)
                ours.run(session, decides, seed)
                regrets[seed, place] = found.regret(session.trace[-1][1])
        shown = ", ".join(
            f"{mean:.3f} ± {error:.3f}"
            for mean, error in zip(
                regrets.mean(0), regrets.std(0, ddof=1) / seeds**0.5, strict=True
            )
        )
        then = f", then {', '.join(last)}" if last else " alone"
        lines.append(f"    {first}{then:32}{shown}\n")
    return "".join(lines)


def _kinds(points: np.ndarray) -> np.ndarray:
    return np.asarray((points[:, 0] * len(SCHEDULES)).astype(int))


main()
