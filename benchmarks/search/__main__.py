"""Replays the tables and prints regret and rank: python -m benchmarks.search FOLDER."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.search import ours
from benchmarks.search.report import report
from benchmarks.search.score import BUDGETS, Run
from benchmarks.search.tables import Session, Table, load
from luthier import search

GRAIN = 10  # points of time in one full training
OPTUNA = ("tpe", "tpe+sha", "tpe+hb", "tpe+median", "gp")
METHODS = (search.ALL[0][0], "halving", "random", *OPTUNA)


def main() -> None:
    """Run what the file of results lacks, then print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("folder", help="where the tables are")
    parser.add_argument("--out", default="search.jsonl", help="file of results; goes on with it")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=max(BUDGETS), help="in full trainings")
    parser.add_argument("--tasks", default="", help="only these, with commas")
    parser.add_argument("--only-report", action="store_true")
    parser.add_argument("--blind", action="store_true", help="trials show the point asked for")
    chosen = parser.parse_args()
    out, methods = Path(chosen.out), chosen.methods
    runs = [Run.from_json(json.loads(line)) for line in _lines(out)]
    there = {(run.task, run.method, run.seed) for run in runs}
    tables = [t for t in load(chosen.folder) if not chosen.tasks or t.name in chosen.tasks]
    for seed in range(0 if chosen.only_report else chosen.seeds):
        for table in tables:
            for method in methods:
                if (table.name, method, seed) not in there:
                    runs.append(one(table, method, seed, chosen.budget, told=not chosen.blind))
                    with out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(asdict(runs[-1])) + "\n")
    report(runs, methods, GRAIN)


def one(table: Table, method: str, seed: int, budget: int, *, told: bool = True) -> Run:
    """Run one search.

    A method is one of Optuna's (`benchmarks.search.theirs`), or a strategy of luthier's with
    settings in brackets: ``halving``, ``freeze_thaw(batch=16)``; ``freeze_thaw/bad`` has a
    bad prior and ``freeze_thaw/good`` a good one (`benchmarks.search.ours`).
    """
    session = Session(table, seed, budget * table.epochs)
    cpu, steps = 0.0, 0
    if method.split("@")[0].split("+")[0] in ("tpe", "gp"):
        from benchmarks.search import theirs

        theirs.run(session, method, seed)
    else:
        name, _, prior = method.partition("/")
        cpu, steps = ours.run(session, _strategy(name), seed, told=told, prior=prior)
    times = np.arange(1, budget * GRAIN + 1) * table.epochs / GRAIN
    first = session.trace[0][1]
    values = [next((v for t, v in reversed(session.trace) if t <= time), first) for time in times]
    regret = tuple(round(table.regret(value), 5) for value in (first, *values))
    return Run(table.name, method, seed, regret, cpu, steps)


def _strategy(text: str) -> Any:
    """Return a strategy by name, with settings such as ``(batch=16)``."""
    name, _, settings = text.rstrip(")").partition("(")
    pairs = (pair.split("=") for pair in settings.split(";") if pair)
    changed = {key.strip(): json.loads(value) for key, value in pairs}
    strategy: Any = search.by_name(name)
    return type(strategy)(**changed) if changed else strategy


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


main()
