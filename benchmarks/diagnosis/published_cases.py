"""Published faulty trainings, trained in a plain loop that is watched: what the run rules say.

The file is the one that ``benchmarks.check --cases`` reads; the labels are its sources' own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import torch

import luthier
from benchmarks.check.cases import Case, case
from benchmarks.check.networks import Unbuildable
from luthier.core import Diagnosis
from luthier.diagnosis.causes import EXPLAINS

SECONDS = 30.0  # of work, of one training at most: large networks get few of their epochs
BROKEN = (RuntimeError, ValueError, IndexError, TypeError)  # what a faulty loop raises itself


def watched(one: Case, *, seconds: float = SECONDS) -> Diagnosis:
    """Train a case's loop as it stands, a fifth of the rows held out, with two lines added."""
    torch.manual_seed(0)
    x, y = (torch.as_tensor(part) for part in one.data)
    cut, size = int(0.8 * len(x)), min(one.batch_size, len(x))
    train, val = (x[:cut], y[:cut]), (x[cut:], y[cut:])
    began = time.process_time()
    with luthier.watch(one.model, one.optimizer, one.loss_fn, live=False) as run:
        for _ in range(one.epochs):
            losses = []
            one.model.train()
            for rows in torch.randperm(cut).split(size):
                one.optimizer.zero_grad()
                loss = one.loss_fn(one.model(train[0][rows]), train[1][rows])
                loss.backward()
                one.optimizer.step()
                losses.append(loss.item())
                if time.process_time() - began > seconds:
                    break
            one.model.eval()
            with torch.no_grad():
                checked = one.loss_fn(one.model(val[0]), val[1])
            run.log(train_loss=sum(losses) / len(losses), val_loss=checked)
            if time.process_time() - began > seconds:
                break
    return run.diagnosis


def report(path: Path) -> Iterator[str]:
    """Yield a line a case, and the shares."""
    harmful = told = first = warnings = healthy = alarmed = 0
    for row in json.loads(path.read_text()):
        try:
            one = case(row, path.parent)
            found = watched(one)
        except Unbuildable as error:
            yield f"--    {row['id']}: not built ({error})"
            continue
        except BROKEN as error:
            yield f"--    {row['id']}: its own loop raises ({str(error).splitlines()[0][:80]})"
            continue
        loud = [finding for finding in found.findings if finding.severity != "info"]
        # What a true problem brings about is right too: the loop shows that and not its cause.
        true = one.problems | {name for cause in one.problems for name in EXPLAINS.get(cause, ())}
        right = [bool({f.problem, *f.consequences} & true) for f in loud]
        said = ", ".join(f"{f.problem}({f.severity[0]})" for f in found.findings) or "nothing"
        if one.healthy or one.mild:
            healthy, alarmed = healthy + one.healthy, alarmed + (one.healthy and bool(loud))
            mark = ("ALARM" if loud else "calm ") if one.healthy else "mild "
        else:
            harmful, warnings = harmful + 1, warnings + len(loud)
            told, first = told + any(right), first + bool(right and right[0])
            mark = "FIRST" if right and right[0] else "found" if any(right) else "     "
        yield f"{mark} {one.name} wants {sorted(one.problems)}: {said}"
    yield (
        f"harmful: {harmful}, found {told} ({told / max(harmful, 1):.0%}), first true {first} "
        f"({first / max(harmful, 1):.0%}), warnings a case {warnings / max(harmful, 1):.2f}; "
        f"healthy: {healthy}, alarmed {alarmed}"
    )
