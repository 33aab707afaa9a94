"""One case, run in a process that lives for a few: what it compiled goes with it."""

from __future__ import annotations

import os
import time
import traceback
import warnings
from pathlib import Path
from typing import Any


def run_case(job: tuple[str, str, Any, str, float, bool, float]) -> dict[str, Any] | None:
    """Run one case; return None where it is too late to begin.

    Args:
        job: Its kind, its name, what it is made of, what trains, seconds of the check, whether
            random search gets the epochs of proving as well, and the time at which none begins
            any more.
    """
    kind, name, what, engine, seconds, both, deadline = job
    if time.time() > deadline:
        return None
    os.environ["OMP_NUM_THREADS"] = "1"
    warnings.simplefilter("ignore")
    import torch

    from benchmarks.check.networks import Unbuildable
    from benchmarks.repair.arms import compared
    from benchmarks.repair.injected import healthy, injected
    from benchmarks.repair.published import published

    torch.set_num_threads(1)
    try:
        if kind == "published":
            one = published(what[0], Path(what[1]))
        else:
            make = injected if kind == "injected" else healthy
            one = make(*what)
        row = compared(one, engine=engine, seconds=seconds, both=both)
    except Unbuildable as error:
        return {"name": name, "kind": kind, "unbuilt": str(error)}
    except Exception as error:
        last = traceback.format_exc().splitlines()[-4:]
        return {"name": name, "kind": kind, "unbuilt": f"{type(error).__name__}: {error} {last}"}
    return {**row, "title": row["name"], "name": name, "kind": kind}
