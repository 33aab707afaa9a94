"""The course of a study: search with all but the reserve, then confirm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from luthier.core import Proof
from luthier.loop.confirm import STOPPED, Confirmation
from luthier.loop.reserve import for_search
from luthier.loop.work import Work


def search_and_confirm(
    work: Work, launch: Callable[[Work], bool], confirmation: Confirmation
) -> Proof:
    """Search with all but the reserve, then confirm; what that cannot use, the search has."""
    record, store, limits = work.study, work.storage, work.budget
    history = store.history(record.name)
    left = {t.seed for t in history.confirming if t.state in ("waiting", "running")}
    if left and not confirmation.train(
        confirmation.plan(history, len(left))
    ):  # a killed command left them: they come first
        return Proof(reason=STOPPED)
    full = record.space.baseline.epochs
    history = store.history(record.name)
    searching = for_search(
        limits,
        full,
        history,
        work.parts,
        share=confirmation.share,
        reuse=confirmation.rivals is None,
    )
    beyond = history.epochs > searching.epochs or len(history.trials) > searching.trials
    if not beyond and not launch(replace(work, budget=searching)):
        return Proof(reason=STOPPED)
    # A search that was killed in the reserve goes on in it, as it would have undisturbed.
    unused = searching != limits and not confirmation.possible()
    if (beyond or unused) and not launch(work):
        return Proof(reason=STOPPED)
    return confirmation.run()
