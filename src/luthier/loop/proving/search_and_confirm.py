"""The course of a study: search with all but the reserves, choose, then confirm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from luthier.core import History, Proof
from luthier.loop.proving.confirm import STOPPED, Confirmation
from luthier.loop.proving.repeating import (
    FINALISTS,
    SHARE,
    Repeating,
    affordable_splits,
    splits_again,
)
from luthier.loop.proving.reserve import for_search
from luthier.loop.working.budget import Budget
from luthier.loop.working.work import Work


def search_and_confirm(
    work: Work, launch: Callable[[Work], bool], confirmation: Confirmation
) -> Proof:
    """Search with all but the reserves, choose among finalists, confirm.

    What is reserved to confirm and cannot be used, the search has.
    """
    limits, full = work.budget, work.study.space.baseline.epochs
    history = confirmation.history()
    left = {t.seed for t in history.confirming if t.state in ("waiting", "running")}
    if left and not confirmation.train(
        confirmation.plan(history, len(left))
    ):  # a killed command left them: they come first
        return Proof(reason=STOPPED)
    history = confirmation.history()
    kept = for_search(
        limits,
        full,
        history,
        work.parts,
        share=confirmation.share,
        reuse=confirmation.rivals is None,
    )
    # A question's values are compared by points of their own, which further splits cannot replace.
    splits = splits_again(limits, full, work.parts) if confirmation.rivals is None else 0
    searching = without_repeats(kept, splits, full, history)
    beyond = history.epochs > searching.epochs or len(history.trials) > searching.trials
    if not beyond and not launch(replace(work, budget=searching)):
        return Proof(reason=STOPPED)
    if splits:
        splits = affordable_splits(kept, splits, confirmation.history())
        # Where time turns out to be too short for repeats, the search has what is left of it.
        plan = Repeating(splits) if splits else None
        if not launch(replace(work, budget=kept, plan=plan)):
            return Proof(reason=STOPPED)
    # A search that was killed in the reserve goes on in it, as it would have undisturbed. What is
    # found after the choice is on no further split, and could not be chosen.
    unused = kept != limits and not confirmation.possible()
    if (beyond or unused) and not splits and not launch(work):
        return Proof(reason=STOPPED)
    return confirmation.run()


def without_repeats(budget: Budget, splits: int, full: int, history: History) -> Budget:
    """Return what is left for the search; what has repeated already is part of the reserve.

    Args:
        budget: All but what confirms.
        splits: On how many further splits finalists are to be trained.
        full: Epochs of a full training.
        history: Of the study so far.
    """
    if not splits:
        return budget
    spent = history.repeating
    epochs = sum(trial.epochs for trial in spent)
    seconds = sum(sum(trial.curves.seconds) for trial in spent)
    trainings = FINALISTS * splits
    return replace(
        budget,
        epochs=min(budget.epochs - trainings * full + epochs, budget.epochs),
        trials=min(budget.trials - trainings + len(spent), budget.trials),
        seconds=min((1 - SHARE) * budget.seconds + seconds, budget.seconds),
    )
