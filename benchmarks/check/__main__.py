"""``python -m benchmarks.check``: programs, random healthy set-ups, and a file of cases."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

import luthier
from benchmarks.check.cases import case
from benchmarks.check.healthy import setups
from benchmarks.check.networks import Unbuildable
from benchmarks.check.programs import SETS
from benchmarks.check.scored import programs
from benchmarks.diagnosis.published_cases import watched
from luthier.core import Finding


def main() -> None:
    """Print what was found, and the shares."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=Path, help="cases.json, with auto-mpg.csv beside it")
    parser.add_argument("--only", default="", help="part of a case's name")
    parser.add_argument("--healthy", type=int, default=40, help="random healthy set-ups")
    parser.add_argument("--programs", choices=("no", "check", "watch"), default="watch",
                        help="only check them, or train them watched as well")  # fmt: skip
    sets = range(1, len(SETS) + 1)
    parser.add_argument("--set", type=int, default=1, choices=sets, help="of programs")
    parser.add_argument("--loss", choices=("outputs", "loader", "batch"), default="outputs",
                        help="how programs hand their loss to the check: of outputs and targets, "
                        "or of network and batch, beside a loader or one batch")  # fmt: skip
    parser.add_argument("--seconds", type=float, default=10.0, help="of each check")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.programs != "no" and not arguments.cases:
        programs(arguments.only, arguments.seconds, train=arguments.programs == "watch",
                 number=arguments.set, handed=arguments.loss)  # fmt: skip
    if arguments.cases:
        published(
            arguments.cases, arguments.only, arguments.seconds, train=arguments.programs == "watch"
        )
    alarmed = 0
    for name, how in setups(arguments.healthy):
        found = luthier.check(**how, seconds=arguments.seconds)
        alarmed += not found.healthy
        if not found.healthy:
            _say(f"ALARM {name}: {_said(found.findings)}")
    if arguments.healthy:
        _say(f"random healthy set-ups alarmed: {alarmed} of {arguments.healthy}")


def published(path: Path, only: str, seconds: float, *, train: bool) -> None:
    """Check published cases, and watch those of which nothing was said."""
    harmful = found_any = first_true = warnings = healthy = alarmed = 0
    for row in json.loads(path.read_text()):
        if only not in row["id"]:
            continue
        try:
            one = case(row, path.parent)
        except (Unbuildable, RuntimeError) as error:  # some raise by themselves
            _say(f"--    {row['id']}: not built ({error})")
            continue
        began = time.process_time()
        try:
            found = luthier.check(
                one.model, one.data, loss_fn=one.loss_fn, optimizer=one.optimizer,
                epochs=one.epochs, batch_size=one.batch_size, seconds=seconds,
            )  # fmt: skip
        except luthier.LuthierError as error:
            _say(f"--    {one.name}: it raises ({str(error).splitlines()[0][:80]})")
            continue
        took = time.process_time() - began
        loud = [finding for finding in found.findings if finding.severity != "info"]
        if not loud and train:  # a loop that is watched, where nothing was said before
            found = watched(one)
            loud = [finding for finding in found.findings if finding.severity != "info"]
        named = [({f.problem, *f.consequences} & one.problems) for f in loud]
        if one.healthy:
            healthy, alarmed = healthy + 1, alarmed + bool(loud)
            mark = "ALARM" if loud else "calm "
        elif one.mild:
            mark = "mild "
        else:
            harmful, warnings = harmful + 1, warnings + len(loud)
            found_any, first_true = found_any + any(named), first_true + bool(named and named[0])
            mark = "FIRST" if named and named[0] else "found" if any(named) else "     "
        said = _said(found.findings)
        _say(f"{mark} {one.name} {took:.1f} s wants {sorted(one.problems)}: {said}")
    _say(
        f"harmful: {harmful}, found {found_any} ({found_any / max(harmful, 1):.0%}), first true "
        f"{first_true} ({first_true / max(harmful, 1):.0%}), warnings a case "
        f"{warnings / max(harmful, 1):.2f}; healthy: {healthy}, alarmed {alarmed}"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _said(findings: Sequence[Finding]) -> str:
    parts = [f"{f.problem}({f.severity[0]}{'+' * len(f.consequences)})" for f in findings]
    return ", ".join(parts) or "nothing"


if __name__ == "__main__":
    main()
