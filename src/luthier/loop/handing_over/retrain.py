"""Train a recipe file again, the way its run block says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from luthier.core import Diagnosis, Finding, LuthierError, RecipeError
from luthier.data import SplitPlan
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.handing_over.mismatch import mismatch, with_mismatch
from luthier.loop.handing_over.recipes import load_recipe
from luthier.loop.training.choice import AUTO
from luthier.loop.training.train import Training, train_assembled

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Retrained:
    """A recipe's training, beside what its file reports.

    Args:
        training: It.
        reported: The validation scores of the very same run; empty where this one differs.
        finding: What is wrong where they do not come back.
    """

    training: Training
    reported: Mapping[str, float]
    finding: Finding | None

    @property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with it."""
        return with_mismatch(self.training.diagnosis, self.finding)


def retrain(
    data: Any,
    recipe: str | Path,
    *,
    model: str | None = None,
    seed: int | None = None,
    engine: str = "auto",
    framework: str | None = None,
    options: Mapping[str, str | None] | None = None,
) -> Retrained:
    """Train what a recipe file describes; with its run block the reported score comes back.

    Args:
        data: The data, as for `luthier.tune`.
        recipe: The file.
        model: A builder instead of the recipe's own.
        seed: Instead of the run block's.
        engine: What trains.
        framework: Whose networks a family makes, instead of the run block's.
        options: target, task, metric, weight, group, time, where the run block's do not hold.

    Returns:
        The training, and what the file reports for the very same run.

    Raises:
        LuthierError: for whatever does not fit.
    """
    path = Path(recipe)
    keys = load_recipe(path)
    run = _run_block(keys.get("run") or {})
    given = {name: value for name, value in (options or {}).items() if value is not None}
    used = seed if seed is not None else int(run.get("seed", 0))
    plan = SplitPlan(**run["split"]) if run.get("split") else SplitPlan(seed=used)
    parts = assemble(
        model or builder_of(str(keys.get("network", "mlp")), path.parent),
        data,
        recipe=keys,
        target=given.get("target", run.get("target")),
        task=given.get("task", run.get("task")),
        metric=given.get("metric", run.get("metric")),
        sample_weight=given.get("weight", run.get("weight")),
        group=given.get("group", run.get("group")),
        time=given.get("time", run.get("time")),
        split=plan,
        seed=used,
        framework=framework or run.get("framework"),
    )
    same = used == run.get("seed") and all(run.get(name) == given[name] for name in given)
    for what, then, now in (
        ("the data", run.get("fingerprint"), parts.fingerprint),
        ("the builder", run.get("builder"), parts.build.hash),
    ):
        if then is not None and then != now:
            log.warning(
                "%s differs from what %s was found with (%s, now %s)", what, path, then, now
            )
            same = False
    wanted = _engine(engine, run.get("engine"), parts)
    training = train_assembled(parts, seed=used, epochs=run.get("epochs_trained"), engine=wanted)
    same = same and training.trial.engine == run.get("engine")
    reported = dict(run.get("validation") or {}) if same else {}
    task = parts.arrays.task
    return Retrained(training, reported, mismatch(training.metrics, reported, task.metric, run))


def _engine(asked: str, then: Any, parts: Assembly) -> str:
    """Return what trains: the engine of then, unless another is asked for or it is not here."""
    if asked != AUTO or not isinstance(then, str) or not then:
        return asked
    try:
        parts.trainer(then)
    except LuthierError as error:
        log.warning("trained with another engine than %s, so its score may differ: %s", then, error)
        return AUTO
    return then


def _run_block(run: Any) -> Mapping[str, Any]:
    """Refuse a run block that was written by hand, and wrongly."""
    known = [field.name for field in fields(SplitPlan)]
    split = run.get("split") or {} if isinstance(run, Mapping) else None
    if not isinstance(split, Mapping) or set(split) - set(known):
        raise RecipeError(
            f"run: cannot read {run!r}. luthier writes it beside a recipe, with a split of "
            f"{', '.join(known)}. Leave it out, or copy it whole."
        )
    found: Mapping[str, Any] = run
    return found


def builder_of(network: str, folder: Path) -> str:
    """Return where a recipe's builder lies: as named, or beside the recipe."""
    reference = network.partition("#")[0]
    file, _, function = reference.partition(":")
    beside = folder / Path(file).name
    if file.endswith(".py") and not Path(file).is_file() and beside.is_file():
        return f"{beside}:{function or 'build'}"
    return reference
