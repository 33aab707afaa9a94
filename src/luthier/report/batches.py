"""Batch sizes as text and as JSON."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from luthier.catalog.recipe_keys import write_recipe
from luthier.core import BatchSizes
from luthier.report.text import number


def batches_text(found: BatchSizes) -> str:
    """Return the table of sizes, and which one to take."""
    sign = -1.0 if found.direction == "maximize" else 1.0
    lines = [f"batch_size {found.chosen}: {found.reason}", ""]
    lines.append(
        f"{'size':>6} {'updates':>8} {'steps/s':>9} {'rows/s':>9}  rate      {found.metric}"
    )
    for one in found.sizes:
        score = ""
        if one.learning_rate is not None and one.loss is not None:
            spread = "" if one.spread is None else f" ± {number(one.spread)}"
            score = f"{one.learning_rate:<8.2g}  {number(sign * one.loss)}{spread}"
        mark = "*" if one.size == found.chosen else " "
        line = f"{mark}{one.size:>5} {one.updates:>8} {one.steps:>9.0f} {one.rows:>9.0f}  {score}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def batches_next(found: BatchSizes, data: str, file: Path | None) -> str:
    """Return what to type next: a changed size makes more than the rate stale.

    >>> found = BatchSizes("rmse", "minimize", 64, "", ())
    >>> print(batches_next(found, "a.csv", Path("batch.yaml")))
    <BLANKLINE>
    next      luthier tune a.csv --recipe batch.yaml --space nuisance --study a-batch64
              tunes rate, momentum and regularisers for batches of 64
    """
    name = "batch.yaml" if file is None else shlex.quote(str(file))
    study = shlex.quote(f"{Path(data).stem}-batch{found.chosen}")
    command = f"luthier tune {shlex.quote(data)} --recipe {name} --space nuisance --study {study}"
    what = f"tunes rate, momentum and regularisers for batches of {found.chosen}"
    if file is None:
        what += "; --out batch.yaml writes the recipe"
    return f"\nnext      {command}\n          {what}"


def batches_json(found: BatchSizes) -> dict[str, Any]:
    """Return the sizes as plain data: what ``luthier batch --json`` prints."""
    sign = -1.0 if found.direction == "maximize" else 1.0
    return {
        "metric": found.metric,
        "direction": found.direction,
        "batch_size": found.chosen,
        "reason": found.reason,
        "recipe": write_recipe(found.recipe),
        "sizes": [
            {
                "batch_size": one.size,
                "updates_an_epoch": one.updates,
                "steps_a_second": one.steps,
                "rows_a_second": one.rows,
                "enough_updates": one.allowed,
                "learning_rate": one.learning_rate,
                "validation_score": None if one.loss is None else sign * one.loss,
                "between_seeds": one.spread,
            }
            for one in found.sizes
        ],
    }
