"""Elsewhere: what needs PyTorch, done by a worker of the nursery, which has it.

Importing PyTorch takes a second, and leaving a process that has it most of another half. A command
that has a nursery and imports none itself does without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from luthier import engines, executors
from luthier.catalog import losses
from luthier.catalog.spaces import ADAPTIVE
from luthier.core import Baseline, Build, BuilderError, Death, LuthierError, Recipe, Stop
from luthier.data import Dataset, SplitPlan
from luthier.executors import Nursery
from luthier.frameworks import later, loaded
from luthier.frameworks.builders import builder_file
from luthier.loop.assembly import IMAGES, Assembly, assemble, read_data
from luthier.loop.builders import as_build, is_file
from luthier.loop.preparation import Preparation
from luthier.loop.training.choice import AUTO
from luthier.loop.training.known import Known
from luthier.loop.working.work import keep
from luthier.proof import get_ready

_READING = ("target", "task", "sample_weight", "group", "time")
T = TypeVar("T")


def can_be_elsewhere(nursery: Nursery | None) -> bool:
    """Tell whether to do without PyTorch here: a nursery has it, and this process has not.

    A nursery that still imports is waited for.
    """
    if nursery is None or loaded("torch"):
        return False
    while (ready := nursery.ready(1.0)) is None:
        continue
    return ready


def elsewhere(nursery: Nursery, function: Callable[[], T]) -> T:
    """Return what a function returns in a worker process.

    Args:
        nursery: Makes the worker, or has one that rests.
        function: What to call; it can be pickled.

    Raises:
        LuthierError: when the process dies of it; and whatever the function raises.
    """
    (value,) = elsewhere_each(nursery, (function,))
    return value


def elsewhere_each(nursery: Nursery, functions: Sequence[Callable[[], T]]) -> Sequence[T]:
    """Return what functions return in worker processes, one for each of them.

    Args:
        nursery: Makes the workers, or has some that rest.
        functions: As for `elsewhere`.

    Raises:
        LuthierError: when a process dies of it; and whatever a function raises.
    """
    count = len(functions)
    runner = executors.load("processes", count, nursery)
    values: Sequence[T] = runner.launch(_Called(functions), count, bury=_bury)
    return values


@dataclass(frozen=True)
class _Called:
    """Functions as work, one for each worker.

    Args:
        functions: The functions.
    """

    functions: Sequence[Callable[[], Any]]

    def __call__(self, index: int, stop: Stop) -> Any:
        """Call the one of a worker."""
        return self.functions[index]()


class DiedError(LuthierError):
    """A process ended itself, or was ended, before it had returned anything."""


def _bury(death: Death) -> None:
    raise DiedError(
        f"the process that tries the network {death.cause}. Mend what the builder does, or run "
        "without --workers to see more of it."
    )


def assemble_elsewhere(
    nursery: Nursery, build: str | None, data: str | Path, *, engine: str = "auto", **options: Any
) -> Assembly:
    """Do as `luthier.loop.assembly.assemble` does, with data and a builder that are named.

    The builder's file runs, and the network is tried, in a worker that keeps both for its trials.

    Args:
        nursery: Makes the worker.
        build: A family, or ``FILE.py:function``.
        data: Path or name of the data.
        engine: What will train: what its programs share is compiled meanwhile.
        options: As for `assemble`.

    Raises:
        LuthierError: for whatever does not fit.
    """
    if build is not None:  # a mistake in the name is told at once
        builder_file(build) if is_file(build) else as_build(build)
    reading = {name: options[name] for name in _READING}
    dataset = read_data(data, images=build == IMAGES, **reading)
    found = None
    with ThreadPoolExecutor(1) as beside:  # the nursery still imports: a core is free
        beside.submit(engines.prepare, engine, *_likely(dataset, options["recipe"]))
        get_ready()  # to judge
        ready = can_be_elsewhere(nursery)
    if ready:
        try:
            found = elsewhere(nursery, partial(_found, build, dataset, engine, options))
        except DiedError:  # of a step, if not of the network: a trial would tell
            found = elsewhere(nursery, partial(_found, build, dataset, "", options))
    if found is None:
        return assemble(build, dataset, **options)
    preparation = found.preparation
    if preparation is None:
        plan = options["split"] or SplitPlan(seed=options["seed"])
        preparation = Preparation(dataset, plan, options["metric"], options.get("also", ()))
    about = found.about
    parts = Assembly(found.build, preparation, later("torch"), about.recipe, about, found.key)
    if found.known is not None:
        parts.trainer(engine, timed=options["budget"].timed).choice.known = found.known
    return parts


def _likely(dataset: Dataset, recipe: Recipe | Mapping[str, Any] | object) -> tuple[str, str]:
    """Return the optimizer and the loss that a recipe says, or that it gets where it does not."""
    said = recipe.to_json() if isinstance(recipe, Recipe) else recipe
    given = said if isinstance(said, Mapping) else {}
    loss = given.get("loss") or losses.default(dataset.kind, max(len(dataset.classes), 2))
    return str(given.get("optimizer", ADAPTIVE)), str(loss)


@dataclass(frozen=True)
class _Found:
    """Parts that another process has put together, as far as they cross.

    Args:
        build: What makes the networks; its function stays there.
        preparation: The data, where they do not lie as they were read.
        about: What the network says about its training.
        key: What the parts are known by there.
        known: What it has found out about engines, if it has.
    """

    build: Build
    preparation: Preparation | None
    about: Baseline
    key: str
    known: Known | None


def _found(
    build: str | None, dataset: Dataset, engine: str, options: Mapping[str, Any]
) -> _Found | None:
    """Put parts together and keep them; None for networks that are not PyTorch's.

    And choose what trains the baseline's structure, if any engine may: each worker would have to.
    """
    parts = assemble(build, dataset, **options)
    if parts.framework.name != "torch":
        return None
    keep(parts)
    made, moved = parts.build, parts.preparation.dataset is not dataset
    if is_file(made.reference):
        made = made.without_function(partial(_function, made.reference, made.hash))
    known = None
    if engine == AUTO:  # of another one there is nothing to find out
        trainer = parts.trainer(engine, timed=options["budget"].timed)
        trainer.foresee(parts.recipe, options["seed"])
        known = trainer.choice.known
    return _Found(made, parts.preparation if moved else None, parts.about, parts.key, known)


def _function(reference: str, known: str) -> Callable[..., Any]:
    """Run a builder's file here, too.

    Raises:
        BuilderError: when it has changed.
    """
    made = as_build(reference)
    if made.hash != known:
        raise BuilderError(
            f"{reference} has changed since the study began (source {known} then, {made.hash} "
            "now). Change it back, or begin another study."
        )
    return made.function
