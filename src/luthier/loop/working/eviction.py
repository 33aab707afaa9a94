"""Which checkpoints are given up, so that a study's disk use stays bounded."""

from __future__ import annotations

from luthier.core import History

PAUSED = 64  # more than a search comes back to: it resumes the promising ones, best first
FINISHED = 3  # for handing over the winner and its nearest rivals


def evictions(history: History, *, paused: int = PAUSED, finished: int = FINISHED) -> list[int]:
    """Return the trials whose checkpoints go: all but the best paused and finished ones.

    A study holds at most `paused` + `finished` + 1 checkpoints beside those of its workers and the
    twenty at most that confirm (the baseline's is kept), each of the size of weights, best weights,
    averages and moments. A state that would be given up at once is not stored to begin with.

    >>> from luthier.core import Curves, Recipe, Trial
    >>> curves = [Curves(metrics={"val_loss": (loss,)}) for loss in (1.0, 3.0, 2.0)]
    >>> trials = [
    ...     Trial(i, Recipe(), 0, "paused", curves=c, stored=True) for i, c in enumerate(curves)
    ... ]
    >>> evictions(History(tuple(trials)), paused=1)
    [1]
    """
    gone = []
    for state, keep in (("paused", paused), ("finished", finished)):
        # The baseline, trial 0, is compared with the winner in the end.
        held = [t for t in history.searched.trials if t.state == state and t.number and t.stored]
        ranked = sorted(held, key=history.rank)
        gone += [trial.number for trial in ranked[keep:]]
    # What repeats a training on another split is read off its curves alone.
    gone += [t.number for t in history.repeating if t.state == "finished" and t.stored]
    return sorted(gone)
