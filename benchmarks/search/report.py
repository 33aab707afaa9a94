"""The tables of the benchmark, as text."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.search.score import BUDGETS, Array, Results, Run, worse_than_random


def report(runs: Sequence[Run], methods: Sequence[str], grain: int) -> None:
    """Print regrets and ranks of all methods, then the first one against the best of Optuna's."""
    longest = (min(len(run.regret) for run in runs) - 1) // grain
    budgets = [budget for budget in BUDGETS if budget <= longest]
    results = Results.of(runs, methods, grain)
    say = sys.stdout.write
    say(f"{len(set(results.tasks))} tasks, {len(results.tasks)} runs of each method\n")
    say("mean normalised regret [95 %] / mean rank, by full trainings' worth of epochs\n")
    say(f"{'':28}" + "".join(f"{f'{budget}x':>29}" for budget in budgets) + "  ms a step\n")
    cells = [_cells(results, budget) for budget in budgets]
    for index, method in enumerate(methods):
        taken = [(run.cpu, run.steps) for run in runs if run.method == method and run.steps]
        cost = 1000 * sum(c for c, _ in taken) / max(sum(s for _, s in taken), 1)
        line = "".join(f"{column[index]:>29}" for column in cells)
        say(f"{method:28}{line}  {cost:8.1f}\n")
    _against(results, methods, budgets)


def _cells(results: Results, budget: int) -> list[str]:
    regret, ranks = results.at(budget), results.ranks(budget)

    def mean(rows: Array) -> Array:
        return np.asarray(regret[:, rows].mean(axis=1))

    low, high = results.interval(mean)
    return [
        f"{regret[i].mean():.3f} [{low[i]:.3f},{high[i]:.3f}] / {ranks[i].mean():.2f}"
        for i in range(len(results.methods))
    ]


def _against(results: Results, methods: Sequence[str], budgets: Sequence[int]) -> None:
    theirs = [i for i, m in enumerate(methods) if m.startswith(("tpe", "gp")) and "@" not in m]
    say = sys.stdout.write
    if theirs:
        for budget in budgets:
            regret = results.at(budget)
            best = min(theirs, key=lambda i: regret[i].mean())
            ratio = regret[0].mean() / regret[best].mean()

            def relative(rows: Array, regret: Array = regret, best: int = best) -> Array:
                return np.asarray(regret[0][rows].mean() / regret[best][rows].mean())

            low, high = results.interval(relative)
            say(
                f"{budget}x: {methods[0]} has {ratio:.2f} [{low:.2f}, {high:.2f}] of the regret "
                f"of {methods[best]}, the best of Optuna's there\n"
            )
        _epochs(results, methods, theirs, budgets[-1])
    if "random" in methods and methods[0] != "random":
        for budget in budgets:
            worse = worse_than_random(results, methods[0], budget)
            bad = [f"{task} (p {p:.3f})" for task, p in worse.items() if p < 0.05]
            say(f"{budget}x: worse than random search on: {', '.join(bad) or 'no task'}\n")


def _epochs(results: Results, methods: Sequence[str], theirs: Sequence[int], budget: int) -> None:
    every = np.arange(len(results.tasks))
    best = min(theirs, key=lambda i: results.at(budget)[i].mean())
    level = results.at(budget)[best].mean()

    def share(rows: Array) -> Array:
        reached = results.at(budget)[best][rows].mean()
        return np.asarray(results.until(0, rows, reached) / results.until(best, rows, reached))

    low, high = results.interval(share)
    mine, other = (results.until(i, every, level) for i in (0, best))
    sys.stdout.write(
        f"{methods[best]} has a regret of {level:.3f} from {other:.1f}x on, {methods[0]} from "
        f"{mine:.1f}x: {mine / other:.2f} [{low:.2f}, {high:.2f}] of its epochs\n"
    )
