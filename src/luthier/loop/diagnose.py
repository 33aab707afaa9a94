"""Diagnose: what is wrong with a training that has been run, by whomever."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from luthier.catalog.recipe_keys import read_recipe
from luthier.core import Curves, Diagnosis, Recipe, Run, Task, Trace, Trial
from luthier.data.logs import Log, read_log
from luthier.diagnosis import diagnose_run
from luthier.loop.handing_over.recipes import load_recipe


def diagnose(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    task: Task | None = None,
    recipe: Recipe | Mapping[str, Any] | str | Path | None = None,
) -> Diagnosis:
    """Say what is wrong with a training, with evidence; and nothing where nothing is.

    Args:
        source: A log: CSV, JSON, JSON lines, a Keras history, Lightning's ``metrics.csv``,
            Hugging Face's ``trainer_state.json``, TensorBoard's event files or their folder, a
            dict of lists, a data frame, `Curves`, or what `luthier.train` returned.
        columns: Which column is what, where its name misleads: ours to theirs, such as
            ``{"val_loss": "validation/loss"}``; a name of your own is a metric's.
        task: What was to be learned: it tells the loss of guessing.
        recipe: How it was trained, or a file of it: prescriptions then name exact settings.

    Returns:
        The diagnosis: print it, or read `findings`, `worst`, `healthy`.

    Raises:
        LuthierError: for what holds no curves; its text says what to give instead.

    >>> print(diagnose({"loss": [0.9, 0.5, 0.4], "val_loss": [1.0, 0.7, 0.6]}))
    Nothing wrong found. Looked at 3 epochs: train_loss, val_loss.
    note: read train_loss = loss
    """
    done = getattr(source, "diagnosis", None)
    if isinstance(done, Diagnosis):  # a training or a study of ours
        return done
    known = None if recipe is None else _recipe(recipe)
    if isinstance(source, Trial):
        source, known = source.curves, known or source.recipe
    log = Log(source) if isinstance(source, Curves) else read_log(source, columns)
    run = Run(log.curves, known, task, Trace(facts=log.facts))
    found = diagnose_run(run, notes=(*log.notes, *_penalty(source)))
    return replace(found, notes=(*found.notes, *_asked(run))) if found.findings else found


def _penalty(source: Any) -> tuple[str, ...]:
    """Say what of a Keras history's losses is no loss of the data."""
    model = getattr(source, "model", None)
    if model is None or "keras" not in sys.modules or not hasattr(source, "history"):
        return ()
    from luthier.frameworks.keras.watching_penalty import of_model

    size = of_model(model)
    if not size:
        return ()
    return (
        f"loss and val_loss contain the regularisers' penalty, {size:.3g} at the end; "
        "luthier.KerasWatch() tells them apart",
    )


def _asked(run: Run) -> tuple[str, ...]:
    """Return what would let a log say more."""
    if run.task is not None or not any("acc" in name.lower() for name in run.curves.metrics):
        return ()
    return ("--classes N (or task=) tells what guessing gives, and so how much was learnt",)


def evidence_curves(source: Any, columns: Mapping[str, str] | None = None) -> Curves:
    """Return the curves that `diagnose` reads of a log."""
    return read_log(source, columns).curves


def _recipe(recipe: Recipe | Mapping[str, Any] | str | Path) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    keys = load_recipe(Path(recipe)) if isinstance(recipe, (str, Path)) else recipe
    return read_recipe(keys)[0]
