"""Join: one more worker on a study that another command began."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from luthier import search
from luthier.core import (
    History,
    LuthierError,
    StudyMismatchError,
    StudyRecord,
    nothing,
)
from luthier.data import SplitPlan
from luthier.loop.assembly import Assembly, assemble
from luthier.loop.builders import as_build
from luthier.loop.limits import Limits
from luthier.loop.planning.next_length import earlier_trials
from luthier.loop.proving.repeating import splits_again
from luthier.loop.proving.reserve import for_search
from luthier.loop.proving.search_and_confirm import without_repeats
from luthier.loop.working.budget import Budget, looked
from luthier.loop.working.interrupt import interruptible
from luthier.loop.working.pack_worker import worker_for
from luthier.report.share import Share
from luthier.storage import connect


def join(study: str, storage: str, *, notify: Callable[[History], None] = nothing) -> Share:
    """Work on a study until its budget is spent: that of the command that tunes it.

    Data and builder are read again from where that command had them, and must be unchanged.
    Ctrl-C once ends after the epoch, twice at once.

    Args:
        study: Its name.
        storage: Where it is kept; a file of this machine.
        notify: Called with the history as it grows.

    Returns:
        What this worker did, and how the study stands.

    Raises:
        LuthierError: for a study that is not there, or whose data or builder cannot be had here.
    """
    store = connect(storage, create=False)
    record = store.record(study)
    total = Budget.from_json(_known(record)["budget"]).without(looked(record.about))
    parts = _assembled(record)
    full, history = record.space.baseline.epochs, store.history(study)
    kept = for_search(total, full, history, parts)
    budget = without_repeats(kept, splits_again(total, full, parts), full, history)
    limits = Limits.of(record)
    earlier = earlier_trials(record, store)
    strategy = search.for_goals(record.about["strategy"], limits.goals, limits.bounds, earlier)
    trainer = parts.trainer(record.about["engine"], timed=budget.timed, limits=limits)
    with interruptible() as stop:
        worker = worker_for(trainer.choice.packs)(
            record, store, strategy, budget, trainer, stop, notify
        )
        worker.run()
    return Share(study, storage, worker.trained, store.history(study))


def _known(record: StudyRecord) -> Mapping[str, Any]:
    """Return what a record says about its problem, if that is enough to work on it.

    Raises:
        LuthierError: for what lives in a program alone, and for records of an older luthier.
    """
    about, name = record.about, record.name
    if about.get("task") == "objective":
        what = "tunes an objective, a function of the program that began it"
    elif "budget" not in about:
        raise LuthierError(
            f"study '{name}' does not say how its data was given: an older luthier began it. "
            "Run its `luthier tune` command once more, and join it then."
        )
    elif not about["data"]:
        what = "learns from Python objects of the program that began it"
    elif not about["builder"]:
        what = f"trains networks of {about['model']}, a function of the program that began it"
    else:
        return about
    raise LuthierError(
        f"study '{name}' {what}, so no other program can work on it. A worker needs data in a "
        "file and a family or FILE.py:function. For more workers, in that program: "
        "luthier.tune(..., workers=2)"
    )


def _assembled(record: StudyRecord) -> Assembly:
    """Return the parts of a study, read again.

    Raises:
        StudyMismatchError: when data or builder are not what they were.
    """
    about = record.about
    # Recipes name the builder as the first command did, wherever this one runs.
    build = replace(as_build(about["builder"]), reference=about["model"])
    parts = assemble(
        build,
        about["data"],
        recipe=record.space.baseline,
        target=about["target"],
        task=about["task"],
        metric=record.metric,
        also=Limits.of(record).metrics,
        sample_weight=about["weight"],
        group=about["group"],
        time=about["time"],
        split=SplitPlan(**about["split"]),
        seed=record.seed,
        framework=about.get("framework"),
    )
    found = replace(record, data=parts.fingerprint, builder=parts.build.hash)
    if differences := record.differences(found):
        raise StudyMismatchError(record.name, differences)
    return parts
